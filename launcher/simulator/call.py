"""One request to a simulated provider, and the reply a contract makes of it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from launcher.simulator.answer import Answer, Turn
from launcher.simulator.authorizations import Authorizations
from launcher.simulator.compose import compose
from launcher.simulator.ids import Ids
from launcher.simulator.keys import Credential
from launcher.simulator.ledger import Entry
from launcher.simulator.logins import Logins
from launcher.simulator.script import Rule, Script

Json = dict[str, Any]
Headers = list[tuple[str, str]]


@dataclass
class Reply:
    """
    What a contract answers.

    Args:
        frames: The pieces of a streamed answer, each sent on its own; `None` for a whole answer in `body`.
        websocket: Accept the upgrade, send these texts after the client's first message, close with this code.
        broken: Given the number of frames already sent, the frames which report a failure in mid-stream.
    """

    status: int
    body: bytes = b""
    headers: Headers = field(default_factory=list)
    content_type: str | None = "application/json"
    frames: list[bytes] | None = None
    broken: Callable[[int], list[bytes]] | None = None
    websocket: tuple[tuple[str, ...], int] | None = None
    delay_ms: float = 0.0

    def with_headers(self, *headers: tuple[str, str]) -> "Reply":
        """The same reply with these headers; they replace others of the same name."""
        named = {name.lower() for name, _ in headers}
        kept = [each for each in self.headers if each[0].lower() not in named]
        self.headers = [*kept, *headers]
        return self


class Refused(Exception):
    """A contract refuses the request with this reply."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


class Replaced(Refused):
    """A rule of the script answers instead of the contract."""


@dataclass
class World:
    """What all requests of a run share."""

    clock: Callable[[], float]
    ids: Ids
    script: Script
    logins: Logins
    base_url: str = ""
    skew_s: float = 0.0
    authorizations: Authorizations = field(default_factory=Authorizations)
    operations: dict[str, int] = field(default_factory=dict)
    projects: dict[str, str] = field(default_factory=dict)

    def now(self) -> float:
        """Unix seconds by the provider's clock, which a scenario may set wrong."""
        return self.clock() + self.skew_s


@dataclass
class Call:
    """
    A request at one host.

    `gate` must be called by a contract once authorisation and body are found right, and before anything changes.
    """

    world: World
    entry: Entry
    host: str
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    replace: Callable[["Call", Rule], Reply | None]
    credential: Credential | None = None
    rule: Rule | None = None

    def header(self, name: str) -> str | None:
        """A request header; names in any case."""
        return self.headers.get(name)

    @property
    def bearer(self) -> str | None:
        """The token of an `Authorization: Bearer` header."""
        scheme, _, token = (self.header("authorization") or "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else None

    def json(self) -> Any:
        """
        The body as JSON.

        Raises:
            ValueError: it is none.
        """
        return json.loads(self.body)

    def matched_value(self, name: str) -> str:
        """See `script.Matchable`."""
        entry = self.entry
        values = {"path": self.path, "host": self.host, "method": self.method, "key": entry.key}
        return values[name] if name in values else str(getattr(entry, name))

    def know(self, credential: Credential) -> None:
        """Note whose request it is."""
        self.credential = credential
        self.entry.provider = credential.provider
        self.entry.access = credential.access
        self.entry.key = credential.secret

    def gate(self, operation: str, model: str = "", *, stream: bool = False) -> None:
        """
        Let the script have its say.

        Raises:
            Replaced: a rule answers instead.
        """
        entry = self.entry
        entry.operation, entry.model, entry.stream = operation, model, stream
        self.rule = self.world.script.take(self)
        if self.rule is None:
            return
        entry.verdict = self.rule.fault
        reply = self.replace(self, self.rule)
        if reply is not None:
            raise Replaced(reply)

    @property
    def wants_empty_output(self) -> bool:
        """True if the script asks for a final response object without its items."""
        return self.rule is not None and self.rule.fault == "empty-output"

    def answer(self, turn: Turn) -> Answer:
        """The model's answer, or the scripted one; its tokens are noted in the ledger."""
        if self.rule is not None and self.rule.fault == "answer":
            turn = _scripted(turn, str(self.rule.params.get("prompt", "")))
        answer = compose(turn)
        self.entry.usage = {
            "input_tokens": answer.input_tokens,
            "cached_tokens": answer.cached_tokens,
            "output_tokens": answer.output_tokens,
            "thinking_tokens": answer.thinking_tokens,
        }
        return answer


def _scripted(turn: Turn, prompt: str) -> Turn:
    return Turn(**{**vars(turn), "prompt": prompt, "results": ()})
