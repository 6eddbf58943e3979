"""OpenAI's model lists."""

from launcher.simulator.contracts.openai_models import catalogue, find, listed


def test_the_catalogue_shows_what_the_client_can_handle() -> None:
    old = {model["slug"] for model in catalogue((0, 154, 9))["models"]}
    new = {model["slug"] for model in catalogue((0, 155, 0))["models"]}
    assert "gpt-6.1-sol" in new - old
    assert "gpt-5.5" in old
    assert {m["visibility"] for m in catalogue((1,))["models"]} == {"list", "hide"}


def test_the_list_hides_what_is_hidden() -> None:
    names = {model["id"] for model in listed()["data"]}
    assert "codex-auto-review" not in names
    assert find("codex-auto-review") is not None
    assert find("gpt-5.4") is None
