"""`korproxy doctor`: how it looks, what it asks first, and its exit codes."""

import io
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from korproxy_addons.config.schema import Config
from korproxy_addons.presets import PRESETS
from korproxy_addons.presets.base import Need
from launcher.actions import doctor as action
from launcher.actions.checks import Check
from launcher.actions.diagnosis import Finding
from launcher.actions.doctor import Overview, ToolReport, ToolRow
from launcher.actions.tool_needs import Verdict
from launcher.actions.tool_route import Seen, ToolRoute
from launcher.cli import run
from launcher.tools.config_checks import Standing, ToolSettings
from launcher.tools.told import Reading
from support.command import Output

CLAUDE = PRESETS["claude-code"]
WRONG = Finding(
    about="account", name="account plan", result="fail", code="KP-AUTH-003", subject="plan",
    detail="plan (Claude): The account's sign-in failed.",
    remedy=("korproxy account add claude --replace plan-with-a-name-that-is-long-enough-to-be-wrapped-at-eighty",),
)  # fmt: skip
ROWS = tuple(
    ToolRow(id=it.name, name=it.name.title(), standing=it, detail="", requests=3 * n, failed=n)
    for n, it in enumerate(Standing)
)


def overview(*findings: Finding, tools: tuple[ToolRow, ...] = ROWS) -> Overview:
    return Overview(root="http://localhost:1337", serves=True, findings=findings, tools=tools)


def verdict(need: Need, keeping: Any, by: Any, *fix: str) -> Verdict:
    return Verdict(need=need, keeping=keeping, by=by, detail=f"About {need.value}.", fix=fix)


REPORT = ToolReport(
    settings=ToolSettings(
        preset=CLAUDE, standing=Standing.HERE, reading=Reading(preset=CLAUDE),
        checks=(Check(name="address", result="ok", detail="It is right."),),
    ),
    findings=(), not_sent="--no-send",
    route=ToolRoute(preset=CLAUDE, config=Config(), model="m", model_by="as you say", seen=Seen(4, 2, 1)),
    verdicts=(
        verdict(Need.STREAMING, "kept", "probed"),
        verdict(Need.TOOLS, "degraded", "declared", "The same step."),
        verdict(Need.BETAS, "lost", "declared", "The same step.", "And another."),
    ),
)  # fmt: skip


class Looked:
    """Stands in for an examination."""

    report = REPORT
    asked: ClassVar[list[dict[str, bool]]] = []
    why_not = ""
    route: Any = None

    def __init__(self, *_: Any, **words: Any) -> None:
        self.words = words

    def plan(self) -> tuple[str, ...]:
        return ("a small thing",)

    def refusal(self) -> str:
        return self.why_not

    def finished(self, **words: bool) -> ToolReport:
        self.asked.append(words)
        return self.report


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> type[Looked]:
    class Fresh(Looked):
        asked: ClassVar[list[dict[str, bool]]] = []
        route = object()

    monkeypatch.setattr(action, "Examination", Fresh)
    monkeypatch.setattr("launcher.actions.tool_asking.pinned", lambda _: "claude@a/m")
    return Fresh


def show(home: Path, capsys: Output, *arguments: str) -> tuple[int, str, str]:
    code = run(["doctor", *arguments, "--home", str(home)])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def rows(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


def test_what_is_wrong_comes_first(
    tmp_path: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = Finding(about="account", name="account b", result="warn", detail="b rests.")
    monkeypatch.setattr(action, "overview", lambda *_: overview(WRONG, known))
    code, out, _ = show(tmp_path, capsys)
    assert code == 1
    lines = rows(out)
    assert lines[0] == "Wrong now"
    assert lines[1] == "✕ account plan KP-AUTH-003: plan (Claude): The account's sign-in failed."
    assert lines.index("To know") > 2
    assert "▲ account b: b rests." in lines
    # A command can be copied: it is never broken in two.
    assert f"> {WRONG.remedy[0]}" in lines
    for line in (
        "✓ Here uses KorProxy",
        "✕ Wrong is set up wrongly, 3 requests in 7 days (1 failed)",
    ):
        assert line in lines, out


def test_nothing_is_wrong(tmp_path: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(action, "overview", lambda *_: overview(tools=()))
    code, out, _ = show(tmp_path, capsys)
    assert code == 0
    assert out.startswith("Nothing is wrong: KorProxy serves at http://localhost:1337.")
    assert "none that KorProxy knows" in out


@pytest.mark.parametrize("width", [80, 120])
def test_it_fits_its_terminal(
    tmp_path: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    long = Finding(about="tool", name="x", result="fail", detail="many words " * 40)
    monkeypatch.setattr(action, "overview", lambda *_: overview(long))
    _, out, _ = show(tmp_path, capsys)
    wide = [line for line in out.splitlines() if len(line.rstrip()) > width]
    assert wide == []
    wrapped = [line for line in out.splitlines() if line.startswith("    ") and "many" in line]
    assert len(wrapped) >= 400 // width


def test_one_tool(tmp_path: Path, capsys: Output, looked: type[Looked]) -> None:
    code, out, err = show(tmp_path, capsys, "claude")
    assert code == 0
    lines = rows(out)
    assert lines[0] == "Claude Code uses KorProxy"
    assert "✓ address: It is right." in lines
    needs = lines[lines.index("What it needs") :]
    # The worst first, and a step that mends two things is said once.
    assert needs[1:7] == [
        "✕ lost beta features About beta features.", "> The same step.", "> And another.",
        "▲ degraded tool use About tool use.", "✓ kept streaming About streaming. (tried)", "",
    ]  # fmt: skip
    assert "· 4 requests in the last 7 days, 1 of them failed" in lines
    assert "Nothing was sent to the provider: --no-send." in lines
    assert "a small thing" in err
    assert looked.asked == [{"send": True, "long_context": False}]


def test_a_report_that_is_not_well_is_exit_code_1(
    tmp_path: Path, capsys: Output, looked: type[Looked]
) -> None:
    looked.report = replace(REPORT, findings=(WRONG,))
    code, out, _ = show(tmp_path, capsys, "claude")
    assert (code, "Wrong now" in out) == (1, True)


def test_without_sending_nothing_is_announced(
    tmp_path: Path, capsys: Output, looked: type[Looked]
) -> None:
    _, _, err = show(tmp_path, capsys, "claude", "--no-send", "--long-context")
    assert err == ""
    assert looked.asked == [{"send": False, "long_context": False}]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("arguments", "typed", "sent"),
    [
        ([], None, False),
        ([], "n\n", False),
        ([], "y\n", True),
        (["--yes"], None, True),
        (["--json"], "y\n", False),
        (["--json", "--yes"], None, True),
    ],
)
def test_a_long_prompt_is_asked_for_first(
    tmp_path: Path, capsys: Output, looked: type[Looked], monkeypatch: pytest.MonkeyPatch,
    arguments: list[str], typed: str | None, *, sent: bool,
) -> None:  # fmt: skip
    monkeypatch.setattr(sys, "stdin", io.StringIO() if typed is None else Terminal(typed))
    _, out, err = show(tmp_path, capsys, "claude", "--long-context", *arguments)
    assert looked.asked[0]["long_context"] is sent
    if typed is not None and not arguments:
        assert "Send one prompt of about 210000 tokens to claude@a/m?" in out + err
    elif not sent:
        assert "--yes sends it" in err


def test_where_nothing_may_be_sent_nobody_is_asked(
    tmp_path: Path, capsys: Output, looked: type[Looked]
) -> None:
    looked.why_not = "its terms"
    show(tmp_path, capsys, "claude", "--long-context", "--yes")
    assert looked.asked == [{"send": True, "long_context": False}]


def test_for_scripts(
    tmp_path: Path, capsys: Output, looked: type[Looked], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, out, err = show(tmp_path, capsys, "claude", "--json")
    value = json.loads(out)
    assert (value["tool"], value["route"]["model"], value["not_sent"], err) == (
        "claude-code",
        "m",
        "--no-send",
        "",
    )
    monkeypatch.setattr(action, "overview", lambda *_: overview(WRONG))
    code, out, _ = show(tmp_path, capsys, "--json")
    assert (code, json.loads(out)["findings"][0]["code"]) == (1, "KP-AUTH-003")


def test_a_tool_that_nobody_knows_is_told(tmp_path: Path, capsys: Output) -> None:
    code, _, err = show(tmp_path, capsys, "clod")
    assert code == 2
    assert "there is no tool clod here" in err
    assert "claude-code" in err
