"""The words of presets, and what must hold for every tool's facts."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.config.patience import PATIENCE
from korproxy_addons.presets import PRESETS
from korproxy_addons.presets.base import (
    Form,
    Need,
    Preset,
    Role,
    SettingsFile,
    entry,
    everywhere,
    filled,
    located,
    setting_words,
    variable,
)
from korproxy_addons.routing.tools import tool_of

ROOT = "http://localhost:1337"
every = pytest.mark.parametrize("preset", PRESETS.values(), ids=lambda it: it.id)


def test_each_form_of_a_base_url() -> None:
    assert [it.url(ROOT) for it in Form] == [ROOT, f"{ROOT}/v1", f"{ROOT}/v1beta"]


@pytest.mark.parametrize(
    ("template", "environ", "expected"),
    [
        ("~/.x/y", {}, "/h/u/.x/y"),
        ("~", {}, "/h/u"),
        ("{XH|~/.x}/y", {}, "/h/u/.x/y"),
        ("{XH|~/.x}/y", {"XH": "/else"}, "/else/y"),
        ("{XH|~/.x}/y", {"XH": ""}, "/h/u/.x/y"),
        ("{XH|~}/.x", {"XH": "/else"}, "/else/.x"),
        (".x/y", {"XH": "/else"}, ".x/y"),
        ("{APPDATA|~\\AppData}\\X", {}, "/h/u\\AppData\\X"),
        ("~mina/x", {}, "~mina/x"),
    ],
)
def test_a_path_has_its_variables_put_in(
    template: str, environ: dict[str, str], expected: str
) -> None:
    assert located(template, environ, "/h/u") == expected


def test_a_file_may_lie_elsewhere_on_other_systems() -> None:
    file = SettingsFile("~/a", macos="~/b", windows="~\\c")
    assert [file.on(it) for it in ("linux", "darwin", "win32")] == ["~/a", "~/b", "~\\c"]
    assert [SettingsFile("~/a").on(it) for it in ("darwin", "win32")] == ["~/a", "~/a"]


def test_words_are_put_in_at_any_depth() -> None:
    value = {"{model}": {"url": "{v1}", "all": ["{root}", 1, True, None, "{beta} {key} {else}"]}}
    words = setting_words(ROOT, "k", "m")
    assert filled(value, words) == {
        "m": {"url": f"{ROOT}/v1", "all": [ROOT, 1, True, None, f"{ROOT}/v1beta k {{else}}"]}
    }


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(alphabet="abc {}/:"),
        lambda it: (
            st.lists(it, max_size=3) | st.dictionaries(st.text(alphabet="ab"), it, max_size=3)
        ),
        max_leaves=8,
    )
)
def test_what_has_no_word_stays_as_it_is(value: object) -> None:
    assert filled(value, {"nowhere": "x"}) == value


def test_a_variable_in_the_shell_and_in_files() -> None:
    file = SettingsFile(".env")
    shell, written = everywhere(Role.KEY, "K", (file,))
    assert (shell, written) == (variable(Role.KEY, "K"), entry(Role.KEY, file, "K"))
    last = everywhere(Role.BASE, "B", (file,), below=("env",), shell_first=False, form=Form.V1)
    assert [it.variable for it in last] == ["", "B"]
    assert last[0].path == ("env", "B")
    assert {it.form for it in last} == {Form.V1}


def test_entries_that_stand_for_themselves() -> None:
    file = SettingsFile("~/a")
    assert entry(Role.BASE, file, "a", "*", "b").several
    assert entry(Role.BASE, file, "**", "b").several
    assert not entry(Role.BASE, file, "a", "=b", "c").several


# --- every tool


def test_ids_are_those_of_the_rules_and_the_ledger() -> None:
    agents = {
        "claude-cli/2.1.330 (external, cli)": "claude-code",
        "codex_exec/0.169.0": "codex-cli",
        "GeminiCLI/0.61.0": "gemini-cli",
        "QwenCode/0.24.4": "qwen-code",
        "opencode/1.18.33": "opencode",
        "Cline/3.0.65": "cline",
        "Continue/1.5.47": "continue",
        "aider/0.86.2": "aider",
    }
    named = {tool_of({"user-agent": agent}) for agent in agents}
    assert named == set(agents.values())
    assert named <= set(PRESETS)
    known = {it.tool for it in PATIENCE} & set(agents.values())
    assert known <= set(PRESETS)


@every
def test_a_tool_is_either_set_up_or_out_of_reach(preset: Preset) -> None:
    assert bool(preset.dialect) == (not preset.out_of_reach)
    assert (preset.sample is not None) == bool(preset.dialect)
    assert preset.writes or preset.by_hand
    assert preset.programs or preset.traces
    assert preset.vital <= set(Need)
    if preset.dialect:
        assert preset.needs
        assert preset.vital <= set(preset.needs)


@every
def test_what_sets_it_up_is_where_it_is_looked_for(preset: Preset) -> None:
    """Every address that is written is at a place that is read, under the same name."""
    for write in preset.writes:
        assert bool(write.variable) != (write.file is not None)
    if any(it.role is Role.BASE for it in preset.settings) and preset.writes:
        text = json.dumps([it.value for it in preset.writes])
        assert any(word in text for word in ("{root}", "{v1}", "{beta}"))


@every
def test_its_request_names_no_model_and_is_json(preset: Preset) -> None:
    if preset.sample is None:
        return
    assert "model" not in preset.sample.body
    assert json.loads(json.dumps(preset.sample.body)) == preset.sample.body
    assert preset.sample.path.startswith("/v1")
