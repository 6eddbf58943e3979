"""Generators of requests against the network."""

import asyncio
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import pytest

from korproxy_addons.errors.catalogue import CONNECT_REFUSED, UPSTREAM_INVALID_REPLY
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.address_guard import AddressGuard
from korproxy_addons.io.http_driver import REPLY_BYTES, HttpSender, drive
from korproxy_addons.io.upstream import UpstreamClient
from korproxy_addons.providers.calls import Pause, Reply, Request
from support.gateway import free_port
from support.listener import Answer, Listener

type Flow = Generator[Request | Pause, Reply | None, str]


def test_each_request_gets_its_reply_and_each_pause_its_time() -> None:
    slept: list[float] = []

    async def send(request: Request) -> Reply:
        return Reply(200, {}, request.url.encode())

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    def flow() -> Flow:
        first = yield Request("GET", "a")
        assert (yield Pause(3.0)) is None
        second = yield Request("GET", "b")
        assert first is not None
        assert second is not None
        return (first.body + second.body).decode()

    assert asyncio.run(drive(flow(), send, sleep)) == "ab"
    assert slept == [3.0]


def test_a_call_that_fails_is_thrown_in_and_may_be_survived() -> None:
    async def send(request: Request) -> Reply:
        if request.url == "bad":
            raise KorProxyError(CONNECT_REFUSED, "nobody")
        return Reply(200, {}, b"well")

    def flow(*, gives_up: bool) -> Flow:
        try:
            yield Request("GET", "bad")
        except KorProxyError:
            if gives_up:
                raise
        answer = yield Request("GET", "good")
        assert answer is not None
        return answer.body.decode()

    assert asyncio.run(drive(flow(gives_up=False), send)) == "well"
    with pytest.raises(KorProxyError) as said:
        asyncio.run(drive(flow(gives_up=True), send))
    assert said.value.spec is CONNECT_REFUSED


def test_a_flow_that_is_cancelled_is_closed() -> None:
    ended: list[bool] = []

    async def send(_: Request) -> Reply:
        raise asyncio.CancelledError

    def flow() -> Flow:
        try:
            yield Request("GET", "a")
        finally:
            ended.append(True)
        return ""

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(drive(flow(), send))
    assert ended == [True]


@contextmanager
def answering(answer: Answer) -> Iterator[Listener]:
    with Listener() as listener:
        listener.answer = answer
        yield listener


def failure(url: str) -> KorProxyError:
    with pytest.raises(KorProxyError) as said:
        sent(url, local=True)
    return said.value


def sent(url: str, *, local: bool = False) -> Reply:
    async def run() -> Reply:
        client = UpstreamClient(AddressGuard())
        try:
            request = Request("POST", url, (("content-type", "text/plain"),), b"body")
            return await HttpSender(client, local=local)(request)
        finally:
            await client.close()

    return asyncio.run(run())


def test_a_request_goes_out_as_it_is() -> None:
    with answering(Answer(201, b"made", (("X-Thing", "1"),))) as listener:
        reply = sent(f"{listener.url}/token?a=1", local=True)
    assert (reply.status, reply.body, reply.headers["x-thing"]) == (201, b"made", "1")
    (heard,) = listener.heard
    assert (heard.method, heard.target, heard.body) == ("POST", "/token?a=1", b"body")
    assert ("content-type", "text/plain") in [(name.lower(), it) for name, it in heard.headers]


def test_a_redirect_is_a_reply_and_no_token_follows_it() -> None:
    location = (("location", "http://127.0.0.1:1/elsewhere"),)
    with answering(Answer(302, b"", location)) as listener:
        assert sent(listener.url, local=True).status == 302
    assert len(listener.heard) == 1


def test_a_private_address_is_reached_only_where_the_user_says_so() -> None:
    with Listener() as listener, pytest.raises(KorProxyError) as said:
        sent(listener.url)
    assert said.value.spec.code.startswith("KP-NET")
    assert listener.heard == []


def test_nobody_there_is_told_as_such() -> None:
    with pytest.raises(KorProxyError) as said:
        sent(f"http://127.0.0.1:{free_port()}/", local=True)
    assert said.value.spec is CONNECT_REFUSED


def test_an_endless_reply_is_refused() -> None:
    with answering(Answer(200, b"x" * (REPLY_BYTES + 1))) as listener:
        said = failure(listener.url)
    assert said.spec is UPSTREAM_INVALID_REPLY
