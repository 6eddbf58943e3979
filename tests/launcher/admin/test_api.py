import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from launcher.actions.recording import recording_state
from launcher.admin.api import WISHES
from launcher.supervisor.states import State
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
    assert [it["ts"] for it in house.by_key("/api/v1/logs?since=1970-01-05").json["lines"]] == []
    for query in ("limit=0", "limit=x", "limit=6000", "level=loud", "since=soon"):
        assert house.by_key(f"/api/v1/logs?{query}").status == 400


def test_a_look_is_asked_for_with_its_length(house: AdminHouse) -> None:
    found = house.by_key("/api/v1/inspect", {"minutes": 5})
    assert found.json == {"url": "http://127.0.0.1:9/?token=t"}
    assert house.steward.wishes == ["inspect 300"]
    assert house.by_key("/api/v1/lifecycle", {"do": "inspect"}).status == 400


def test_a_look_is_ended_only_where_there_is_one(house: AdminHouse) -> None:
    assert house.by_key("/api/v1/inspect", {"minutes": 0}).json == {"url": None}
    assert house.steward.wishes == []
    house.steward.status = replace(house.steward.status, inspecting=True)
    house.by_key("/api/v1/inspect", {"minutes": 0})
    assert house.steward.wishes == ["restart"]


def test_recording_is_turned_on_and_off(house: AdminHouse) -> None:
    """And the state tells of it, for everybody who looks."""
    assert house.by_key("/api/v1/status").json["recording"] is None
    on = house.by_key("/api/v1/recording", {"minutes": 5, "tool": "codex", "shapes": True}).json
    assert (on["on"], on["tool"], on["shapes"]) == (True, "codex", True)
    assert house.by_key("/api/v1/status").json["recording"] == on
    assert recording_state(house.steward.home).until_at == on["until_at"]
    assert house.by_key("/api/v1/recording", {"minutes": 0}).json["on"] is False
    assert house.by_key("/api/v1/status").json["recording"] is None
    assert house.by_key("/api/v1/recording", {}).json["on"] is True


@pytest.mark.parametrize(
    "body", [{"minutes": -1}, {"minutes": 1441}, {"tool": 1}, {"until": 1}], ids=str
)
def test_recording_is_not_turned_on_by_a_mistake(house: AdminHouse, body: Any) -> None:
    assert house.by_key("/api/v1/recording", body).status == 400
    assert not recording_state(house.steward.home).on


def test_where_nothing_runs_a_look_is_refused_in_words(house: AdminHouse) -> None:
    house.steward.status = replace(house.steward.status, state=State.STOPPED)
    found = house.by_key("/api/v1/inspect", {})
    assert found.status == 503
    assert found.json["error"]["code"] == "KP-SYS-509"


@pytest.mark.parametrize("minutes", [-1, 1e9, "5", None])
def test_a_look_of_no_sane_length_is_refused(house: AdminHouse, minutes: Any) -> None:
    assert house.by_key("/api/v1/inspect", {"minutes": minutes}).status == 400


def test_a_route_is_explained_by_the_running_gateway(house: AdminHouse) -> None:
    house.steward.answer = {"explanation": {"account": "work"}}
    reply = house.by_key("/api/v1/routing/explain", {"model": "m"})
    assert (reply.status, reply.json) == (200, {"account": "work"})
    assert house.steward.wishes == ['ask explain {"model": "m"}']


def test_what_the_gateway_says_against_a_question_is_passed_on(house: AdminHouse) -> None:
    house.steward.answer = {"error": {"code": "KP-REQ-711", "detail": "no such model"}}
    reply = house.by_key("/api/v1/routing/explain", {"model": "m"})
    assert reply.json["error"]["code"] == "KP-REQ-711"
    house.steward.answer = None
    reply = house.by_key("/api/v1/routing/explain", {"model": "m"})
    assert reply.json["error"]["code"] == "KP-SYS-509"
    assert house.by_key("/api/v1/routing/explain", ["m"]).status == 400


def test_an_account_is_given_another_chance(house: AdminHouse) -> None:
    house.steward.answer = {"account": "work"}
    reply = house.by_key("/api/v1/accounts/reset", {"account": "work"})
    assert (reply.status, reply.json) == (200, {"account": "work"})
    assert house.steward.wishes == ['ask reset-account {"account": "work"}']
