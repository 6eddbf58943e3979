"""The real SDKs, given bytes in place of a network: what each makes of an answer."""

import json
from functools import cache
from typing import Any

import anthropic
import httpx2
import openai
from openai.lib.streaming.chat import ChatCompletionStreamState

from matrix.said import Call, Said, canonical
from support.gemini_sdk import needs_sdk


class _Answering:
    """An HTTP transport that answers every request with the bytes it holds."""

    def __init__(self) -> None:
        self.body = b""
        self.content_type = ""

    def __call__(self, _: httpx2.Request) -> httpx2.Response:
        headers = {"content-type": self.content_type}
        return httpx2.Response(200, headers=headers, content=self.body)


_ANSWERING = _Answering()


def _http() -> httpx2.Client:
    return httpx2.Client(transport=httpx2.MockTransport(_ANSWERING))


@cache
def _openai() -> openai.OpenAI:
    return openai.OpenAI(
        api_key="k", base_url="http://x.invalid/v1", http_client=_http(), max_retries=0
    )


@cache
def _anthropic() -> anthropic.Anthropic:
    return anthropic.Anthropic(
        api_key="k",
        base_url="http://x.invalid",
        max_retries=0,
        http_client=anthropic.DefaultHttpxClient(transport=httpx2.MockTransport(_ANSWERING)),
    )


@cache
def _google() -> Any:
    from google import genai

    options = genai.types.HttpOptions(base_url="http://x.invalid", httpx_client=_http())
    return genai.Client(api_key="k", http_options=options)


def read_by_sdk(dialect_id: str, body: bytes, content_type: str, *, streamed: bool) -> Said:
    """What the dialect's SDK makes of an answer."""
    _ANSWERING.body, _ANSWERING.content_type = body, content_type
    return _READERS[dialect_id](streamed)


def _chat(streamed: bool) -> Said:
    create = _openai().chat.completions.create
    if streamed:
        state = ChatCompletionStreamState()
        for chunk in create(model="m", messages=[], stream=True):
            state.handle_chunk(chunk)
        found: Any = state.current_completion_snapshot
    else:
        found = create(model="m", messages=[])
    choice = found.choices[0]
    message = choice.message
    calls: list[Call] = []
    for call in message.tool_calls or ():
        if call.type == "custom":
            calls.append((call.id, call.custom.name, canonical(call.custom.input)))
        else:
            calls.append((call.id, call.function.name, canonical(call.function.arguments)))
    usage = found.usage and (
        found.usage.prompt_tokens,
        found.usage.prompt_tokens_details.cached_tokens or 0,
        found.usage.completion_tokens,
        found.usage.completion_tokens_details.reasoning_tokens or 0,
    )
    return Said(
        text=(message.content or "") + (message.refusal or ""),
        thinking=getattr(message, "reasoning_content", None) or "",
        calls=tuple(calls),
        finish="content_filter" if message.refusal else choice.finish_reason,
        usage=usage,
    )


def _responses(streamed: bool) -> Said:
    create = _openai().responses.create
    if streamed:
        # `responses.stream` of the SDK takes no other end than `response.completed`
        last: Any = list(create(model="m", input="x", stream=True))[-1]
        found: Any = last.response
    else:
        found = create(model="m", input="x")
    text: list[str] = []
    thinking: list[str] = []
    calls: list[Call] = []
    refused = False
    for item in found.output:
        if item.type == "message":
            refused = refused or any(part.type == "refusal" for part in item.content)
            text += [getattr(part, part.type.removeprefix("output_")) for part in item.content]
        elif item.type == "reasoning":
            # one part's blocks are joined by a blank line, as the decoder does
            words = [each.text for each in item.summary or item.content or ()]
            thinking.append("\n\n".join(words))
        elif item.type == "function_call":
            namespace = getattr(item, "namespace", None)
            name = f"{namespace}__{item.name}" if namespace else item.name
            calls.append((item.call_id, name, canonical(item.arguments)))
        elif item.type == "custom_tool_call":
            calls.append((item.call_id, item.name, canonical(item.input)))
    usage = found.usage and (
        found.usage.input_tokens,
        found.usage.input_tokens_details.cached_tokens,
        found.usage.output_tokens,
        found.usage.output_tokens_details.reasoning_tokens,
    )
    word = found.incomplete_details.reason if found.incomplete_details else found.status
    if word == "completed":
        word = "content_filter" if refused else "tool_calls" if calls else "stop"
    return Said(
        text="".join(text),
        thinking="".join(thinking),
        calls=tuple(calls),
        finish="length" if word == "max_output_tokens" else word,
        usage=usage,
    )


def _messages(streamed: bool) -> Said:
    ask: Any = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}
    if streamed:
        with _anthropic().messages.stream(**ask) as stream:
            found: Any = stream.get_final_message()
    else:
        found = _anthropic().messages.create(**ask)
    text: list[str] = []
    thinking: list[str] = []
    calls: list[Call] = []
    for block in found.content:
        if block.type == "text":
            text.append(block.text)
        elif block.type == "thinking":
            thinking.append(block.thinking)
        elif block.type == "tool_use":
            calls.append((block.id, block.name, canonical(json.dumps(block.input))))
    used = found.usage
    read, written = used.cache_read_input_tokens or 0, used.cache_creation_input_tokens or 0
    details = getattr(used, "output_tokens_details", None)
    return Said(
        text="".join(text),
        thinking="".join(thinking),
        calls=tuple(calls),
        finish=_MESSAGES.get(found.stop_reason, found.stop_reason),
        usage=(
            used.input_tokens + read + written,
            read,
            used.output_tokens,
            getattr(details, "thinking_tokens", 0) or 0,
        ),
    )


def _gemini(streamed: bool) -> Said:
    needs_sdk()
    models = _google().models
    if streamed:
        chunks = list(models.generate_content_stream(model="m", contents="x"))
    else:
        chunks = [models.generate_content(model="m", contents="x")]
    text: list[str] = []
    thinking: list[str] = []
    calls: list[Call] = []
    finish, usage, blocked = "", None, ""
    for chunk in chunks:
        usage = chunk.usage_metadata or usage
        if chunk.prompt_feedback and chunk.prompt_feedback.block_reason:
            blocked = chunk.prompt_feedback.block_reason.value
        for candidate in chunk.candidates or ():
            if candidate.finish_reason:
                finish = candidate.finish_reason.value
            for part in (candidate.content and candidate.content.parts) or ():
                if part.function_call:
                    call = part.function_call
                    calls.append((call.id or "", call.name, canonical(json.dumps(call.args or {}))))
                elif part.text:
                    (thinking if part.thought else text).append(part.text)
    return Said(
        text="".join(text),
        thinking="".join(thinking),
        calls=tuple(calls),
        finish=_gemini_end(finish or blocked, called=bool(calls)),
        usage=usage
        and (
            (usage.prompt_token_count or 0) + (usage.tool_use_prompt_token_count or 0),
            usage.cached_content_token_count or 0,
            (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0),
            usage.thoughts_token_count or 0,
        ),
    )


def _gemini_end(word: str, *, called: bool) -> str:
    if word == "STOP":
        return "tool_calls" if called else "stop"
    return "length" if word == "MAX_TOKENS" else "content_filter"


# Anthropic's words to ours, where they differ.
_MESSAGES = {
    "end_turn": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "context_length",
    "pause_turn": "pause",
}

_READERS = {
    "openai-chat": _chat,
    "openai-responses": _responses,
    "anthropic-messages": _messages,
    "gemini": _gemini,
}
