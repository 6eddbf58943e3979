import pytest

from korproxy_addons.config.habits import (
    CODEX_BACKEND,
    COMPATIBLE,
    COMPATIBLE_CHAT,
    HABITS,
    Habits,
    ReasoningSwitch,
    with_settings,
)


@pytest.mark.parametrize(
    "dialect", ["openai-chat", "openai-responses", "anthropic-messages", "gemini"]
)
def test_an_endpoint_that_a_user_adds_finds_its_preset(dialect: str) -> None:
    assert dialect == COMPATIBLE[dialect].dialect
    assert COMPATIBLE[dialect] in HABITS.values()


def test_single_habits_can_be_set_as_yaml_gives_them() -> None:
    found = with_settings(
        COMPATIBLE_CHAT,
        {"developer_role": True, "reasoning_switch": "thinking", "refused_fields": ["seed"]},
    )
    assert found.developer_role
    assert ReasoningSwitch.THINKING is found.reasoning_switch
    assert frozenset({"seed"}) == found.refused_fields
    assert COMPATIBLE_CHAT.limit_field == found.limit_field
    assert not COMPATIBLE_CHAT.developer_role


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"develper_role": True}, "develper_role: unknown habit; known are "),
        ({"dialect": "gemini"}, "dialect: unknown habit"),
        ({"developer_role": "yes"}, "developer_role: Expected `bool`"),
        ({"reasoning_switch": "maybe"}, "reasoning_switch: Invalid enum value"),
    ],
)
def test_a_wrong_setting_is_named(settings: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        with_settings(COMPATIBLE_CHAT, settings)


def test_the_codex_backend_refuses_what_its_contract_says() -> None:
    """T117, T146."""
    refused = {
        "max_output_tokens",
        "temperature",
        "top_p",
        "user",
        "metadata",
        "stream_options",
        "truncation",
    }
    assert refused <= CODEX_BACKEND.refused_fields
    assert not CODEX_BACKEND.stores
    assert CODEX_BACKEND.wants_instructions


def test_an_unknown_server_gets_what_all_know() -> None:
    """T09, T116."""
    assert (COMPATIBLE_CHAT.developer_role, COMPATIBLE_CHAT.limit_field) == (False, "max_tokens")
    assert Habits(dialect="openai-chat").developer_role
