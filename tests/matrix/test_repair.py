"""A conversation that changes provider at every request: tools in parallel, thinking, signatures, a failed tool."""

import itertools
import json
from typing import Any

import pytest

from korproxy_addons.dialects import dialect
from korproxy_addons.dialects.base import DecodeContext, Inbound, ReplyContext
from korproxy_addons.dialects.ids import IdSource
from korproxy_addons.dialects.opaque import SEAL
from korproxy_addons.dialects.translate import reply_translator, translate_request
from launcher.simulator.answer import Answer, Finish, Text, Thinking, ToolCall
from launcher.simulator.ids import Ids
from launcher.simulator.wire import (
    anthropic_messages,
    gemini_content,
    openai_chat,
    openai_responses,
)
from matrix.clients import CLIENTS, Client, MessagesClient
from matrix.upstreams import UPSTREAMS, Upstream

NOW = 1_795_000_000
BY_NAME = {(it.name, it.dialect): it for it in UPSTREAMS}
CLAUDE = BY_NAME["claude/api-key/claude-sonnet-5-5", "anthropic-messages"]
CLAUDE_4 = BY_NAME["claude/api-key/claude-sonnet-4-5-20250929", "anthropic-messages"]
GPT = BY_NAME["codex/api-key/gpt-6.1-sol", "openai-responses"]
CHATGPT = BY_NAME["codex/chatgpt/gpt-6.1-sol", "openai-responses"]
GEMINI = BY_NAME["gemini/api-key/gemini-3.8-flash", "gemini"]
CODE_ASSIST = BY_NAME["gemini/code-assist/gemini-3.8-flash", "gemini"]
QWEN = BY_NAME["qwen/api-key/qwen3.8-max", "openai-chat"]

ROADS = [
    *((*order, order[0]) for order in itertools.permutations((CLAUDE, GPT, GEMINI))),
    (CLAUDE_4, CHATGPT, CODE_ASSIST, QWEN, CLAUDE_4, CODE_ASSIST, CHATGPT),
    (CLAUDE, CLAUDE, GPT, GPT, GEMINI, GEMINI, CLAUDE),
]


def upstream_answer(upstream: Upstream, body: Any, number: int, *, calls: bool) -> bytes:
    """The stream that an upstream answers with; its state is such as only its own double takes back."""
    thought = Thinking(f"Thinking of step {number}, at {upstream.name}.")
    parts: tuple[Any, ...] = (thought, Text(f"Step {number}: I look. "))
    if calls:
        arguments = json.dumps({"path": f"füße-{number}.py"})
        parts += (ToolCall("read_file", arguments), ToolCall("list_files", '{"path":"."}'))
    finish = Finish.TOOLS if calls else Finish.END
    answer = Answer(parts, finish, input_tokens=100, output_tokens=20, thinking_tokens=5)
    ids = Ids()
    for _ in range(number * 10):
        ids.make("")  # other ids than in the turns before
    match upstream.dialect:
        case "anthropic-messages":
            return b"".join(anthropic_messages.stream(answer, upstream.facts.id, ids))
        case "openai-chat":
            habits = openai_chat.ChatHabits(openai=False, reasoning_field="reasoning_content")
            frames = openai_chat.stream(
                answer, upstream.facts.id, NOW, ids, habits, with_usage=True
            )
            return b"".join(frames)
        case "openai-responses":
            empty = upstream is CHATGPT
            made = openai_responses.Response(answer, body, NOW, ids, empty_output=empty)
            return b"".join(made.stream())
        case _:
            bodies = gemini_content.stream(answer, upstream.facts.id, ids)
            frames = [gemini_content.sse_frame(each) for each in bodies]
            if upstream is CODE_ASSIST:
                frames = [
                    gemini_content.sse_frame({"response": each, "traceId": "t"}) for each in bodies
                ]
            return b"".join(frames)


def step(client: Client, upstream: Upstream, number: int, *, calls: bool) -> tuple[str, list[str]]:
    """One request and its answer: the body that the upstream got, and the ids of the calls it made."""
    speaks, spoken = dialect(client.dialect), dialect(upstream.dialect)
    inbound = Inbound(client.body(), "gemini-3.8-flash" if client.dialect == "gemini" else "")
    made = translate_request(speaks, spoken, inbound, upstream.target(stream=True))
    assert not [str(loss) for loss in made.losses if loss.serious]
    body = upstream.sent(made.body, stream=True, native=made.passed)
    if upstream.dialect == client.dialect == "openai-responses":
        body = json.dumps({**json.loads(body), "stream": True}).encode()
    assert upstream.refusal(body) == "", f"{client.dialect}, request {number} to {upstream.name}"
    reply = ReplyContext(
        streamed=False,
        model="m",
        ids=IdSource(f"answer{number}"),
        created_at=NOW,
        client_body=inbound.body,
    )
    decoding = DecodeContext(True, upstream.habits, IdSource(f"seed{number}"))
    unwrap = upstream.access.unwrap if upstream is CODE_ASSIST and upstream.access else None
    translator = reply_translator(speaks, spoken, made, decoding, reply, unwrap)
    sent = upstream_answer(upstream, json.loads(body), number, calls=calls)
    answer = translator.feed(sent) + translator.close()
    assert (translator.error, translator.mistake) == (None, None)
    return body.decode(), client.take(answer)


def states(upstream: Upstream, number: int, body: str) -> list[str]:
    """The opaque state that an upstream gave in a turn."""
    thought = f"Thinking of step {number}, at {upstream.name}."
    match upstream.dialect:
        case "anthropic-messages":
            return [anthropic_messages.signature_of(thought)]
        case "openai-responses":
            return [openai_responses.encrypted(thought)] if "encrypted_content" in body else []
        case "gemini":
            return [gemini_content.signature_of("read_file")]
        case _:
            return []


@pytest.mark.parametrize("keeps", [True, False])
@pytest.mark.parametrize("road", ROADS, ids=lambda road: "-".join(it.name for it in road))
@pytest.mark.parametrize("make", CLIENTS)
def test_t71_t75_t77_no_change_of_provider_is_refused(
    make: Any, road: tuple[Upstream, ...], keeps: bool
) -> None:
    """Every request goes to another upstream than the one before, in the middle of a tool loop, too."""
    client: Client = make(keeps=keeps)
    given: dict[
        str, dict[str, int]
    ] = {}  # by service: its state, and the request whose answer had it
    for number, asked in enumerate(road):
        # a tool of Anthropic's names the model by itself, and knows how that one is told to think
        upstream = CLAUDE if asked is CLAUDE_4 and make is MessagesClient else asked
        calls = number % 2 == 0
        if calls:
            client.say(f"Question {number}?")
        body, call_ids = step(client, upstream, number, calls=calls)
        assert SEAL.decode() not in body
        origin = upstream.habits.state_origin
        for other, known in given.items():
            if other != origin:
                assert [state for state in known if state in body] == []
        if keeps:
            assert_own_state_is_back(upstream, given.get(origin, {}), body)
        for state in states(upstream, number, body):
            given.setdefault(origin, {})[state] = number
        assert len(call_ids) == (2 if calls else 0)
        if calls:
            first, second = call_ids
            client.give({first: ("x = 1 🙂", False), second: ("no such directory", True)})


def assert_own_state_is_back(upstream: Upstream, known: dict[str, int], body: str) -> None:
    """What a service made comes back to it, from whatever client."""
    if not known or upstream in {CLAUDE, CLAUDE_4}:
        return  # Anthropic takes thinking back only where the running turn has it: see below
    assert [state for state in known if state in body] == list(known)


@pytest.mark.parametrize("make", CLIENTS)
def test_t70_claudes_thinking_is_back_when_its_own_tool_loop_goes_on(make: Any) -> None:
    """Claude asks for tools, GPT answers another question in between, Claude goes on with its loop."""
    client: Client = make(keeps=True)
    client.say("Question?")
    _, calls = step(client, CLAUDE, 0, calls=True)
    client.give(dict.fromkeys(calls, ("fine", False)))
    body, _ = step(client, CLAUDE, 1, calls=False)
    (mine,) = states(CLAUDE, 0, body)
    assert mine in body
    client.say("And now?")
    body, calls = step(client, GPT, 2, calls=True)
    assert mine not in body
    client.give(dict.fromkeys(calls, ("fine", False)))
    step(client, GPT, 3, calls=False)
    client.say("And last?")
    body, _ = step(client, CLAUDE, 4, calls=True)
    assert mine in body
    assert json.loads(body)["thinking"]["type"] == "adaptive"
