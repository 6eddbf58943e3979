"""The presets' facts against the real tools: set up by nothing but what a preset writes, each reaches the gateway."""

from urllib.parse import urlsplit

import pytest

from korproxy_addons.presets import PRESETS
from launcher.gateway_look import Address
from launcher.tools.config_checks import Standing, check_tool
from support.coding_tool import LOCAL_KEY, Workplace
from support.doctor_house import closed_port
from support.needs import needs_coding_tool
from support.relay import Relay
from support.tool_machine import NOBODY, ToolMachine

pytestmark = [pytest.mark.e2e, pytest.mark.clients]

ANSWER = "Set up by its preset."
PROMPT = f'Say it. [[sim text="{ANSWER}"]]'
ARGUMENTS = {
    "claude-code": ["-p"],
    "codex-cli": [
        "exec",
        "--skip-git-repo-check",
        "--sandbox",
        "danger-full-access",
        "-m",
        "gpt-6.1-sol",
        "-",
    ],
    "gemini-cli": ["-m", "gemini-3.8-flash", "--approval-mode", "yolo"],
}
# No traffic of their own beside the turn, and no question whether the folder is trusted.
QUIET = {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "GEMINI_CLI_TRUST_WORKSPACE": "true"}


@pytest.mark.parametrize("tool", ARGUMENTS)
def test_what_a_preset_writes_sets_the_real_tool_up(
    tool: str, workplace: Workplace, relay: Relay
) -> None:
    """It answers, by the key and the address that were written; and the doctor reads the same settings as right."""
    preset = PRESETS[tool]
    program = needs_coding_tool(preset.programs[0])
    place = ToolMachine(workplace.home)
    place.set_up(preset, root=relay.url, key=LOCAL_KEY)
    ran = workplace.run(program, ARGUMENTS[tool], PROMPT, {**place.environ, **QUIET})
    assert ANSWER in ran.out, ran.out + ran.err
    asked = [it for it in relay.seen if it.method == "POST"]
    assert asked
    port = urlsplit(relay.url).port or 0
    address = Address(port=port, hosts=("127.0.0.1",), admin_port=1)
    found = check_tool(preset, place.machine, address, lambda _: NOBODY)
    assert found.standing is Standing.HERE, found.checks
    assert found.key in (LOCAL_KEY, "")


STRONGER = {
    "claude-code": ("file", "ANTHROPIC_BASE_URL"),
    "gemini-cli": ("shell", "GOOGLE_GEMINI_BASE_URL"),
}


@pytest.mark.parametrize("tool", STRONGER)
def test_the_place_that_a_preset_calls_stronger_is(
    tool: str, workplace: Workplace, relay: Relay
) -> None:
    """Two places that contradict each other: the doctor believes the one that the tool believes."""
    where, name = STRONGER[tool]
    preset = PRESETS[tool]
    nowhere = f"http://localhost:{closed_port()}"
    place = ToolMachine(workplace.home)
    place.set_up(preset, root=relay.url if where == "file" else nowhere, key=LOCAL_KEY)
    place.environ[name] = nowhere if where == "file" else relay.url
    program = needs_coding_tool(preset.programs[0])
    ran = workplace.run(program, ARGUMENTS[tool], PROMPT, {**place.environ, **QUIET})
    assert ANSWER in ran.out, ran.out + ran.err
    address = Address(port=urlsplit(relay.url).port or 0, hosts=("127.0.0.1",), admin_port=1)
    found = check_tool(preset, place.machine, address, lambda _: NOBODY)
    assert found.standing is Standing.HERE
    assert any(it.name == "shadowed address" for it in found.checks)
