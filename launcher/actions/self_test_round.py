"""
A full round: simulated providers, a gateway of its own, one streamed question per dialect and way in.

Nothing of it leaves the machine, and nothing of the user's is used.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from launcher.actions.checks import Check
from launcher.demo.clients import Ask, plain_client
from launcher.demo.gateway_process import DemoGateway, GatewayFailed
from launcher.demo.settings import DemoAccount, demo_accounts, write_settings
from launcher.simulator import SimulatorThread

DIALECTS = ("openai-chat", "openai-responses", "anthropic-messages", "gemini")
START = "gateway start"
_MOST_CHARACTERS = 300

type Clients = Callable[[str, str], Ask]
"""Root URL and dialect to a client."""


def full_round(clients: Clients = plain_client) -> Iterator[Check]:
    """
    Whether a gateway starts here, and every dialect reaches every simulated provider through it.

    Args:
        clients: How it is asked; plain HTTP by default.
    """
    with (
        tempfile.TemporaryDirectory(prefix="korproxy-self-test-") as folder,
        SimulatorThread() as simulator,
    ):
        home = Path(folder)
        ways = simulator.urls()
        write_settings(home, ways)
        began = time.monotonic()
        try:
            gateway = DemoGateway(home, 0).__enter__()
        except (GatewayFailed, OSError) as error:
            yield _not_started(error)
            return
        try:
            started_s = time.monotonic() - began
            yield Check(name=START, result="ok", detail=f"ready after {started_s:.1f} s")
            accounts = tuple(it for it in demo_accounts(ways) if it.serves_any_tool)
            for dialect in DIALECTS:
                yield _asked(dialect, clients(gateway.url, dialect), accounts)
        finally:
            gateway.__exit__(None, None, None)


def _not_started(error: Exception) -> Check:
    said = " ".join(str(error).split())
    return Check(
        name=START,
        result="fail",
        detail=said[-_MOST_CHARACTERS:] or type(error).__name__,
        remedy=(
            "Is a security program in the way of new programs or of ports on 127.0.0.1?",
            "If not, KorProxy's files are not whole: install it again.",
        ),
    )


def _asked(dialect: str, ask: Ask, accounts: tuple[DemoAccount, ...]) -> Check:
    name = f"ask {dialect}"
    seen: list[str] = []
    failed: list[str] = []
    for account in accounts:
        try:
            answer = ask(account.pinned_model)
        except Exception as error:  # noqa: BLE001 - whatever a client meets is a failed question
            said = " ".join(str(error).split())[:_MOST_CHARACTERS] or type(error).__name__
            failed.append(f"{account.id}: {said}")
            seen.append(f"✕ {failed[-1]}")
            continue
        if not answer.text or not answer.output_tokens:
            failed.append(f"{account.id}: the answer was empty or told no usage")
            seen.append(f"✕ {failed[-1]}")
            continue
        seen.append(f"✓ {account.id}: {answer.total_ms:.0f} ms")
    if failed:
        return Check(
            name=name,
            result="fail",
            detail=f"{len(failed)} of {len(accounts)} simulated providers failed; {failed[0]}",
            remedy=(
                "This is a fault of KorProxy or of its files: install it again.",
                "If it stays: korproxy debug-bundle, and report it.",
            ),
            seen=tuple(seen),
        )
    detail = f"{len(accounts)} of {len(accounts)} simulated providers answered"
    return Check(name=name, result="ok", detail=detail, seen=tuple(seen))
