"""Runs a generator of requests (a login, a refresh, a discovery) against the network."""

import asyncio
from collections.abc import Awaitable, Callable, Generator

from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.upstream import Budgets, UpstreamCall, UpstreamClient
from korproxy_addons.providers.calls import Pause, Reply, Request

type Send = Callable[[Request], Awaitable[Reply]]
type Sleep = Callable[[float], Awaitable[None]]

REPLY_BYTES = 1024 * 1024
"""No authorization server says more."""
BUDGETS = Budgets(connect_s=10.0, first_byte_s=30.0, idle_s=15.0)


async def drive[Answer](
    questions: Generator[Request | Pause, Reply | None, Answer] | Generator[Request, Reply, Answer],
    send: Send,
    sleep: Sleep = asyncio.sleep,
) -> Answer:
    """
    What the generator returns, once each of its requests has its reply.

    Args:
        questions: Yields requests and pauses; is sent replies, and None after a pause. A call that
            fails is thrown into it, so that it can go on, or say what the failure means.
        send: Makes one call.
        sleep: Waits for so many seconds.
    Raises:
        KorProxyError: What the generator raises.
    """
    answer: Reply | None = None
    failure: KorProxyError | None = None
    try:
        while True:
            if failure is not None:  # noqa: SIM108 - the two lines say different things
                question = questions.throw(failure)
            else:
                question = questions.send(answer)  # type: ignore[arg-type] # only Pause gets None
            answer, failure = None, None
            if isinstance(question, Pause):
                await sleep(question.seconds)
                continue
            try:
                answer = await send(question)
            except KorProxyError as error:
                failure = error
    except StopIteration as done:
        result: Answer = done.value
        return result
    finally:
        questions.close()


class HttpSender:
    """
    Sends requests by the pooled client: the same trust, proxies and address guard as everywhere.

    Args:
        client: The pool.
        ca_file: PEM file with more certificates to trust; None: none.
        proxy: HTTP proxy on the way; None: as the environment says.
        local: The provider may live at a private address.
        budgets: How long each phase may take.
    """

    def __init__(
        self,
        client: UpstreamClient,
        *,
        ca_file: str | None = None,
        proxy: str | None = None,
        local: bool = False,
        budgets: Budgets = BUDGETS,
    ) -> None:
        self._client = client
        self._ca_file = ca_file
        self._proxy = proxy
        self._local = local
        self._budgets = budgets

    async def __call__(self, request: Request) -> Reply:
        """
        The reply to one request; a redirect is a reply, and is not followed.

        Raises:
            KorProxyError: KP-NET, or KP-PROV for a reply that is too large or cut.
        """
        reply = await self._client.send(
            UpstreamCall(
                method=request.method,
                url=request.url,
                headers=(*request.headers, ("accept-encoding", "identity")),
                body=request.body,
                budgets=self._budgets,
                ca_file=self._ca_file,
                proxy=self._proxy,
                local=self._local,
            )
        )
        try:
            body = await reply.read_all(REPLY_BYTES)
        except BaseException:
            reply.abort()
            raise
        reply.release()
        headers = {name.lower(): value for name, value in reply.headers}
        return Reply(reply.status, headers, body)
