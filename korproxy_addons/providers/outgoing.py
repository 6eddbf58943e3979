"""What surrounds a request on its way to an upstream: operation, account, address."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import SplitResult, quote, urlsplit

type Origin = tuple[str, str, int]
"""Scheme, host in lower case, port."""

_DEFAULT_PORTS = {"http": 80, "https": 443}


class Operation(StrEnum):
    """What is asked of an upstream."""

    GENERATE = "generate"
    COUNT_TOKENS = "count_tokens"
    MODELS = "models"
    EMBEDDINGS = "embeddings"
    COMPLETIONS = "completions"
    COMPACT = "compact"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """
    What surrounds a body on its way to an upstream.

    Attributes:
        operation: What is asked.
        dialect: Dialect of the body, one of the access's own.
        model: The model as the upstream names it.
        client_model: The model that the body names; None: unknown, look.
        stream: Whether the client wants a stream.
        native: The body is the client's own; False: it was encoded from another dialect.
        client_query: The client's query string, of which an access may keep a part.
        session_id: Stable for one conversation; handed in, "" if there is none.
        prompt_id: New for each prompt; handed in.
        refused_fields: Top-level fields that the upstream refuses by the user's config; None: as the access knows.
        losses: `prepare` appends here what it had to leave out.
    """

    operation: Operation
    dialect: str
    model: str
    client_model: str | None = None
    stream: bool = False
    native: bool = True
    client_query: str = ""
    session_id: str = ""
    prompt_id: str = ""
    refused_fields: frozenset[str] | None = None
    losses: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFacts:
    """
    What the account's provider code needs to know of it.

    Attributes:
        id: Account id.
        label: Its name for people.
        base_url: Where its requests go, overrides applied, without a final slash.
        project: Google Cloud project, as configured or discovered.
        account_id: ChatGPT account id.
        organization: OpenAI organization.
        openai_project: OpenAI project.
        headers: Static headers from the configuration.
        query: Static query parameters from the configuration.
    """

    id: str
    label: str
    base_url: str
    project: str = ""
    account_id: str = ""
    organization: str = ""
    openai_project: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    query: tuple[tuple[str, str], ...] = ()

    @property
    def origin(self) -> Origin:
        """The only place that the account's credential may go to."""
        return origin_of(self.base_url)


def origin_of(url: str) -> Origin:
    """Scheme, host and port of an absolute URL."""
    parts: SplitResult = urlsplit(url)
    port = parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)
    return parts.scheme, (parts.hostname or "").lower(), port


def join_url(base: str, path: str, query: Iterable[tuple[str, str]] = ()) -> str:
    """
    A base URL and a path below it.

    Tools' guides write the base with or without its version: `https://x/v1` and `/v1/messages` give
    `https://x/v1/messages`.
    """
    base = base.rstrip("/")
    first = path.split("/", 2)[1]
    if first in {"v1", "v1beta"} and base.endswith((f"/{first}", "/v1", "/v1beta")):
        base, _, version = base.rpartition("/")
        path = f"/{version}" + path[len(first) + 1 :]
    extra = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in query)
    if not extra:
        return base + path
    return base + path + ("&" if "?" in path else "?") + extra
