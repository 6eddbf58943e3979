"""
The contract of a provider: one `AccessSpec` for each way in, methods where a table does not do.

Everything here is pure: bytes in, bytes out. Secrets are opened in this file and nowhere else in
the folder.
"""

import re
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from urllib.parse import quote, urlsplit

import msgspec
from pydantic import SecretStr

from korproxy_addons.config.habits import Habits, ModelFacts
from korproxy_addons.errors.catalogue import (
    CREDENTIAL_HOST_MISMATCH,
    PROJECT_REQUIRED,
    SECRET_UNAVAILABLE,
)
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.providers.bodies import rename_model
from korproxy_addons.providers.calls import Pause, Reply, Request
from korproxy_addons.providers.error_words import Words, hidden_words, read_words, status_of
from korproxy_addons.providers.failure import Failure
from korproxy_addons.providers.logins import LoginSpec
from korproxy_addons.providers.model_lists import parse_models
from korproxy_addons.providers.outgoing import (
    AccountFacts,
    Operation,
    Origin,
    Outgoing,
    join_url,
    origin_of,
)
from korproxy_addons.providers.quota import NO_QUOTA, QuotaReading, Windows
from korproxy_addons.providers.rules import NO_RULES, Rule, read_by

__all__ = [
    "AccessSpec",
    "AccountFacts",
    "Discovery",
    "Headers",
    "Operation",
    "Origin",
    "Outgoing",
    "ProviderSpec",
    "Tier",
    "client_credentials",
    "credential",
    "join_url",
    "origin_of",
]

type Headers = list[tuple[str, str]]

USER_AGENT = "korproxy"
_DATED = re.compile(r"-(?:\d{8}|\d{4}-\d\d-\d\d)$")

_NEVER_FORWARDED = frozenset(
    {
        "authorization", "proxy-authorization", "x-api-key", "x-goog-api-key", "api-key", "cookie",
        "host", "connection", "content-length", "content-encoding", "transfer-encoding",
        "accept-encoding", "expect", "upgrade", "te", "trailer", "keep-alive", "origin", "referer",
    }
)  # fmt: skip


# The vendor's own tool with its own login is relayed as it speaks.
_OWN_LOGIN_TOO = frozenset({"accept", "content-type"})


class Tier(StrEnum):
    """How firmly the provider stands behind a way in (`providers.md` section 1)."""

    SUPPORTED = "supported"
    TOLERATED = "tolerated"
    RESTRICTED = "restricted"


type Discovery = Generator[Request | Pause, Reply | None, str]
"""Requests out, replies in, the project's id at the end."""


@dataclass(frozen=True, kw_only=True, eq=False)
class AccessSpec:
    """
    One way into a provider.

    Attributes:
        id: Such as `api-key`.
        name: For people.
        habits: One entry for each dialect that the upstream speaks natively; the first is the one
            to translate into.
        base_url: Where requests go unless the configuration says otherwise.
        login: How a person signs in to it; None: it has a key, or no credential at all.
        quota_url: Where the used quota is asked for, "" if nowhere.
        regions: Base URL by region, where a key belongs to one.
        credential: Where the secret goes: bearer, x-api-key, x-goog-api-key, header:NAME or none.
        tier: How firmly the provider stands behind it.
        needs_consent: An account works only once its owner has set `consent: true`.
        only_for_tool: Preset id of the only tool that may use it by the provider's terms; "": any.
        own_login: The client's own credential goes upstream; the account holds none.
        refreshes: The credential is a token that can be refreshed after a 401.
        forces_stream: GENERATE is answered as a stream, whatever the client asked for.
        fixed_headers: Sent unless the client sent, and the access forwards, its own.
        forward_headers: Client headers that go upstream with a native body; lower case.
        forward_prefixes: The same, by the beginning of their names.
        paths: Path below `base_url` by (operation, dialect); absent: not offered.
        rules: How its errors are read, first match wins; then the status alone decides.
        models: What is known without asking.
        quota: How it tells what is left of an account.
        lists_models: Whether MODELS is offered; if not, `models` is all.
    """

    id: str
    name: str
    habits: tuple[Habits, ...]
    base_url: str
    login: LoginSpec | None = None
    quota_url: str = ""
    regions: Mapping[str, str] = field(default_factory=dict)
    credential: str = "bearer"
    tier: Tier = Tier.SUPPORTED
    needs_consent: bool = False
    only_for_tool: str = ""
    own_login: bool = False
    refreshes: bool = False
    forces_stream: bool = False
    fixed_headers: tuple[tuple[str, str], ...] = ()
    forward_headers: frozenset[str] = frozenset()
    forward_prefixes: tuple[str, ...] = ()
    paths: Mapping[tuple[Operation, str], str] = field(default_factory=dict)
    rules: tuple[Rule, ...] = NO_RULES
    models: tuple[ModelFacts, ...] = ()
    quota: QuotaReading = NO_QUOTA

    @property
    def auth_url(self) -> str:
        """Page on which a person signs in; "" if there is none."""
        return self.login.auth_url if self.login else ""

    @property
    def token_url(self) -> str:
        """Where tokens are exchanged and refreshed; "" if nowhere."""
        return self.login.token_url if self.login else ""

    @property
    def dialects(self) -> tuple[str, ...]:
        """Ids of the dialects it speaks, the preferred one first."""
        return tuple(it.dialect for it in self.habits)

    @property
    def lists_models(self) -> bool:
        """Whether the upstream can be asked for its models."""
        return any(operation is Operation.MODELS for operation, _ in self.paths)

    def facts_of(self, model: str, known: Iterable[ModelFacts]) -> ModelFacts:
        """
        What is known of a model.

        Args:
            model: The upstream's name of it.
            known: The account's models. A name with a date is the model without one.
        """
        listed = {it.id: it for it in known}
        plain = _DATED.sub("", model)
        found = listed.get(model) or listed.get(plain)
        return ModelFacts(id=model) if found is None else msgspec.structs.replace(found, id=model)

    def path(
        self,
        operation: Operation,
        model: str,
        *,
        stream: bool = False,
        dialect: str = "",
        client_query: str = "",
    ) -> str | None:
        """
        The path below the base URL, with its query; None if the upstream does not offer it.

        Args:
            operation: What is asked.
            model: The upstream's name of the model, for dialects that put it into the path.
            stream: Whether a stream is wanted of the upstream.
            dialect: Dialect to speak; "": the preferred one.
            client_query: The client's own query string.
        """
        del stream, client_query  # for accesses whose path depends on them
        path = self.paths.get((operation, dialect or self.dialects[0]))
        return None if path is None else path.replace("{model}", quote(model, safe=""))

    def base_for(self, account: AccountFacts, dialect: str) -> str:
        """The base URL for a dialect."""
        del dialect
        return account.base_url

    def url(self, account: AccountFacts, outgoing: Outgoing) -> str | None:
        """The absolute URL to send to; None if the upstream does not offer the operation."""
        path = self.path(
            outgoing.operation,
            outgoing.model,
            stream=outgoing.stream or self.streams(outgoing.operation),
            dialect=outgoing.dialect,
            client_query=outgoing.client_query,
        )
        if path is None:
            return None
        return join_url(self.base_for(account, outgoing.dialect), path, account.query)

    def streams(self, operation: Operation) -> bool:
        """Whether the upstream answers an operation as a stream whatever is asked."""
        return self.forces_stream and operation is Operation.GENERATE

    def headers(
        self,
        account: AccountFacts,
        outgoing: Outgoing,
        client_headers: Iterable[tuple[str, str]] = (),
    ) -> Headers:
        """
        The request's headers without any credential; names in lower case, each once.

        The client's own credentials and hop-by-hop headers are never among them, whatever the
        tables say.
        """
        stream = outgoing.stream or self.streams(outgoing.operation)
        headers = {
            "user-agent": USER_AGENT,
            "accept": "text/event-stream" if stream else "application/json",
            **dict(self.fixed_headers),
        }
        if outgoing.operation is not Operation.MODELS:
            headers["content-type"] = "application/json"
        forwarded: dict[str, str] = {}
        for name, value in self._forwarded(outgoing, client_headers):
            # A header in several lines is one list (RFC 9110, section 5.3).
            forwarded[name] = f"{forwarded[name]}, {value}" if name in forwarded else value
        headers.update(forwarded)
        for name, value in account.headers:
            headers[name.lower()] = value
        self.complete_headers(headers, account, outgoing)
        return list(headers.items())

    def complete_headers(
        self, headers: dict[str, str], account: AccountFacts, outgoing: Outgoing
    ) -> None:
        """Last changes to the headers, for accesses that need any."""

    def credential_headers(
        self,
        account: AccountFacts,
        url: str,
        secret: SecretStr | None,
        client_headers: Iterable[tuple[str, str]] = (),
    ) -> Headers:
        """
        The headers that carry the credential, for a URL on the account's own origin.

        Raises:
            KorProxyError: CREDENTIAL_HOST_MISMATCH for any other URL; SECRET_UNAVAILABLE if the
                access needs a secret and there is none, or it cannot stand in a header.
        """
        if origin_of(url) != account.origin:
            host = urlsplit(url).hostname or "?"
            raise KorProxyError(CREDENTIAL_HOST_MISMATCH, f"account {account.label}, host {host}")
        if self.own_login:
            return self.own_credential(account, client_headers)
        return credential(self.credential, secret, account.label)

    def own_credential(
        self, account: AccountFacts, client_headers: Iterable[tuple[str, str]]
    ) -> Headers:
        """The client's own credential, for accesses that pass it through."""
        raise NotImplementedError(f"{self.id} of {account.id} passes no login through")

    def prepare(self, body: bytes, outgoing: Outgoing, account: AccountFacts) -> bytes:
        """
        The body as this upstream wants it; the same object where nothing is to be changed.

        Unknown fields, the order of keys and the texts of numbers and strings stay.

        Raises:
            KorProxyError: NOT_JSON; CANNOT_TRANSLATE where the upstream has no words for it.
        """
        del account
        if outgoing.client_model == outgoing.model:
            return body
        return rename_model(body, outgoing.model)

    def unwrap(self, data: bytes) -> bytes:
        """One SSE payload, or one whole body, without the upstream's envelope."""
        return data

    def is_prelude(self, data: bytes) -> bool:
        """Whether an SSE payload only announces a reply, so that an early error may still follow."""
        del data
        return False

    def read_failure(
        self, status: int, headers: Mapping[str, str], body: bytes, *, model: str, now: float
    ) -> Failure:
        """
        What a reply with an error status means.

        Args:
            status: HTTP status, not 2xx.
            headers: Names in lower case.
            body: As much of it as was read.
            model: The upstream model that was asked for.
            now: Unix seconds.
        """
        words = read_words(body, headers.get("content-type", ""))
        return self.judge(words, status, headers, model=model, now=now)

    def read_hidden_failure(self, data: bytes, *, model: str, now: float) -> Failure | None:
        """
        The error in a successful reply's SSE payload or whole body; None if it has none.

        Args:
            data: One payload, or a whole body, after `unwrap`.
            model: The upstream model that was asked for.
            now: Unix seconds.
        """
        words = hidden_words(data)
        if words is None:
            return None
        failure = self.judge(words, status_of(words), {}, model=model, now=now)
        return replace(failure, status=200)

    def judge(
        self, words: Words, status: int, headers: Mapping[str, str], *, model: str, now: float
    ) -> Failure:
        """What an error means, its body read: the rules, then the status."""
        del model
        return read_by(self.rules, words, status, headers, now, refreshes=self.refreshes)

    def read_windows(self, status: int, headers: Mapping[str, str], now: float) -> Windows:
        """
        What a reply says of the account's limits; none if it says nothing.

        Args:
            status: HTTP status.
            headers: Names in lower case.
            now: Unix seconds.
        """
        return () if status >= 500 else self.quota.headers(headers, now)

    def parse_models(self, body: bytes) -> tuple[ModelFacts, ...]:
        """
        The models in the reply to MODELS, with what is known of them besides.

        Raises:
            KorProxyError: UPSTREAM_INVALID_REPLY.
        """
        return parse_models(body, self.models)

    @property
    def discovers(self) -> bool:
        """Whether `discover` must have run before the first request."""
        return False

    def discover(self, account: AccountFacts) -> Discovery:
        """
        Find the project that belongs to a login.

        Raises:
            KorProxyError: PROJECT_REQUIRED and others, when the generator is driven.
        """
        yield from ()
        raise KorProxyError(PROJECT_REQUIRED, account.label)

    def _forwarded(
        self, outgoing: Outgoing, client_headers: Iterable[tuple[str, str]]
    ) -> Iterable[tuple[str, str]]:
        for name, value in client_headers:
            lower = name.lower()
            if lower in _NEVER_FORWARDED or lower.startswith(("x-korproxy-", "sec-", ":")):
                continue
            if (
                lower == "user-agent"
                or (self.own_login and lower in _OWN_LOGIN_TOO)
                or (
                    outgoing.native
                    and (lower in self.forward_headers or lower.startswith(self.forward_prefixes))
                )
            ):
                yield lower, value


@dataclass(frozen=True, kw_only=True, eq=False)
class ProviderSpec:
    """
    A provider.

    Attributes:
        id: Such as `claude`.
        name: For people.
        accesses: Its ways in, the default one first.
        model_prefixes: Beginnings of the names of its models, for models on no list yet.
        test_model: A cheap one, for test requests.
    """

    id: str
    name: str
    accesses: tuple[AccessSpec, ...]
    model_prefixes: tuple[str, ...] = ()
    test_model: str = ""

    def access(self, access_id: str | None) -> AccessSpec:
        """
        The access with this id; the default one for None.

        Raises:
            KeyError: There is none.
        """
        if access_id is None:
            return self.accesses[0]
        for access in self.accesses:
            if access.id == access_id:
                return access
        raise KeyError(access_id)


def credential(style: str, secret: SecretStr | None, label: str) -> Headers:
    """
    The header that carries a secret.

    Args:
        style: bearer, x-api-key, x-goog-api-key, header:NAME or none.
        secret: The secret; only `none` goes without.
        label: The account's, for the error.
    Raises:
        KorProxyError: SECRET_UNAVAILABLE.
    """
    if style == "none":
        return []
    value = "" if secret is None else secret.get_secret_value().strip()
    if not value:
        raise KorProxyError(SECRET_UNAVAILABLE, f"account {label} has none")
    if not value.isascii() or not value.isprintable() or " " in value:
        raise KorProxyError(SECRET_UNAVAILABLE, f"that of account {label} is not a key or token")
    if style == "bearer":
        return [("authorization", f"Bearer {value}")]
    return [(style.removeprefix("header:").lower(), value)]


_PLACEHOLDERS = ("korproxy", "kp-local")
"""Beginnings of local keys; whatever begins so never goes upstream."""


def client_credentials(
    client_headers: Iterable[tuple[str, str]], names: tuple[str, ...]
) -> Headers:
    """The client's own credentials in the headers of these names, local keys left out."""
    found = []
    for name, value in client_headers:
        scheme, _, rest = value.strip().partition(" ")
        bare = rest.strip() if scheme.lower() == "bearer" else value.strip()
        if name.lower() in names and bare and not bare.startswith(_PLACEHOLDERS):
            found.append((name.lower(), value.strip()))
    return found
