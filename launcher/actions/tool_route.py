"""The route of one tool: which model it asks for, which account would answer, and what would become of its request on the way."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from korproxy_addons.config.habits import ModelFacts
from korproxy_addons.config.patience import Patience, patience_of
from korproxy_addons.config.schema import Config
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.database import Reader
from korproxy_addons.io.database_file import FILE_NAME
from korproxy_addons.presets.base import Preset
from korproxy_addons.providers.registry import Routes
from korproxy_addons.providers.resolve import ResolvedAccount, resolve_accounts
from launcher.actions.routes import explain_route

WEEK_S = 7 * 86400.0
_ALIASES = ("opus", "sonnet", "haiku", "default", "opusplan", "auto")
"""Names that a tool turns into a model's by itself."""


@dataclass(frozen=True, slots=True)
class Seen:
    """
    What a tool did in the last week.

    Attributes:
        requests: How many.
        streamed: Streams among them that were answered to their end.
        failed: Those that ended in an error.
        model: The model that it asked for most; "" if none.
    """

    requests: int = 0
    streamed: int = 0
    failed: int = 0
    model: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolRoute:
    """
    Where a tool's requests go.

    Attributes:
        preset: The tool.
        model: That it asks for; "" if nobody knows.
        model_by: Who says so, for people.
        way: The account that would be asked first; None if nobody serves.
        upstream_model: That account's name of the model.
        facts: What is known of that model.
        native: The account's provider speaks the tool's own API.
        upstream_dialect: The API that it is asked in.
        losses: What would be lost of a request: feature, detail, whether that is serious.
        error: Why it would not be served; "" if it would.
        code: The code of that.
        patience: How long the tool waits; None: not known.
        config: The configuration.
        others: Ids of accounts whose providers speak the tool's own API.
        seen: What it did lately.
    """

    preset: Preset
    config: Config
    model: str = ""
    model_by: str = ""
    way: ResolvedAccount | None = None
    upstream_model: str = ""
    facts: ModelFacts = field(default_factory=lambda: ModelFacts(id=""))
    native: bool = False
    upstream_dialect: str = ""
    losses: tuple[tuple[str, str, bool], ...] = ()
    error: str = ""
    code: str = ""
    patience: Patience | None = None
    others: tuple[str, ...] = ()
    seen: Seen = Seen()


def tool_route(
    home: Path,
    preset: Preset,
    config: Config,
    routes: Routes,
    now: float,
    *,
    model: str = "",
    told_model: str = "",
) -> ToolRoute:
    """
    The route that a tool's next request would take; nothing is sent.

    Args:
        home: The KorProxy folder.
        preset: The tool.
        config: The configuration.
        routes: The registry of ways in.
        now: Unix seconds.
        model: That a person names; "" for the tool's.
        told_model: That its settings name.
    """
    ways = resolve_accounts(config, home, routes)
    seen = seen_lately(home, preset.id, now)
    asked, by = _model(preset, ways, seen, model, told_model)
    speaks = tuple(it.id for it in ways if preset.dialect in it.access.dialects)
    plain = ToolRoute(
        preset=preset, config=config, model=asked, model_by=by, patience=patience_of(preset.id),
        others=speaks, seen=seen,
    )  # fmt: skip
    if not asked:
        return _failed(plain, "No account is in use, so there is no model to ask for.", "")
    try:
        found = explain_route(home, question_of(preset, asked))
    except KorProxyError as error:
        return _failed(plain, error.message(), error.spec.code)
    return _routed(plain, found, {it.id: it for it in ways})


def question_of(preset: Preset, model: str) -> dict[str, Any]:
    """The tool's own kind of request, as a question about its route."""
    assert preset.sample is not None
    return {
        "request": json.dumps({**preset.sample.body, "model": model}),
        "dialect": preset.dialect,
        "tool": preset.id,
        "headers": dict(preset.sample.headers),
    }


def _model(
    preset: Preset, ways: tuple[ResolvedAccount, ...], seen: Seen, named: str, told: str
) -> tuple[str, str]:
    if named:
        return named, "as you say"
    bare = told.removeprefix("openai/").removeprefix("korproxy/")
    if bare and bare.partition("[")[0] not in _ALIASES:
        return bare.partition("[")[0], "in its settings"
    if seen.model:
        return seen.model, "which it asked for most in the last week"
    if preset.model:
        return preset.model, "which it asks for unless told otherwise"
    for way in ways:
        known = [it.id for it in way.models if way.may_serve(it.id)]
        if known:
            return known[0], "the first that an account serves; its settings name none"
    return "", ""


def _failed(plain: ToolRoute, error: str, code: str) -> ToolRoute:
    return replace(plain, error=error, code=code)


def _routed(
    plain: ToolRoute, found: Mapping[str, Any], ways: Mapping[str, ResolvedAccount]
) -> ToolRoute:
    way = ways.get(found["chosen"])
    crossing = found.get("crossing")
    if way is None or crossing is None:
        return _failed(plain, found["error"] or "Nobody serves it.", "")
    served = next(
        it["model"] for group in found["groups"] for it in group["accounts"] if it["chosen"]
    )
    losses = tuple((it["feature"], it["detail"], it["serious"]) for it in crossing["losses"])
    return replace(
        plain,
        way=way,
        upstream_model=served,
        facts=way.access.facts_of(served, way.models),
        native=crossing["native"],
        upstream_dialect=crossing["dialect"],
        losses=losses,
        error=crossing["error"],
        code=crossing["code"],
        others=tuple(it for it in plain.others if it != way.id),
    )


def seen_lately(home: Path, tool: str, now: float) -> Seen:
    """What the database has of a tool's last week."""
    reader = Reader(home / FILE_NAME)
    try:
        rows = reader.read(
            "SELECT count(*), coalesce(sum(streamed AND outcome = 'ok'), 0),"
            " coalesce(sum(outcome = 'error'), 0) FROM exchanges WHERE tool = ? AND started_at > ?",
            (tool, now - WEEK_S),
        )
        models = reader.read(
            "SELECT requested_model FROM exchanges WHERE tool = ? AND started_at > ?"
            " AND outcome = 'ok' AND requested_model <> '' GROUP BY 1 ORDER BY count(*) DESC LIMIT 1",
            (tool, now - WEEK_S),
        )
    finally:
        reader.close()
    if not rows:
        return Seen()
    requests, streamed, failed = (int(it or 0) for it in rows[0])
    return Seen(requests, streamed, failed, str(models[0][0]) if models else "")
