"""The door, for every route there is."""

from pathlib import Path

import pytest

from launcher.admin.guard import OPEN_PATHS, OPEN_PREFIX
from support.admin_house import JSON, AdminHouse, ToySteward, inventory


@pytest.fixture
def house(tmp_path: Path) -> AdminHouse:
    return AdminHouse(ToySteward(tmp_path))


def test_there_are_routes(house: AdminHouse) -> None:
    assert len(inventory(house)) == 12


def test_no_route_is_open_but_those_that_say_nothing(house: AdminHouse) -> None:
    for method, path in inventory(house):
        is_open = path in OPEN_PATHS or path.startswith(OPEN_PREFIX)
        reply = house.ask(path, method, {**JSON, "x-kp": "1"}, b"{}")
        assert (reply.status == 401) is not is_open, (method, path)
        if not is_open:
            assert reply.json["error"]["code"] == "KP-AUTH-005"
    assert house.steward.wishes == []


@pytest.mark.parametrize(
    "host", ["evil.example:1338", "127.0.0.1:1337", "localhost", "127.0.0.1.evil.com:1338", ""]
)
def test_no_route_knows_another_host(house: AdminHouse, host: str) -> None:
    """A name that was rebound to this machine is not ours."""
    for method, path in inventory(house):
        headers = {"authorization": "Bearer the-key", **JSON}
        assert house.ask(path, method, headers, b"{}", host=host).status == 421


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "http://localhost:1337"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
    ids=str,
)
def test_no_other_page_gets_in_with_the_session_of_its_reader(
    house: AdminHouse, headers: dict[str, str]
) -> None:
    for method, path in inventory(house):
        sent = {**house.cookie(), **JSON, "x-kp": "1", **headers}
        assert house.ask(path, method, sent, b'{"do":"stop"}').status == 403
    assert house.steward.wishes == []


def test_a_change_needs_json_and_our_own_header(house: AdminHouse) -> None:
    """What a form, or a page without preflight, can send is not enough."""
    body = b'{"do":"stop"}'
    for headers in (
        {},
        JSON,
        {"content-type": "text/plain", "x-kp": "1"},
        {"content-type": "application/x-www-form-urlencoded", "x-kp": "1"},
    ):
        reply = house.ask("/api/v1/lifecycle", "POST", {**house.cookie(), **headers}, body)
        assert (reply.status, reply.json["error"]["code"]) == (403, "KP-AUTH-004")
    assert house.steward.wishes == []
    reply = house.ask("/api/v1/lifecycle", "POST", {**house.cookie(), **JSON, "x-kp": "1"}, body)
    assert reply.status == 202
    assert house.steward.wishes == ["stop"]


def test_a_change_is_never_a_get(house: AdminHouse) -> None:
    for method, path in inventory(house):
        if method == "POST":
            reply = house.ask(path, headers=house.cookie())
            assert (reply.status, reply.json["error"]["code"]) == (405, "KP-REQ-708")


def test_every_reply_forbids_what_a_page_of_ours_does_not_need(house: AdminHouse) -> None:
    for method, path in [*inventory(house), ("GET", "/nowhere")]:
        headers = house.ask(path, method, house.cookie()).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "require-trusted-types-for 'script'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert not any(name.startswith("access-control") for name in headers)


def test_a_person_without_a_session_is_told_how_to_get_one(house: AdminHouse) -> None:
    reply = house.ask("/", headers={"sec-fetch-mode": "navigate", "sec-fetch-site": "none"})
    assert (reply.status, reply.headers["location"]) == (303, "/sign-in")
    assert b"korproxy open" in house.ask("/sign-in").body


def test_a_broken_cookie_is_no_session(house: AdminHouse) -> None:
    assert house.ask("/", headers={"cookie": "\x01;;=;"}).status == 401


def test_too_much_is_refused_unread(house: AdminHouse) -> None:
    headers = {"authorization": "Bearer the-key", **JSON, "content-length": "99999999"}
    assert house.ask("/api/v1/lifecycle", "POST", headers, b"{}").status == 413


def test_the_key_may_stand_in_the_header_of_the_earlier_apps(house: AdminHouse) -> None:
    assert house.ask("/api/v1/status", headers={"x-management-key": "the-key"}).status == 200
    assert house.ask("/api/v1/status", headers={"x-management-key": "no-key"}).status == 401
    headers = {"authorization": "Bearer no-key", "x-management-key": "the-key"}
    assert house.ask("/api/v1/status", headers=headers).status == 401, "one key, not a choice"
    changed = house.ask(
        "/api/v1/lifecycle", "POST", {"x-management-key": "the-key", **JSON}, b'{"do": "pause"}'
    )
    assert changed.status == 202
