from io import StringIO
from typing import Any

import pytest
from msgspec import structs
from rich.console import Console

from korproxy_addons.recording.record import BodyShape, RecordedMessage, Recording
from launcher.cli.recording_text import MOST_LINES, print_recording
from support.recordings import recording


def shown(made: Recording, *, full: bool = False, width: int = 80) -> str:
    file = StringIO()
    print_recording(Console(file=file, width=width, highlight=False), made, full=full)
    return file.getvalue()


def asking(**fields: Any) -> Recording:
    made = recording()
    return structs.replace(made, request=structs.replace(made.request, **fields))


def test_an_exchange_is_told_in_its_order() -> None:
    text = shown(recording(losses=("seed: not offered",), profile="work"))
    parts = [
        "request id  request-1", "claude-code · profile work · 91 ms · ok", "why         first candidate, failover",
        "lost        seed: not offered", "The client's request\nPOST http://127.0.0.1:1337/v1/messages?beta=true",
        "anthropic-version: 2023-06-01", '"content": "Say it"', "Attempt 1: sent on to First (codex/gpt-6)",
        "Attempt 1: replied after 21 ms  KP-PROV-103\nHTTP 503", "Attempt 2: sent on to Second", "HTTP 200",
        "What the client was given\nHTTP 200", "event: message_start",
    ]  # fmt: skip
    places = [text.find(it) for it in parts]
    assert -1 not in places
    assert places == sorted(places)


def test_what_is_not_there_is_said() -> None:
    made = recording(over_socket=True, reply=None, tool="", why=())
    first = structs.replace(made.attempts[0], request=None)
    second = structs.replace(made.attempts[1], reply=None, code="KP-NET-305")
    third = structs.replace(made.attempts[1], number=3, ended_ms=None)
    text = shown(structs.replace(made, attempts=(first, second, third)))
    assert "The client's request (a message on a WebSocket)" in text
    assert "Attempt 1: First (codex/gpt-6) was not asked  KP-PROV-103" in text
    assert "Attempt 2: no reply  KP-NET-305" in text
    assert "Attempt 3: replied\n" in text
    assert text.endswith("The client was given no reply\n")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"body": None, "note": "recorded without content",
             "shape": BodyShape(kind="json", bytes=12, sha256_8="0badf00d", skeleton={"model": "text 3"})},
            '[json, 12 bytes, sha256:0badf00d]\n{\n  "model": "text 3"\n}\n[recorded without content]\n',
        ),
        (
            {"body": None, "shape": BodyShape(kind="events", bytes=12, events=3)},
            "[events, 12 bytes, 3 events, sha256:?]\n",
        ),
        ({"body": None, "shape": BodyShape(kind="empty", bytes=0)}, "User-Agent: claude-cli/2.1.0\n\nAttempt 1"),
        ({"body": "abc", "cut_bytes": 9, "note": "the rest was left out", "masked": 2, "ended": False},
         "abc\n[the rest was left out; 9 bytes more; it broke off; 2 taken out]\n"),
    ],
)  # fmt: skip
def test_a_body_that_is_not_whole_says_so(fields: dict[str, Any], said: str) -> None:
    assert said in shown(asking(**fields))


def test_long_bodies_are_shortened_unless_all_is_asked_for() -> None:
    body = "\n".join(f"line {number}" for number in range(MOST_LINES + 5)) + "\n" + "x" * 1000
    text = shown(asking(body=body))
    assert f"line {MOST_LINES - 1}\n… 6 lines more: --full\n" in text
    assert "x" * 1000 in shown(asking(body=body), full=True)
    assert f"{'x' * 400}… (1000 letters)\n" in shown(asking(body="x" * 1000))


def test_nothing_that_was_said_steers_the_terminal() -> None:
    """Neither escape sequences nor what rich would read as markup."""
    made = asking(body="\x1b]0;title\x07 [bold]x[/bold]\ttab", headers=(("x", "[red]y\x1b[0m"),))
    text = shown(made)
    assert "\x1b" not in text
    assert "\ufffd]0;title\ufffd [bold]x[/bold]\ttab".expandtabs(8) in text.expandtabs(8)
    assert "[red]y" in text


def test_a_message_without_anything_is_a_head() -> None:
    assert "HTTP 204\n" in shown(recording(reply=RecordedMessage(status=204)))
