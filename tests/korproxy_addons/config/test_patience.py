import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.config.patience import (
    PATIENCE,
    UNKNOWN_PATIENCE_S,
    Patience,
    Waits,
    patience_of,
    told_patience,
    waits,
)
from korproxy_addons.routing.tools import tool_of

QUICK = Patience("quick", 100, 50, hears_beats=True, source="test")
DEAF = Patience("deaf", 100, 50, hears_beats=False, source="test")


def waits_of(patience: Patience | None, *, beats: bool = False, elapsed_s: float = 0) -> Waits:
    return waits(
        patience, first_byte_s=240, idle_s=200, hold_share=0.25, beats=beats, elapsed_s=elapsed_s
    )


def test_a_providers_time_is_up_before_the_tools() -> None:
    assert waits_of(QUICK) == Waits(80, 40, None)


def test_what_earlier_attempts_took_is_gone() -> None:
    assert waits_of(QUICK, elapsed_s=30).first_byte_s == 50
    assert not waits_of(QUICK, elapsed_s=30).over
    late = waits_of(QUICK, elapsed_s=500)
    assert (late.first_byte_s, late.over) == (0.1, True)
    assert not waits_of(QUICK, beats=True, elapsed_s=500).over


def test_a_tool_that_hears_beats_can_be_kept_waiting() -> None:
    assert waits_of(QUICK, beats=True, elapsed_s=90) == Waits(240, 200, 25)


def test_one_that_does_not_can_not_but_its_head_is_sent() -> None:
    assert waits_of(DEAF, beats=True) == Waits(80, 40, 25)


def test_of_an_unknown_tool_nothing_is_cut_short() -> None:
    assert waits_of(None) == Waits(240, 200, None)
    assert waits_of(None, beats=True) == Waits(240, 200, UNKNOWN_PATIENCE_S / 4)


def test_a_patient_tool_waits_no_longer_than_the_configuration_says() -> None:
    patient = Patience("patient", 1e6, 1e6, hears_beats=False, source="test")
    assert waits_of(patient) == Waits(240, 200, None)


def test_a_request_may_say_itself_how_long_it_is_waited_for() -> None:
    said = patience_of("", 30)
    assert said is not None
    assert (said.first_byte_s, said.idle_s) == (30, 30)
    assert patience_of("", None) is None
    shorter = patience_of("codex-cli", 100)
    assert shorter is not None
    assert (shorter.first_byte_s, shorter.idle_s, shorter.hears_beats) == (100, 100, False)
    assert patience_of("claude-code", 600) == patience_of("claude-code")


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        ([], None),
        (["600"], 600),
        (["x", "2.5"], 2.5),
        (["-1"], None),
        (["nan"], None),
        (["inf"], None),
    ],
)
def test_what_the_header_says(values: list[str], seconds: float | None) -> None:
    assert told_patience(values) == seconds


def test_every_row_is_sourced_and_of_a_tool_that_can_be_told() -> None:
    agents = {
        "claude-code": "claude-cli/1", "codex-cli": "codex_cli_rs/1", "gemini-cli": "GeminiCLI/1",
        "qwen-code": "QwenCode/1", "opencode": "opencode/1", "cline": "Cline/1",
        "continue": "Continue/1", "aider": "aider/1",
    }  # fmt: skip
    for it in PATIENCE:
        assert it.source
        assert tool_of({"user-agent": agents[it.tool]}) == it.tool
    assert len({it.tool for it in PATIENCE}) == len(PATIENCE)


spans = st.floats(2, 10_000)


@given(spans, spans, spans, spans, st.floats(0, 1000), st.booleans(), st.booleans())
def test_a_budget_is_never_longer_than_the_tool_waits_unless_it_is_kept_waiting(
    head: float,
    idle: float,
    own_head: float,
    own_idle: float,
    elapsed: float,
    hears: bool,
    beats: bool,
) -> None:
    patience = Patience("t", head, idle, hears_beats=hears, source="test")
    found = waits(
        patience,
        first_byte_s=own_head,
        idle_s=own_idle,
        hold_share=0.25,
        beats=beats,
        elapsed_s=elapsed,
    )
    assert 0 < found.first_byte_s <= own_head
    assert 0 < found.idle_s <= own_idle
    if not (hears and beats):
        assert found.idle_s < idle
        assert found.first_byte_s + elapsed < head or found.over
    assert (found.hold_s is not None) is beats
    assert found.hold_s is None or found.hold_s < head
