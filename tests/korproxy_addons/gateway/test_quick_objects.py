"""What is put in place of mitmproxy's own gives what that gives; the originals are kept, and asked the same."""

import copy
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mitmproxy import http, options, optmanager
from mitmproxy.proxy.context import Context
from mitmproxy.test import tflow

from korproxy_addons.gateway import quick_objects

NAMES = st.sampled_from(["a", "A", "b", "content-type", "Content-Type", "é", "\udcff", ""])
FIELDS = st.lists(
    st.tuples(NAMES.map(lambda it: it.encode("utf-8", "surrogateescape")), st.binary(max_size=4)),
    max_size=5,
)
ASKED = NAMES | NAMES.map(lambda it: it.encode("utf-8", "surrogateescape"))


def stock(headers: http.Headers) -> Mapping[Any, str]:
    """The look-ups as they were."""

    class Stock(http.Headers):
        get_all = quick_objects.get_all
        __getitem__ = quick_objects.getitem
        __contains__ = Mapping.__contains__
        get = Mapping.get

    return Stock(headers.fields)


@given(FIELDS, ASKED)
def test_headers_are_looked_up_alike(fields: list[tuple[bytes, bytes]], name: str | bytes) -> None:
    headers = http.Headers(fields)
    before = stock(headers)
    assert quick_objects.quick_get_all(headers, name) == quick_objects.get_all(headers, name)
    assert quick_objects.quick_contains(headers, name) == (name in before)
    assert quick_objects.quick_get(headers, name) == before.get(name)
    assert quick_objects.quick_get(headers, name, 7) == before.get(name, 7)
    if name in before:
        assert quick_objects.quick_getitem(headers, name) == before[name]
    else:
        with pytest.raises(KeyError):
            quick_objects.quick_getitem(headers, name)


@pytest.mark.parametrize("name", [3, None, ("a",)])
def test_what_is_no_name_is_refused_alike(name: Any) -> None:
    headers = http.Headers(a="b")
    with pytest.raises((TypeError, AttributeError)) as before:
        quick_objects.get_all(headers, name)
    with pytest.raises(before.type):
        quick_objects.quick_get_all(headers, name)
    with pytest.raises(before.type):
        quick_objects.quick_contains(headers, name)


def test_a_name_that_is_more_than_a_text_is_taken_alike() -> None:
    class Name(str):
        __slots__ = ()

    assert quick_objects.quick_get_all(http.Headers(a="b"), Name("A")) == ["b"]


@pytest.mark.parametrize("name", sorted(options.Options().keys()))
def test_an_option_reads_alike(name: str) -> None:
    option = options.Options()._options[name]
    assert quick_objects.quick_current(option) == quick_objects.current(option)
    assert type(quick_objects.quick_current(option)) is type(quick_objects.current(option))


def test_a_list_that_was_read_from_an_option_is_the_reader_s_own() -> None:
    option = optmanager._Option("x", list, [[1]], "", None)
    quick_objects.quick_current(option)[0].append(2)
    assert quick_objects.quick_current(option) == [[1]]
    option.set([[3]])
    quick_objects.quick_current(option).clear()
    assert quick_objects.quick_current(option) == [[3]]


def test_a_fork_holds_what_a_fork_holds() -> None:
    context = Context(tflow.tclient_conn(), options.Options())
    context.layers.append("layer")  # type: ignore[arg-type]
    forked = quick_objects.quick_fork(context)
    assert vars(forked) == vars(quick_objects.fork(context))
    assert forked.server is context.server
    forked.layers.append("another")  # type: ignore[arg-type]
    assert len(context.layers) == 1


SOUND: dict[str, Any] = {
    "host": "h",
    "port": 80,
    "method": b"GET",
    "scheme": b"http",
    "authority": b"",
    "path": b"/",
    "http_version": b"HTTP/1.1",
    "headers": http.Headers(),
    "content": None,
    "trailers": None,
    "timestamp_start": 1.0,
    "timestamp_end": None,
}


class Unchecked(http.RequestData):
    def __post_init__(self) -> None:
        """Neither the one nor the other."""


def told(check: Any, fields: dict[str, Any]) -> str:
    try:
        check(Unchecked(**fields))
    except TypeError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", SOUND)
@pytest.mark.parametrize(
    "value", [None, 1, 1.5, True, "x", b"x", (), http.Headers(a="b")], ids=repr
)
def test_a_request_s_fields_are_checked_alike(name: str, value: Any) -> None:
    fields = SOUND | {name: value}
    before = told(quick_objects.checked_request, fields)
    assert told(quick_objects.quick_check, fields) == before


def test_a_plain_request_is_sound_at_first_sight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quick_objects, "checked_request", lambda _data: pytest.fail("looked twice"))
    quick_objects.quick_check(Unchecked(**SOUND))


def test_they_are_put_in_place_once_and_for_all() -> None:
    quick_objects.install()
    quick_objects.install()
    assert vars(http.Headers)["get_all"] is quick_objects.quick_get_all
    assert vars(Context)["fork"] is quick_objects.quick_fork
    headers = http.Headers([(b"A", b"1"), (b"a", b"2")])
    assert (headers["a"], "A" in headers, headers.get("b"), headers.get_all("a")) == (
        "1, 2",
        True,
        None,
        ["1", "2"],
    )
    assert copy.deepcopy(options.Options()).listen_host == ""
    assert http.Request.make("GET", "http://h/").data.host == "h"
    with pytest.raises(TypeError):
        http.Request(3, *([None] * 11))  # type: ignore[arg-type]
