import pytest

from korproxy_addons.dialects.gemini.generation import generation_of


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
