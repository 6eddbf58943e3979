"""What every contract has in common."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from launcher.simulator.answer import Answer, Thinking
from launcher.simulator.call import Call, Headers, Refused, Reply
from launcher.simulator.ids import Ids
from launcher.simulator.wire import anthropic_messages, gemini_content, openai_chat
from launcher.simulator.wire.openai_responses import Response, error_frames
from launcher.simulator.wire.reading import Json, mapping
from launcher.simulator.wire.sse import dumps, encoded

EVENT_STREAM = "text/event-stream; charset=utf-8"
Handler = Callable[[Call], Reply]


class Contract(ABC):
    """
    One provider's side of the wire.

    A contract is pure: it reads the call and returns a reply, or raises `Refused` with one. It never waits.
    """

    hosts: tuple[str, ...]

    @abstractmethod
    def handle(self, call: Call) -> Reply:
        """
        Answer one request.

        Raises:
            Refused: the real provider would refuse it.
        """

    @abstractmethod
    def error(self, call: Call, status: int, message: str = "", code: str = "") -> Reply:
        """A failure in the provider's envelope; without message or code the usual ones of that status."""


def json_reply(value: Any, status: int = 200, headers: Headers | None = None) -> Reply:
    """A JSON body."""
    return Reply(status, encoded(dumps(value)), list(headers or ()))


def refuse(reply: Reply) -> Refused:
    """The exception which ends a call with this reply."""
    return Refused(reply)


def chat_reply(
    call: Call, answer: Answer, body: Json, habits: openai_chat.ChatHabits, envelope: Json
) -> Reply:
    """A Chat Completions answer, streamed or whole as the body asks; `envelope` is the mid-stream error."""
    model, created, ids = str(body["model"]), int(call.world.now()), call.world.ids
    if body.get("stream") is not True:
        return json_reply(openai_chat.whole(answer, model, created, ids, habits))
    options = body.get("stream_options")
    with_usage = isinstance(options, dict) and options.get("include_usage") is True
    frames = openai_chat.stream(answer, model, created, ids, habits, with_usage=with_usage)
    return stream_reply(frames, lambda _: openai_chat.error_frames(envelope), answer.delay_ms)


def responses_reply(call: Call, answer: Answer, body: Json, *, empty_output: bool = False) -> Reply:
    """A Responses answer, streamed or whole as the body asks."""
    world = call.world
    response = Response(answer, body, int(world.now()), world.ids, empty_output=empty_output)
    if body.get("stream") is not True:
        return json_reply(response.whole())

    def broken(sent: int) -> list[bytes]:
        message = "The server had an error while processing your request."
        if call.rule is not None and call.rule.params.get("bare"):
            return error_frames("server_error", message, sent)
        return response.failed("server_error", message, sent)

    return stream_reply(response.stream(), broken, answer.delay_ms)


def messages_reply(call: Call, answer: Answer, body: Json, envelope: Json) -> Reply:
    """A Messages answer, streamed or whole as the body asks; `envelope` is the mid-stream error."""
    model, ids = str(body["model"]), call.world.ids
    if mapping(body.get("thinking")).get("display") == "omitted":
        shown = tuple(Thinking("") if isinstance(part, Thinking) else part for part in answer.parts)
        answer = replace(answer, parts=shown)
    if body.get("stream") is not True:
        return json_reply(anthropic_messages.whole(answer, model, ids))
    frames = anthropic_messages.stream(answer, model, ids)
    return stream_reply(
        frames, lambda _: anthropic_messages.error_frames(envelope), answer.delay_ms
    )


def gemini_reply(
    call: Call,
    answer: Answer,
    model: str,
    envelope: Json,
    wrap: Callable[[Json, Ids], Json] = lambda body, _: body,
) -> Reply:
    """A generateContent answer: whole, SSE or array by the call's path and `alt`; `wrap` puts bodies in an envelope."""
    ids = call.world.ids
    if not call.entry.stream:
        whole = wrap(gemini_content.whole(answer, model, ids), ids)
        text = gemini_content.google_json(whole)
        return Reply(200, encoded(text), [], GOOGLE_JSON)
    bodies = [wrap(body, ids) for body in gemini_content.stream(answer, model, ids)]
    if call.query.get("alt") == "sse":
        frames = [gemini_content.sse_frame(body) for body in bodies]
        return Reply(
            200,
            content_type="text/event-stream",
            frames=frames,
            broken=lambda _: [gemini_content.sse_frame(envelope)],
            delay_ms=answer.delay_ms,
        )
    error = gemini_content.google_json(envelope)
    return Reply(
        200,
        content_type=GOOGLE_JSON,
        frames=gemini_content.array_frames(bodies),
        broken=lambda _: [f",{error}\n]".encode()],
        delay_ms=answer.delay_ms,
    )


GOOGLE_JSON = "application/json; charset=UTF-8"


def stream_reply(
    frames: list[bytes], broken: Callable[[int], list[bytes]], delay_ms: float = 0.0
) -> Reply:
    """A 200 whose frames go out one by one."""
    return Reply(
        200,
        headers=[("cache-control", "no-cache")],
        content_type=EVENT_STREAM,
        frames=frames,
        broken=broken,
        delay_ms=delay_ms,
    )
