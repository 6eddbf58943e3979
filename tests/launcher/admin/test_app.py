from pathlib import Path

import pytest

from launcher.admin.app import STATIC
from launcher.supervisor.states import Status
from support.admin_house import AdminHouse, ToySteward


@pytest.fixture
def house(tmp_path: Path) -> AdminHouse:
    return AdminHouse(ToySteward(tmp_path))


def test_the_browser_is_signed_in_by_a_ticket(house: AdminHouse) -> None:
    url = house.by_key("/api/v1/tickets", {}).json["url"]
    assert url.startswith("http://127.0.0.1:1338/login?ticket=")
    reply = house.ask(url.removeprefix("http://127.0.0.1:1338"))
    assert (reply.status, reply.headers["location"]) == (303, "/")
    cookie = reply.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "path=/" in cookie
    value = reply.headers["set-cookie"].partition(";")[0]
    page = house.ask("/", headers={"cookie": value})
    assert page.status == 200
    assert b"status.js" in page.body
    again = house.ask(url.removeprefix("http://127.0.0.1:1338"))
    assert again.headers["location"] == "/sign-in"


def test_what_is_not_there_is_said_in_our_words(house: AdminHouse) -> None:
    for path in ("/api/v1/nothing", "/static/nothing.js", "/static/%2e%2e/app.py", "/x"):
        reply = house.ask(path, headers=house.cookie())
        assert (reply.status, reply.json["error"]["code"][:7]) == (404, "KP-REQ-"), path


def test_a_failure_inside_says_no_more(house: AdminHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_self: object) -> Status:
        raise RuntimeError("a secret detail")

    monkeypatch.setattr(ToySteward, "status", property(fail), raising=False)
    with pytest.raises(RuntimeError):  # Starlette answers first, and lets its server know
        house.by_key("/api/v1/status")


@pytest.mark.parametrize("name", STATIC)
def test_the_parts_of_the_page_are_there(house: AdminHouse, name: str) -> None:
    reply = house.ask(f"/static/{name}")
    assert reply.status == 200
    assert reply.headers["content-type"] == STATIC[name]
    for forbidden in (b"innerHTML", b"style=", b"http://", b"https://"):
        assert forbidden not in reply.body.replace(b"http://www.w3.org/2000/svg", b"")
