"""An exception anywhere in the gateway ends the request: no hang, no unmodified request upstream, no traceback."""

import http.client
import sys
from pathlib import Path

import pytest

from support.asking import CLIENT_KEY, Response, ask, payloads, question
from support.gateway import GatewayProcess, SimulatedGateway
from support.planted import CANARY

pytestmark = pytest.mark.e2e

ADDONS = "korproxy_addons.addons"
GATEWAY = "korproxy_addons.gateway"
BEFORE_UPSTREAM = (
    f"{ADDONS}.entrance:Entrance._check",
    f"{ADDONS}.control:Control.requestheaders",
    f"{ADDONS}.access:Access.requestheaders",
    f"{ADDONS}.ingress:Ingress.requestheaders",
    f"{ADDONS}.ingress:Ingress.request",
    f"{ADDONS}.dispatch:Dispatch.request",
    f"{GATEWAY}.leg:Leg._serve",
    f"{GATEWAY}.planning:Planner.plan",
    f"{GATEWAY}.attempt:crossing_to",
    f"{GATEWAY}.course:Course.first",
    f"{GATEWAY}.wire:Wire.call",
)
AFTER_UPSTREAM = (
    f"{GATEWAY}.attempt:Attempting._carry",
    f"{GATEWAY}.reply_road:ReplyRoad.hold",
    f"{GATEWAY}.reply_road:ReplyRoad.carry",
    f"{ADDONS}.egress:Egress.responseheaders",
    f"{GATEWAY}.layer_sink:LayerSink.data",
    f"{GATEWAY}.layer_sink:LayerSink.end",
    "korproxy_addons.dialects.passing:PassThrough.feed",
    "korproxy_addons.dialects.transcoder:Transcoder.feed",
)
UNHARMED = (
    f"{ADDONS}.metering:Metering.response",
    f"{ADDONS}.control:Control.response",
)
DROPPED = (f"{ADDONS}.entrance:Entrance._open",)


class PlantedGateway(GatewayProcess):
    """A gateway in which one place raises."""

    def __init__(self, home: Path, place: str) -> None:
        command = [
            sys.executable, "-m", "support.planted", place, "--home", str(home), "--port", "0",
            "--ready-json", "--quiet",
        ]  # fmt: skip
        tests = str(Path(__file__).parents[1])
        super().__init__(home, command, {"PYTHONPATH": tests})


@pytest.mark.parametrize("place", [*BEFORE_UPSTREAM, *AFTER_UPSTREAM, *UNHARMED, *DROPPED])
def test_an_exception_ends_the_request(tmp_path: Path, place: str) -> None:
    """Wherever it is planted: streamed and whole, native and across dialects, the request ends by itself and honestly."""
    with SimulatedGateway(tmp_path, start=lambda home: PlantedGateway(home, place)) as planted:
        for model in ("claude-sonnet-5-5", "glm-5"):
            for stream in (True, False):
                asked = question("anthropic-messages", model, "[[sim tokens=40]]", stream=stream)
                try:
                    reply = ask(planted.url, asked)
                except (http.client.HTTPException, ConnectionError):
                    # Cut: what cannot be said any more must not look whole. Before anything was sent it can be said.
                    assert place in (*AFTER_UPSTREAM, *DROPPED)
                else:
                    _check(reply, place, stream=stream)
        if place in BEFORE_UPSTREAM or place in DROPPED:
            assert [] == [it for it in planted.sim.ledger.entries if it.operation != "models"]
        for entry in planted.sim.ledger.entries:
            assert CLIENT_KEY not in str(entry)
        planted.gateway.stop()
        log = "\n".join(map(str, planted.gateway.log_lines()))
        assert "Planted" in log
        assert CANARY not in log + planted.gateway.errors


def _check(reply: Response, place: str, *, stream: bool) -> None:
    text = reply.body.decode()
    assert CANARY not in text
    assert "Traceback" not in text
    if place in UNHARMED:
        assert reply.status == 200
    elif reply.status == 200:
        # Already begun, or not touched by this plant; an unfinished one must say so.
        if stream:
            assert payloads(reply.body)[-1]["type"] in ("error", "message_stop")
    else:
        assert reply.status == 500
        assert reply.headers["x-korproxy-error"] == "KP-SYS-501"
        assert reply.json["type"] == "error"
