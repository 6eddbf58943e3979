"""Logins without a network: a generator is given its replies, and what it asked is kept."""

import json
from collections.abc import Generator
from typing import Any
from urllib.parse import parse_qsl

from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.providers.calls import Pause, Reply, Request


def reply(status: int = 200, body: Any = None, **headers: str) -> Reply:
    """A reply with a JSON body; a text stays as it is."""
    data = body if isinstance(body, str) else json.dumps({} if body is None else body)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, {"content-type": "application/json", **named}, data.encode())


def fields(request: Request) -> dict[str, str]:
    """The fields of a request's body, form or JSON."""
    if dict(request.headers).get("content-type") == "application/json":
        found: dict[str, str] = json.loads(request.body)
        return found
    return dict(parse_qsl(request.body.decode()))


class Played[Answer]:
    """
    A generator, run to its end.

    Attributes:
        asked: Its requests and pauses, in their order.
        answer: What it returned; only if it did.
    """

    answer: Answer

    def __init__(self) -> None:
        self.asked: list[Request | Pause] = []

    @property
    def requests(self) -> list[Request]:
        """Its requests."""
        return [it for it in self.asked if isinstance(it, Request)]

    @property
    def pauses(self) -> list[float]:
        """How long it waited each time."""
        return [it.seconds for it in self.asked if isinstance(it, Pause)]


def play_flow[Answer](
    flow: Generator[Any, Any, Answer], *replies: Reply | KorProxyError
) -> Played[Answer]:
    """
    Run a flow.

    Args:
        flow: The generator.
        replies: For its requests, in their order; an error is thrown into it.
    Raises:
        KorProxyError: What it raises.
    """
    played = Played[Answer]()
    left = list(replies)
    try:
        question = next(flow)
        while True:
            played.asked.append(question)
            if isinstance(question, Pause):
                question = flow.send(None)
                continue
            assert left, f"no reply for {question}"
            given = left.pop(0)
            question = flow.throw(given) if isinstance(given, KorProxyError) else flow.send(given)
    except StopIteration as done:
        played.answer = done.value
    assert not left, "replies that nobody asked for"
    return played
