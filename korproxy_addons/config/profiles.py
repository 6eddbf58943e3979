"""Profiles, their rules, and the groups of accounts that rules send requests to."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, field_validator

from korproxy_addons.config.fields import (
    Dialect,
    FrozenMap,
    ModelName,
    Name,
    Settings,
    Text,
)
from korproxy_addons.config.times import read_span

DEFAULT_ID = "default"
"""Id of the profile, and of the group, that is there even if the file names none."""

DEFAULT_COLOR = "#6366F1"


class Strategy(StrEnum):
    """How a group picks the next account."""

    FILL_FIRST = "fill-first"
    ROUND_ROBIN = "round-robin"
    LEAST_USED = "least-used"
    PRIORITY = "priority"
    RANDOM = "random"
    WEIGHTED = "weighted"
    QUOTA_AWARE = "quota-aware"


class RequestKind(StrEnum):
    """
    What a request is: one of the first four, and any of the others.

    LONG_CONTEXT begins at `long_context_tokens`; the rest is said by the request itself.
    """

    CHAT = "chat"
    COMPLETION = "completion"
    EMBEDDING = "embedding"
    OTHER = "other"
    BACKGROUND = "background"
    THINKING = "thinking"
    LONG_CONTEXT = "long-context"
    TOOL_USE = "tool-use"
    VISION = "vision"
    WEB_SEARCH = "web-search"


class Effort(StrEnum):
    """How much a model shall think."""

    NONE = "none"
    MINIMAL = "minimal"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    XHIGH = "xhigh"
    MAX = "max"


def _many(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    return (value,) if isinstance(value, str) else value


def _kinds(value: Any) -> Any:
    value = _many(value)
    if not isinstance(value, tuple):
        return value
    known = {it.value: it for it in RequestKind}
    for it in value:
        if it not in known:
            raise ValueError(f"one of {', '.join(known)}")
    return tuple(known[it] for it in value)


def _span(value: str) -> str:
    read_span(value)
    return value


_ONE_OR_MORE: Any = str | list[str]

type Texts = Annotated[
    tuple[Text, ...], BeforeValidator(_many, json_schema_input_type=_ONE_OR_MORE)
]
"""One text, or a list of them."""

type Names = Annotated[
    tuple[Name, ...], BeforeValidator(_many, json_schema_input_type=_ONE_OR_MORE)
]
"""One id, or a list of them."""

type Dialects = Annotated[
    tuple[Dialect, ...], BeforeValidator(_many, json_schema_input_type=_ONE_OR_MORE)
]
type Kinds = Annotated[
    tuple[RequestKind, ...], BeforeValidator(_kinds, json_schema_input_type=_ONE_OR_MORE)
]
type Spans = Annotated[
    tuple[Annotated[Text, AfterValidator(_span)], ...],
    BeforeValidator(_many, json_schema_input_type=_ONE_OR_MORE),
]
type Tokens = Annotated[int, Field(ge=0, le=10**9)]


class Match(Settings):
    """
    Which requests a rule is for: those of which everything that is set here is true.

    Where a list stands, one of it is enough. Patterns know `*` and `?`, and ignore case.
    """

    tool: Texts = ()
    """Tools, such as claude-code; patterns."""
    dialect: Dialects = ()
    """APIs that the tool speaks."""
    kind: Kinds = ()
    """Kinds of requests: chat, completion, embedding, other, background, thinking, long-context, tool-use, vision,
    web-search."""
    model: Texts = ()
    """Models, as the tool names them or as an alias says; patterns."""
    min_input_tokens: Tokens | None = None
    """The prompt has at least about so many tokens."""
    max_input_tokens: Tokens | None = None
    """The prompt has at most about so many tokens."""
    project: Texts = ()
    """Folders of projects, those below them included; patterns, ~ is the home folder."""
    header: FrozenMap[Text] = Field(default_factory=dict, validate_default=True)
    """Headers of the request, by name, each with a pattern."""
    time: Spans = ()
    """When, in local time: mon-fri 09:00-18:00, sat,sun or 22:00-06:00."""

    @field_validator("*", mode="before")
    @classmethod
    def _asks_for_something(cls, value: Any) -> Any:
        # Without a word it would fit every request, which nobody means who writes the key.
        if value == []:
            raise ValueError("one or more; without the key, any will do")
        return value


class Parameters(Settings):
    """What a rule sets in the request, whatever the tool asked for."""

    max_tokens: Annotated[int, Field(ge=1, le=10**7)] | None = None
    """Limit of the answer."""
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    """Sampling temperature."""
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    """Nucleus sampling."""
    effort: Effort | None = None
    """How much the model thinks; none turns it off."""
    thinking_budget: Annotated[int, Field(ge=0, le=10**6)] | None = None
    """Tokens for thinking; 0 turns it off."""


class Rule(Settings):
    """
    Sends some requests somewhere.

    The first rule that fits and names a group or a model decides. One that names neither only sets parameters, and
    the next rules are asked too.
    """

    name: Name
    """Name of the rule; X-KorProxy-Why shows it."""
    when: Match = Field(default_factory=Match)
    """Which requests; all, if nothing is set."""
    group: Names = ()
    """Groups to send them to; the next one when the first has nobody. By default the profile's."""
    model: ModelName | None = None
    """Model to ask for in place of the one the tool named; an alias or provider/model too."""
    parameters: Parameters = Parameters()
    """What to set in the request."""
    disabled: bool = False
    """Keep the rule, but do not use it."""


class Profile(Settings):
    """A set of routing rules that one is in at a time; a request may name another."""

    id: Name
    """Id, for the address http://localhost:1337/p/ID and the header X-KorProxy-Profile."""
    name: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    """Name for people; by default the id."""
    color: str = Field(default=DEFAULT_COLOR, pattern=r"^#[0-9A-Fa-f]{6}$")
    """Colour in the tray and the dashboard, as #RRGGBB."""
    icon: Text | None = None
    """Icon in the tray and the dashboard."""
    group: Names = ()
    """Groups for what no rule sends elsewhere; the next one when the first has nobody. By default the group default."""
    projects: Texts = ()
    """Folders whose tools use this profile, those below them included; patterns, ~ is the home folder."""
    rules: tuple[Rule, ...] = ()
    """The rules, in the order in which they are asked."""

    @property
    def shown_as(self) -> str:
        """The name for people."""
        return self.name or self.id


class GroupConfig(Settings):
    """Accounts that stand in for each other."""

    id: Name
    """Id of the group."""
    name: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    """Name for people; by default the id."""
    accounts: tuple[Name, ...] | None = None
    """Its accounts, best first; by default all, in the file's order."""
    strategy: Strategy = Strategy.FILL_FIRST
    """How the next account is picked."""
    weights: FrozenMap[Annotated[float, Field(gt=0, le=1000)]] = Field(
        default_factory=dict, validate_default=True
    )
    """Share of the requests by account, for the strategy weighted; 1 by default."""
    reserves: FrozenMap[Annotated[float, Field(ge=0, lt=1)]] = Field(
        default_factory=dict, validate_default=True
    )
    """Share of an account's quota that is kept back while others can serve, by account; 0 by default."""
    sticky: bool = True
    """Keep a conversation at its account, so that the provider's prompt cache is of use."""

    @property
    def shown_as(self) -> str:
        """The name for people."""
        return self.name or self.id


class SafeMode(Settings):
    """One switch that sends all requests to one fallback, whatever the rules say."""

    enabled: bool = False
    """Whether it is on."""
    model: ModelName | None = None
    """Model to ask for, such as claude/claude-haiku-5; by default the one the tool named."""
    group: Name | None = None
    """Group to send all to; by default all accounts."""


DEFAULT_PROFILE = Profile(id=DEFAULT_ID, name="Default")
DEFAULT_GROUP = GroupConfig(id=DEFAULT_ID, name="Default")
