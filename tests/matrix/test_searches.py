"""A service's own search of the web, told to clients of every dialect that has words for it (T138)."""

import json
from typing import Any

import pytest

from korproxy_addons.dialects import dialect
from korproxy_addons.dialects.base import DecodeContext, EncodedRequest, ReplyContext
from korproxy_addons.dialects.events import PartStart
from korproxy_addons.dialects.ids import IdSource
from korproxy_addons.dialects.model import FinishReason, ServerToolPart
from korproxy_addons.dialects.sse import frames_in
from korproxy_addons.dialects.transcoder import Transcoder
from matrix.cases import HABITS
from matrix.sdks import read_by_sdk
from matrix.test_replies import GRAMMARS

QUERY, URL = "bridge opened", "https://bridge.example/history"
ANSWERS: dict[str, dict[str, Any]] = {
    "anthropic-messages": {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "up",
        "content": [
            {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search",
             "input": {"query": QUERY}},
            {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1",
             "content": [{"type": "web_search_result", "url": URL, "title": "The bridge",
                          "encrypted_content": "ZW5j", "page_age": None}]},
            {"type": "text", "text": "In 1932."},
        ],
        "stop_reason": "end_turn", "stop_sequence": None,
        "usage": {"input_tokens": 9, "output_tokens": 1},
    },
    "openai-responses": {
        "id": "resp_1", "object": "response", "status": "completed", "model": "up",
        "output": [
            {"type": "web_search_call", "id": "ws_1", "status": "completed",
             "action": {"type": "search", "query": QUERY,
                        "sources": [{"type": "url", "url": URL}]}},
            {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
             "content": [{"type": "output_text", "text": "In 1932.", "annotations": []}]},
        ],
        "usage": {"input_tokens": 9, "output_tokens": 1, "total_tokens": 10},
    },
    "gemini": {
        "candidates": [{
            "content": {"role": "model", "parts": [{"text": "In 1932."}]},
            "finishReason": "STOP", "index": 0,
            "groundingMetadata": {
                "webSearchQueries": [QUERY],
                "groundingChunks": [{"web": {"uri": URL, "title": "The bridge"}}],
            },
        }],
        "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 1, "totalTokenCount": 10},
    },
}  # fmt: skip
PAIRS = [(one, other) for one in ANSWERS for other in ANSWERS]


def told(upstream: str, client: str, *, streamed: bool) -> tuple[bytes, Transcoder]:
    translator = Transcoder(
        dialect(client),
        dialect(upstream),
        EncodedRequest(b""),
        DecodeContext(False, HABITS[upstream], IdSource("s")),
        ReplyContext(streamed, "m", IdSource("s"), 1_795_000_000),
    )
    data = translator.feed(json.dumps(ANSWERS[upstream]).encode()) + translator.close()
    assert (translator.error, translator.mistake) == (None, None)
    return data, translator


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize(("upstream", "client"), PAIRS)
def test_t138_the_query_and_the_pages_reach_the_client_and_the_answer_still_ends_its_turn(
    upstream: str, client: str, streamed: bool
) -> None:
    data, translator = told(upstream, client, streamed=streamed)
    assert translator.finish is FinishReason.STOP
    decoder = dialect(client).decoder(DecodeContext(streamed, HABITS[client], IdSource("s")))
    searches = [
        event.part.search
        for event in [*decoder.feed(data), *decoder.close()]
        if isinstance(event, PartStart)
        and isinstance(event.part, ServerToolPart)
        and event.part.search is not None
    ]
    assert [it.query for it in searches if it.query] == [QUERY]
    pages = [page.url for it in searches for page in it.sources]
    if client == "anthropic-messages" or (client, upstream) == ("openai-responses", "gemini"):
        # Elsewhere: Gemini has no place for pages that no words are from, and what Anthropic's search found comes
        # behind its call, when the item of Responses is told already.
        assert pages == [URL]
    if streamed:
        frames = [(frame.event, frame.data) for frame in frames_in(data)]
        GRAMMARS[client](frames, False, f"{upstream} to {client}")
    kind = dialect(client).content_type(streamed=streamed)
    found = read_by_sdk(client, data, kind, streamed=streamed)
    assert (found.text, found.calls, found.finish) == ("In 1932.", (), "stop")


@pytest.mark.parametrize("upstream", ANSWERS)
def test_a_chat_client_is_told_the_answer_alone(upstream: str) -> None:
    data, _ = told(upstream, "openai-chat", streamed=False)
    assert json.loads(data)["choices"][0]["message"]["content"] == "In 1932."
