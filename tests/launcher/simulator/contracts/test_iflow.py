"""`apis.iflow.cn`: a failure is a 200 without choices."""

from typing import Any

import pytest

from launcher.simulator import SimulatorThread
from support.simulator_client import generate, send

WAY = ("iflow", "api-key")


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ({"secret": "sk-nobody"}, "434"),
        ({"secret": "sk-iflow-sim-blocked"}, "434"),
        ({"secret": "sk-iflow-sim-expired"}, "439"),
        ({"secret": "sk-iflow-sim-exhausted"}, "449"),
        ({"model": "gpt-5.5"}, "435"),
        ({"messages": []}, "400"),
    ],
)
def test_failures_come_inside_a_200(
    sim: SimulatorThread, words: dict[str, Any], status: str
) -> None:
    reply = generate(sim.urls(), WAY, **words)
    assert reply.status == 200
    assert reply.json()["status"] == status
    assert list(reply.json()) == ["status", "msg", "body"]


def test_models_and_paths(sim: SimulatorThread) -> None:
    headers = {"authorization": "Bearer sk-iflow-sim-1"}
    assert (
        send("GET", f"{sim.base_url}/iflow/v1/models", headers=headers).json()["object"] == "list"
    )
    assert send("GET", f"{sim.base_url}/iflow/v1/nonsense", headers=headers).status == 404
    url = f"{sim.base_url}/iflow/v1/chat/completions"
    assert send("POST", url, b"{", headers).json()["status"] == "400"
    reply = generate(sim.urls(), WAY, "[[sim thinking=hm]]")
    assert "reasoning_content" in reply.text
