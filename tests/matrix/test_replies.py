"""Every answer, recorded or made up, from each dialect to clients of all four, streamed and whole, read by the real SDKs."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from korproxy_addons.config.habits import COMPATIBLE_CHAT
from korproxy_addons.dialects import dialect
from korproxy_addons.dialects.base import DecodeContext, EncodedRequest, ReplyContext
from korproxy_addons.dialects.custom import as_arguments
from korproxy_addons.dialects.events import Event
from korproxy_addons.dialects.grammar import violation
from korproxy_addons.dialects.ids import IdSource
from korproxy_addons.dialects.sse import DONE, frames_in
from korproxy_addons.dialects.transcoder import Transcoder
from korproxy_addons.errors.exceptions import KorProxyError
from matrix.cases import DIALECTS, HABITS, Case, all_cases
from matrix.said import Said, as_told, canonical, said
from matrix.sdks import read_by_sdk
from matrix.table import ANSWERS
from support.needs import least

CREATED_AT = 1_795_000_000


def is_queued(case: Case) -> bool:
    """What a background job is answered with is no answer; it passes unchanged to clients of its own dialect only."""
    if case.dialect != "openai-responses" or case.streamed or not case.answered:
        return False
    return json.loads(case.reply).get("status") in {"queued", "in_progress"}


def decoded(case: Case) -> list[Event]:
    return read(case.dialect, case.reply, case, streamed=case.streamed)


def read(dialect_id: str, data: bytes, case: Case, *, streamed: bool) -> list[Event]:
    habits = case.habits if dialect_id == case.dialect else HABITS[dialect_id]
    context = DecodeContext(streamed, habits, IdSource("seed"), case.choices)
    decoder = dialect(dialect_id).decoder(context)
    events = [*decoder.feed(data), *decoder.close()]
    assert violation(events) == "", case.name
    return events


def answers() -> Iterator[tuple[Case, Said]]:
    """Every case with an answer, and what it says."""
    for case in all_cases():
        if case.answered and not is_queued(case):
            yield case, said(decoded(case))


def translated(case: Case, client: str, *, streamed: bool) -> tuple[bytes, Transcoder]:
    translator = Transcoder(
        dialect(client),
        dialect(case.dialect),
        EncodedRequest(b""),
        DecodeContext(case.streamed, case.habits, IdSource("seed"), case.choices),
        ReplyContext(streamed, "m", IdSource("seed"), CREATED_AT, include_usage=True),
    )
    data = translator.feed(case.reply) + translator.close()
    assert translator.mistake is None, case.name
    return data, translator


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("client", DIALECTS)
def test_every_answer_says_the_same_to_every_client_and_to_its_sdk(
    client: str, streamed: bool
) -> None:
    """T104 and invariants 1, 4 and 10 of section 21: text, calls, arguments, counts and the end."""
    kind = dialect(client).content_type(streamed=streamed)
    seen = 0
    for case, answer in answers():
        if answer.failed:
            continue
        seen += 1
        where = f"{case.name} to {client}"
        data, translator = translated(case, client, streamed=streamed)
        assert translator.error is None, where
        events = read(client, data, case, streamed=streamed)
        told = as_told(said(events), client)
        assert said_alike(told) == said_alike(expected(answer, case, client)), where
        if client == "openai-chat" and streamed and has_raw_input(answer):
            continue  # the SDK's own reader of streams breaks at custom tools
        # an SDK shows parts of its own service that it does not know, but no words of them
        shown = as_told(said(events, unknown=client != case.dialect), client)
        found = read_by_sdk(client, data, kind, streamed=streamed)
        assert_sdk_agrees(shown, found, where, cut=answer.cut)
        if streamed:
            count(case, client, answer)
    assert seen >= least(180)
    assert not streamed or sum(to == client for _, to in ANSWERS.pairs) >= least(4)


def has_raw_input(answer: Said) -> bool:
    """Whether a custom tool is called."""
    return any(not text.startswith("{") for _, _, text in answer.calls)


def expected(answer: Said, case: Case, client: str) -> Said:
    if client == "anthropic-messages" and answer.media:
        return as_told(said(decoded(case), noted=True), client)
    return as_told(answer, client)


def vars_of(answer: Said) -> dict[str, Any]:
    return {name: getattr(answer, name) for name in Said.__dataclass_fields__}


def said_alike(answer: Said) -> Said:
    """Without what is the same in two forms: raw input is a function's argument for those who know no custom tools."""
    calls = []
    for call_id, name, text in answer.calls:
        function = text if text.startswith("{") else canonical(as_arguments(text))
        calls.append((call_id, name, function))
    return Said(**{**vars_of(answer), "calls": tuple(calls), "cut": False})


def assert_sdk_agrees(told: Said, found: Said, where: str, *, cut: bool) -> None:
    assert (found.text, found.thinking) == (told.text, told.thinking), where
    assert (found.usage, found.finish) == (told.usage, told.finish), where
    if not cut:  # the SDKs show a cut call as far as it came, or mended
        assert found.calls == told.calls, where


def count(case: Case, client: str, answer: Said) -> None:
    pair = (case.dialect, client)
    ANSWERS.count(*pair, "all")
    ANSWERS.count(*pair, "text", bool(answer.text))
    ANSWERS.count(*pair, "thinking", bool(answer.thinking))
    ANSWERS.count(*pair, "calls", bool(answer.calls))
    ANSWERS.count(*pair, "parallel", len(answer.calls) > 1)
    ANSWERS.count(*pair, "cut call", answer.cut)
    ANSWERS.count(*pair, "media", bool(answer.media))
    ANSWERS.count(*pair, "usage", answer.usage is not None)
    ANSWERS.count(*pair, "cached", bool(answer.usage and answer.usage[1]))
    ANSWERS.count(*pair, answer.finish)


@pytest.mark.parametrize("client", DIALECTS)
def test_t165_t166_a_failed_answer_fails_for_every_client(client: str) -> None:
    """Streamed the dialect's own error ends it, whole nothing is written: the gateway answers with a status."""
    seen = 0
    for case, answer in answers():
        if not answer.failed:
            continue
        seen += 1
        where = f"{case.name} to {client}"
        data, translator = translated(case, client, streamed=True)
        assert translator.error is not None, where
        told = said(read(client, data, case, streamed=True))
        assert (told.failed != "", told.text) == (True, answer.text), where
        assert translated(case, client, streamed=False)[0] == b"", where
    assert seen >= least(4)


def test_a_queued_job_is_no_answer() -> None:
    queued = [case for case in all_cases() if is_queued(case)]
    for case in queued:
        with pytest.raises(KorProxyError, match="queued"):
            decoded(case)
    assert len(queued) >= least(3)


@pytest.mark.parametrize("client", DIALECTS)
def test_every_stream_obeys_its_dialect(client: str) -> None:
    """T52, T53, T102, T113, T158, T159, T160, T161 and invariant 3 of section 21."""
    for case, answer in answers():
        data, _ = translated(case, client, streamed=True)
        frames = [(frame.event, frame.data) for frame in frames_in(data)]
        GRAMMARS[client](frames, bool(answer.failed), f"{case.name} to {client}")


def chat_grammar(frames: list[tuple[str, bytes]], failed: bool, where: str) -> None:
    if failed:
        assert "error" in json.loads(frames[-1][1]), where
        return
    assert frames[-1][1] == DONE, where
    chunks = [json.loads(data) for _, data in frames[:-1]]
    assert len({(it["id"], it["created"], it["model"]) for it in chunks}) == 1, where
    with_choices = [it["choices"][0] for it in chunks if it["choices"]]
    assert with_choices[0]["delta"]["role"] == "assistant", where
    finishes = [it["finish_reason"] for it in with_choices]
    assert finishes[-1], where
    assert not any(finishes[:-1]), where
    calls = [call for it in with_choices for call in it["delta"].get("tool_calls", ())]
    opened = [call["index"] for call in calls if "id" in call]
    assert opened == list(range(len(opened))), where


def responses_grammar(frames: list[tuple[str, bytes]], failed: bool, where: str) -> None:
    events = [json.loads(data) for _, data in frames]
    assert [it["type"] for it in events] == [name for name, _ in frames], where
    assert [it["sequence_number"] for it in events] == list(range(len(events))), where
    end = events[-1]["type"]
    assert (end == "response.failed") is failed, where
    assert end in {"response.completed", "response.incomplete", "response.failed"}, where
    indexes = {"response.output_item.added": list[int](), "response.output_item.done": list[int]()}
    for it in events:
        if it["type"] in indexes:
            indexes[it["type"]].append(it["output_index"])
    added, done = indexes.values()
    assert added == list(range(len(added))), where
    assert failed or sorted(done) == added, where
    assert len({it["response"]["id"] for it in events if "response" in it}) == 1, where


def messages_grammar(frames: list[tuple[str, bytes]], failed: bool, where: str) -> None:
    events = [json.loads(data) for _, data in frames]
    names = [it["type"] for it in events if it["type"] != "ping"]
    assert names[0] == ("message_start" if not failed or len(names) > 1 else "error"), where
    assert names.count("message_start") == (names[0] == "message_start"), where
    assert names[-1] == ("error" if failed else "message_stop"), where
    assert failed or names[-2] == "message_delta", where
    index, is_open = 0, False
    for it in events:
        if it["type"] == "content_block_start":
            assert (it["index"], is_open) == (index, False), where
            is_open = True
        elif it["type"] == "content_block_delta":
            assert (it["index"], is_open) == (index, True), where
        elif it["type"] == "content_block_stop":
            assert (it["index"], is_open) == (index, True), where
            index, is_open = index + 1, False
    assert failed or not is_open, where


def gemini_grammar(frames: list[tuple[str, bytes]], failed: bool, where: str) -> None:
    chunks = [json.loads(data) for _, data in frames]
    assert {name for name, _ in frames} == {""}, where
    if failed:
        assert "error" in chunks[-1], where
        return
    reasons = [it["candidates"][0].get("finishReason") for it in chunks if it.get("candidates")]
    blocked = any("blockReason" in it.get("promptFeedback", {}) for it in chunks)
    assert blocked or reasons[-1], where
    assert not any(reasons[:-1]), where


GRAMMARS = {
    "openai-chat": chat_grammar,
    "openai-responses": responses_grammar,
    "anthropic-messages": messages_grammar,
    "gemini": gemini_grammar,
}


@pytest.mark.parametrize("client", DIALECTS)
def test_a_stream_cut_short_never_looks_whole(client: str) -> None:
    """Invariant 12 of section 21: whatever is missing, the end is the client dialect's own error, or all was there."""
    for case, answer in answers():
        if not case.streamed or answer.failed or case.habits is COMPATIBLE_CHAT:
            continue
        for part in (3, 2):
            short = case.reply[: len(case.reply) * (part - 1) // part]
            piece = Case(
                case.name, case.dialect, None, short, True, 200, case.habits, choices=case.choices
            )
            data, translator = translated(piece, client, streamed=True)
            where = f"{case.name} to {client}, {len(short)} bytes"
            told = said(read(client, data, piece, streamed=True))
            assert bool(told.failed) is (translator.error is not None), where
            if not told.failed:
                assert told.text == answer.text, where
