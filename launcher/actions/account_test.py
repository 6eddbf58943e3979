"""A real request for one account, through the gateway itself: whether it serves, how fast, and if not, why and what to do."""

import http.client
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from korproxy_addons.config.schema import Config
from korproxy_addons.config.store import ConfigStore
from korproxy_addons.errors.catalogue import (
    ACCOUNT_UNKNOWN,
    CATALOGUE,
    FIRST_BYTE_TIMEOUT,
    LOCAL_KEY_REFUSED,
    LOGIN_FOR_OTHER_TOOL,
    MODEL_MISSING,
)
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.errors.kinds import ErrorSpec
from korproxy_addons.io.registry_file import load_routes
from korproxy_addons.providers.resolve import ResolvedAccount, resolve_account
from launcher.actions.steps import OnStep, Steps, tell_nobody
from launcher.borrowed_gateway import BorrowedGateway, borrowed_gateway

LIMIT_S = 30.0
AT_ONCE = 4
PROMPT = "Reply with the one word OK."
MOST_TOKENS = 64
_MESSAGES = "anthropic-messages"
_MOST_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class TestResult:
    """
    What became of a test request.

    Attributes:
        id, label, provider, access: The account.
        model: That was asked for; "" if none was.
        outcome: `ok`, `failed`, or `skipped` where KorProxy must not, or cannot, ask by itself.
        first_byte_ms: From the request sent to the first byte of the answer.
        total_ms: To its last byte.
        status: HTTP status of the gateway's reply.
        code: KorProxy's error code; "" if all went well.
        cause: What went wrong, in words.
        next_steps: What to do about it.
        by_running_gateway: The gateway that runs was asked; False: one started for the test.
    """

    __test__ = False  # pytest takes the name for a test

    id: str
    label: str
    provider: str
    access: str
    model: str = ""
    outcome: str = "ok"
    first_byte_ms: float | None = None
    total_ms: float | None = None
    status: int | None = None
    code: str = ""
    cause: str = ""
    next_steps: tuple[str, ...] = ()
    by_running_gateway: bool = False

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong, as far as could be asked."""
        return self.outcome != "failed"


def send_test(
    home: Path,
    account_id: str | None = None,
    *,
    model: str | None = None,
    local_key: str | None = None,
    limit_s: float = LIMIT_S,
    clock: Callable[[], float] = time.time,
    on_step: OnStep = tell_nobody,
) -> tuple[TestResult, ...]:
    """
    Ask each account for a word.

    Args:
        home: The KorProxy folder.
        account_id: The account; None: all that are enabled.
        model: Model to ask for; None: a cheap one of the provider's.
        local_key: A key of the gateway's own, where it wants one.
        limit_s: For each request.
        clock: Unix seconds.
        on_step: Is told of each account that is done, and which is asked.
    Raises:
        ConfigProblems: The configuration cannot be used.
        KorProxyError: ACCOUNT_UNKNOWN; GATEWAY_NOT_READY.
    """
    config = ConfigStore(home).load()
    routes = load_routes(home, clock)
    accounts = config.enabled_accounts() if account_id is None else _one(config, account_id)
    ways = [resolve_account(config, it, home, routes) for it in accounts]
    planned = [(way, _not_asked(way) or _without_model(way, model)) for way in ways]
    if all(refusal is not None for _, refusal in planned):
        return tuple(refusal for _, refusal in planned if refusal is not None)
    steps = Steps(on_step, len(planned))
    steps.at("gateway")
    with borrowed_gateway(home, config) as gateway, ThreadPoolExecutor(AT_ONCE) as pool:

        def ask(way: ResolvedAccount, refusal: TestResult | None) -> TestResult:
            steps.at(way.id)
            found = refusal or _Asking(gateway, way, model or _model(way), local_key, limit_s).run()
            steps.did()
            return found

        return tuple(pool.map(lambda it: ask(*it), planned))


def _one(config: Config, account_id: str) -> tuple[Any, ...]:
    account = config.account(account_id)
    if account is None:
        raise KorProxyError(ACCOUNT_UNKNOWN, account_id)
    return (account,)


def _not_asked(way: ResolvedAccount) -> TestResult | None:
    """Why no request is sent for this account; None if one may be."""
    if way.access.own_login:
        tool = way.access.only_for_tool
        return _result(
            way,
            outcome="skipped",
            cause=f"it stands for {tool}'s own login, which KorProxy does not hold",
            next_steps=(f"Start {tool} through KorProxy; that is the test.",),
        )
    refusal = way.refusal("")
    if refusal is None:
        return None
    if refusal.spec is LOGIN_FOR_OTHER_TOOL:
        tool = way.access.only_for_tool
        return _result(
            way,
            outcome="skipped",
            code=refusal.spec.code,
            cause=f"its terms allow {tool} only, and KorProxy does not pretend to be it",
            next_steps=(f"Start {tool} through KorProxy; that is the test.",),
        )
    return _failed(way, refusal.spec, refusal.detail)


def _without_model(way: ResolvedAccount, model: str | None) -> TestResult | None:
    if model or _model(way):
        return None
    failed = _failed(way, MODEL_MISSING, "no model of this provider is known")
    return replace(failed, next_steps=("Name one with --model.",))


def _model(way: ResolvedAccount) -> str:
    """A cheap model that the account may be used for."""
    if way.provider.test_model and way.may_serve(way.provider.test_model):
        return way.provider.test_model
    known = [it.id for it in way.models if way.may_serve(it.id)]
    return next(iter(known), next(iter(sorted(way.only_models or ())), ""))


class _Asking:
    """One request to the gateway."""

    def __init__(
        self,
        gateway: BorrowedGateway,
        way: ResolvedAccount,
        model: str,
        local_key: str | None,
        limit_s: float,
    ) -> None:
        self._gateway = gateway
        self._way = way
        self._model = model
        self._limit_s = limit_s
        self._headers = {"content-type": "application/json", "user-agent": "korproxy-test"}
        if local_key:
            self._headers["x-korproxy-key"] = local_key
        self._started = 0.0

    def run(self) -> TestResult:
        connection = http.client.HTTPConnection(
            self._gateway.host, self._gateway.port, timeout=self._limit_s
        )
        self._started = time.monotonic()
        try:
            return self._ask(connection)
        except TimeoutError:
            text = f"no whole answer within {self._limit_s:g} s"
            return self._outcome(_failed(self._way, FIRST_BYTE_TIMEOUT, text))
        except (OSError, http.client.HTTPException) as error:
            text = f"the gateway's answer broke off: {type(error).__name__}"
            return self._outcome(_result(self._way, outcome="failed", cause=text))
        finally:
            connection.close()

    def _ask(self, connection: http.client.HTTPConnection) -> TestResult:
        path, body = _question(self._way, self._model)
        connection.request("POST", path, json.dumps(body), self._headers)
        reply = connection.getresponse()
        parts: list[bytes] = []
        first_byte_ms = None
        while part := self._read(connection, reply):
            if first_byte_ms is None:
                first_byte_ms = self._elapsed_ms()
            parts.append(part)
        content = b"".join(parts)
        code = reply.getheader("x-korproxy-error") or ""
        message = _error_in(content, streamed=reply.status == 200)
        if reply.status == 200 and not code and message is None and content:
            result = _result(self._way)
        else:
            result = self._refused(code, message or "", reply.status)
        return self._outcome(replace(result, status=reply.status, first_byte_ms=first_byte_ms))

    def _read(
        self, connection: http.client.HTTPConnection, reply: http.client.HTTPResponse
    ) -> bytes:
        left_s = self._limit_s - (time.monotonic() - self._started)
        if left_s <= 0:
            raise TimeoutError
        if connection.sock is not None:
            connection.sock.settimeout(left_s)
        return reply.read1(_MOST_BYTES)

    def _refused(self, code: str, message: str, status: int) -> TestResult:
        spec = CATALOGUE.get(code)
        if spec is None:
            cause = message or f"the gateway answered with HTTP {status}"
            return _result(self._way, outcome="failed", code=code, cause=cause)
        failed = _failed(self._way, spec, _without_remedy(message, spec))
        if spec is LOCAL_KEY_REFUSED:
            steps = ("Put one of the gateway's local keys into KORPROXY_KEY for this command.",)
            return replace(failed, next_steps=steps)
        return failed

    def _outcome(self, result: TestResult) -> TestResult:
        return replace(
            result,
            model=self._model,
            total_ms=self._elapsed_ms(),
            by_running_gateway=not self._gateway.started,
        )

    def _elapsed_ms(self) -> float:
        return round((time.monotonic() - self._started) * 1000, 1)


def _question(way: ResolvedAccount, model: str) -> tuple[str, dict[str, Any]]:
    """A minimal streamed request, pinned to the account, in a dialect that every upstream is reached from."""
    pinned = f"{way.provider.id}@{way.id}/{model}"
    body: dict[str, Any] = {
        "model": pinned,
        "messages": [{"role": "user", "content": PROMPT}],
        "stream": True,
    }
    if _MESSAGES in way.access.dialects:
        return "/v1/messages", {**body, "max_tokens": MOST_TOKENS}
    # No limit of tokens: plans refuse one, and models that think need more than a word's worth.
    return "/v1/chat/completions", body


def _error_in(content: bytes, *, streamed: bool) -> str | None:
    """The message of the error in a reply's body; None if there is none."""
    payloads = list(_payloads(content)) if streamed else []
    for payload in payloads or [content]:
        try:
            value = json.loads(payload)
        except ValueError:
            continue
        error = value.get("error") if isinstance(value, dict) else None
        if isinstance(error, dict):
            return str(error.get("message") or error.get("type") or "an error without words")
        if error:
            return str(error)
    return None


def _payloads(content: bytes) -> Iterator[bytes]:
    for line in content.splitlines():
        if line.startswith(b"data:"):
            yield line.removeprefix(b"data:").strip()


def _without_remedy(message: str, spec: ErrorSpec) -> str:
    """A gateway's message without what is shown beside it anyway: the code, and what to do."""
    text = message.removesuffix(f"[{spec.code}]").rstrip()
    for step in reversed(spec.remedy):
        text = text.removesuffix(step).rstrip()
    return text


def _failed(way: ResolvedAccount, spec: ErrorSpec, detail: str) -> TestResult:
    # Our own messages begin with the title; the provider's stand alone.
    cause = detail if detail.startswith(spec.title) else f"{spec.title}: {detail}"
    cause = cause if detail else spec.title
    return _result(way, outcome="failed", code=spec.code, cause=cause, next_steps=spec.remedy)


def _result(way: ResolvedAccount, **words: Any) -> TestResult:
    return TestResult(
        id=way.id, label=way.label, provider=way.provider.id, access=way.access.id, **words
    )
