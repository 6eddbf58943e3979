"""What is kept for `previous_response_id`, across a restart of the real gateway: on disk only if the user says so."""

from pathlib import Path

import pytest

from support.asking import Response, ask, question
from support.gateway import GatewayProcess, SimulatedGateway

pytestmark = pytest.mark.e2e

MODEL = "claude-sonnet-5-5"
CANARY = "canary-conversation-5f1c"


def said(url: str, prompt: str, previous: str = "") -> Response:
    asked = question("openai-responses", MODEL, prompt)
    if previous:
        asked.body["previous_response_id"] = previous
    return ask(url, asked)


def on_disk(home: Path) -> list[str]:
    """Files that hold the canary."""
    return [
        it.name for it in home.rglob("*") if it.is_file() and CANARY.encode() in it.read_bytes()
    ]


@pytest.mark.parametrize(("keep", "found"), [("disk", True), ("memory", False)])
def test_a_conversation_outlives_the_gateway_only_on_disk(
    tmp_path: Path, keep: str, found: bool
) -> None:
    with SimulatedGateway(tmp_path, {"conversations": {"keep": keep}}) as running:
        first = said(running.url, f"My name is {CANARY}. [[sim text=Noted]]")
        assert first.status == 200, first.body
        previous = first.json["id"]
        assert said(running.url, "Who am I?", previous).status == 200
        running.gateway.stop()
        assert bool(on_disk(tmp_path)) is found
        with GatewayProcess(tmp_path) as again:
            later = said(again.url, "Who am I now?", previous)
            assert later.status == (200 if found else 400)
            if found:
                entry = running.sim.wait(lambda entries: len(entries) == 3)[-1]
                assert CANARY in (entry.body or "")
            else:
                assert later.json["error"]["code"] == "previous_response_not_found"
