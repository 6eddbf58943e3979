"""The doctor: what is wrong now with the tools beside it, and one tool in full."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from korproxy_addons.presets import PRESETS
from korproxy_addons.presets.base import Need
from launcher.actions import doctor, tool_probes, tool_route
from launcher.actions.diagnosis import Finding
from launcher.actions.doctor import (
    Examination,
    Overview,
    overview,
    overview_json,
    preset_named,
    report_json,
)
from launcher.simulator import SimulatorThread
from launcher.tools.config_checks import Standing
from launcher.tools.machine import Machine
from support.asking import ask, question
from support.tool_house import ToolHouse, explained_here, settings, tool_house, write
from support.waiting import until


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ToolHouse]:
    with tool_house(tmp_path_factory.mktemp("doctor") / "home") as found:
        yield found


@pytest.fixture(autouse=True)
def _explains_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tool_route, "explain_route", explained_here)


@pytest.fixture
def house(running: ToolHouse) -> ToolHouse:
    running.sim.reset()
    return running


@pytest.fixture
def user(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    return tmp_path


def machine(user: Path, *programs: str, **environ: str) -> Machine:
    return Machine(
        environ, user, user / "project", "linux", lambda it: it if it in programs else None
    )


def claude(house: ToolHouse) -> dict[str, str]:
    return {"ANTHROPIC_BASE_URL": house.address.root, "ANTHROPIC_AUTH_TOKEN": "korproxy"}


@pytest.mark.parametrize("word", ["claude-code", "claude", "Claude Code", " CLAUDE "])
def test_a_tool_has_an_id_a_name_and_a_program(word: str) -> None:
    assert preset_named(word).id == "claude-code"


def test_a_tool_that_nobody_knows() -> None:
    with pytest.raises(ValueError, match=r"no tool clod here.*claude-code, codex-cli"):
        preset_named("clod")


# --- without a tool


def test_tools_that_are_here_are_listed_and_what_is_wrong_with_them_is_said(
    house: ToolHouse, user: Path
) -> None:
    (user / ".codex").mkdir()
    (user / ".codex/config.toml").write_text('openai_base_url = "http://localhost:1/v1"\n')
    here = machine(user, "claude", "gemini", "cursor", **claude(house))
    found = overview(house.home, here)
    assert {it.id: it.standing for it in found.tools} == {
        "claude-code": Standing.HERE, "codex-cli": Standing.WRONG, "gemini-cli": Standing.NOT_SET,
        "cursor": Standing.CANNOT,
    }  # fmt: skip
    assert found.serves
    assert not found.ok
    (finding,) = found.findings
    assert (finding.about, finding.name, finding.subject) == ("tool", "Codex CLI", "codex-cli")
    assert "where nothing listens" in finding.detail
    assert finding.remedy[-1] == "korproxy doctor codex-cli"


def test_a_variable_that_is_meant_for_another_tool_is_no_finding(
    house: ToolHouse, user: Path
) -> None:
    """aider reads ANTHROPIC_BASE_URL, too; but there is no aider here."""
    wrong = {"ANTHROPIC_BASE_URL": "http://localhost:1"}
    assert overview(house.home, machine(user, **wrong)).tools == ()
    (row,) = overview(house.home, machine(user, "aider", **wrong)).tools
    assert row.id == "aider"


def test_the_overview_asks_no_provider(house: ToolHouse, user: Path) -> None:
    overview(house.home, machine(user, "claude", "codex", **claude(house)))
    assert house.sim.ledger.entries == []


def test_requests_of_a_tool_are_counted(house: ToolHouse, user: Path) -> None:
    reply = ask(
        f"http://127.0.0.1:{house.port}", question("anthropic-messages", "claude-sonnet-5-5"),
        **{"user-agent": "QwenCode/1"},
    )  # fmt: skip
    assert reply.status == 200

    def counted() -> Overview | None:
        found = overview(house.home, machine(user, "qwen"))
        return found if found.tools[0].requests else None

    assert until(counted).tools[0].failed == 0


def test_for_scripts(house: ToolHouse, user: Path) -> None:
    value = overview_json(overview(house.home, machine(user, "claude", **claude(house))))
    assert json.loads(json.dumps(value)) == value
    assert (value["ok"], value["serves"], value["url"]) == (True, True, house.address.root)
    assert value["tools"][0]["standing"] == "here"
    assert value["tools"][0]["id"] == "claude-code"


def test_a_folder_that_is_not_there_is_not_made(user: Path) -> None:
    found = overview(user / "none", machine(user))
    assert found.tools == ()
    assert not (user / "none").exists()


# --- one tool


def test_one_tool_in_full(house: ToolHouse, user: Path) -> None:
    looked = Examination(house.home, PRESETS["claude-code"], machine(user, **claude(house)))
    assert len(looked.plan()) == 3
    assert looked.refusal() == ""
    report = looked.finished(send=True)
    assert report.ok
    assert report.not_sent == ""
    assert report.settings.standing is Standing.HERE
    by = {it.need: it.by for it in report.verdicts}
    assert (
        by[Need.STREAMING] == by[Need.TOOLS] == by[Need.COUNT_TOKENS] == by[Need.BETAS] == "probed"
    )
    assert by[Need.LONG_CONTEXT] == by[Need.KEEP_ALIVES] == "declared"
    value = report_json(report)
    assert json.loads(json.dumps(value))["route"]["account"] == "my-claude"
    assert {it["need"] for it in value["needs"]} == {
        it.value for it in PRESETS["claude-code"].needs
    }


def test_without_sending_nothing_is_sent(house: ToolHouse, user: Path) -> None:
    looked = Examination(house.home, PRESETS["claude-code"], machine(user, **claude(house)))
    report = looked.finished(send=False)
    assert {it.by for it in report.verdicts} == {"declared"}
    assert report.not_sent == "--no-send"
    assert house.sim.ledger.entries == []


def finding(about: str, name: str, **words: Any) -> Finding:
    return Finding(about=about, name=name, result="fail", **words)


def test_of_what_is_wrong_it_tells_what_concerns_this_tool(
    house: ToolHouse, user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """KorProxy itself, the account that would answer, and what this tool asked for; nobody else's troubles."""
    wrong = (
        finding("gateway", "gateway"),
        finding("account", "account my-claude"),
        finding("account", "account my-gemini"),
        finding("request", "account my-gemini", tool="claude-code"),
        finding("request", "model x", tool="claude-code"),
        finding("request", "model y", tool="codex-cli"),
    )
    monkeypatch.setattr(doctor, "diagnose", lambda *_, **__: wrong)
    looked = Examination(house.home, PRESETS["claude-code"], machine(user, **claude(house)))
    assert [it.name for it in looked.findings] == ["gateway", "account my-claude", "model x"]
    assert not looked.finished(send=False).ok
    assert "claude-code" in repr(looked)


def test_a_long_prompt_only_if_it_is_wanted(
    house: ToolHouse, user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []
    whole = tool_probes.long

    def short(route: Any, asking: Any) -> Any:
        sent.append(1)
        return whole(route, asking, tokens=100)

    monkeypatch.setattr(tool_probes, "long", short)
    looked = Examination(house.home, PRESETS["claude-code"], machine(user, **claude(house)))
    looked.finished(send=True)
    assert sent == []
    report = looked.finished(send=True, long_context=True)
    assert sent == [1]
    assert {it.need: it.by for it in report.verdicts}[Need.LONG_CONTEXT] == "probed"


def test_the_key_of_the_tool_is_shown_to_the_gateway_and_to_nobody_else(
    user: Path, tmp_path: Path
) -> None:
    keys = {"required": True, "keys": [{"id": "k", "secret": "plain:kp-local-canary"}]}
    with tool_house(tmp_path / "home", local_keys=keys) as house:
        told = {**claude(house), "ANTHROPIC_AUTH_TOKEN": "kp-local-canary"}
        report = Examination(house.home, PRESETS["claude-code"], machine(user, **told)).finished(
            send=True
        )
        assert report.ok, report.verdicts
        assert "canary" not in json.dumps(report_json(report)) + repr(report)
        wrong = Examination(house.home, PRESETS["claude-code"], machine(user, **claude(house)))
        assert not wrong.finished(send=True).ok
        given = Examination(
            house.home,
            PRESETS["claude-code"],
            machine(user, **claude(house)),
            key="kp-local-canary",
        )
        assert given.finished(send=True).ok
        sent = json.dumps([it.as_json(with_body=True) for it in house.sim.ledger.entries])
        assert "canary" not in sent


def test_without_a_key_that_the_gateway_wants_nothing_is_tried(user: Path, tmp_path: Path) -> None:
    """What it would say, the refusal, is about this command and not about the tool's route."""
    keys = {"required": True, "keys": [{"id": "k", "secret": "plain:kp-local-canary"}]}
    with tool_house(tmp_path / "home", local_keys=keys) as house:
        looked = Examination(house.home, PRESETS["claude-code"], machine(user))
        assert looked.plan() == ()
        report = looked.finished(send=True)
    assert "KORPROXY_KEY" in report.not_sent
    assert {it.by for it in report.verdicts} <= {"declared", "seen"}
    assert not any(it.keeping == "lost" for it in report.verdicts)


def test_a_model_that_nobody_serves(house: ToolHouse, user: Path) -> None:
    here = machine(user, **claude(house), ANTHROPIC_MODEL="claude-sonet-5-5")
    report = Examination(house.home, PRESETS["claude-code"], here).finished(send=True)
    assert not report.ok
    assert report.route is not None
    assert "close: " in report.route.error
    assert (report.verdicts, report.not_sent) == ((), "nobody serves it now")
    assert house.sim.ledger.entries == []


def test_a_vital_need_that_is_lost_is_a_failure(house: ToolHouse, user: Path) -> None:
    looked = Examination(house.home, PRESETS["claude-code"], machine(user, **claude(house)))
    report = looked.finished(send=False)
    assert report.ok
    lost = tuple(
        replace(it, keeping="lost") if it.need is Need.STREAMING else it for it in report.verdicts
    )
    assert not replace(report, verdicts=lost).ok
    other = tuple(
        replace(it, keeping="lost") if it.need is Need.LONG_CONTEXT else it
        for it in report.verdicts
    )
    assert replace(report, verdicts=other).ok


def test_without_a_gateway_the_route_is_still_told(tmp_path: Path, user: Path) -> None:
    with SimulatorThread() as sim:
        home = tmp_path / "home"
        write(home, settings(sim, 0))
        looked = Examination(home, PRESETS["gemini-cli"], machine(user))
        assert looked.refusal() == "KorProxy does not run"
        report = looked.finished(send=True)
        assert {it.by for it in report.verdicts} == {"declared"}
        assert report.findings[0].about == "gateway"
        assert sim.ledger.entries == []


def test_a_tool_that_cannot_reach_it_and_settings_that_cannot_be_read(
    tmp_path: Path, user: Path
) -> None:
    report = Examination(tmp_path / "none", PRESETS["cursor"], machine(user)).finished(send=True)
    assert (report.route, report.ok) == (None, False)
    home = tmp_path / "home"
    write(home, {"version": 1, "acounts": []})
    report = Examination(home, PRESETS["claude-code"], machine(user)).finished(send=True)
    assert report.route is None
    assert any(it.about == "settings" for it in report.findings)
    assert report_json(report)["route"] is None
