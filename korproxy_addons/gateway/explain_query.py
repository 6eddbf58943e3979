"""A question about a route, as the command line and the control pipe ask it, to the request that it is about."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from mitmproxy import http
from msgspec import Struct, structs

from korproxy_addons.accounts.fleet import Fleet
from korproxy_addons.config.habits import ModelFacts
from korproxy_addons.config.profiles import RequestKind
from korproxy_addons.config.schema import Config
from korproxy_addons.dialects import dialect
from korproxy_addons.dialects.base import Inbound
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.client_keys import OWN_KEY
from korproxy_addons.gateway.crossing_told import crossing_told
from korproxy_addons.gateway.exchange import ClientRequest, Exchange
from korproxy_addons.gateway.explain_limits import Limits
from korproxy_addons.gateway.explaining import Explanation, Situation, explained
from korproxy_addons.gateway.limiting import COUNTED
from korproxy_addons.gateway.models import offers_of
from korproxy_addons.gateway.planning import facts_of
from korproxy_addons.gateway.session import session_of
from korproxy_addons.io.workspace import Project
from korproxy_addons.providers.outgoing import Operation
from korproxy_addons.providers.resolve import ResolvedAccount
from korproxy_addons.routing.facts import KIND_HEADER
from korproxy_addons.routing.market import Market
from korproxy_addons.routing.paths import CHAT, GEMINI, MESSAGES, RESPONSES, read_path
from korproxy_addons.routing.prefix import split_profile
from korproxy_addons.routing.profile_choice import (
    HEADER,
    ProfileChoice,
    named_profile,
    project_profile,
    unknown_profile,
)
from korproxy_addons.routing.router import Router
from korproxy_addons.routing.tools import tool_of

_PATHS = {CHAT: "/v1/chat/completions", RESPONSES: "/v1/responses", MESSAGES: "/v1/messages"}
_RECORDED = (
    "id", "request_id", "started_at", "operation", "client_dialect", "tool", "project", "profile",
    "local_key", "kind", "requested_model", "model", "account", "route_group", "rule", "why",
    "input_tokens", "cached_tokens", "cache_write_tokens", "status", "outcome", "code", "attempts",
)  # fmt: skip
_NOT_KEPT = "Headers and body of a past exchange are not kept: rules that look at them are judged by what was recorded."
_NOT_COUNTED = "How much of your own limits is used, only the running gateway knows."
_NOT_ASKED = "Models that only the providers' own lists name are not known here."

type Rows = Sequence[tuple[Any, ...]]


class Query(Struct, forbid_unknown_fields=True):
    """
    What is asked; one of `model`, `request` and `exchange` says which request.

    Attributes:
        model: A model's name, as a tool would name it.
        request: A saved request: its JSON body, or a whole HTTP/1.1 request.
        exchange: Request id of a past exchange.
        dialect: Of a model's name or a bare body; "" guesses.
        tool: Preset id of the tool.
        profile: Id or name of the profile, as X-KorProxy-Profile would say.
        key: Id of the local key it comes with.
        project: Folder of the project.
        project_word: Profile that a `.korproxy` file there names.
        headers: Further headers.
        kind: As X-KorProxy-Request-Type would say.
        input_tokens: Size of the prompt.
        at: When, ISO 8601; "" is now.
    """

    model: str = ""
    request: str = ""
    exchange: str = ""
    dialect: str = ""
    tool: str = ""
    profile: str = ""
    key: str = ""
    project: str = ""
    project_word: str = ""
    headers: dict[str, str] = {}
    kind: str = ""
    input_tokens: int | None = None
    at: str = ""


class Known(Struct):
    """
    What a question is answered from.

    Attributes:
        config: The configuration.
        accounts: Its accounts, resolved, by id.
        fleet: How they stand.
        live: Models that providers have named, by account id; None: nobody has asked them.
        read: Rows of a query to the database.
        home: Path of the user's home folder.
        now: Unix seconds.
        limits: The user's limits as they stand now; None: nobody knows.
    """

    config: Config
    accounts: Mapping[str, ResolvedAccount]
    fleet: Fleet
    read: Callable[[str, tuple[Any, ...]], Rows]
    home: str
    now: float
    live: Mapping[str, tuple[ModelFacts, ...]] | None = None
    limits: Limits | None = None


def answer(query: Query, known: Known) -> Explanation:
    """
    Where the request would go, and why.

    Raises:
        KorProxyError: EXCHANGE_UNKNOWN, PROFILE_UNKNOWN, LOCAL_KEY_UNKNOWN; FIELD_INVALID, the question makes no sense;
            what is wrong with the saved request.
    """
    router = Router(known.config, known.home)
    now = _moment(query.at, known.now)
    notes: tuple[str, ...] = () if known.live is not None else (_NOT_ASKED,)
    if known.limits is None and known.config.quota_rules:
        notes = (*notes, _NOT_COUNTED)
    recorded = _recorded(query.exchange, known) if query.exchange else {}
    if recorded:
        exchange = _past(recorded, known.config)
        now = now if query.at else recorded["started_at"]
        notes = (_NOT_KEPT, *notes)
    else:
        exchange = _asked(query, known.config)
    facts = facts_of(exchange, now)
    facts.known_project = query.project or recorded.get("project", "")
    facts.known_tokens = query.input_tokens
    if recorded:
        facts.know_kinds(RequestKind(it) for it in recorded["kind"].split("+") if it)
        facts.known_tokens = facts.known_tokens or recorded["prompt_tokens"]
    elif not query.request:
        facts.known_tokens = facts.known_tokens or 0
    relays = any(it.access.own_login for it in known.accounts.values())
    market = Market(offers_of(known.accounts.values(), known.live or {}))
    explanation = explained(
        facts,
        _choice(query, recorded, exchange, router),
        Situation(
            router, market, known.accounts, known.fleet, now, _limits(query, exchange, known)
        ),
        key=query.key,
        session=session_of(exchange) if query.request else "",
        own_login=relays and OWN_KEY in exchange.client.headers,
        recorded=recorded,
        notes=notes,
    )
    return _with_crossing(explanation, exchange, known) if query.request else explanation


def _limits(query: Query, exchange: Exchange, known: Known) -> Limits | None:
    """The limits that would be asked; of another time than now nothing is known."""
    counted = exchange.wanted is not None and exchange.wanted.operation in COUNTED
    return None if query.at or query.exchange or not counted else known.limits


def _with_crossing(explanation: Explanation, exchange: Exchange, known: Known) -> Explanation:
    """The same, with what would become of the request on its way to the account that would be asked."""
    asked = (it for group in explanation.groups for it in group.accounts if it.chosen)
    chosen = next(asked, None)
    if chosen is None:
        return explanation
    told = crossing_told(exchange, known.accounts[chosen.account], chosen.model)
    return structs.replace(explanation, crossing=told)


def _moment(at: str, now: float) -> float:
    if not at:
        return now
    try:
        return datetime.fromisoformat(at).timestamp()
    except ValueError:
        raise _senseless("at", "a time such as 2026-11-22T09:30") from None


def _senseless(name: str, expected: str) -> KorProxyError:
    return KorProxyError(catalogue.FIELD_INVALID, f"{name}: {expected}", param=name)


def _choice(
    query: Query, recorded: Mapping[str, Any], exchange: Exchange, router: Router
) -> ProfileChoice:
    if recorded and not query.profile:
        # As the router of then decided; the profile may be gone since.
        found = router.profile_named(recorded["profile"])
        if found is None:
            raise unknown_profile(recorded["profile"], router)
        return ProfileChoice(found, "record")
    key = None
    if query.key:
        keys = {it.id: it for it in exchange.config.local_keys.keys}
        if query.key not in keys:
            raise KorProxyError(catalogue.LOCAL_KEY_UNKNOWN, query.key)
        key = keys[query.key].profile
    client = exchange.client
    header = query.profile or client.headers.get(HEADER, "")
    choice = named_profile(router, header=header, path=client.profile, key=key)
    if choice is None:
        project = Project(query.project, query.project_word)
        choice = project_profile(router, project.folder, project.profile_word)
    return choice or ProfileChoice(router.config.active_profile, "active")


# --- the request


def _asked(query: Query, config: Config) -> Exchange:
    """The exchange that a saved request, or a request for a model, would open."""
    headers = dict(query.headers)
    if query.kind:
        headers[KIND_HEADER] = query.kind
    if query.request:
        method, target, said, body = _saved(query)
        return _opened(method, target, {**said, **headers}, body, query, config)
    if not query.model:
        raise _senseless("model", "a model, a saved request or the id of an exchange")
    speaks = query.dialect or (MESSAGES if "claude" in query.model.lower() else CHAT)
    body = json.dumps({"model": query.model}).encode()
    return _opened("POST", _target(speaks, query.model), headers, body, query, config)


def _target(speaks: str, model: str) -> str:
    if speaks == GEMINI:
        return f"/v1beta/models/{quote(model, safe='')}:generateContent"
    if speaks not in _PATHS:
        raise _senseless("dialect", f"one of {', '.join((*_PATHS, GEMINI))}")
    return _PATHS[speaks]


def _saved(query: Query) -> tuple[str, str, dict[str, str], bytes]:
    """Method, target, headers and body of a saved request."""
    text = query.request.lstrip("\ufeff \t\r\n")
    head, _, rest = text.replace("\r\n", "\n").partition("\n\n")
    first, *lines = head.split("\n")
    words = first.split(" ")
    if len(words) == 3 and words[2].startswith("HTTP/") and words[1].startswith("/"):
        fields = (line.partition(":") for line in lines)
        headers = {name.strip().lower(): value.strip() for name, _, value in fields}
        return words[0].upper(), words[1], headers, rest.encode()
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        raise _senseless("request", "a JSON body, or a whole HTTP/1.1 request") from None
    if not isinstance(body, dict):
        raise _senseless("request", "a JSON object")
    if query.model:
        body["model"] = query.model
    model = str(body.get("model", ""))
    if not model:
        raise _senseless("model", "the body names none")
    speaks = query.dialect or _guessed(body)
    return "POST", _target(speaks, model), {}, json.dumps(body).encode()


def _guessed(body: Mapping[str, Any]) -> str:
    if "contents" in body:
        return GEMINI
    if "input" in body:
        return RESPONSES
    anthropic = {"system", "anthropic_version", "thinking", "stop_sequences", "metadata"}
    return MESSAGES if anthropic & body.keys() else CHAT


def _opened(
    method: str,
    target: str,
    headers: Mapping[str, str],
    body: bytes,
    query: Query,
    config: Config,
) -> Exchange:
    profile, whole = split_profile(target)
    path, _, query_string = whole.partition("?")
    fields = http.Headers([(name.encode(), value.encode()) for name, value in headers.items()])
    wanted = read_path(method, path, query_string, dict(headers))
    if wanted.operation is None or wanted.operation is Operation.MODELS:
        raise _senseless("request", "one that an account would be asked to serve")
    client = ClientRequest(
        method, path, query_string, fields, "HTTP/1.1", None, body, profile=profile
    )
    exchange = _exchange(config, client, dialect_id=wanted.dialect)
    exchange.wanted = wanted
    exchange.tool = query.tool or tool_of(fields)
    exchange.inbound = Inbound(
        body=body, path_model=wanted.path_model or "", path_stream=wanted.stream, sse=True
    )
    exchange.peek = dialect(wanted.dialect).peek_request(exchange.inbound)
    return exchange


def _exchange(config: Config, client: ClientRequest, *, dialect_id: str) -> Exchange:
    return Exchange(
        id="explained",
        seed="explained",
        config=config,
        client=client,
        received_at=0.0,
        clock_started_s=0.0,
        dialect=dialect_id,
    )


# --- the past


def _recorded(exchange_id: str, known: Known) -> dict[str, Any]:
    sql = (
        f"SELECT {', '.join(_RECORDED)} FROM exchanges WHERE request_id = ? OR id = ?"  # noqa: S608 - our own names
        " ORDER BY started_at DESC LIMIT 1"
    )
    rows = known.read(sql, (exchange_id, exchange_id))
    if not rows:
        raise KorProxyError(catalogue.EXCHANGE_UNKNOWN, exchange_id[:100])
    found = dict(zip(_RECORDED, rows[0], strict=True))
    parts = ("input_tokens", "cached_tokens", "cache_write_tokens")
    found["prompt_tokens"] = sum(found.pop(name) or 0 for name in parts)
    found["attempts"] = json.loads(found["attempts"])
    found["at"] = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(found["started_at"]))
    return found


def _past(recorded: Mapping[str, Any], config: Config) -> Exchange:
    client = ClientRequest("POST", "", "", http.Headers(), "", None)
    exchange = _exchange(config, client, dialect_id=recorded["client_dialect"])
    model = recorded["requested_model"]
    exchange.tool = recorded["tool"]
    exchange.wanted = read_path("POST", _PATHS[CHAT], "", {})
    exchange.inbound = Inbound(body=json.dumps({"model": model, "messages": []}).encode())
    exchange.peek = dialect(CHAT).peek_request(exchange.inbound)
    return exchange
