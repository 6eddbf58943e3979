"""The control API, for tests in another process."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from launcher.simulator import FAULTS, SCENARIOS, SimulatorThread
from support.simulator_client import Received, generate, send

CHAT = ("compatible", "chat")


def post(sim: SimulatorThread, name: str, body: Any = None) -> Received:
    return send("POST", f"{sim.base_url}/_sim/{name}", {} if body is None else body)


def get(sim: SimulatorThread, name: str) -> Any:
    return send("GET", f"{sim.base_url}/_sim/{name}").json()


def test_rules_come_in_one_by_one_or_as_a_list(sim: SimulatorThread) -> None:
    assert post(
        sim, "script", {"fault": "429", "host": "compat-chat", "retry_after": 1}
    ).json() == {"pending": 1}
    assert post(sim, "script", [{"fault": "500"}, {"fault": "503"}]).json() == {"pending": 3}
    assert [generate(sim.urls(), CHAT).status for _ in range(4)] == [429, 500, 503, 200]


def test_what_is_wrong_is_said(sim: SimulatorThread) -> None:
    wrong = post(sim, "script", {"fault": "nonsense"})
    assert (wrong.status, wrong.json()["error"]) == (400, "no such fault: nonsense")
    assert post(sim, "scenario", {"name": "nonsense"}).status == 400
    assert "nonsense" not in FAULTS


def test_scenarios(sim: SimulatorThread) -> None:
    assert {each["name"] for each in get(sim, "scenarios")} == set(SCENARIOS)
    started = post(sim, "scenario", {"name": "clock-skew"}).json()
    assert started["skew_s"] == sim.simulator.world.skew_s == 600
    assert post(sim, "reset").json() == {}
    assert sim.simulator.world.skew_s == 0


def test_what_is_held_is_released(sim: SimulatorThread) -> None:
    post(sim, "script", {"fault": "held"})
    with ThreadPoolExecutor(1) as client:
        held = client.submit(generate, sim.urls(), CHAT)
        sim.wait(lambda entries: any(it.verdict == "held" for it in entries))
        assert not held.done()
        assert post(sim, "release").json() == {}
        assert held.result(10).status == 200


def test_the_ledger_with_and_without_bodies(sim: SimulatorThread) -> None:
    generate(sim.urls(), CHAT, "first")
    (first,) = get(sim, "ledger")["entries"]
    assert (first["host"], first["status"], "body" in first) == ("compat-chat", 200, False)
    generate(sim.urls(), CHAT, "second")
    (second,) = get(sim, f"ledger?since={first['number']}&body=1")["entries"]
    assert '"second"' in second["body"]
    post(sim, "reset")
    assert get(sim, "ledger") == {"entries": []}


def test_urls_and_health(sim: SimulatorThread) -> None:
    assert get(sim, "health") == {"ready": True}
    claude = next(each for each in get(sim, "urls") if each["access"] == "subscription")
    assert claude["token"] == f"{sim.base_url}/claude-auth/v1/oauth/token"
    assert claude["host"] == f"{sim.base_url}/claude"
