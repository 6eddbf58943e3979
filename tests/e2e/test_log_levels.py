"""How much is logged changes while the gateway runs, without a request lost."""

from pathlib import Path

import pytest

from launcher.actions.log_levels import set_level
from support.asking import ask, question
from support.gateway import SimulatedGateway
from support.waiting import until

pytestmark = pytest.mark.e2e


def test_a_component_is_silenced_and_heard_again(tmp_path: Path) -> None:
    with SimulatedGateway(tmp_path) as running:

        def asked() -> str:
            reply = ask(running.url, question("openai-chat", "sim-large"))
            assert reply.status == 200
            return reply.headers["x-korproxy-request-id"]

        def change(level: str) -> None:
            before = reloads()
            set_level(tmp_path, "exchange", level)
            until(lambda: reloads() > before)

        def reloads() -> int:
            lines = running.gateway.log_lines()
            return sum(it["event"] == "config reloaded" for it in lines)

        first = asked()
        running.gateway.wait_for_log(first)
        change("error")
        silent = asked()
        change("default")
        last = asked()
        running.gateway.wait_for_log(last)
        heard = {it.get("request_id") for it in running.gateway.log_lines()}
    assert {first, last} <= heard
    assert silent not in heard
