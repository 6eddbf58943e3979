"""Five things that go wrong for somebody new: each is told by one command, with its cause and what to do."""

import json
import os
from pathlib import Path

import pytest

from support.asking import Response, ask, question
from support.doctor_house import DoctorHouse, Printed, closed_port
from support.refresh_worker import CLAUDE_CODE
from support.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(os.name != "posix", reason="POSIX signals")]

MODEL = "claude-sonnet-5-5"


def asked(house: DoctorHouse, model: str = MODEL, dialect: str = "anthropic-messages") -> Response:
    """What Claude Code is told when it asks for a model."""
    return ask(house.url, question(dialect, model), **{"user-agent": CLAUDE_CODE})


def request_id(reply: Response) -> str:
    """What a request is found by: it is written down later than what is held against an account for it."""
    return reply.headers["x-korproxy-request-id"]


def doctor(house: DoctorHouse, *words: str) -> Printed:
    """What the command says, once the gateway has written down what is expected of it."""

    def said() -> Printed | None:
        found = house.doctor()
        return found if all(word in found.text for word in words) else None

    return until(said)


def test_nothing_is_wrong(tmp_path: Path) -> None:
    """The counter-proof: with everything in order the same command says so, and its exit code is 0."""
    with DoctorHouse(tmp_path) as house:
        house.tool(".claude/settings.json", json.dumps({"env": {
            "ANTHROPIC_BASE_URL": f"http://localhost:{house.port}", "ANTHROPIC_AUTH_TOKEN": "korproxy",
        }}))  # fmt: skip
        assert asked(house).status == 200
        found = doctor(house, "1 requests in 7 days")
        assert found.code == 0
        assert "Wrong now" not in found.text
        assert f"Nothing is wrong: KorProxy serves at http://localhost:{house.port}." in found.text
        assert "✓ Claude Code uses KorProxy, 1 requests in 7 days" in found.text


def test_an_expired_login(tmp_path: Path) -> None:
    with DoctorHouse(tmp_path, login=True) as house:
        reply = asked(house)
        assert reply.headers["x-korproxy-error"] == "KP-AUTH-003"
        found = doctor(house, "KP-AUTH-003", request_id(reply))
        assert found.code == 1
        assert found.first.startswith(
            "✕ account plan KP-AUTH-003: plan at Claude: The account's sign-in failed: "
        )
        assert "Refresh token expired" in found.first
        assert "> korproxy account add claude --replace plan" in found.first
        assert request_id(reply) in found.first


def test_a_wrong_model_name(tmp_path: Path) -> None:
    with DoctorHouse(tmp_path) as house:
        wrong = "claude-sonet-5-5"
        reply = asked(house, wrong)
        assert reply.headers["x-korproxy-error"] == "KP-REQ-711"
        found = doctor(house, "KP-REQ-711")
        assert found.code == 1
        assert found.first.startswith(f"✕ model {wrong} KP-REQ-711: Claude Code asked for {wrong}")
        assert "No configured account serves this model" in found.first
        assert f"close: {MODEL}" in found.first
        assert "> Name another model in Claude Code's settings." in found.first
        # Once the name has a meaning, it is no longer wrong, though nobody has asked again.
        config = json.loads((house.home / "config.yaml").read_text())
        aside = house.home / "aside"
        aside.write_text(json.dumps({**config, "aliases": {wrong: MODEL}}))
        aside.chmod(0o600)
        aside.replace(house.home / "config.yaml")
        mended = doctor(house, "It would be served now")
        assert mended.code == 0
        assert "Wrong now" not in mended.text


def test_a_provider_that_is_down(tmp_path: Path) -> None:
    """Its address refuses connections, and then it answers with errors."""
    nowhere = f"http://127.0.0.1:{closed_port()}"
    accounts = {"accounts": [
        {"id": "work", "provider": "claude", "secret": "plain:sk-ant-api03-sim-1", "base_url": nowhere},
    ]}  # fmt: skip
    with DoctorHouse(tmp_path, extra=accounts) as house:
        reply = asked(house)
        assert reply.headers["x-korproxy-error"] == "KP-NET-301"
        found = doctor(house, "KP-NET-301", request_id(reply))
        assert found.code == 1
        assert found.first.startswith("✕ account work KP-NET-301: ")
        assert "The provider's address refuses connections." in found.first
        assert " at claude: " in found.first.lower()
        assert "> Check the internet connection, the base_url and any firewall." in found.first
        assert request_id(reply) in found.first


def test_a_provider_that_answers_with_errors_until_it_is_well_again(tmp_path: Path) -> None:
    with DoctorHouse(tmp_path) as house:
        house.sim.script("503", provider="claude", count=None)
        reply = asked(house)
        assert reply.status == 503
        found = doctor(house, "KP-PROV-105", request_id(reply))
        assert found.first.startswith("✕ account work KP-PROV-105: ")
        assert "The provider is overloaded." in found.first
        house.sim.reset()
        until(lambda: asked(house).status == 200)
        assert "Wrong now" not in doctor(house, "Nothing is wrong").text


def test_a_quota_that_is_gone(tmp_path: Path) -> None:
    with DoctorHouse(tmp_path, accounts=(("plus", "codex", "chatgpt"),)) as house:
        resets = {"error": {
            "type": "usage_limit_reached", "message": "The usage limit has been reached",
            "plan_type": "plus", "resets_in_seconds": 7200,
        }}  # fmt: skip
        house.sim.script("429", provider="openai", count=None, body=resets)
        reply = asked(house, "gpt-6.1-sol", "openai-responses")
        assert reply.headers["x-korproxy-error"] == "KP-RATE-402", reply.body
        found = doctor(house, "KP-RATE-402", request_id(reply))
        assert found.code == 1
        assert found.first.startswith("✕ account plus KP-RATE-402: plus at Codex")
        assert "The account's quota is used up" in found.first
        assert (
            "It is asked again in 2 h." in found.first
            or "It is asked again in 120 min." in found.first
        )
        assert "> Wait for the reset, or add a second account." in found.first


def test_a_tool_that_is_pointed_at_the_wrong_port(tmp_path: Path) -> None:
    """In the file that counts, in the shell, at an old port, at KorProxy's own page: what is wrong is said, and where."""
    with DoctorHouse(tmp_path) as house:
        gone = closed_port()
        settings = {"env": {"ANTHROPIC_BASE_URL": f"http://localhost:{gone}"}}
        house.tool(".claude/settings.json", json.dumps(settings))
        found = house.doctor()
        assert found.code == 1
        where = "env.ANTHROPIC_BASE_URL in ~/.claude/settings.json"
        assert found.first.startswith(
            f"✕ Claude Code: {where} is http://localhost:{gone}, where nothing listens;"
            f" KorProxy listens on port {house.port}."
        )
        assert f"> Set {where} to http://localhost:{house.port}." in found.first
        assert "✕ Claude Code is set up wrongly" in found.text

        house.tool(".claude/settings.json", "{}")
        house.tool(
            ".bashrc", "# mine\nexport ANTHROPIC_BASE_URL=http://localhost:8317  # from a guide\n"
        )
        house.environ["ANTHROPIC_BASE_URL"] = "http://localhost:8317"
        old = house.doctor()
        assert (
            "ANTHROPIC_BASE_URL is http://localhost:8317 (the port of KorProxy's earlier desktop app)"
            in old.first
        )
        assert "> ~/.bashrc line 2 sets it." in old.first

        house.environ["ANTHROPIC_BASE_URL"] = "http://localhost:1338"
        page = house.doctor()
        assert f"KorProxy's own page; tools are served at port {house.port}." in page.first

        house.environ["ANTHROPIC_BASE_URL"] = f"http://localhost:{house.port}"
        house.environ["ANTHROPIC_AUTH_TOKEN"] = "korproxy"
        assert house.doctor().code == 0


def test_korproxy_that_does_not_run(tmp_path: Path) -> None:
    with DoctorHouse(tmp_path) as house:
        house.launched.stop()
        found = house.doctor()
        assert found.code == 1
        assert found.first.startswith(
            f"✕ gateway KP-SYS-509: KorProxy does not run; nothing listens on port {house.port}."
        )
        assert "> korproxy start" in found.first
