"""Kinds of requests: by path, by model, by body, in this order; and the small calls on the side."""

import pytest

from korproxy_addons.config.profiles import RequestKind
from korproxy_addons.providers.outgoing import Operation
from korproxy_addons.routing.kinds import BY_TRAIT, coarse_kind, is_background
from korproxy_addons.routing.traits import Traits


def unread() -> Traits:
    raise AssertionError("the body was looked into")


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        (Operation.GENERATE, RequestKind.CHAT),
        (Operation.COMPLETIONS, RequestKind.COMPLETION),
        (Operation.EMBEDDINGS, RequestKind.EMBEDDING),
    ],
)
def test_the_path_says_it_whatever_the_model_is_called(
    operation: Operation, kind: RequestKind
) -> None:
    assert coarse_kind(operation, "text-embedding-3", unread) is kind


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ("claude-opus-5", RequestKind.CHAT),
        ("codex/gpt-5.5", RequestKind.CHAT),
        ("gemini-3.8-pro", RequestKind.CHAT),
        ("gemini-embedding-001", RequestKind.EMBEDDING),
        ("text-embedding-3-large", RequestKind.EMBEDDING),
        ("gpt-3.5-turbo-instruct", RequestKind.COMPLETION),
        ("code-davinci", RequestKind.COMPLETION),
    ],
)
def test_where_the_path_says_nothing_the_model_does(model: str, kind: RequestKind) -> None:
    assert coarse_kind(Operation.COUNT_TOKENS, model, unread) is kind


@pytest.mark.parametrize("shape", ["chat", "completion", "embedding"])
def test_where_the_model_says_nothing_the_body_does(shape: str) -> None:
    assert coarse_kind(None, "llama", lambda: Traits(shape=shape)) == shape
    assert coarse_kind(None, "llama", Traits) is RequestKind.OTHER


@pytest.mark.parametrize(
    "model",
    ["claude-haiku-5", "gpt-5-mini", "gpt-5-nano", "x/gemini-3-flash-lite", "Mistral-Small"],
)
def test_the_smallest_models_are_asked_on_the_side(model: str) -> None:
    assert is_background(model, unread)


@pytest.mark.parametrize(
    ("model", "traits", "expected"),
    [
        ("gemini-3.8-flash", Traits(), True),
        ("gemini-3.8-flash", Traits(tools=True), False),
        ("gemini-3.8-flash", Traits(web_search=True), False),
        ("claude-opus-5", Traits(), False),
        ("claude-opus-5", Traits(max_tokens=1), True),
        ("claude-opus-5", Traits(max_tokens=64), True),
        ("claude-opus-5", Traits(max_tokens=65), False),
        ("claude-opus-5", Traits(max_tokens=1, tools=True), False),
        ("minimax-m2", Traits(), False),
        ("gemini-3.8-pro", Traits(), False),
    ],
)
def test_other_models_by_what_they_are_asked_for(
    model: str,
    traits: Traits,
    expected: bool,
) -> None:
    assert is_background(model, lambda: traits) is expected


def test_kinds_that_the_body_says() -> None:
    body = Traits(thinking=True, pictures=2)
    assert [kind for kind, holds in BY_TRAIT.items() if holds(body)] == ["thinking", "vision"]
    assert not any(holds(Traits()) for holds in BY_TRAIT.values())
