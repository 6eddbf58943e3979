"""Facts of a request: found out when asked for, and once; the client's own word for its kind goes first."""

from collections.abc import Mapping

import pytest

from korproxy_addons.config.profiles import RequestKind
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.providers.outgoing import Operation
from korproxy_addons.routing.facts import Facts, Moment, ProjectNeededError

THINKS = b'{"messages":[{"role":"user","content":"hi"}],"reasoning_effort":"high"}'


def facts(
    headers: Mapping[str, str] | None = None,
    *,
    body: bytes = THINKS,
    model: str = "m",
    tokens: int | None = None,
    project: str | None = None,
) -> Facts:
    return Facts(
        operation=Operation.GENERATE,
        dialect="openai-chat",
        tool="",
        model=model,
        headers=headers or {},
        body=body,
        moment=Moment(0, 0),
        long_context_tokens=100,
        known_project=project,
        known_tokens=tokens,
    )


def test_a_kind_is_found_in_the_body() -> None:
    one = facts()
    assert one.coarse is RequestKind.CHAT
    assert one.is_kind(RequestKind.CHAT)
    assert not one.is_kind(RequestKind.EMBEDDING)
    assert one.is_kind(RequestKind.THINKING)
    assert not one.is_kind(RequestKind.VISION)
    assert one.kind_text() == "chat+thinking"


def test_long_context_begins_where_the_config_says() -> None:
    assert facts(tokens=100).is_kind(RequestKind.LONG_CONTEXT)
    assert not facts(tokens=99).is_kind(RequestKind.LONG_CONTEXT)
    assert facts(body=b'{"messages":"' + b"x" * 400 + b'"}').is_kind(RequestKind.LONG_CONTEXT)


def test_background_looks_at_what_an_alias_stands_for() -> None:
    one = facts(model="quick")
    assert not one.is_kind(RequestKind.BACKGROUND)
    two = facts(model="quick")
    two.resolved_model = "claude-haiku-5"
    assert two.is_kind(RequestKind.BACKGROUND)


def test_the_header_says_the_coarse_kind() -> None:
    one = facts({"x-korproxy-request-type": " Embedding "})
    assert one.coarse is RequestKind.EMBEDDING
    assert one.is_kind(RequestKind.THINKING), "the other kinds stay what they are"


def test_the_header_says_a_finer_kind_and_then_it_is_no_other() -> None:
    one = facts({"x-korproxy-request-type": "background"})
    assert one.is_kind(RequestKind.BACKGROUND)
    assert not one.is_kind(RequestKind.THINKING)
    assert one.kind_text() == "chat+background"


def test_a_header_that_means_nothing_is_told() -> None:
    with pytest.raises(KorProxyError) as caught:
        facts({"x-korproxy-request-type": "chatt"}).is_kind(RequestKind.VISION)
    assert caught.value.spec is catalogue.FIELD_INVALID
    assert "long-context" in caught.value.detail


def test_a_project_that_nobody_looked_for_is_asked_for() -> None:
    one = facts()
    with pytest.raises(ProjectNeededError):
        one.project  # noqa: B018 - the access is what is tested
    one.known_project = "/src/x"
    assert one.project == "/src/x"


def test_the_body_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    one = facts()
    assert one.traits() is one.traits()
    one.body = b"changed"
    assert one.input_tokens == len(THINKS) // 4
