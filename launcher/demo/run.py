"""The demo itself: simulator, gateway, one streamed question per dialect and way in, a table, and an address to try."""

import json
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from rich import box
from rich.console import Console
from rich.live import Live
from rich.table import Table

from launcher.demo.clients import Ask, clients
from launcher.demo.gateway_process import DemoGateway, GatewayFailed
from launcher.demo.settings import DemoAccount, demo_accounts, write_settings
from launcher.simulator import SimulatorThread
from launcher.supervisor.port_holder import port_holder

DIALECTS = ("openai-chat", "openai-responses", "anthropic-messages", "gemini")
_DETAIL_CHARACTERS = 300
WIDE_CHARACTERS = 110


@dataclass(frozen=True, slots=True)
class Row:
    """One question and its outcome."""

    dialect: str
    provider: str
    access: str
    model: str
    via: str
    first_byte_ms: float | None
    total_ms: float | None
    input_tokens: int
    output_tokens: int
    ok: bool
    detail: str


def run_demo(*, once: bool, as_json: bool, port: int = 1337) -> int:
    """
    Run the demo.

    Args:
        once: Ask, show, and end; else stay up until interrupted.
        as_json: Print one JSON object instead of a table.
        port: Port of the gateway; with `once` any free one is taken.
    Returns:
        0 if every question was answered, else 1.
    """
    console = Console(stderr=as_json)
    if not console.is_terminal:
        console = Console(stderr=as_json, width=WIDE_CHARACTERS)  # a file has no edge to fit
    with ExitStack() as stack:
        stack.enter_context(_told_to_end_as_by_ctrl_c())
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="korproxy-demo-")))
        simulator = stack.enter_context(SimulatorThread())
        ways = simulator.urls()
        write_settings(home, ways)
        try:
            gateway = stack.enter_context(DemoGateway(home, 0 if once else port))
        except GatewayFailed as failed:
            holder = None if once else port_holder(port)
            why = f"Port {port} is taken by {holder}; --port 0 takes a free one."
            console.print("The gateway did not start.", style="red")
            console.print(why if holder else str(failed), highlight=False, markup=False)
            return 1
        accounts = tuple(it for it in demo_accounts(ways) if it.serves_any_tool)
        rows = list(_shown(console, _ask_all(gateway.url, accounts), as_json=as_json))
        passed = all(row.ok for row in rows)
        if as_json:
            result = {"ok": passed, "url": gateway.url, "rows": [asdict(row) for row in rows]}
            print(json.dumps(result, indent=2))  # noqa: T201 - the command's output
        else:
            answered = sum(row.ok for row in rows)
            asked = ", ".join(dict.fromkeys(row.via for row in rows if row.via))
            console.print(
                f"{answered} of {len(rows)} questions answered by simulated providers; "
                f"asked with {asked or 'nothing that works'}.",
                highlight=False,
            )
        if not once:
            _stay(console, gateway.url, accounts)
        return 0 if passed else 1


@contextmanager
def _told_to_end_as_by_ctrl_c() -> Iterator[None]:
    """Have SIGTERM, and the end of the terminal, end the demo in order: nothing of it may be left running."""
    names = ("SIGTERM", "SIGHUP")  # the second is POSIX's
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    # `nohup` wants it to outlive its terminal.
    numbers = [it for it in numbers if signal.getsignal(it) is not signal.SIG_IGN]
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread hears signals
        return

    def interrupt(*_: object) -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)  # it ends; a second word must not end that
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ask_all(url: str, accounts: tuple[DemoAccount, ...]) -> Iterator[Row]:
    asks = clients(url)
    for dialect in DIALECTS:
        for account in accounts:
            yield _ask(dialect, asks[dialect], account)


def _ask(dialect: str, ask: Ask, account: DemoAccount) -> Row:
    row = Row(
        dialect, account.provider, account.access, account.model, "", None, None, 0, 0, False, ""
    )
    values = asdict(row)
    try:
        answer = ask(account.pinned_model)
    except Exception as error:  # noqa: BLE001 - every SDK has its own family; any of them is a failed row
        detail = " ".join(str(error).split())[:_DETAIL_CHARACTERS]
        return Row(**{**values, "detail": detail or type(error).__name__})
    values.update(
        via=answer.via,
        first_byte_ms=answer.first_byte_ms,
        total_ms=answer.total_ms,
        input_tokens=answer.input_tokens,
        output_tokens=answer.output_tokens,
        ok=bool(answer.text),
        detail="" if answer.text else "the answer was empty",
    )
    return Row(**values)


def _shown(console: Console, rows: Iterator[Row], *, as_json: bool) -> Iterator[Row]:
    """Pass rows on, showing each as it comes."""
    if as_json:
        yield from rows
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True, title_justify="left")
    table.title = "Every dialect to every way in, streamed through KorProxy"
    for name, width in (("dialect", 18), ("provider", 19), ("model", 13)):
        table.add_column(name, no_wrap=True, min_width=width)
    # What is measured keeps its place on a narrow terminal; names give way.
    for name, width in (("first\nbyte ms", 7), ("total\nms", 6), ("tokens\nin/out", 7)):
        table.add_column(name, justify="right", no_wrap=True, min_width=width)
    table.add_column("ok", no_wrap=True, min_width=2)
    last = ""
    failed: list[Row] = []
    with Live(table, console=console, refresh_per_second=8, vertical_overflow="visible"):
        for row in rows:
            if last and row.dialect != last:
                table.add_section()
            table.add_row(*_cells(row, named=row.dialect != last))
            last = row.dialect
            if not row.ok:
                failed.append(row)
            yield row
    if not console.is_terminal:
        console.print()  # into a file, rich leaves the table's last line open
    for row in failed:
        where = f"{row.dialect} → {row.provider} · {row.access}"
        console.print(f"✗ {where}: {row.detail}", highlight=False, markup=False, style="red")


def _cells(row: Row, *, named: bool) -> tuple[str, ...]:
    return (
        row.dialect if named else "",
        f"{row.provider} · {row.access}",
        row.model,
        "" if row.first_byte_ms is None else f"{row.first_byte_ms:.1f}",
        "" if row.total_ms is None else f"{row.total_ms:.1f}",
        f"{row.input_tokens}/{row.output_tokens}" if row.ok else "",
        "[green]✓[/green]" if row.ok else "[red]✗[/red]",
    )


def _stay(console: Console, url: str, accounts: tuple[DemoAccount, ...]) -> None:
    """Tell how to point a tool here, and wait to be interrupted."""
    models = {account.provider: account.model for account in accounts}
    lines = (
        "[bold]The gateway stays up; paste one of these to try it with a tool of yours:[/bold]",
        "",
        "  [bold]Claude Code[/bold]",
        f"    ANTHROPIC_BASE_URL={url} ANTHROPIC_AUTH_TOKEN=korproxy claude --model {models['claude']}",
        "  [bold]Codex CLI[/bold]",
        f"    KORPROXY_KEY=korproxy codex -m {models['codex']} -c model_provider=korproxy \\",
        f'      -c model_providers.korproxy.name=KorProxy -c model_providers.korproxy.base_url="{url}/v1" \\',
        "      -c model_providers.korproxy.env_key=KORPROXY_KEY -c model_providers.korproxy.wire_api=responses",
        "  [bold]Gemini CLI[/bold]",
        f"    GOOGLE_GEMINI_BASE_URL={url} GEMINI_API_KEY=korproxy gemini -m {models['gemini']}",
        "  [bold]curl[/bold]",
        f"    curl -N {url}/v1/chat/completions -H 'content-type: application/json' \\",
        f'      -d \'{{"model":"{models["qwen"]}","stream":true,"messages":[{{"role":"user","content":"hi"}}]}}\'',
        "",
        "The answers come from simulated providers: nothing leaves this machine. Ctrl-C ends the demo.",
    )
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True)
    interrupted = False
    while not interrupted:
        interrupted = _wait_for_interrupt()


def _wait_for_interrupt() -> bool:
    try:
        # With a timeout, so that Ctrl-C is noticed on Windows too.
        threading.Event().wait(1.0)
    except KeyboardInterrupt:
        return True
    return False
