"""Each way of choosing a profile, through a real gateway; and what a cloned repository cannot do."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from support import config_file
from support.adjusted import AdjustedGateway
from support.asking import DIALECTS, ask, question, send
from support.gateway import SimulatedGateway
from support.listener import Answer, Listener
from support.profile_gateway import GROUPS, MODEL, asked, reasons, served_by
from support.waiting import until

pytestmark = pytest.mark.e2e

IN_FORCE_S = 1.0
KEY = "kp-local-a-key-of-this-test"
PROFILES: list[dict[str, Any]] = [
    {"id": "first", "name": "First choice", "group": "chat"},
    {"id": "second", "group": "responses"},
    {"id": "third", "group": "anthropic"},
    {"id": "fourth", "group": "gemini"},
]
EXTRA: dict[str, Any] = {"groups": GROUPS, "profiles": PROFILES, "active_profile": "first"}

CLIENT = """
import http.client, json, sys
connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=30)
body = json.dumps({"model": sys.argv[2], "messages": [{"role": "user", "content": "hi"}]})
found = []
for _ in range(2):
    connection.request("POST", "/v1/chat/completions", body, {"content-type": "application/json"})
    reply = connection.getresponse()
    reply.read()
    found.append([reply.status, reply.getheader("x-korproxy-account"), reply.getheader("x-korproxy-why")])
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedGateway]:
    """A gateway that looks at its config so often that a test need not wait."""
    interval: dict[str, object] = {"korproxy_addons.addons.control:WATCH_INTERVAL_S": 0.02}
    home = tmp_path_factory.mktemp("home")
    with SimulatedGateway(home, EXTRA, start=lambda it: AdjustedGateway(it, interval)) as found:
        yield found


@pytest.fixture(autouse=True)
def _as_it_was(running: SimulatedGateway) -> Iterator[None]:
    before = config_file.text(running.home)
    yield
    if config_file.text(running.home) != before:
        config_file.put(running.gateway, before)


def change(running: SimulatedGateway, edit: Callable[[dict[str, Any]], None]) -> None:
    told = config_file.change(running.gateway, edit)
    assert told["event"] == "config reloaded", told


def test_without_a_word_the_active_profile_serves(running: SimulatedGateway) -> None:
    assert served_by(asked(running)) == (200, "sim-chat", [])


def test_a_header_names_a_profile(running: SimulatedGateway) -> None:
    for word in ("third", "THIRD"):
        found = served_by(asked(running, x_korproxy_profile=word))
        assert found == (200, "sim-anthropic", ["profile:third"])


def test_a_name_for_people_will_do(running: SimulatedGateway) -> None:
    change(running, lambda it: it.update(active_profile="second"))
    found = served_by(asked(running, x_korproxy_profile="first CHOICE"))
    assert found == (200, "sim-chat", ["profile:first"])


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_path_names_a_profile_in_every_dialect(running: SimulatedGateway, dialect: str) -> None:
    what = question(dialect, MODEL)
    what.path = f"/p/fourth{what.path}"
    assert served_by(asked(running, what)) == (200, "sim-gemini", ["profile:fourth"])


def test_paths_without_a_model_are_served_under_a_profile_too(running: SimulatedGateway) -> None:
    found = send(running.url, "GET", "/p/second/v1/models")
    assert found.status == 200
    assert MODEL in {it["id"] for it in found.json["data"]}
    assert send(running.url, "GET", "/p/second/v1/nothing").status == 404


def test_a_local_key_names_a_profile_though_keys_are_not_required(
    running: SimulatedGateway,
) -> None:
    (running.home / "a-key").write_text(KEY)
    key = {"id": "tool", "secret": "file:a-key", "profile": "second"}
    change(running, lambda it: it.update(local_keys={"keys": [key]}))
    shown = (asked(running, authorization=f"Bearer {KEY}"), asked(running, x_korproxy_key=KEY))
    for reply in shown:
        assert served_by(reply) == (200, "sim-responses", ["profile:second"])
    assert served_by(asked(running, authorization="Bearer another"))[1] == "sim-chat"


def test_header_goes_before_path_and_path_before_key(running: SimulatedGateway) -> None:
    (running.home / "a-key").write_text(KEY)
    key = {"id": "tool", "secret": "file:a-key", "profile": "second"}
    change(running, lambda it: it.update(local_keys={"keys": [key]}))
    what = question("openai-chat", MODEL)
    what.path = f"/p/third{what.path}"
    assert served_by(asked(running, what, x_korproxy_key=KEY))[1] == "sim-anthropic"
    found = served_by(asked(running, what, x_korproxy_key=KEY, x_korproxy_profile="fourth"))
    assert found[1] == "sim-gemini"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_profile_that_is_not_there_is_told_in_the_client_s_dialect(
    running: SimulatedGateway, dialect: str
) -> None:
    running.sim.reset()
    reply = ask(running.url, question(dialect, MODEL), **{"X-KorProxy-Profile": "frist"})
    assert reply.status == 404
    assert reply.headers["x-korproxy-error"] == "KP-CONF-220"
    assert "first, second, third, fourth" in json.dumps(reply.json)
    assert running.sim.ledger.entries == []


# --- workspace


def asked_in(running: SimulatedGateway, folder: Path) -> list[tuple[int, str, list[str]]]:
    """Two requests on one connection of another process, which runs in a folder."""
    argv = [sys.executable, "-c", CLIENT, str(running.gateway.port), MODEL]
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=True, timeout=60)
    return [
        (status, label.removeprefix("simulated "), reasons(why))
        for status, label, why in json.loads(done.stdout)
    ]


def project(folder: Path, content: str = "") -> Path:
    (folder / ".git").mkdir(parents=True)
    if content:
        (folder / ".korproxy").write_text(content)
    return folder


def test_two_processes_in_two_projects_get_two_profiles(
    running: SimulatedGateway, tmp_path: Path
) -> None:
    """One by the user's own setting, one by the file in its project; the folder below counts too."""
    one, two = project(tmp_path / "one"), project(tmp_path / "two", "profile: fourth\n")
    (two / "deep").mkdir()

    def mine(settings: dict[str, Any]) -> None:
        settings["profiles"][2]["projects"] = [str(one)]

    change(running, mine)
    with ThreadPoolExecutor(2) as clients:
        both = list(clients.map(lambda it: asked_in(running, it), (one, two / "deep")))
    assert both == [
        [(200, "sim-anthropic", ["profile:third"])] * 2,
        [(200, "sim-gemini", ["project-file", "profile:fourth"])] * 2,
    ]
    assert asked_in(running, tmp_path)[0][1] == "sim-chat"


def test_a_project_s_file_cannot_send_requests_anywhere_else(
    running: SimulatedGateway, tmp_path: Path
) -> None:
    """Whatever else it says, it is not used; naming no profile there is changes nothing, either."""
    with Listener() as evil:
        for number, content in enumerate(
            (
                f"profile: second\nproviders: {{x: {{base_url: {evil.url}}}}}",
                f"profile: {evil.url}",
                f"base_url: {evil.url}",
                "active_profile: second",
            )
        ):
            found = asked_in(running, project(tmp_path / str(number), content))
            assert [it[:2] for it in found] == [(200, "sim-chat")] * 2
        assert evil.heard == []


def test_a_rule_may_ask_for_the_project(running: SimulatedGateway, tmp_path: Path) -> None:
    one = project(tmp_path / "one")
    rule = {"name": "here", "when": {"project": f"{tmp_path}/o*"}, "group": "gemini"}
    change(running, lambda it: it["profiles"][0].update(rules=[rule]))
    assert asked_in(running, one)[0] == (200, "sim-gemini", ["rule:here"])
    assert asked_in(running, tmp_path)[0] == (200, "sim-chat", [])


# --- switching


def test_a_switch_of_the_profile_is_in_force_within_a_second(running: SimulatedGateway) -> None:
    """By the command that people use; a request under way ends under the rules it came with."""
    with Listener() as slow:
        slow.answer = Answer(429, b'{"error": {"message": "busy"}}', when=Event())

        def add_slow(settings: dict[str, Any]) -> None:
            settings["providers"]["slow"] = {
                "dialect": "openai-chat", "base_url": f"{slow.url}/v1", "local": True, "auth": "none",
                "models": [MODEL], "list_models": False,
            }  # fmt: skip
            settings["groups"].append({"id": "two", "accounts": ["slow", "sim-anthropic"]})
            settings["profiles"][0]["group"] = "two"

        change(running, add_slow)
        with ThreadPoolExecutor(1) as client:
            under_way = client.submit(asked, running)
            slow.wait("/v1/chat/completions")
            use(running, "second")
            assert served_by(asked(running)) == (200, "sim-responses", [])
            assert slow.answer.when is not None
            slow.answer.when.set()
            assert served_by(under_way.result(30))[:2] == (200, "sim-anthropic")


def use(running: SimulatedGateway, profile: str) -> None:
    """Switch by command, and wait until the gateway has taken note."""
    seen = len(said(running))
    argv = [
        sys.executable,
        "-m",
        "launcher",
        "profile",
        "use",
        profile,
        "--home",
        str(running.home),
    ]
    subprocess.run(argv, capture_output=True, check=True, timeout=60)
    at = (running.home / "config.yaml").stat().st_mtime
    told = until(lambda: said(running)[seen:])[0]
    assert told["event"] == "config reloaded"
    assert told["ts"] - at < IN_FORCE_S


def said(running: SimulatedGateway) -> list[dict[str, Any]]:
    return [it for it in running.gateway.log_lines() if it["event"].startswith("config re")]
