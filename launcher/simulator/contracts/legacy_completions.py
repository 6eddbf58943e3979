"""OpenAI's legacy text completions."""

from launcher.simulator.answer import Text, Turn
from launcher.simulator.call import Call, Reply
from launcher.simulator.contracts.base import json_reply, stream_reply
from launcher.simulator.tokens import tokens_of_json
from launcher.simulator.wire import openai_chat
from launcher.simulator.wire.reading import Json, number, strings
from launcher.simulator.wire.sse import data_frame, pieces


def reply(call: Call, body: Json) -> Reply:
    """The completion of the prompt, streamed or whole."""
    prompt = body.get("prompt")
    counted = tokens_of_json([prompt])
    turn = Turn(
        model=str(body["model"]),
        stream=body.get("stream") is True,
        prompt="\n".join(strings(prompt)),
        results=(),
        tools=(),
        forced=None,
        max_tokens=number(body.get("max_tokens")) or 16,
        stop_strings=strings(body.get("stop")),
        thinking=False,
        schema=None,
        input_tokens=counted,
    )
    answer = call.answer(turn)
    text = "".join(part.text for part in answer.parts if isinstance(part, Text))
    reason = "length" if answer.finish == "length" else "stop"
    base: Json = {
        "id": call.world.ids.make("cmpl-", 29),
        "object": "text_completion",
        "created": int(call.world.now()),
        "model": turn.model,
    }

    def choices(piece: str, finish: str | None) -> list[Json]:
        return [{"text": piece, "index": 0, "logprobs": None, "finish_reason": finish}]

    if not turn.stream:
        usage = {
            "prompt_tokens": counted,
            "completion_tokens": answer.output_tokens,
            "total_tokens": counted + answer.output_tokens,
        }
        return json_reply({**base, "choices": choices(text, reason), "usage": usage})
    frames = [data_frame({**base, "choices": choices(p, None)}) for p in pieces(text, 24)]
    frames += [data_frame({**base, "choices": choices("", reason)}), openai_chat.DONE]
    return stream_reply(frames, lambda _: [data_frame({"error": {"message": "server error"}})])
