"""The dialect as a whole: the recorded traffic of others, and our own small cases."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from korproxy_addons.config.habits import CODE_ASSIST, GEMINI_API, ModelFacts
from korproxy_addons.dialects.base import Inbound, Target
from korproxy_addons.dialects.events import MessageEnd, StreamFailed
from korproxy_addons.dialects.gemini import DIALECT
from korproxy_addons.dialects.losses import Feature
from korproxy_addons.dialects.model import (
    ChatRequest,
    FunctionTool,
    MediaPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
)
from launcher.simulator.wire import gemini_rules
from support.cut import cut_in_two
from support.gemini_wire import decoded, decoder, encoded, joined, words
from support.needs import ROOT, least, needs_recordings

SMALL_BYTES = 3000
TOTAL = re.compile(rb'"totalTokenCount": ?(\d+)')
RETRY_DELAY = re.compile(rb'"retryDelay": *"([0-9.]+)s"')


@cache
def recordings() -> list[tuple[str, Any]]:
    folder = needs_recordings() / "gemini"
    return [(path.name, json.loads(path.read_bytes())) for path in sorted(folder.glob("*.json"))]


def asked() -> list[tuple[str, bytes, str, Any]]:
    """Name, body, model and body as JSON of each request."""
    found = []
    for name, each in recordings():
        if each["request"]:
            body = each["request"]["body"]
            model = each["request"]["url"].partition("models/")[2].partition(":")[0]
            found.append((name, json.dumps(body).encode(), model, body))
    return found


def answered() -> list[tuple[str, bytes, bool]]:
    """Name, body and whether it is a stream of events, of each answer with status 200."""
    found = []
    for name, each in recordings():
        body = each["response"]["body"]
        if each["response"]["status"] == 200 and each["endpoint"] != "countTokens":
            streamed = isinstance(body, str)
            found.append((name, (body if streamed else json.dumps(body)).encode(), streamed))
    return found


def meaning(request: ChatRequest) -> Any:
    """A request without what may change on the way: order of tools, turns that are merged."""
    said: list[tuple[Any, Any]] = []
    for message in request.messages:
        for part in message.parts:
            if isinstance(
                part, TextPart | ThinkingPart | MediaPart | ToolCallPart | ToolResultPart
            ):
                said.append((message.role, part))
            else:
                said.append((message.role, bytes(getattr(part, "raw", b""))))
    tools = {
        tool.name: (tool.description, set(tool.native))
        if isinstance(tool, FunctionTool)
        else bytes(getattr(tool, "raw", b""))
        for tool in request.tools
    }
    rest = {
        field: getattr(request, field)
        for field in ChatRequest.__struct_fields__
        if field not in {"messages", "tools", "output", "native"}
    }
    native = {name: json.loads(bytes(raw)) for name, raw in request.native.items()}
    return said, tools, rest, native


def schemas(request: ChatRequest) -> list[Any]:
    """The schemas of tools and answer, which servers that know no JSON Schema get in another form."""
    found = [tool.schema for tool in request.tools if isinstance(tool, FunctionTool)]
    found += [request.output.schema] if request.output else []
    return [None if schema is None else json.loads(bytes(schema)) for schema in found]


def test_recorded_requests_come_back_with_their_meaning() -> None:
    assert len(asked()) >= least(40)
    for name, data, model, _ in asked():
        request = DIALECT.decode_request(Inbound(data, model, path_stream=True))
        for habits in (GEMINI_API, CODE_ASSIST):
            to = Target(model, habits, ModelFacts(model), stream=True)
            made = DIALECT.encode_request(request, to)
            assert {loss.feature for loss in made.losses} <= {Feature.SCHEMA}, name
            again = DIALECT.decode_request(Inbound(made.body, model, path_stream=True))
            assert meaning(again) == meaning(request), name
            assert bool(again.output) == bool(request.output), name
            if habits is GEMINI_API:
                assert schemas(again) == schemas(request), name


def test_recorded_requests_are_taken_by_the_strict_simulator() -> None:
    for name, data, model, body in asked():
        if "modelArmorConfig" in body:
            continue  # a field of Vertex, which the simulator is not
        request = DIALECT.decode_request(Inbound(data, model, path_stream=True))
        for habits in (GEMINI_API, CODE_ASSIST):
            to = Target(model, habits, ModelFacts(model), stream=True)
            made = json.loads(DIALECT.encode_request(request, to).body)
            assist = habits is CODE_ASSIST
            problem = gemini_rules.problem(made, model, code_assist=assist, foreign_signatures=True)
            assert problem is None, (name, problem)


def test_recorded_counts_and_errors_are_read() -> None:
    for name, each in recordings():
        status, body = each["response"]["status"], json.dumps(each["response"]["body"]).encode()
        if each["endpoint"] == "countTokens":
            assert DIALECT.read_count(body) > 0, name
        elif status != 200:
            error = DIALECT.read_error(status, body)
            waits = RETRY_DELAY.search(body)  # T164
            assert (error.retry_after_s is not None) == bool(waits), name
            assert not waits or error.retry_after_s == pytest.approx(float(waits[1])), name


def test_recorded_answers_end_well_and_match_their_tap() -> None:
    assert len(answered()) >= least(40)
    for name, data, streamed in answered():
        last = decoded(data, streamed=streamed)[-1]
        assert isinstance(last, MessageEnd), name
        tap = DIALECT.usage_tap(streamed=streamed)
        tap.feed(data)
        tap.close()
        assert (tap.usage, tap.finish, tap.ended) == (last.usage, last.finish, True), name


def test_recorded_usage_adds_up() -> None:
    """T97: the total is prompt, answer, thoughts and what Google's own tools read."""
    for name, data, streamed in answered():
        last = decoded(data, streamed=streamed)[-1]
        assert isinstance(last, MessageEnd)
        totals = [int(number) for number in TOTAL.findall(data)]
        if totals and last.usage is not None:
            assert last.usage.total_tokens == totals[-1], name


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("sse", [True, False])
def test_recorded_answers_come_back(streamed: bool, sse: bool) -> None:
    for name, data, was_streamed in answered():
        events = decoded(data, streamed=was_streamed)
        again = decoded(encoded(events, streamed=streamed, sse=sse), streamed=streamed and sse)
        assert joined(again) == joined(events), name


@pytest.mark.parametrize("size", [7, 1000])
def test_recorded_answers_in_pieces_give_the_same_events(size: int) -> None:
    for name, data, streamed in answered():
        if len(data) < 60_000 or size > 7:
            assert decoded(data, streamed=streamed, size=size) == decoded(
                data, streamed=streamed
            ), name


def test_small_recorded_answers_cut_at_every_byte_give_the_same_events() -> None:
    checked = 0
    for name, data, streamed in answered():
        if len(data) > SMALL_BYTES:
            continue
        checked += 1
        expected = decoded(data, streamed=streamed)
        for one, two in cut_in_two(data):
            reading = decoder(streamed=streamed)
            events = [*reading.feed(one), *reading.feed(two), *reading.close()]
            assert events == expected, (name, len(one))
    assert checked >= least(10)


def cases() -> list[Path]:
    return sorted((ROOT / "tests" / "corpus" / "gemini").iterdir())


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_our_own_cases(case: Path) -> None:
    expected = json.loads((case / "expected.json").read_bytes())
    request = DIALECT.decode_request(
        Inbound((case / "request.json").read_bytes(), expected["model"], path_stream=True)
    )
    to = Target(expected["model"], GEMINI_API, ModelFacts(expected["model"]), stream=True)
    made = DIALECT.encode_request(request, to)
    assert json.loads(made.body) == expected["request"]
    assert sorted(str(loss) for loss in made.losses) == expected["losses"]
    (reply,) = case.glob("reply.*")
    data = reply.read_bytes()
    if reply.suffix == ".sse":  # with line ends of its own, which no checkout may change
        data = data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    events = decoded(data, streamed=reply.suffix == ".sse")
    assert [list(each) for each in words(events)] == expected["parts"]
    last = events[-1]
    if isinstance(last, StreamFailed):
        assert last.error.code == expected["failed"]
    else:
        assert isinstance(last, MessageEnd)
        assert last.finish == expected["finish"]
        total = last.usage.total_tokens if last.usage else None
        assert total == expected["total_tokens"]
