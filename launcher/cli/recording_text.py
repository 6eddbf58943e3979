"""One recorded exchange on a terminal."""

import json
from datetime import datetime
from typing import TYPE_CHECKING

from rich.text import Text

if TYPE_CHECKING:
    from rich.console import Console

    from korproxy_addons.recording.record import RecordedAttempt, RecordedMessage, Recording

MOST_LINES = 40
MOST_IN_A_LINE = 400


def print_recording(console: "Console", recording: "Recording", *, full: bool) -> None:
    """
    Print it.

    Args:
        console: Where to.
        recording: The exchange.
        full: Bodies to their ends.
    """
    at = datetime.fromtimestamp(recording.started_at).astimezone()
    facts = [
        f"{at:%Y-%m-%d %H:%M:%S}",
        recording.tool,
        f"profile {recording.profile}" if recording.profile else "",
        f"{recording.total_ms:.0f} ms",
        recording.code or recording.outcome,
    ]
    console.print(Text(recording.id, "bold"))
    console.print(Text(visible(f"request id  {recording.request_id}")), soft_wrap=True)
    console.print(Text(visible(" · ".join(it for it in facts if it))), soft_wrap=True)
    if recording.why:
        console.print(Text(visible(f"why         {', '.join(recording.why)}")), soft_wrap=True)
    for loss in recording.losses:
        console.print(Text(visible(f"lost        {loss}")), soft_wrap=True)
    over = " (a message on a WebSocket)" if recording.over_socket else ""
    _message(console, f"The client's request{over}", recording.request, full=full)
    for attempt in recording.attempts:
        _attempt(console, attempt, full=full)
    if recording.reply is None:
        _head(console, "The client was given no reply")
    else:
        _message(console, "What the client was given", recording.reply, full=full)


def _attempt(console: "Console", attempt: "RecordedAttempt", *, full: bool) -> None:
    who = f"{attempt.label} ({attempt.provider}/{attempt.model})"
    if attempt.request is None:
        _head(console, f"Attempt {attempt.number}: {who} was not asked", attempt.code)
        return
    _message(console, f"Attempt {attempt.number}: sent on to {who}", attempt.request, full=full)
    if attempt.reply is None:
        _head(console, f"Attempt {attempt.number}: no reply", attempt.code)
        return
    took = "" if attempt.ended_ms is None else f" after {attempt.ended_ms:.0f} ms"
    name = f"Attempt {attempt.number}: replied{took}"
    _message(console, name, attempt.reply, code=attempt.code, full=full)


def _head(console: "Console", name: str, code: str = "") -> None:
    console.print()
    shown = visible(f"  {code}" if code else "")
    console.print(Text.assemble((visible(name), "bold cyan"), (shown, "red")))


def _message(
    console: "Console", name: str, message: "RecordedMessage", *, full: bool, code: str = ""
) -> None:
    _head(console, name, code)
    line = f"{message.method} {message.url}" if message.status is None else f"HTTP {message.status}"
    console.print(Text(visible(line)), soft_wrap=True)
    for header, value in message.headers:
        line = visible(value)
        console.print(Text.assemble((visible(f"{header}: "), "dim"), line), soft_wrap=True)
    _body(console, message, full=full)


def _body(console: "Console", message: "RecordedMessage", *, full: bool) -> None:
    shape = message.shape
    if message.body is None:
        if shape is not None and shape.kind != "empty":
            events = f", {shape.events} events" if shape.events else ""
            like = f"[{shape.kind}, {shape.bytes} bytes{events}, sha256:{shape.sha256_8 or '?'}]"
            console.print(Text(like, "dim"), soft_wrap=True)
            if shape.skeleton is not None:
                _lines(console, _pretty(shape.skeleton), full=full)
        if message.note:
            console.print(Text(f"[{message.note}]", "dim"), soft_wrap=True)
        return
    console.print()
    _lines(console, _readable(message.body), full=full)
    about = [message.note] if message.note else []
    about += [f"{message.cut_bytes} bytes more"] if message.cut_bytes else []
    about += [] if message.ended else ["it broke off"]
    about += [f"{message.masked} taken out"] if message.masked else []
    if about:
        console.print(Text(f"[{'; '.join(about)}]", "dim"), soft_wrap=True)


def _readable(body: str) -> str:
    try:
        return _pretty(json.loads(body))
    except ValueError:
        return body


def _pretty(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _lines(console: "Console", text: str, *, full: bool) -> None:
    lines = text.splitlines()
    for line in lines if full else lines[:MOST_LINES]:
        whole = full or len(line) <= MOST_IN_A_LINE
        shown = line if whole else f"{line[:MOST_IN_A_LINE]}… ({len(line)} letters)"
        console.print(Text(visible(shown)), soft_wrap=True)
    if not full and len(lines) > MOST_LINES:
        console.print(Text(f"… {len(lines) - MOST_LINES} lines more: --full", "dim"))


def visible(line: str) -> str:
    """A line of whatever somebody has sent, without what would steer the terminal."""
    return "".join(it if it.isprintable() or it == "\t" else "\ufffd" for it in line)
