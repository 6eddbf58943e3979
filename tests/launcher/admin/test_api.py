import json
from pathlib import Path
from typing import Any

import pytest

from launcher.supervisor.signals import Wish
from support.admin_house import AdminHouse, ToySteward


@pytest.fixture
def house(tmp_path: Path) -> AdminHouse:
    return AdminHouse(ToySteward(tmp_path))


def test_the_state_is_told_in_full(house: AdminHouse) -> None:
    found = house.by_key("/api/v1/status").json
    assert (found["state"], found["pid"], found["url"]) == ("healthy", 7, "http://localhost:1337")
    assert found["home"] == str(house.steward.home)


@pytest.mark.parametrize("wish", [*WISHES, "quit"])
def test_every_wish_has_its_word(house: AdminHouse, wish: str) -> None:
    assert house.by_key("/api/v1/lifecycle", {"do": str(wish)}).status == 202
    assert house.steward.wishes == [str(wish)]


@pytest.mark.parametrize(
    "body", [{}, {"do": "explode"}, {"do": 1}, {"do": "stop", "now": True}, [], "x"], ids=str
)
def test_anything_else_is_refused_in_words(house: AdminHouse, body: Any) -> None:
    reply = house.by_key("/api/v1/lifecycle", body)
    assert reply.status == 400
    assert reply.json["error"]["code"].startswith("KP-REQ-")
    assert house.steward.wishes == []


def test_the_log_is_filtered(house: AdminHouse) -> None:
    log = house.steward.home / "logs" / "gateway.jsonl"
    log.parent.mkdir()
    lines = [
        {"ts": n, "level": "error" if n % 2 else "info", "component": "leg", "event": "x"}
        for n in range(10)
    ]
    log.write_text("".join(json.dumps(it) + "\n" for it in lines))
    found = house.by_key("/api/v1/logs?limit=3&level=error").json["lines"]
    assert [it["ts"] for it in found] == [5, 7, 9]
    for query in ("limit=0", "limit=x", "limit=6000", "level=loud"):
        assert house.by_key(f"/api/v1/logs?{query}").status == 400
