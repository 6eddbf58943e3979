"""Anthropic's model list."""

from launcher.simulator.contracts.claude_models import find, page, problem


def test_pages_follow_each_other() -> None:
    first = page({"limit": "4"})
    second = page({"limit": "100", "after_id": first["last_id"]})
    assert (len(first["data"]), first["has_more"], second["has_more"]) == (4, True, False)
    assert first["last_id"] not in {model["id"] for model in second["data"]}
    assert first["first_id"] == first["data"][0]["id"]
    before = page({"before_id": second["first_id"]})
    assert [model["id"] for model in before["data"]] == [model["id"] for model in first["data"]]


def test_an_alias_is_the_dated_model_and_the_retired_are_gone() -> None:
    alias = find("claude-haiku-4-5")
    assert alias is not None
    assert (alias["id"], alias["max_tokens"]) == ("claude-haiku-4-5-20251001", 64_000)
    assert find("claude-opus-4-1") is None


def test_a_limit_above_the_models() -> None:
    turns = [{"role": "user", "content": "x"}]
    body = {"model": "claude-haiku-4-5", "max_tokens": 64_001, "messages": turns}
    assert "maximum allowed" in str(problem(body, counting=False))
    assert problem(body, counting=True) is None
