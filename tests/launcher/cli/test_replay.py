"""`korproxy replay`: it asks before it spends, and shows how the two answers compare."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from korproxy_addons.recording.answer import Call
from korproxy_addons.recording.changes import Change, Kind
from launcher.actions import replay as actions
from launcher.actions.replay import ReplayPlan, ReplayResult, Side, plan_replay
from launcher.cli import run
from launcher.cli.replay import question
from support.command import Output, called, failed, printed
from support.recordings import keep, recording

BEFORE = Side(
    request_id="request-1", status=200, code="", error="", provider="claude", model="claude-opus-5-5",
    account="First", text="Aye", calls=(Call("read", "{}"), Call("list", "{}")), finish="tool_calls",
    input_tokens=1234, output_tokens=2, cost_usd=0.0123, first_byte_ms=60.5, total_ms=1091.0,
)  # fmt: skip
TEXT = Change("text", Kind.CHANGED, "Aye", "Nay")
COUNT = Change("usage.input_tokens", Kind.CHANGED, 1234, 1)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def home(tmp_path: Path) -> Path:
    keep(tmp_path, recording())
    return tmp_path


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[ReplayPlan]:
    """What was sent; it is answered as it was the first time."""
    return answered(monkeypatch, result)


def answered(monkeypatch: pytest.MonkeyPatch, make: Callable[[], ReplayResult]) -> list[ReplayPlan]:
    plans: list[ReplayPlan] = []

    def send(_home: Path, plan: ReplayPlan, *, local_key: str | None) -> ReplayResult:
        assert local_key is None
        plans.append(plan)
        return make()

    monkeypatch.delenv("KORPROXY_KEY", raising=False)
    monkeypatch.setattr(actions, "send_replay", send)
    return plans


def result(*differences: Change, compared: bool = True, **after: Any) -> ReplayResult:
    now = replace(BEFORE, **{"request_id": "kp2", "calls": (), **after})
    return ReplayResult(
        id=recording().id, notes=("it is another day",), before=BEFORE, after=now,
        compared=compared, differences=differences, by_running_gateway=True,
    )  # fmt: skip


def test_nothing_is_sent_before_somebody_agrees(
    home: Path, capsys: Output, sent: list[ReplayPlan], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    code, text = failed(home, capsys, "replay")
    assert code == 1
    assert "Send about 9 tokens to claude-opus-5-5" in text
    assert "Note: sent as KorProxy's own and not as claude-code" in text
    assert sent == []


def test_a_long_note_goes_on_below_its_first_word(
    home: Path, capsys: Output, sent: list[ReplayPlan], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    monkeypatch.setenv("COLUMNS", "80")
    _, text = failed(home, capsys, "replay")
    lines = text.splitlines()
    start = next(it for it, line in enumerate(lines) if line.startswith("Note: sent as"))
    assert lines[start].rstrip().endswith("rules about tools, and")
    assert lines[start + 1].startswith("      logins for that tool alone")
    assert sent == []


def test_who_agrees_has_it_sent(
    home: Path, capsys: Output, sent: list[ReplayPlan], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    assert "The two answers say the same." in printed(home, capsys, "replay")
    assert [it.recording.id for it in sent] == [recording().id]


def test_where_nobody_can_be_asked_it_must_be_said_beforehand(
    home: Path, capsys: Output, sent: list[ReplayPlan], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    for more in ((), ("--json",)):
        code, text = failed(home, capsys, "replay", *more)
        assert code == 2
        assert "--yes" in text
    assert sent == []


@pytest.mark.parametrize("against", ["codex", "/m", "codex/"])
def test_another_one_is_named_with_its_provider(home: Path, capsys: Output, against: str) -> None:
    code, text = failed(home, capsys, "replay", "--yes", "--against", against)
    assert code == 2
    assert "PROVIDER/MODEL" in text


def test_another_one_is_asked(home: Path, capsys: Output, sent: list[ReplayPlan]) -> None:
    printed(home, capsys, "replay", "0001", "--yes", "--against", "gemini/gemini-4-pro")
    assert [it.replay.model for it in sent] == ["gemini/gemini-4-pro"]


def test_the_two_stand_beside_each_other(
    home: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    answered(monkeypatch, lambda: result(TEXT, COUNT, text="Nay!", model="gpt-6", input_tokens=1))
    text = printed(home, capsys, "replay", "--yes")
    rows = {line[:13].strip(): line[13:].split() for line in text.splitlines()}
    assert rows["status"] == ["200", "200"]
    assert rows["answered by"] == ["claude", "claude-opus-5-5", "claude", "gpt-6"]
    assert rows["tool calls"] == ["read,", "list", "–"]
    assert rows["tokens in"] == ["1,234", "1"]
    assert rows["cost"] == ["0.0123", "USD", "0.0123", "USD"]
    assert rows["in all"] == ["1,091", "ms", "1,091", "ms"]
    assert "Note: it is another day." in text
    assert '  ~ text: "Aye" → "Nay"' in text.splitlines()
    assert "usage.input_tokens" not in text  # stands in the table


def test_a_failure_is_told_and_is_the_exit_code(
    home: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone: dict[str, Any] = {
        "status": 429,
        "code": "KP-RATE-402",
        "error": "no more",
        "first_byte_ms": None,
        "cost_usd": None,
    }
    answered(monkeypatch, lambda: result(**gone))
    code, text = failed(home, capsys, "replay", "--yes")
    assert code == 1
    assert "now: KP-RATE-402 no more" in text.splitlines()
    assert "429 KP-RATE-402" in text


def test_no_answer_at_all(home: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    answered(monkeypatch, lambda: result(status=None, error="it broke off"))
    code, text = failed(home, capsys, "replay", "--yes")
    assert code == 1
    assert "no answer" in text
    assert "now: it broke off" in text.splitlines()


def test_what_was_not_kept_is_not_compared(
    home: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered(monkeypatch, lambda: result(compared=False))
    text = printed(home, capsys, "replay", "--yes")
    assert "What the recorded answer said was not kept, so it is not compared." in text
    assert "say the same" not in text


def test_scripts_get_one_object(
    home: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered(monkeypatch, lambda: result(TEXT))
    value = called(home, capsys, "replay", "--yes")
    assert value["ok"] is True
    assert value["before"]["calls"] == [
        {"name": "read", "arguments": "{}"},
        {"name": "list", "arguments": "{}"},
    ]
    assert value["differences"] == [
        {"path": "text", "kind": "changed", "before": "Aye", "after": "Nay"}
    ]
    answered(monkeypatch, lambda: result(status=500))
    assert run(["replay", "--yes", "--home", str(home), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["ok"] is False


def test_what_cannot_be_sent_says_why(tmp_path: Path, capsys: Output) -> None:
    keep(tmp_path, recording(mode="shapes"))
    code, text = failed(tmp_path, capsys, "replay", "--yes")
    assert code == 1
    assert "The recording holds no content" in text
    assert "korproxy record on" in text
    keep(tmp_path, recording(request=structs.replace(recording().request, cut_bytes=7)))
    code, text = failed(tmp_path, capsys, "replay", "--yes")
    assert code == 1
    assert "the last 7 bytes of its body were not kept" in text


def test_the_question_names_the_price(home: Path) -> None:
    known = plan_replay(home, against="claude/claude-opus-5-5")
    assert question(known).startswith("Send about 9 tokens to claude/claude-opus-5-5, about 0.00")
    unknown = plan_replay(home, against="nobody/knows-it")
    assert question(unknown) == "Send about 9 tokens to nobody/knows-it?"
