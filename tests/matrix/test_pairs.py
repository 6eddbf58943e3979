"""Every request, recorded or made up, from each dialect to every upstream, judged by its strict double."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from korproxy_addons.config.habits import ModelFacts
from korproxy_addons.dialects import dialect
from korproxy_addons.dialects.base import EncodedRequest, Inbound, Target
from korproxy_addons.dialects.losses import Feature
from korproxy_addons.dialects.model import ChatRequest, ChoiceMode, FormatKind, Role, ToolResultPart
from korproxy_addons.errors.catalogue import CANNOT_TRANSLATE
from korproxy_addons.errors.exceptions import KorProxyError
from matrix.cases import DIALECTS, Case, all_cases
from matrix.heard import MEDIA, features_of, heard, opaque_of
from matrix.table import REQUESTS
from matrix.upstreams import UPSTREAMS, Upstream, recorded_judge
from support.needs import least

# Fields whose content is the client's: what is null there stays.
_DATA = frozenset(
    {
        "args", "arguments", "default", "enum", "example", "input_schema", "parameters",
        "parametersJsonSchema", "response", "responseJsonSchema", "responseSchema", "schema",
    }
)  # fmt: skip


def asked() -> list[tuple[Case, ChatRequest]]:
    """Cases with a request that was answered, and what it asks."""
    return [
        (case, dialect(case.dialect).decode_request(case.inbound))
        for case in all_cases()
        if case.inbound is not None and not case.counts and case.status < 400
    ]


def encoded(request: ChatRequest, upstream: Upstream) -> EncodedRequest:
    return dialect(upstream.dialect).encode_request(request, upstream.target(stream=request.stream))


def abroad() -> Iterator[tuple[Case, ChatRequest, Upstream]]:
    """Every case with every upstream of another dialect."""
    for case, request in asked():
        for upstream in UPSTREAMS:
            if upstream.dialect != case.dialect:
                yield case, request, upstream


def test_every_request_is_taken_by_every_upstream_of_another_dialect() -> None:
    """Also T123 and invariant 9 of section 21: the doubles refuse every unknown field."""
    for case, request, upstream in abroad():
        made = encoded(request, upstream)
        body = upstream.sent(made.body, stream=request.stream)
        where = f"{case.name} to {upstream.name}"
        assert upstream.refusal(body) == "", where
        assert list(nulls(json.loads(made.body))) == [], where
        count((case.dialect, upstream.dialect), request, made)
    assert len(REQUESTS.pairs) >= least(12)
    for feature in ("calls", "results", "thinking", "media", "format", "hosted", "stop"):
        assert REQUESTS.total(feature) >= least(50), feature


def count(pair: tuple[str, str], request: ChatRequest, made: EncodedRequest) -> None:
    REQUESTS.count(*pair, "all")
    REQUESTS.count(*pair, "serious", any(loss.serious for loss in made.losses))
    for feature in features_of(request):
        REQUESTS.count(*pair, feature)


def nulls(value: Any, name: str = "") -> Iterator[str]:
    """Names of fields that are null, but for `content` beside calls (T14)."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if inner is None and not (key == "content" and value.get("tool_calls")):
                yield f"{name}.{key}"
            elif key not in _DATA:
                yield from nulls(inner, f"{name}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from nulls(inner, name)


def test_what_a_request_says_arrives_or_is_listed_as_lost() -> None:
    """Invariants 5 and 6 of section 21: texts, calls, results, media, tools and the choice."""
    for case, request, upstream in abroad():
        made = encoded(request, upstream)
        where = f"{case.name} to {upstream.name}: {[str(loss) for loss in made.losses]}"
        lost = {loss.feature for loss in made.losses}
        reader = dialect(upstream.dialect)
        again = reader.decode_request(Inbound(made.body, upstream.facts.id))
        said, arrived = heard(request), heard(again, made)
        text = "\0".join(arrived.texts)
        assert [piece for piece in said.texts if piece not in text] == [], where
        assert arrived.calls == said.calls, where
        if Feature.TOOL_RESULT not in lost:
            assert arrived.results == said.results, where
        if not MEDIA & lost:
            noted = said.made if Feature.UNKNOWN_PART in lost else Counter[str]()  # (T128)
            assert not said.media - arrived.media - noted, where
        assert arrived.tools - {made.answer_tool} == said.tools, where
        check_settings(request, again, made, lost, where)


def check_settings(
    request: ChatRequest,
    again: ChatRequest,
    made: EncodedRequest,
    lost: set[Feature],
    where: str,
) -> None:
    choice = request.tool_choice
    if choice is not None and choice.mode is not ChoiceMode.AUTO:
        kept = again.tool_choice is not None and again.tool_choice.mode is choice.mode
        idle = choice.mode is ChoiceMode.NONE and not again.tools
        assert kept or idle or Feature.TOOL_CHOICE in lost, where
    if request.output is not None:
        asked_in_words = {Feature.OUTPUT_FORMAT}
        if request.output.kind is FormatKind.JSON:  # who knows no such mode still gives JSON
            asked_in_words.add(Feature.SCHEMA)
        assert again.output or made.answer_tool or asked_in_words & lost, where
    if request.max_output_tokens is not None and Feature.OUTPUT_LIMIT not in lost:
        assert again.max_output_tokens == request.max_output_tokens, where
    assert {*again.stop, *made.stops} == set(request.stop), where


def test_t71_t75_state_of_one_service_never_goes_to_another() -> None:
    """Invariant 8 of section 21."""
    seen = 0
    for case, request in asked():
        for upstream in UPSTREAMS:
            body = encoded(request, upstream).body.decode()
            for state in opaque_of(request):
                if state.data and state.origin != upstream.habits.state_origin:
                    seen += 1
                    assert state.data not in body, f"{case.name} to {upstream.name}"
    assert seen >= least(300)


def test_t93_the_same_request_gives_the_same_bytes_and_a_longer_one_begins_alike() -> None:
    """Invariant 7 of section 21."""
    longer = 0
    for case, request, upstream in abroad():
        where = f"{case.name} to {upstream.name}"
        body = encoded(request, upstream).body
        assert encoded(request, upstream).body == body, where
        full = turns(json.loads(body))
        for place, message in enumerate(request.messages):
            asks = message.role is Role.USER and not any(
                isinstance(part, ToolResultPart) for part in message.parts
            )
            if not asks or place + 1 == len(request.messages):
                continue
            longer += 1
            earlier = replace(request, messages=request.messages[: place + 1])
            begun = turns(json.loads(encoded(earlier, upstream).body))
            assert alike(begun, full), where
    assert longer >= least(300)


def turns(body: Any) -> list[Any]:
    found: list[Any] = body.get("messages") or body.get("input") or body.get("contents")
    return found


def alike(begun: list[Any], full: list[Any]) -> bool:
    """Whether one is the beginning of the other; its last turn may go on there."""
    short = "".join(json.dumps(plain(turn)) for turn in begun)
    long = "".join(json.dumps(plain(turn)) for turn in full)
    return long.startswith(short.rstrip("]}"))


def plain(turn: Any) -> Any:
    """A turn without markers of the cache, which move on with the conversation (T90)."""
    if isinstance(turn, dict):
        return {key: plain(inner) for key, inner in turn.items() if key != "cache_control"}
    return [plain(inner) for inner in turn] if isinstance(turn, list) else turn


@pytest.mark.parametrize("dialect_id", DIALECTS)
def test_every_request_is_taken_by_the_service_it_was_recorded_at(dialect_id: str) -> None:
    """Decoded and encoded again it loses nothing serious, and is refused only where the client's own body is."""
    seen, unknown = 0, 0
    for case, request in asked():
        if case.dialect != dialect_id or case.inbound is None:
            continue
        judge = recorded_judge(case.habits, request.model, case.betas)
        facts = ModelFacts(request.model)
        habits = replace(case.habits, mid_system=True)
        made = dialect(dialect_id).encode_request(
            request, Target(request.model, habits, facts, request.stream)
        )
        seen += 1
        if judge(json.loads(case.inbound.body), True) is not None:
            unknown += 1
            continue
        count((dialect_id, dialect_id), request, made)
        assert judge(json.loads(made.body), True) is None, case.name
        assert not any(loss.serious for loss in made.losses), case.name
    assert seen >= least(30)
    assert unknown <= max(2, seen // 10)  # what a service took that its double does not know


def test_what_cannot_be_said_at_all_is_our_error_and_names_the_field() -> None:
    nothing = ChatRequest("gemini", "m", ())
    chat = next(it for it in UPSTREAMS if it.dialect == "openai-chat")
    with pytest.raises(KorProxyError) as caught:
        encoded(nothing, chat)
    assert (caught.value.spec, caught.value.param) == (CANNOT_TRANSLATE, "messages")
