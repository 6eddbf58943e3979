"""
Gateway halves in processes of their own, all on one KorProxy folder: a program for tests of the token broker.

One process imports everything and forks the others, which costs nothing; each runs real legs (broker, pool of connections,
attempts) for as many clients as it is told to, all at once, and reports what the clients got. Started by `run_workers`.
"""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LOGIN = "claude"
KEY = bytes(range(32))
CLAUDE_CODE = "claude-cli/2.1.0 (external, cli)"


@dataclass(frozen=True)
class Work:
    """
    What the processes shall do.

    Args:
        home: The KorProxy folder, config and vault written.
        model: To ask for.
        processes: How many.
        requests: In each of them, all at once.
        kill_at: Step of a renewal at which the process ends itself with SIGKILL; "": none.
    """

    home: str
    model: str
    processes: int = 1
    requests: int = 1
    kill_at: str = ""


def run_workers(work: Work, timeout_s: float = 120.0) -> list[dict[str, Any]]:
    """What each process reports: statuses and error codes of its clients; nothing of one that was killed."""
    process = start_workers(work)
    out, errors = process.communicate(timeout=timeout_s)
    assert process.returncode in (0, -signal.SIGKILL), errors
    assert "internal error" not in errors, errors
    return [json.loads(line) for line in out.splitlines()]


def start_workers(work: Work) -> subprocess.Popen[str]:
    """The first process; its stdout brings one JSON line for each of them."""
    paths = os.pathsep.join([str(Path(__file__).parents[2]), str(Path(__file__).parents[1])])
    return subprocess.Popen(
        [sys.executable, __file__, json.dumps(work.__dict__)],
        env={**os.environ, "PYTHONPATH": paths},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def write_folder(home: Path, way: Mapping[str, str], access_token: str, *, life_s: float) -> None:
    """
    A folder with one account, whose login lies in the vault.

    Args:
        home: Is made.
        way: The simulator's words for the access.
        access_token: One of the simulator's; its refresh token has the same ending.
        life_s: Seconds that it is believed to live from now on; negative: it has ended.
    """
    from pydantic import SecretStr

    from korproxy_addons.auth.tokens import TokenSet

    account = {
        "id": "plan",
        "provider": "claude",
        "access": "subscription",
        "secret": f"vault:{LOGIN}",
        "consent": True,
        "base_url": way["base"],
        "urls": {"token": way["token"], "quota": way["quota"], "profile": ""},
    }
    urls = account["urls"]
    assert isinstance(urls, dict)
    account["urls"] = {name: url for name, url in urls.items() if url}
    config = {"version": 1, "providers": {"claude": {"local": True}}, "accounts": [account]}
    home.mkdir(mode=0o700, exist_ok=True)
    (home / "config.yaml").write_text(json.dumps(config))
    (home / "config.yaml").chmod(0o600)
    now = time.time()
    tokens = TokenSet(
        access_token=SecretStr(access_token),
        refresh_token=SecretStr(access_token.replace("oat01", "ort01")),
        obtained_at=now - 28_800 + life_s,
        expires_at=now + life_s,
        facts={"email": "a@example.com"},
    )
    vault_of(home).save(LOGIN, tokens)


def vault_of(home: Path) -> Any:
    """The folder's vault."""
    from korproxy_addons.io.vault import Vault
    from korproxy_addons.io.vault_key import KeyKind, VaultKey

    return Vault(home, VaultKey(KEY, KeyKind.FILE))


def stored(home: Path) -> str:
    """The access token that lies in the vault."""
    return str(vault_of(home).load(LOGIN).access_token.get_secret_value())


async def _serve(work: Work) -> dict[str, Any]:
    from korproxy_addons.config.store import ConfigStore
    from korproxy_addons.gateway.wire import Wire
    from korproxy_addons.io.address_guard import AddressGuard
    from korproxy_addons.io.broker import Broker, Clockwork
    from korproxy_addons.io.secret_store import SecretStore
    from korproxy_addons.io.token_endpoint import TokenEndpoint
    from korproxy_addons.io.upstream import UpstreamClient
    from korproxy_addons.io.vault_key import KeyKind, VaultKey
    from korproxy_addons.io.vault_opening import VaultDoor
    from support.asking import question
    from support.legs import Rig, exchange_for

    home = Path(work.home)
    config = ConfigStore(home).load()
    client = UpstreamClient(AddressGuard())
    door = VaultDoor(home, VaultKey(KEY, KeyKind.FILE), lambda _: None)
    store = SecretStore(home, lambda _: None, door=door)

    def fault(step: str) -> None:
        if step == work.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    broker = Broker(
        store,
        store.vault,
        lambda way: TokenEndpoint(way, client, store),
        Clockwork(chance=random.Random().random),
        fault,
    )
    rig = Rig(config, client, home, Wire(client, store, broker=broker))
    rig.hangs_after_s = (
        None  # many processes at once are slow, and `run_workers` does not wait for ever
    )
    exchanges = [
        exchange_for(config, question("anthropic-messages", work.model), tool=CLAUDE_CODE)
        for _ in range(work.requests)
    ]
    sinks = await asyncio.gather(*(rig.serve(it) for it in exchanges))
    health = {
        f"{account}:{model}": [it.state.value, it.code, it.reason]
        for (account, model), it in rig.pool.snapshot().items()
    }
    codes = [it.error.spec.code if it.error else "" for it in exchanges]
    said = [it.headers.get("x-korproxy-error", "") for it in sinks]
    await broker.close()
    await client.close()
    return {
        "statuses": [it.status for it in sinks],
        "codes": [a or b for a, b in zip(codes, said, strict=True)],
        "bodies": [it.body.decode()[:500] for it in sinks if it.status != 200],
        "health": health,
    }


def _child(work: Work, go: int) -> None:
    os.read(go, 1)  # ends when the first process has forked them all
    line = json.dumps(asyncio.run(_serve(work))) + "\n"
    os.write(1, line.encode())


def main() -> None:
    """Fork, let all begin at the same moment, wait."""
    work = Work(**json.loads(sys.argv[1]))
    import support.legs  # noqa: F401 - the children shall have it all

    go, gate = os.pipe()
    children = []
    for _ in range(work.processes):
        child = os.fork()
        if child == 0:
            os.close(gate)
            _child(work, go)
            os._exit(0)
        children.append(child)
    os.close(gate)
    worst = 0
    for child in children:
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        worst = code if code != 0 else worst
    if worst == -signal.SIGKILL:
        os.kill(os.getpid(), signal.SIGKILL)
    sys.exit(worst)


if __name__ == "__main__":
    main()
