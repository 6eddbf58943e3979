"""A tool in full, by the command itself, with a launcher, a gateway and providers under it: kept, degraded, lost."""

import json
import os
from pathlib import Path

import pytest

from support.doctor_house import DoctorHouse

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(os.name != "posix", reason="POSIX signals")]

ACCOUNTS = (("mine", "claude", "api-key"), ("other", "iflow", "api-key"))


def set_up(house: DoctorHouse) -> None:
    """Claude Code, as its guide has it."""
    env = {
        "ANTHROPIC_BASE_URL": f"http://localhost:{house.port}",
        "ANTHROPIC_AUTH_TOKEN": "korproxy",
    }
    house.tool(".claude/settings.json", json.dumps({"env": env}))


def test_claude_code_on_its_own_provider_and_on_another(tmp_path: Path) -> None:
    with DoctorHouse(tmp_path, accounts=ACCOUNTS) as house:
        set_up(house)
        own = house.doctor("claude")
        assert own.code == 0, own.out
        for line in (
            "Claude Code uses KorProxy",
            "✓ address: env.ANTHROPIC_BASE_URL in ~/.claude/settings.json is",
            "→ mine (Claude, API key), in the tool's own API",
            "▲ degraded tool search",
            "> The route passes all that it needs: set ENABLE_TOOL_SEARCH=true.",
            "✓ kept streaming",
            "the last is message_stop. (tried)",
            "✓ kept beta features A request with its beta headers was answered. (tried)",
            "✓ kept 1 M context claude-sonnet-5-5 reads 1 000 000 tokens.",
        ):
            assert line in own.text, own.out
        assert "✕" not in own.out
        # What it says that it sends is what is sent, to that account alone.
        assert "to claude@mine/claude-sonnet-5-5" in " ".join(own.err.split())
        sent = [it for it in house.sim.ledger.entries if it.method == "POST"]
        assert [(it.provider, it.path) for it in sent] == [
            ("claude", "/v1/messages"), ("claude", "/v1/messages/count_tokens"), ("claude", "/v1/messages"),
        ]  # fmt: skip

        house.sim.reset()
        declared = house.doctor("claude", "--model", "glm-5", "--no-send")
        assert declared.code == 0, declared.out
        assert [it for it in house.sim.ledger.entries if it.method == "POST"] == []
        for line in (
            "translated to openai-chat",
            "✕ lost tool search",
            "✕ lost beta features Chat Completions has no betas of Anthropic's",
            "> Send it to an account that speaks Anthropic's Messages: mine (`korproxy rule add`,",
            "▲ degraded token counts iFlow does not count; KorProxy estimates",
            "Nothing was sent to the provider: --no-send.",
        ):
            assert line in declared.text, declared.out


def test_a_plan_that_is_for_its_own_tool_is_never_asked_by_pretending(tmp_path: Path) -> None:
    """Not by the doctor: the tool's own traffic stands for it."""
    accounts = (("plan", "claude", "subscription"),)
    with DoctorHouse(tmp_path, accounts=accounts) as house:
        set_up(house)
        found = house.doctor("claude-code")
        assert (
            "Nothing was sent to the provider: the account's terms allow Claude Code only"
            in found.text
        )
        assert "✓ kept streaming" in found.text
        assert "(tried)" in found.text, "what the gateway answers by itself is tried all the same"
        assert [it for it in house.sim.ledger.entries if it.method == "POST"] == []
        assert found.code == 0, found.out
