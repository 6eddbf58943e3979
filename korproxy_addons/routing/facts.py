"""What rules may ask about one request; what costs something is found out when a rule asks, and once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from korproxy_addons.config.profiles import RequestKind
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.providers.outgoing import Operation
from korproxy_addons.routing.kinds import BY_TRAIT, COARSE, coarse_kind, is_background
from korproxy_addons.routing.traits import Traits, read_traits

KIND_HEADER = "x-korproxy-request-type"


class ProjectNeededError(Exception):
    """A rule asks for the project, which is not known yet: find it, set `Facts.known_project`, and plan again."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment in local time: the weekday (0 is Monday), and the full minutes since midnight."""

    weekday: int
    minutes: int


@dataclass(slots=True, kw_only=True)
class Facts:
    """
    One request, as rules see it.

    Attributes:
        operation: What its path asks for; None if nothing is known of a path.
        dialect: Id of the client's dialect.
        tool: Preset id of the calling tool; "" if it does not name itself.
        model: As the client named it.
        headers: Its headers, names in any case.
        body: Its body, decompressed.
        moment: When it came.
        long_context_tokens: From how many tokens on it is of the kind long-context.
        known_project: Folder of the project it comes from, "" if there is none; None: nobody has looked yet.
        known_tokens: Size of the prompt where it is known without the body.
        resolved_model: What aliases make of `model`; set by the router.
    """

    operation: Operation | None
    dialect: str
    tool: str
    model: str
    headers: Mapping[str, str]
    body: bytes
    moment: Moment
    long_context_tokens: int
    known_project: str | None = None
    known_tokens: int | None = None
    resolved_model: str = ""
    _traits: Traits | None = field(default=None, init=False)
    _headers: dict[str, str] | None = field(default=None, init=False)
    _coarse: RequestKind | None = field(default=None, init=False)
    _kinds: dict[RequestKind, bool] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self.resolved_model = self.resolved_model or self.model

    @property
    def project(self) -> str:
        """
        The project's folder; "" if there is none.

        Raises:
            ProjectNeededError: Nobody has looked yet.
        """
        if self.known_project is None:
            raise ProjectNeededError
        return self.known_project

    def header(self, name: str) -> str | None:
        """The value of a header, by its name in lower case."""
        if self._headers is None:
            # Once and for all: the look-ups of a request's own headers go through all of them.
            self._headers = {key.lower(): value for key, value in self.headers.items()}
        return self._headers.get(name)

    @property
    def input_tokens(self) -> int:
        """About how many tokens the prompt has."""
        return self.traits().input_tokens if self.known_tokens is None else self.known_tokens

    def traits(self) -> Traits:
        """What the body says."""
        if self._traits is None:
            self._traits = read_traits(self.body)
        return self._traits

    @property
    def coarse(self) -> RequestKind:
        """
        Chat, completion, embedding or other.

        Raises:
            KorProxyError: FIELD_INVALID, the header that says it names no kind.
        """
        if self._coarse is None:
            named = self._named_kind()
            if named in COARSE:
                self._coarse = named
            else:
                self._coarse = coarse_kind(self.operation, self.resolved_model, self.traits)
        return self._coarse

    def is_kind(self, kind: RequestKind) -> bool:
        """
        Whether the request is of a kind. Where the header X-KorProxy-Request-Type names one, it is of no other of its sort.

        Raises:
            KorProxyError: FIELD_INVALID, as `coarse`.
        """
        if kind in COARSE:
            return self.coarse is kind
        known = self._kinds.get(kind)
        if known is None:
            named = self._named_kind()
            by_name = named is not None and named not in COARSE
            known = self._kinds[kind] = kind is named if by_name else self._found_kind(kind)
        return known

    def know_kinds(self, kinds: Iterable[RequestKind]) -> None:
        """Take these kinds for the request's, and no others: they were found out before."""
        known = frozenset(kinds)
        self._coarse = next((it for it in COARSE if it in known), RequestKind.OTHER)
        self._kinds = {it: it in known for it in RequestKind if it not in COARSE}

    def kind_text(self) -> str:
        """The coarse kind, and the others that somebody asked for and that hold: `chat+background`."""
        return "+".join((self.coarse, *(kind for kind, holds in self._kinds.items() if holds)))

    def _found_kind(self, kind: RequestKind) -> bool:
        if kind is RequestKind.BACKGROUND:
            return is_background(self.resolved_model, self.traits)
        if kind is RequestKind.LONG_CONTEXT:
            return self.input_tokens >= self.long_context_tokens
        return BY_TRAIT[kind](self.traits())

    def _named_kind(self) -> RequestKind | None:
        said = self.header(KIND_HEADER)
        if said is None:
            return None
        try:
            return RequestKind(said.strip().lower())
        except ValueError:
            known = ", ".join(RequestKind)
            detail = f"X-KorProxy-Request-Type: one of {known}"
            raise KorProxyError(
                catalogue.FIELD_INVALID, detail, param="X-KorProxy-Request-Type"
            ) from None
