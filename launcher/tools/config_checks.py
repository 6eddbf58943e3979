"""A tool's own settings on this machine, checked: address, key, what contradicts them, what is in the way."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from korproxy_addons.presets.base import (
    Conflict,
    Preset,
    Role,
    Setting,
    Write,
    filled,
    setting_words,
)
from launcher.actions.checks import Check, Result
from launcher.gateway_look import Address
from launcher.tools.judging import Judgement, Leads, LookAt, judged
from launcher.tools.machine import Machine
from launcher.tools.told import Reading, Told, origin_of_variable, read_tool, values_of

_PROXIES = ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
_REAL_KEYS = ("sk-", "AIza", "AQ.", "ya29.", "eyJ")
"""Beginnings of keys that providers give out."""


_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")


class Standing(StrEnum):
    """How a tool stands to KorProxy."""

    HERE = "uses KorProxy"
    WRONG = "is set up wrongly"
    ELSEWHERE = "does not use KorProxy"
    NOT_SET = "is not set up for KorProxy"
    CANNOT = "cannot use KorProxy"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSettings:
    """
    How one tool is set up.

    Attributes:
        preset: The tool.
        standing: In a word.
        checks: What was found, in the order of the settings.
        reading: What it was told; holds keys.
        base: The base URL that counts, judged; None if there is none.
    """

    preset: Preset
    standing: Standing
    checks: tuple[Check, ...]
    reading: Reading
    base: Judgement | None = None

    @property
    def key(self) -> str:
        """The key that the tool shows, "" if it has none; for the gateway's own ears."""
        return next((it.value for it in self.reading.of(Role.KEY)), "")

    @property
    def model(self) -> str:
        """The model that its settings name; "" if they name none."""
        return next((it.value for it in self.reading.of(Role.MODEL)), "")


def check_tool(preset: Preset, machine: Machine, address: Address, look_at: LookAt) -> ToolSettings:
    """
    Read and judge one tool's settings; nothing is changed.

    Args:
        preset: The tool.
        machine: Where it is looked for.
        address: KorProxy's.
        look_at: Says who is at a port of this machine.
    """
    reading = read_tool(preset, machine)
    if preset.out_of_reach:
        check = Check(
            name="address", result="fail", detail=f"{preset.name} cannot use KorProxy: {preset.out_of_reach}.",
            remedy=set_up_steps(preset, address, machine),
        )  # fmt: skip
        return ToolSettings(
            preset=preset, standing=Standing.CANNOT, checks=(check,), reading=reading
        )
    bases = [judged(it, address, look_at) for it in reading.of(Role.BASE)]
    standing, base = _standing(bases)
    blocked = tuple(_conflicts(preset, reading, machine))
    if standing is Standing.HERE and any(it.result == "fail" for it in blocked):
        standing = Standing.WRONG
    checks = (
        *_unreadable(reading),
        *_addresses(preset, bases, base, machine, address),
        *(_keys(preset, reading, machine) if standing is Standing.HERE else ()),
        *(_switches(reading) if standing is Standing.HERE else ()),
        *(blocked if standing is not Standing.NOT_SET else ()),
        *_old(reading),
        *(_proxies(machine) if standing is Standing.HERE else ()),
    )
    return ToolSettings(preset=preset, standing=standing, checks=checks, reading=reading, base=base)


def set_up_steps(
    preset: Preset, address: Address, machine: Machine, model: str = ""
) -> tuple[str, ...]:
    """What a person does to set a tool up, one step each."""
    words = setting_words(address.root, model=model or preset.model or "MODEL")
    steps = [_written(it, words, machine) for it in preset.writes]
    return (*steps, *(str(filled(it, words)) for it in preset.by_hand))


def _written(write: Write, words: dict[str, str], machine: Machine) -> str:
    value = filled(write.value, words)
    if write.variable:
        return f"In your shell: export {write.variable}={value}"
    assert write.file is not None
    keys = ".".join(it for it in write.path if it != "+")
    where = f"a new entry of {keys}".rstrip() if "+" in write.path else keys
    shown = value if isinstance(value, str) else json.dumps(value)
    path = machine.shown(machine.path(write.file))
    return f"In {path}: {where or 'a new entry'} = {shown}"


def _standing(bases: list[Judgement]) -> tuple[Standing, Judgement | None]:
    """The first base URL counts; of entries that each stand for themselves, the one that leads here."""
    single = [it for it in bases if not it.told.setting.several]
    several = [it for it in bases if it.told.setting.several]
    counted = single[:1] + several
    for leads, standing in (
        (Leads.HERE, Standing.HERE),
        (Leads.WRONG, Standing.WRONG),
        (Leads.ELSEWHERE, Standing.ELSEWHERE),
    ):
        found = next((it for it in counted if it.leads is leads), None)
        if found is not None:
            return standing, found
    return Standing.NOT_SET, None


def _unreadable(reading: Reading) -> Iterator[Check]:
    for path, why in reading.unreadable:
        yield Check(
            name="settings file", result="fail", detail=f"{path} cannot be read: {why}.",
            remedy=("Mend the file; the tool cannot read it either.",),
        )  # fmt: skip


def _addresses(
    preset: Preset,
    bases: list[Judgement],
    base: Judgement | None,
    machine: Machine,
    address: Address,
) -> Iterator[Check]:
    if base is None:
        yield Check(
            name="address", result="fail", detail=f"{preset.name} is not told to use KorProxy.",
            remedy=set_up_steps(preset, address, machine),
        )  # fmt: skip
        return
    first = origin_of_variable(base.told, machine)
    if base.leads is Leads.HERE:
        yield Check(name="address", result="ok", detail=base.detail)
    else:
        result: Result = "fail" if base.leads is Leads.WRONG else "warn"
        origin = (first,) if first else ()
        step = f"Set {base.told.where} to {base.expected}"
        yield Check(name="address", result=result, detail=base.detail, remedy=(f"{step}.", *origin))
    for other in bases:
        if other is base or (other.told.setting.several and other.leads is not Leads.WRONG):
            continue
        if _shadowed(other, base):
            yield Check(
                name="shadowed address", result="warn",
                detail=f"{other.detail.rstrip('.')}; {base.told.where} is stronger, so it is not used.",
                remedy=(f"Take it out, or set it to {other.expected}.",),
            )  # fmt: skip
        elif other.leads is Leads.WRONG:
            # Another way of setting the tool up, which it may not be using.
            yield Check(
                name="address", result="warn" if base.leads is Leads.HERE else "fail", detail=other.detail,
                remedy=(f"Set {other.told.where} to {other.expected}.",),
            )  # fmt: skip


def _shadowed(other: Judgement, base: Judgement) -> bool:
    """Whether it says something else than the one that counts, under the same name in a weaker place."""
    a, b = other.told, base.told
    return (
        not a.setting.several
        and _name(a.setting) == _name(b.setting)
        and a.value.rstrip("/") != b.value.rstrip("/")
    )


def _name(setting: Setting) -> str:
    return (setting.variable or setting.path[-1]).lower().replace("-", "_")


def _keys(preset: Preset, reading: Reading, machine: Machine) -> Iterator[Check]:
    names = reading.of(Role.KEY_NAME)
    if names:
        name = names[0]
        if not _VARIABLE.fullmatch(name.value) or name.value.startswith(_REAL_KEYS):
            # It may be a key: it is not shown.
            yield Check(
                name="key", result="fail", detail=f"{name.where} is no variable's name; a key does not belong there.",
                remedy=("Name the variable that holds the key, such as KORPROXY_KEY.",),
            )  # fmt: skip
        elif machine.environ.get(name.value):
            yield Check(name="key", result="ok", detail=f"{name.value} is set.")
        else:
            yield Check(
                name="key", result="fail",
                detail=f"{name.where} names the variable {name.value}, which is not set here.",
                remedy=(f"export {name.value}=korproxy, and put that into your shell's start file.",),
            )  # fmt: skip
        return
    keys = reading.of(Role.KEY)
    if keys and keys[0].value.startswith(_REAL_KEYS):
        yield Check(
            name="key", result="warn",
            detail=f"{keys[0].where} looks like a provider's own key; KorProxy needs none of those from a tool.",
            remedy=(
                "Put korproxy there, or one of KorProxy's local keys; then nothing is billed to that key by accident.",
            ),
        )  # fmt: skip
    elif keys:
        yield Check(name="key", result="ok", detail=f"{keys[0].where} is set.")
    elif preset.of_role(Role.KEY):
        yield Check(
            name="key", result="warn", detail="no key is set; the tool may ask for a sign-in of its own.",
            remedy=tuple(
                f"Set {it.setting.variable or it.where} to korproxy." for it in _key_places(preset)
            )[:1],
        )  # fmt: skip


def _key_places(preset: Preset) -> list[Told]:
    return [Told(it, "", it.variable or ".".join(it.path)) for it in preset.of_role(Role.KEY)]


def _switches(reading: Reading) -> Iterator[Check]:
    for told in reading.of(Role.SWITCH):
        if told.setting.values and told.value not in told.setting.values:
            yield Check(
                name="switch", result="fail", detail=f"{told.where} is {told.value}.",
                remedy=(f"Set it to {' or '.join(told.setting.values)}.",),
            )  # fmt: skip


def _conflicts(preset: Preset, reading: Reading, machine: Machine) -> Iterator[Check]:
    seen: set[tuple[str, str]] = set()
    for conflict in preset.conflicts:
        for told in values_of(conflict.setting, machine):
            if not _matters(conflict, told, reading) or (told.where, conflict.why) in seen:
                continue
            seen.add((told.where, conflict.why))
            origin = origin_of_variable(told, machine)
            yield Check(
                name="in the way", result="fail" if conflict.fatal else "warn",
                detail=f"{told.where}: {conflict.why}.",
                remedy=(conflict.remedy, *((origin,) if origin else ())),
            )  # fmt: skip


def _matters(conflict: Conflict, told: Told, reading: Reading) -> bool:
    if conflict.setting.values and told.value not in conflict.setting.values:
        return False
    if told.value.lower() in ("0", "false"):
        return False
    set_too = {it.setting.variable or it.setting.path[-1] for it in reading.told}
    return not conflict.beside or bool(set_too & set(conflict.beside))


def _old(reading: Reading) -> Iterator[Check]:
    for told in reading.old():
        yield Check(
            name="old settings", result="warn",
            detail=f"{told.where}: an earlier version read this file, today's does not where its successor is there.",
            remedy=("Set the tool up in today's file; this one can go.",),
        )  # fmt: skip


def _proxies(machine: Machine) -> Iterator[Check]:
    named = [it for it in _PROXIES if machine.environ.get(it)]
    around = machine.environ.get("NO_PROXY") or machine.environ.get("no_proxy") or ""
    hosts = {it.strip().lower() for it in around.split(",")}
    if named and not hosts & {"*", "localhost"}:
        yield Check(
            name="proxy variables", result="warn",
            detail=f"{named[0]} is set and NO_PROXY does not name localhost: the tool may ask that proxy for KorProxy.",
            remedy=("export NO_PROXY=localhost,127.0.0.1,::1",),
        )  # fmt: skip
