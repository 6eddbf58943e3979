import pytest

from korproxy_addons.dialects.gemini.generation import before_gemini_3, generation_of


@pytest.mark.parametrize(
    ("model", "generation"),
    [
        ("gemini-2.5-pro", 2),
        ("gemini-3-pro-preview", 3),
        ("models/Gemini-3.8-flash", 3),
        ("gemini-flash-latest", None),
        ("some-model", None),
        ("gemini-3x", None),
    ],
)
def test_the_generation_in_a_name(model: str, generation: int | None) -> None:
    assert generation_of(model) == generation


def test_t33_t132_only_a_named_older_generation_is_older() -> None:
    assert before_gemini_3("gemini-2.5-pro")
    assert not before_gemini_3("gemini-3.8-flash")
    assert not before_gemini_3("some-model")
