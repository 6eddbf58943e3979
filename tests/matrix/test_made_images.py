"""A picture that Gemini made and signed: its signature comes back to Gemini, through the dialects that can carry it (T79)."""

import json
from typing import Any

import pytest

from korproxy_addons.config.habits import GEMINI_API
from korproxy_addons.dialects import dialect
from korproxy_addons.dialects.base import DecodeContext, EncodedRequest, Inbound, ReplyContext
from korproxy_addons.dialects.ids import IdSource
from korproxy_addons.dialects.transcoder import Transcoder
from matrix.cases import HABITS
from matrix.upstreams import UPSTREAMS

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABXvMqOgAAAABJRU5ErkJggg=="
SIGNATURE = "U0lHTkFUVVJFLW9mLWEtcGljdHVyZQ=="
DRAWN = {
    "candidates": [
        {
            "content": {
                "role": "model",
                "parts": [
                    {"text": "Here it is."},
                    {
                        "inlineData": {"mimeType": "image/png", "data": PNG},
                        "thoughtSignature": SIGNATURE,
                    },
                ],
            },
            "finishReason": "STOP",
        }
    ],
    "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 9, "totalTokenCount": 18},
}
GEMINI = next(it for it in UPSTREAMS if it.habits == GEMINI_API)


def told(client: str) -> Any:
    translator = Transcoder(
        dialect(client),
        dialect("gemini"),
        EncodedRequest(b""),
        DecodeContext(False, HABITS["gemini"], IdSource("s")),
        ReplyContext(False, "m", IdSource("s"), 1_795_000_000),
    )
    body = translator.feed(json.dumps(DRAWN).encode()) + translator.close()
    assert (translator.error, translator.mistake) == (None, None)
    return json.loads(body)


def next_request(client: str) -> dict[str, Any]:
    """What the client asks next, with the answer in its history."""
    answer = told(client)
    if client == "gemini":
        drawn = answer["candidates"][0]["content"]
        turns = [{"role": "user", "parts": [{"text": "Draw."}]}, drawn]
        return {"contents": [*turns, {"role": "user", "parts": [{"text": "Bigger."}]}]}
    asked = {"role": "user", "content": "Draw."}
    return {"model": "m", "input": [asked, *answer["output"], {"role": "user", "content": "More."}]}


@pytest.mark.parametrize("client", ["gemini", "openai-responses"])
def test_t79_a_picture_s_signature_comes_back_to_gemini(client: str) -> None:
    inbound = Inbound(json.dumps(next_request(client)).encode(), "m")
    request = dialect(client).decode_request(inbound)
    made = dialect("gemini").encode_request(request, GEMINI.target(stream=False))
    parts = [part for turn in json.loads(made.body)["contents"] for part in turn["parts"]]
    (picture,) = (part for part in parts if "inlineData" in part)
    assert picture["thoughtSignature"] == SIGNATURE


@pytest.mark.parametrize("client", ["gemini", "openai-responses"])
def test_t71_and_goes_to_nobody_else(client: str) -> None:
    inbound = Inbound(json.dumps(next_request(client)).encode(), "m")
    request = dialect(client).decode_request(inbound)
    for upstream in UPSTREAMS:
        if upstream.habits.state_origin != "google":
            made = dialect(upstream.dialect).encode_request(request, upstream.target(stream=False))
            assert SIGNATURE.encode() not in made.body, upstream.name
    body = json.dumps(next_request(client)).encode()
    if client == "openai-responses":
        assert SIGNATURE.encode() not in dialect(client).without_sealed(body)
