import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.control import protocol
from korproxy_addons.control.protocol import (
    Answer,
    Ask,
    Command,
    ConfigRead,
    Drain,
    Draining,
    Notice,
    Pause,
    Ready,
    Reload,
    Report,
    Resume,
    Retire,
    Stop,
    Wake,
    decode_command,
    decode_report,
    encode_line,
)

COMMANDS: list[Command] = [
    Drain(), Retire(), Stop(), Reload(), Pause(), Resume(), Wake(), Ask(7, "stats", {"a": 1}),
]  # fmt: skip
REPORTS: list[Report] = [
    Ready(port=1337, hosts=("127.0.0.1", "::1"), pid=9, version="1", instance="x"),
    Draining(2),
    ConfigRead(("line 3",)),
    Notice("KP-AUTH-002", "work", "Its login has ended."),
    Answer(7, {"in_flight": 0}),
    Answer(8, error="unknown question"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda it: type(it).__name__)
def test_a_command_comes_out_as_it_went_in(command: Command) -> None:
    line = encode_line(command)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert decode_command(line) == command
    assert decode_report(line) is None


@pytest.mark.parametrize("report", REPORTS, ids=repr)
def test_a_report_comes_out_as_it_went_in(report: Report) -> None:
    assert decode_report(encode_line(report)) == report
    assert decode_command(encode_line(report)) is None


def test_the_words_on_the_wire_are_these() -> None:
    """Two versions may meet: the names are fixed."""
    assert json.loads(encode_line(Ask(1, "stats"))) == {
        "do": "ask", "id": 1, "what": "stats", "about": {},
    }  # fmt: skip
    assert json.loads(encode_line(Draining(3))) == {"event": "draining", "in-flight": 3}


@given(st.binary(max_size=200))
def test_anything_else_is_passed_over(line: bytes) -> None:
    for decoded in (decode_command(line), decode_report(line)):
        assert decoded is None or isinstance(decoded, protocol._Command | protocol._Report)


def test_deep_nesting_is_passed_over() -> None:
    assert decode_command(b'{"do":"ask","id":1,"what":"x","about":{"a":' + b"[" * 100_000) is None
