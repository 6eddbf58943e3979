"""Quota endpoints: what is asked, and what the answers say (`providers.md` 2d, 3d, 4d, 7)."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from korproxy_addons.errors.catalogue import (
    ACCOUNT_REJECTED,
    PROJECT_REQUIRED,
    RATE_LIMITED,
    UPSTREAM_ERROR,
    UPSTREAM_INVALID_REPLY,
)
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.providers.calls import Reply, Request
from korproxy_addons.providers.outgoing import AccountFacts
from korproxy_addons.providers.quota import (
    DAY_S,
    FIVE_HOURS_S,
    WEEK_S,
    QuotaQuestion,
    Window,
    name_of_length,
)
from korproxy_addons.providers.quota_headers import claude_glob, credits_left, number
from korproxy_addons.providers.quota_key_plans import glm_windows, kimi_windows
from korproxy_addons.providers.waits import instant_s, retry_after_s

type Json = Mapping[str, Any]

_JSON = (("accept", "application/json"), ("user-agent", "korproxy"))
_CLAUDE_SPANS = (("five_hour", FIVE_HOURS_S), ("seven_day", WEEK_S))
# Numbers with which a GLM plan's page refuses a key, inside HTTP 200.
_GLM_REFUSED = frozenset({401, 1000, 1001})
_MOST = 64


def ask_claude(account: AccountFacts, url: str, now: float) -> QuotaQuestion:
    """A Claude plan's windows; needs the scope `user:profile`, costs no tokens."""
    request = Request("GET", url, (*_JSON, ("anthropic-beta", "oauth-2025-04-20")))
    return tuple(_claude(_answer(account, (yield request), now), now))


def ask_chatgpt(account: AccountFacts, url: str, now: float) -> QuotaQuestion:
    """A ChatGPT plan's windows and credits."""
    plan = (("chatgpt-account-id", account.account_id),) if account.account_id else ()
    return tuple(_chatgpt(_answer(account, (yield Request("GET", url, (*_JSON, *plan))), now), now))


def ask_code_assist(account: AccountFacts, url: str, now: float) -> QuotaQuestion:
    """The days' requests of a Code Assist licence, by model."""
    if not account.project:
        raise KorProxyError(PROJECT_REQUIRED, account.label)
    body = msgspec.json.encode({"project": account.project})
    request = Request("POST", url, (*_JSON, ("content-type", "application/json")), body)
    return tuple(_code_assist(_answer(account, (yield request), now), now))


def ask_compatible(account: AccountFacts, url: str, now: float) -> QuotaQuestion:
    """A user-added provider's plan: Kimi's and GLM's forms are known, anything else says nothing."""
    body = _answer(account, (yield Request("GET", url, _JSON)), now)
    if body.get("success") is False:
        code = number(body.get("code"))
        spec = ACCOUNT_REJECTED if code in _GLM_REFUSED else UPSTREAM_ERROR
        raise KorProxyError(spec, f"{account.label}: its quota page says no")
    if isinstance(body.get("data"), dict):
        return tuple(glm_windows(body["data"], now))
    return tuple(kimi_windows(body, now))


def _answer(account: AccountFacts, reply: Reply, now: float) -> Json:
    if reply.status != 200:
        spec = {401: ACCOUNT_REJECTED, 403: ACCOUNT_REJECTED, 429: RATE_LIMITED}.get(reply.status)
        raise KorProxyError(
            spec or UPSTREAM_ERROR,
            f"{account.label}: its quota page answers with HTTP {reply.status}",
            retry_after_s=retry_after_s(reply.headers, now),
        )
    try:
        body = msgspec.json.decode(reply.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise KorProxyError(UPSTREAM_INVALID_REPLY, f"{account.label}: its quota page") from error
    if not isinstance(body, dict):
        raise KorProxyError(UPSTREAM_INVALID_REPLY, f"{account.label}: its quota page")
    return body


def _claude(body: Json, now: float) -> Iterator[Window]:
    # Names come and go, so whatever looks like a window is one.
    for name, value in list(body.items())[:_MOST]:
        for span, length_s in _CLAUDE_SPANS:
            percent = number(_field(value, "utilization"))
            if percent is None or not name.startswith(span) or name == "extra_usage":
                continue
            glob = claude_glob(name.removeprefix(span).removeprefix("_"))
            yield _share(length_s, percent, _field(value, "resets_at"), now, glob)
    for limit in _listed(body.get("limits")):
        percent = number(_field(limit, "percent"))
        model = _field(_field(_field(limit, "scope"), "model"), "display_name")
        if percent is not None and isinstance(model, str) and model:
            glob = claude_glob(model.lower())
            yield _share(WEEK_S, percent, _field(limit, "resets_at"), now, glob)
    extra = body.get("extra_usage")
    if _field(extra, "is_enabled") is True:
        used, limit = number(_field(extra, "used_credits")), number(_field(extra, "monthly_limit"))
        percent = number(_field(extra, "utilization"))
        share = None if percent is None else percent / 100.0
        yield Window("extra usage", share, used, limit, unit="credits", seen_at=now)


def _chatgpt(body: Json, now: float) -> Iterator[Window]:
    yield from _chatgpt_limit(body.get("rate_limit"), "*", now)
    for more in _listed(body.get("additional_rate_limits")):
        name = _field(more, "limit_name")
        if isinstance(name, str) and name:
            yield from _chatgpt_limit(_field(more, "rate_limit"), f"{name}*", now)
    balance = number(_field(body.get("credits"), "balance"))
    if _field(body.get("credits"), "has_credits") is True and balance is not None:
        yield credits_left(balance, now)


def _chatgpt_limit(limit: Any, glob: str, now: float) -> Iterator[Window]:
    for name in ("primary_window", "secondary_window"):
        window = _field(limit, name)
        percent = number(_field(window, "used_percent"))
        length_s = number(_field(window, "limit_window_seconds"))
        if percent is None or not length_s:
            continue
        reset_at = instant_s(_field(window, "reset_at"))
        yield _share(length_s, percent, reset_at, now, glob)


def _code_assist(body: Json, now: float) -> Iterator[Window]:
    for bucket in _listed(body.get("buckets")):
        left, amount = (
            number(_field(bucket, "remainingFraction")),
            number(_field(bucket, "remainingAmount")),
        )
        model = _field(bucket, "modelId")
        if left is None or not isinstance(model, str) or not model:
            continue
        share = max(0.0, 1.0 - left)
        limit = used = None
        if amount is not None and left > 0:
            limit = round(amount / left)
            used = limit - amount
        yield Window(
            "daily",
            share,
            used,
            limit,
            unit=str(_field(bucket, "tokenType") or "requests").lower(),
            reset_at=instant_s(_field(bucket, "resetTime")),
            length_s=DAY_S,
            seen_at=now,
            model_glob=model,
        )


def _share(length_s: float, percent: float, reset: Any, now: float, glob: str) -> Window:
    return Window(
        name_of_length(length_s),
        percent / 100.0,
        reset_at=instant_s(reset),
        length_s=length_s,
        seen_at=now,
        model_glob=glob,
    )


def _field(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _listed(value: Any) -> list[Any]:
    return value[:_MOST] if isinstance(value, list) else []
