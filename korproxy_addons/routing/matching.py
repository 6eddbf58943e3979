"""A rule's conditions as functions of a request's facts, the cheap ones first."""

from collections.abc import Callable
from typing import NamedTuple

from korproxy_addons.config.profiles import Match, RequestKind
from korproxy_addons.config.times import read_span
from korproxy_addons.routing.facts import Facts
from korproxy_addons.routing.globs import matcher
from korproxy_addons.routing.kinds import COARSE
from korproxy_addons.routing.projects import folder_matcher


class Condition(NamedTuple):
    """
    One condition of a rule.

    Attributes:
        field: The field of `Match` it comes from.
        wanted: What the rule asks for, for people.
        holds: The test.
        found: What the request has instead, for people.
    """

    field: str
    wanted: str
    holds: Callable[[Facts], bool]
    found: Callable[[Facts], str]

    @property
    def is_static(self) -> bool:
        """Only dialect, tool and model decide, so that one answer holds for all requests that share them."""
        return self.field in ("dialect", "tool", "model")


def conditions_of(when: Match, home: str) -> tuple[Condition, ...]:
    """
    Every condition that a rule sets, in the order in which to test them.

    Args:
        when: As the configuration has it.
        home: Path of the user's home folder, for `~`.
    """
    found: list[Condition] = []
    if when.dialect:
        dialects = frozenset(when.dialect)
        found.append(
            _one(
                ("dialect", when.dialect), lambda it: it.dialect in dialects, lambda it: it.dialect
            )
        )
    if when.tool:
        tool = matcher(when.tool)
        found.append(_one(("tool", when.tool), lambda it: tool(it.tool), lambda it: it.tool))
    if when.model:
        found.append(_model(when.model))
    found += [_header(name, pattern) for name, pattern in when.header.items()]
    if when.time:
        found.append(_time(when.time))
    if when.kind:
        found.append(_kind(when.kind))
    least, most = when.min_input_tokens, when.max_input_tokens
    if least is not None:
        found.append(
            _one(("min_input_tokens", (str(least),)), lambda it: it.input_tokens >= least, _size)
        )
    if most is not None:
        found.append(
            _one(("max_input_tokens", (str(most),)), lambda it: it.input_tokens <= most, _size)
        )
    if when.project:
        # Last: to learn of it, the calling process has to be found.
        folder = folder_matcher(when.project, home)
        found.append(
            _one(("project", when.project), lambda it: folder(it.project), lambda it: it.project)
        )
    return tuple(found)


def _one(
    says: tuple[str, tuple[str, ...]],
    holds: Callable[[Facts], bool],
    found: Callable[[Facts], str],
) -> Condition:
    return Condition(says[0], " or ".join(says[1]), holds, found)


def _model(patterns: tuple[str, ...]) -> Condition:
    fits = matcher(patterns)

    def holds(facts: Facts) -> bool:
        return fits(facts.model) or (
            facts.resolved_model is not facts.model and fits(facts.resolved_model)
        )

    return _one(("model", patterns), holds, lambda it: it.model)


def _header(name: str, pattern: str) -> Condition:
    fits, lower = matcher((pattern,)), name.lower()

    def holds(facts: Facts) -> bool:
        value = facts.header(lower)
        return value is not None and fits(value)

    return _one(
        (f"header {name}", (pattern,)), holds, lambda it: "another" if it.header(lower) else ""
    )


def _time(texts: tuple[str, ...]) -> Condition:
    spans = tuple(map(read_span, texts))

    def holds(facts: Facts) -> bool:
        moment = facts.moment
        for span in spans:  # noqa: SIM110 - as for kinds
            if span.holds(moment.weekday, moment.minutes):
                return True
        return False

    return _one(("time", texts), holds, _clock)


def _kind(kinds: tuple[RequestKind, ...]) -> Condition:
    # Those that the path says cost nothing.
    ordered = sorted(kinds, key=lambda it: it not in COARSE)

    def holds(facts: Facts) -> bool:
        for kind in ordered:  # noqa: SIM110 - each rule is asked: a generator costs more than the question
            if facts.is_kind(kind):
                return True
        return False

    return _one(("kind", kinds), holds, lambda it: it.kind_text())


def _size(facts: Facts) -> str:
    return str(facts.input_tokens)


def _clock(facts: Facts) -> str:
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    hours, minutes = divmod(facts.moment.minutes, 60)
    return f"{days[facts.moment.weekday]} {hours:02}:{minutes:02}"
