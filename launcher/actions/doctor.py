"""`korproxy doctor`: what is wrong now, which tools are here and how they stand; and one tool in full."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from korproxy_addons.config.problems import ConfigProblems
from korproxy_addons.config.schema import Config
from korproxy_addons.config.store import FILE_NAME, ConfigStore
from korproxy_addons.io.registry_file import load_routes
from korproxy_addons.presets import PRESETS
from korproxy_addons.presets.base import Preset
from launcher.actions import tool_probes
from launcher.actions.checks import ORDER
from launcher.actions.diagnosis import Finding, diagnose
from launcher.actions.tool_asking import Asking
from launcher.actions.tool_needs import Verdict, declared
from launcher.actions.tool_route import ToolRoute, seen_lately, tool_route
from launcher.gateway_look import Look, Stance, look_at, stance_of
from launcher.tools.config_checks import Standing, ToolSettings, check_tool
from launcher.tools.machine import Machine, is_installed

type Clock = Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolRow:
    """
    One tool on this machine.

    Attributes:
        id, name: Of its preset.
        standing: How it stands to KorProxy.
        detail: A sentence about that.
        requests, failed: In the last week.
    """

    id: str
    name: str
    standing: Standing
    detail: str
    requests: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """
    What is wrong now, worst first, and the tools that are here.

    Attributes:
        root: Where tools reach KorProxy, or would.
        serves: Whether it answers there.
        findings: What is wrong; empty if nothing is.
        tools: Those on this machine.
    """

    root: str
    serves: bool
    findings: tuple[Finding, ...]
    tools: tuple[ToolRow, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing fails."""
        return all(it.result != "fail" for it in self.findings)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolReport:
    """
    One tool in full.

    Attributes:
        settings: How it is set up on this machine.
        findings: What is wrong with KorProxy itself, or with what this tool asked for.
        route: Where its requests go; None where the settings cannot be read, or it cannot use KorProxy.
        verdicts: What becomes of each of its needs.
        not_sent: Why nothing was sent to the provider; "" if it was.
    """

    settings: ToolSettings
    findings: tuple[Finding, ...]
    route: ToolRoute | None
    verdicts: tuple[Verdict, ...]
    not_sent: str

    @property
    def ok(self) -> bool:
        """Whether the tool can work."""
        served = self.route is None or not self.route.error
        return (
            served
            and all(it.result != "fail" for it in (*self.findings, *self.settings.checks))
            and not any(it.vital and it.keeping == "lost" for it in self.verdicts)
        )


def preset_named(word: str) -> Preset:
    """
    The tool that a person means: by its id, its name or its program.

    Raises:
        ValueError: There is none; the text says which there are.
    """
    wanted = word.strip().lower()
    for preset in PRESETS.values():
        if wanted in (preset.id, preset.name.lower(), *preset.programs):
            return preset
    raise ValueError(f"there is no tool {word} here. Those there are: {', '.join(PRESETS)}")


def overview(home: Path, machine: Machine, clock: Clock = time.time) -> Overview:
    """
    What is wrong now; nothing is sent to a provider.

    Args:
        home: The KorProxy folder.
        machine: Where tools are looked for.
        clock: Unix seconds.
    """
    stance = stance_of(home)
    looks = _Looks(home)
    rows, findings = [], list(diagnose(home, stance, clock=clock))
    for preset in PRESETS.values():
        # A variable may be meant for another tool: one that is not here has nothing wrong with it.
        if not is_installed(preset, machine):
            continue
        settings = check_tool(preset, machine, stance.address, looks)
        seen = seen_lately(home, preset.id, clock())
        rows.append(
            ToolRow(
                id=preset.id, name=preset.name, standing=settings.standing, detail=_why(settings),
                requests=seen.requests, failed=seen.failed,
            )
        )  # fmt: skip
        findings += _tool_findings(settings)
    return Overview(
        root=stance.address.root,
        serves=stance.serves,
        findings=tuple(sorted(findings, key=lambda it: ORDER.index(it.result))),
        tools=tuple(rows),
    )


class Examination:
    """
    One tool, looked at in two steps, so that a person can be asked in between.

    Args:
        home: The KorProxy folder.
        preset: The tool.
        machine: Where its settings are.
        model: That a person names; "" for the tool's.
        key: A local key of the person's, where the tool has none.
        clock: Unix seconds.
    """

    def __init__(
        self,
        home: Path,
        preset: Preset,
        machine: Machine,
        *,
        model: str = "",
        key: str = "",
        clock: Clock = time.time,
    ) -> None:
        self.stance: Stance = stance_of(home)
        self.settings = check_tool(preset, machine, self.stance.address, _Looks(home))
        self._key = key or self.settings.key
        found = diagnose(home, self.stance, clock=clock)
        self.route = _route(home, preset, model, self.settings.model, clock)
        self.findings = tuple(it for it in found if self._concerns(it))

    def __repr__(self) -> str:
        return f"Examination({self.settings.preset.id})"

    def refusal(self) -> str:
        """Why nothing may be sent; "" if it may."""
        if self.route is None or self.route.error:
            return "nobody serves it now"
        if not self.stance.serves:
            return "KorProxy does not run"
        if self._lacks_key():
            return "it wants a local key, and the tool has none; put one into KORPROXY_KEY, for this command"
        return tool_probes.not_to_be_asked(self.route)

    def _lacks_key(self) -> bool:
        """Whether the gateway would turn all of it away: that says nothing about the route."""
        return self.route is not None and self.route.config.local_keys.required and not self._key

    def plan(self) -> tuple[str, ...]:
        """What would be sent to the provider, for people; nothing where nothing may be."""
        return () if self.refusal() or self.route is None else tool_probes.small_plan(self.route)

    def finished(self, *, send: bool, long_context: bool = False) -> ToolReport:
        """
        The whole report.

        Args:
            send: Try what needs a provider, with small requests.
            long_context: Try a long prompt as well.
        """
        why_not = self.refusal()
        if not send and not why_not:
            why_not = "--no-send"
        verdicts: tuple[Verdict, ...] = ()
        if self.route is not None and self.route.way is not None:
            verdicts = declared(self.route, self.settings.reading)
            probed: list[Verdict] = []
            asking = Asking(self.stance.address, self._key)
            if self.stance.serves and send and not self._lacks_key():
                probed += tool_probes.free(self.route, asking)
            if not why_not:
                probed += tool_probes.small(self.route, asking)
                probed += [tool_probes.long(self.route, asking)] if long_context else []
            else:
                probed += tool_probes.from_the_past(self.route)
            verdicts = tool_probes.together(verdicts, probed)
        return ToolReport(
            settings=self.settings, findings=self.findings, route=self.route, verdicts=verdicts,
            not_sent=why_not,
        )  # fmt: skip

    def _concerns(self, finding: Finding) -> bool:
        """Whether a finding is about KorProxy as a whole, this tool's account, or what this tool asked for."""
        if finding.about in ("gateway", "settings"):
            return True
        way = self.route.way if self.route is not None else None
        if finding.about == "account" or finding.name.startswith("account "):
            return way is None or finding.name == f"account {way.id}"
        return finding.tool == self.settings.preset.id


class _Looks:
    """Who is at which port, each looked at once."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._found: dict[int, Look] = {}

    def __call__(self, port: int) -> Look:
        if port not in self._found:
            self._found[port] = look_at(port, self._home)
        return self._found[port]


def _route(home: Path, preset: Preset, model: str, told: str, clock: Clock) -> ToolRoute | None:
    if preset.out_of_reach or preset.sample is None or not (home / FILE_NAME).exists():
        return None
    try:
        config: Config = ConfigStore(home).load()
    except ConfigProblems:
        return None  # said among the findings
    routes = load_routes(home, clock)
    return tool_route(home, preset, config, routes, clock(), model=model, told_model=told)


def _why(settings: ToolSettings) -> str:
    if settings.base is not None:
        return settings.base.detail
    return settings.preset.out_of_reach


def _tool_findings(settings: ToolSettings) -> list[Finding]:
    """What is wrong with a tool that is meant to use KorProxy; one that is not is only listed."""
    if settings.standing not in (Standing.HERE, Standing.WRONG):
        return []
    return [
        Finding(
            about="tool", name=settings.preset.name, result=it.result, detail=it.detail,
            remedy=(*it.remedy, f"korproxy doctor {settings.preset.id}"), subject=settings.preset.id,
        )
        for it in settings.checks
        if it.result in ("fail", "warn")
    ]  # fmt: skip


def overview_json(found: Overview) -> dict[str, Any]:
    """For scripts."""
    return {
        "ok": found.ok,
        "url": found.root,
        "serves": found.serves,
        "findings": [_finding_json(it) for it in found.findings],
        "tools": [
            {
                "id": it.id, "name": it.name, "standing": it.standing.name.lower().replace("_", "-"),
                "detail": it.detail, "requests": it.requests, "failed": it.failed,
            }
            for it in found.tools
        ],
    }  # fmt: skip


def report_json(found: ToolReport) -> dict[str, Any]:
    """For scripts."""
    route, settings = found.route, found.settings
    way = route.way if route is not None else None
    return {
        "ok": found.ok,
        "tool": settings.preset.id,
        "standing": settings.standing.name.lower().replace("_", "-"),
        "settings": [
            {"name": it.name, "result": it.result, "detail": it.detail, "remedy": it.remedy}
            for it in settings.checks
        ],
        "findings": [_finding_json(it) for it in found.findings],
        "route": None
        if route is None
        else {
            "model": route.model, "model_by": route.model_by,
            "account": way.id if way is not None else None,
            "provider": way.provider.id if way is not None else None,
            "upstream_model": route.upstream_model, "dialect": route.upstream_dialect,
            "native": route.native, "error": route.error, "code": route.code,
        },
        "needs": [
            {
                "need": it.need.value, "keeping": it.keeping, "by": it.by, "detail": it.detail,
                "fix": it.fix, "vital": it.vital,
            }
            for it in found.verdicts
        ],
        "not_sent": found.not_sent,
    }  # fmt: skip


def _finding_json(it: Finding) -> dict[str, Any]:
    return {
        "about": it.about, "name": it.name, "result": it.result, "code": it.code,
        "subject": it.subject, "tool": it.tool, "request_id": it.request_id, "detail": it.detail, "remedy": it.remedy,
    }  # fmt: skip
