import pytest

from korproxy_addons.usage.metric_names import model_family


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("claude-opus-5-5", "claude-opus"),
        ("claude-2.1", "claude"),
        ("openrouter/qwen/Qwen3.8-Max", "qwen"),
        ("gpt-6.1-sol", "gpt"),
        ("gpt-oss-20b", "gpt-oss"),
        ("made-up", "other"),
        ("", ""),
    ],
)
def test_a_model_counts_as_one_of_its_family(model: str, family: str) -> None:
    assert model_family(model) == family


def test_whatever_a_client_names_there_are_few_families() -> None:
    assert {model_family(f"x{number}-model") for number in range(100)} == {"other"}
