"""Tools' own settings, as people have them: what is right, what is wrong, what is in the way."""

from pathlib import Path

import pytest

from korproxy_addons.presets import PRESETS
from korproxy_addons.presets.base import Preset
from launcher.gateway_look import Look, Who
from launcher.tools.config_checks import Standing, set_up_steps
from support.tool_machine import ADDRESS, ToolMachine, said

HERE = ADDRESS.root
CLAUDE = ".claude/settings.json"


@pytest.fixture
def here(tmp_path: Path) -> ToolMachine:
    return ToolMachine(tmp_path)


WRITTEN = [it for it in PRESETS.values() if it.writes]


@pytest.mark.parametrize("preset", WRITTEN, ids=lambda it: it.id)
def test_what_a_preset_writes_is_what_it_looks_for(here: ToolMachine, preset: Preset) -> None:
    """Set up by its own facts, a tool uses KorProxy and nothing is wrong."""
    assert here.check(preset.id).standing is Standing.NOT_SET
    here.set_up(preset, "some-model")
    found = here.check(preset.id)
    assert found.standing is Standing.HERE, found.checks
    assert [it for it in found.checks if it.result not in ("ok", "skip")] == []


@pytest.mark.parametrize("preset", PRESETS.values(), ids=lambda it: it.id)
def test_a_tool_that_is_not_set_up_is_told_how(here: ToolMachine, preset: Preset) -> None:
    found = here.check(preset.id)
    (check,) = found.checks
    assert check.result == "fail"
    assert check.remedy == set_up_steps(preset, ADDRESS, here.machine)
    assert check.remedy
    assert "{" not in "".join(preset.by_hand).replace("{v1}", "").replace("{key}", "").replace(
        "{model}", ""
    )
    assert found.standing is (Standing.CANNOT if preset.out_of_reach else Standing.NOT_SET)


def test_the_steps_name_the_file_and_the_value(here: ToolMachine) -> None:
    steps = set_up_steps(PRESETS["claude-code"], ADDRESS, here.machine)
    assert steps[0] == f"In ~/.claude/settings.json: env.ANTHROPIC_BASE_URL = {HERE}"
    steps = set_up_steps(PRESETS["codex-cli"], ADDRESS, here.machine)
    assert f'"base_url": "{HERE}/v1"' in steps[1]
    assert steps[2] == "In your shell: export KORPROXY_KEY=korproxy"
    here.environ["CODEX_HOME"] = "/elsewhere"
    moved = set_up_steps(PRESETS["codex-cli"], ADDRESS, here.machine)
    assert moved[0] == "In /elsewhere/config.toml: model_provider = korproxy"


def test_a_stronger_place_shadows_a_weaker_one(here: ToolMachine) -> None:
    here.environ["ANTHROPIC_BASE_URL"] = HERE
    here.environ["ANTHROPIC_AUTH_TOKEN"] = "korproxy"
    here.file("project/" + CLAUDE, {"env": {"ANTHROPIC_BASE_URL": "http://localhost:8317"}})
    found = here.check("claude-code")
    assert found.standing is Standing.WRONG
    assert "port of KorProxy's earlier desktop app" in said(found, "fail")[0]
    assert (
        "env.ANTHROPIC_BASE_URL in .claude/settings.json is stronger, so it is not used."
        in said(found, "warn")[0]
    )


def test_the_other_way_round_the_wrong_one_does_no_harm_but_is_said(here: ToolMachine) -> None:
    here.environ["ANTHROPIC_BASE_URL"] = "http://localhost:8317"
    here.file(CLAUDE, {"env": {"ANTHROPIC_BASE_URL": HERE, "ANTHROPIC_AUTH_TOKEN": "k"}})
    found = here.check("claude-code")
    assert found.standing is Standing.HERE
    assert said(found, "fail") == []
    assert "is not used" in said(found, "warn")[0]


def test_of_several_entries_one_that_leads_here_is_enough(here: ToolMachine) -> None:
    here.looks[11434] = Look(Who.STRANGER, name="ollama (process 1)")
    models = [
        {"name": "a", "apiBase": "http://localhost:11434/v1"},
        {"name": "b", "apiBase": f"{HERE}/v1", "apiKey": "korproxy"},
        {"name": "c", "apiBase": "https://api.example.com/v1"},
    ]
    here.file(".continue/config.yaml", {"models": models})
    found = here.check("continue")
    assert found.standing is Standing.HERE
    assert [it for it in found.checks if it.result != "ok"] == []
    here.file(
        ".continue/config.yaml", {"models": [*models, {"apiBase": "http://localhost:8317/v1"}]}
    )
    assert "models.3.apiBase" in said(here.check("continue"), "warn")[0]
    here.file(".continue/config.yaml", {"models": models[:1]})
    assert here.check("continue").standing is Standing.ELSEWHERE


@pytest.mark.parametrize("name", ["CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX"])
def test_what_leads_past_korproxy_is_fatal(here: ToolMachine, name: str) -> None:
    here.set_up(PRESETS["claude-code"])
    here.environ[name] = "1"
    found = here.check("claude-code")
    assert found.standing is Standing.WRONG
    assert said(found, "fail")[0].startswith(f"{name}: it sends every request to ")
    here.environ[name] = "0"
    assert here.check("claude-code").standing is Standing.HERE


def test_two_keys_at_once_are_said(here: ToolMachine) -> None:
    here.set_up(PRESETS["claude-code"])
    here.environ["ANTHROPIC_API_KEY"] = "x"
    found = here.check("claude-code")
    assert said(found, "warn") == [
        "ANTHROPIC_API_KEY: both keys are set; Claude Code warns of it and sends both."
    ]


def test_a_conflict_that_matters_only_beside_another(here: ToolMachine) -> None:
    here.file(".gemini/settings.json", {"security": {"auth": {"selectedType": "oauth-personal"}}})
    here.environ["CODE_ASSIST_ENDPOINT"] = HERE
    assert here.check("gemini-cli").standing is Standing.HERE
    here.environ["GOOGLE_GEMINI_BASE_URL"] = HERE
    found = here.check("gemini-cli")
    assert found.standing is Standing.WRONG
    assert "GOOGLE_GEMINI_BASE_URL is not looked at" in said(found, "fail")[0]


def test_a_key_variable_that_is_named_but_not_set(here: ToolMachine) -> None:
    here.set_up(PRESETS["codex-cli"])
    del here.environ["KORPROXY_KEY"]
    found = here.check("codex-cli")
    assert "names the variable KORPROXY_KEY, which is not set here." in said(found, "fail")[0]


@pytest.mark.parametrize("key", ["sk-proj-canary", "canary key", "sk-canary"])
def test_a_key_where_a_variables_name_belongs_is_not_shown(here: ToolMachine, key: str) -> None:
    here.set_up(PRESETS["codex-cli"])
    path = here.folder / ".codex/config.toml"
    path.write_text(path.read_text().replace('env_key = "KORPROXY_KEY"', f'env_key = "{key}"'))
    found = here.check("codex-cli")
    assert "is no variable's name" in said(found, "fail")[0]
    assert "canary" not in repr(found.checks)


def test_a_switch_that_the_tool_refuses(here: ToolMachine) -> None:
    here.set_up(PRESETS["codex-cli"])
    path = here.folder / ".codex/config.toml"
    path.write_text(path.read_text().replace('wire_api = "responses"', 'wire_api = "chat"'))
    (check,) = [it for it in here.check("codex-cli").checks if it.result == "fail"]
    assert check.detail.startswith(
        "model_providers.korproxy.wire_api in ~/.codex/config.toml is chat"
    )
    assert check.remedy == ("Set it to responses.",)


def test_a_providers_own_key_is_named_but_not_shown(here: ToolMachine) -> None:
    here.environ |= {"ANTHROPIC_BASE_URL": HERE, "ANTHROPIC_API_KEY": "sk-ant-canary"}
    found = here.check("claude-code")
    assert "looks like a provider's own key" in said(found, "warn")[0]
    assert "canary" not in repr(found)
    assert found.key == "sk-ant-canary"
    del here.environ["ANTHROPIC_API_KEY"]
    assert "no key is set" in said(here.check("claude-code"), "warn")[0]


def test_a_file_that_cannot_be_read(here: ToolMachine) -> None:
    here.file(CLAUDE, "{")
    details = said(here.check("claude-code"), "fail")
    assert details[0].startswith("~/.claude/settings.json cannot be read: not JSON: line 1")


def test_settings_of_an_earlier_version(here: ToolMachine) -> None:
    here.file(".factory/config.json", {"custom_models": [{"base_url": f"{HERE}/v1"}]})
    found = here.check("droid")
    assert found.standing is Standing.NOT_SET
    assert "an earlier version read this file" in said(found, "warn")[0]


def test_a_line_of_an_old_guide_that_nobody_reads(here: ToolMachine) -> None:
    here.file(
        ".cline/data/settings/providers.json",
        {"openai": {"settings": {"baseUrl": f"{HERE}/v1", "apiKey": "k"}}},
    )
    here.file(
        ".config/Code/User/settings.json",
        '{ // mine\n"cline.apiProvider": "openai", "cline.openai": {"apiKey": "korproxy"},}',
    )
    found = here.check("cline")
    assert found.standing is Standing.HERE
    assert [it.partition(" in ")[0] for it in said(found, "warn")] == [
        "cline.apiProvider",
        "cline.openai",
    ]


def test_a_proxy_that_would_be_asked_for_localhost(here: ToolMachine) -> None:
    here.set_up(PRESETS["claude-code"])
    here.environ["HTTP_PROXY"] = "http://proxy.example:3128"
    assert "NO_PROXY does not name localhost" in said(here.check("claude-code"), "warn")[0]
    here.environ["no_proxy"] = "example.com, localhost"
    assert said(here.check("claude-code"), "warn") == []


def test_the_model_that_its_settings_name(here: ToolMachine) -> None:
    here.set_up(PRESETS["claude-code"])
    assert here.check("claude-code").model == ""
    here.environ["ANTHROPIC_MODEL"] = "claude-opus-5-5"
    assert here.check("claude-code").model == "claude-opus-5-5"
