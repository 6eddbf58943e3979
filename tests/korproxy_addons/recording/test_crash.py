import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from korproxy_addons.config.fields import split_url
from korproxy_addons.errors.catalogue import INTERNAL, NO_ACCOUNT
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.recording import crash
from korproxy_addons.recording.crash import (
    MOST_FRAMES,
    MOST_LINKS,
    OTHER,
    CrashReport,
    Frame,
    Machine,
    allowed,
    crash_report,
    sentry_event,
)

CANARY = "canary-in-the-words-of-an-exception-7c1e"
MACHINE = Machine(
    release="1.2.3", python="3.13.1", system="Linux", system_version="6.1.0-13-janes-laptop"
)


def failed(text: str = CANARY) -> Exception:
    """An exception that came through code of ours, and what caused it."""
    with pytest.raises(RuntimeError) as found:
        _fail(text)
    return found.value


def _fail(prompt: str) -> None:
    try:
        json.loads("{" + prompt)
    except ValueError as cause:
        raise RuntimeError(prompt) from cause


def report_of(error: BaseException, **more: Any) -> CrashReport:
    given: dict[str, Any] = {
        "report_id": "0f" * 16,
        "at": 1_800_000_000.25,
        "process": "gateway",
    } | more
    return crash_report(error, MACHINE, **given)


def test_a_report_says_where_and_never_what() -> None:
    report = report_of(failed(), where="Leg._serve", request_id="kp1")
    first, last = report.links
    assert (first.module, first.type) == ("json.decoder", "JSONDecodeError")
    assert first.frames[-1].module == "json.decoder"
    assert first.frames[-1].function == "JSONDecoder.raw_decode"
    assert first.frames[-1].line > 0
    assert (last.module, last.type) == ("builtins", "RuntimeError")
    assert (report.code, report.times, report.sent_at) == (INTERNAL.code, 1, None)
    assert (report.where, report.request_id) == ("Leg._serve", "kp1")
    assert CANARY not in str(report)


def test_code_that_is_not_everybodys_is_not_named() -> None:
    """A person's own script: its name may say what they work on."""
    code = compile(
        "def secret_project():\n    raise Secret('x')\nsecret_project()",
        "janes/plan.py",
        "exec",
    )
    space = {
        "__name__": "janes_plan",
        "Secret": type("JanesPlan", (Exception,), {"__module__": "janes_plan"}),
    }
    with pytest.raises(Exception, match="x") as found:
        exec(code, space)
    report = report_of(found.value)
    (link,) = report.links
    assert (link.module, link.type) == (OTHER, OTHER)
    assert link.frames[-1] == Frame(OTHER, OTHER, 0)
    assert "jane" not in str(report).lower()


def test_an_error_of_ours_keeps_its_code_and_loses_its_detail() -> None:
    report = report_of(KorProxyError(NO_ACCOUNT, CANARY))
    assert report.code == NO_ACCOUNT.code
    assert CANARY not in str(report)


def test_of_a_group_the_first_is_followed() -> None:
    report = report_of(ExceptionGroup(CANARY, [KeyError(CANARY), ValueError()]))
    assert [it.type for it in report.links] == ["KeyError", "ExceptionGroup"]


def test_a_chain_that_was_cut_or_goes_in_circles_ends() -> None:
    lone = ValueError()
    lone.__context__, lone.__suppress_context__ = KeyError(), True
    assert [it.type for it in report_of(lone).links] == ["ValueError"]
    first, second = ValueError(), KeyError()
    first.__cause__, second.__cause__ = second, first
    assert [it.type for it in report_of(first).links] == ["KeyError", "ValueError"]
    deep = ValueError()
    for _ in range(20):
        error = ValueError()
        error.__context__ = deep
        deep = error
    assert len(report_of(deep).links) == MOST_LINKS


def test_a_deep_trace_is_cut_to_where_it_happened() -> None:
    def dig(levels: int) -> None:
        if levels == 0:
            json.loads(CANARY)
        dig(levels - 1)

    with pytest.raises(ValueError, match="Expecting") as found:
        dig(100)
    (link,) = report_of(found.value).links
    assert len(link.frames) == MOST_FRAMES
    assert link.frames[-1].module == "json.decoder"


def test_what_is_sent_of_a_report() -> None:
    event = sentry_event(report_of(failed(), where="Leg._serve", request_id="kp1"))
    values = event.pop("exception")["values"]
    assert event == {
        "event_id": "0f" * 16,
        "timestamp": "2027-01-15T08:00:00Z",
        "platform": "python",
        "level": "error",
        "release": "korproxy@1.2.3",
        "tags": {"kp_code": INTERNAL.code, "process": "gateway"},
        "contexts": {
            "os": {"name": "Linux", "version": "6.1.0"},
            "runtime": {"name": "CPython", "version": "3.13.1"},
        },
    }
    assert [(it["module"], it["type"]) for it in values] == [
        ("json.decoder", "JSONDecodeError"),
        ("builtins", "RuntimeError"),
    ]
    assert values[0]["stacktrace"]["frames"][-1].keys() == {"module", "function", "lineno"}
    text = str(event) + str(values)
    assert [
        it for it in (CANARY, "Leg._serve", "kp1", "jane", str(Path.home())) if it in text
    ] == []


def test_the_gate_lets_its_own_events_through_unchanged() -> None:
    event = sentry_event(report_of(failed()))
    assert allowed(event) == event


KEYS = [
    "event_id", "timestamp", "platform", "level", "release", "tags", "kp_code", "process", "contexts", "os", "runtime", "name",
    "version", "exception", "values", "type", "module", "value", "stacktrace", "frames", "function", "lineno", "vars", "message",
    "breadcrumbs", "user", "request", "server_name", "extra", "abs_path", "filename", "context_line", "logentry", "modules",
]  # fmt: skip
CANARIES = st.sampled_from(
    [
        CANARY,
        f"korproxy@{CANARY}",
        f"1.2.3 {CANARY}",
        f"json.{CANARY} x",
        f"<{CANARY}>\n",
        f"2027-{CANARY}",
    ]
)
ANYTHING = st.recursive(
    CANARIES | st.none() | st.integers() | st.floats(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(KEYS) | CANARIES, inner, max_size=8)
    ),
    max_leaves=30,
)


def skeleton(value: Any) -> Any:
    """The keys of an event, at every depth; a list as one of its entries."""
    if isinstance(value, dict):
        return {key: skeleton(it) for key, it in value.items()}
    return [skeleton(value[0])] if isinstance(value, list) and value else type(value).__name__


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), ANYTHING, max_size=12))
def test_whatever_is_put_in_only_what_is_named_comes_out(event: dict[str, Any]) -> None:
    """A canary in any place and under any name stays behind, and the event stays one."""
    found = allowed(event)
    assert CANARY not in json.dumps(found)
    sound = sentry_event(report_of(failed()))
    whole, part = skeleton(sound), skeleton(found)
    whole.pop("exception")
    part.pop("exception")
    assert part == whole


@pytest.mark.parametrize(
    "name", ["json.decoder\n", "json decoder", "", "x" * 500, "jsonx", "../json", None, 3]
)
def test_a_module_that_is_none_is_not_named(name: object) -> None:
    event = {
        "exception": {
            "values": [{"type": "A", "module": name, "stacktrace": {"frames": [{"module": name}]}}]
        }
    }
    (value,) = allowed(event)["exception"]["values"]
    assert (value["module"], value["type"]) == (OTHER, OTHER)
    assert value["stacktrace"]["frames"] == [{"module": OTHER, "function": OTHER, "lineno": 0}]


def test_two_reports_of_one_mistake_are_known_as_such() -> None:
    errors = [failed(text) for text in "ab"]
    assert report_of(errors[0]).same == report_of(errors[1], request_id="other").same
    assert report_of(errors[0]).same != report_of(ValueError()).same
    assert report_of(errors[0]).same != report_of(errors[0], process="launcher").same


def test_a_title_names_type_and_place() -> None:
    with pytest.raises(ValueError, match="Expecting") as found:
        json.loads("{")
    assert report_of(found.value).title.startswith("JSONDecodeError in json.decoder:")
    with pytest.raises(ValueError, match="URL") as through_ours:
        split_url("http://[")
    title = report_of(through_ours.value).title
    assert title.startswith("ValueError in korproxy_addons.config.fields:")
    assert report_of(ValueError()).title == "ValueError"
    bare = crash.CrashReport(
        id="", at=0, first_at=0, process="gateway", code="", machine=MACHINE, links=()
    )
    assert bare.title == OTHER
    assert bare.same[-1] is None
