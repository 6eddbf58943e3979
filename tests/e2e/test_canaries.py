"""
The canary run: one canary for each way in which a secret or a word comes into KorProxy, and every place where it could stay.

A launcher and its gateway answer, fail, crash and are killed, record what passes, and everything that shows or exports something
is asked to do so. Then all files, pages, outputs and reports are searched.
"""

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import NoReturn

import pytest

from korproxy_addons.io.recordings import Recordings
from korproxy_addons.io.vault import Vault
from korproxy_addons.io.vault_entries import secrets_of
from launcher.actions import quota
from launcher.cli import run as cli
from launcher.simulator import SimulatorThread
from launcher.single_instance import RUN_NAME, running_launcher
from support import simulator_client
from support.asking import DIALECTS, Response, ask, send
from support.canaries import Places
from support.canary_house import (
    API_KEY,
    CLAUDE_CODE,
    CLIENT_SECRETS,
    DEAD_REFRESH,
    ENV_KEY,
    ENV_NAME,
    ERROR,
    KEY,
    LOCAL_KEY,
    OWN_SECRETS,
    PIECES,
    PROMPT,
    REFRESH,
    RENEWED,
    REPLY,
    REQUEST_ID,
    USES,
    WORDS,
    everything_said,
    pages,
    prepare,
)
from support.consenting import decide
from support.gateway import GatewayProcess, free_port
from support.kept import Launched
from support.listener import Listener
from support.planted import CANARY as EXCEPTION_TEXT
from support.sentry_sink import SentrySink
from support.sources import ROOT
from support.waiting import PATIENCE_S, until

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(
        os.name != "posix", reason="kills as POSIX does, and opens a page with a script"
    ),
]

PLANTED = "korproxy_addons.gateway.reply_road:ReplyRoad.hold"
# What shows or exports recordings, asked for by name: there, and nowhere else, words may stand.
RECORDED = (
    "korproxy/recordings/",
    "out/recorded",
    "korproxy record show",
    "korproxy diff",
    "korproxy replay",
)
COMMANDS: tuple[tuple[str, ...], ...] = (
    ("status",), ("status", "--json"), ("account", "list"), ("account", "list", "--json"),
    ("account", "show", "live", "--json"), ("config", "show"), ("config", "show", "--json"), ("key", "list", "--json"),
    ("vault", "status", "--json"), ("quota", "--json"), ("logs", "--lines", "1000"), ("metrics",),
    ("logs", "export", "{out}/log.jsonl"),
    ("requests",), ("requests", "--json"), ("requests", "show", REQUEST_ID), ("requests", "show", REQUEST_ID, "--json"),
    ("usage",), ("usage", "--json"), ("usage", "export"), ("explain", REQUEST_ID),
    ("route", "explain", "m"), ("doctor", "cline", "--json"),
    ("telemetry", "status", "--json"), ("telemetry", "show", "--json"), ("record", "status", "--json"),
)  # fmt: skip
# `answered` and `refused` are recordings; without one it is the newest.
RECORDING_COMMANDS: tuple[tuple[str, ...], ...] = (
    ("record", "show", "--full"), ("record", "show", "{answered}", "--full"), ("record", "show", "{answered}", "--json"),
    ("record", "show", "{refused}"), ("record", "list"), ("record", "list", "--json"),
    ("record", "export", "--har", "{out}/recorded.har", "--flows", "{out}/recorded.flow"),
    ("diff",), ("diff", "{answered}", "--full"), ("diff", "{answered}", "--json"), ("diff", "{refused}"),
    ("replay", "{answered}", "--yes"), ("replay", "{refused}", "--yes", "--json"),
)  # fmt: skip
# A bundle holds a self-test too.
BUNDLE = ("debug-bundle", "--yes", "--offline")
# When nothing runs any more.
AFTERWARDS = (
    ("logs",), ("telemetry", "show", "--json"), ("requests", "--json"), (*BUNDLE, "-o", "{out}/bundle.zip"),
)  # fmt: skip


@dataclass
class Run:
    """
    Everything a run has left behind.

    Attributes:
        places: All that may be searched.
        heard: What the provider was sent.
        replies: What clients were told.
        signed_in: What a sign-in brought: codes and tokens.
        codes: Exit code of each command.
        events: What a crash told Sentry.
        recorded: What the recordings hold, as one text.
        launcher_key: What opens the launcher's page.
        aloud: What clients were told of a model that reads a key aloud.
    """

    places: Places = field(default_factory=Places)
    heard: str = ""
    replies: list[Response] = field(default_factory=list)
    signed_in: tuple[str, ...] = ()
    codes: dict[str, int] = field(default_factory=dict)
    events: list[object] = field(default_factory=list)
    recorded: str = ""
    launcher_key: str = ""
    aloud: list[Response] = field(default_factory=list)


class House:
    """One folder, and a person at its command line."""

    def __init__(self, everything: Path, found: Run, environment: dict[str, str]) -> None:
        self.everything = everything
        self.home = everything / "korproxy"
        self.out = everything / "out"
        self.found = found
        self.environment = environment
        self.named: dict[str, str] = {}

    def call(self, *arguments: str) -> None:
        """A command, in this process, which is its user's; what it prints is a place."""
        given = [it.format(out=self.out, **self.named) for it in arguments]
        name, said = f"korproxy {' '.join(arguments)}", io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            self.found.codes[name] = cli([*given, "--home", str(self.home)])
        self.found.places.add(name, said.getvalue())

    def wait_for_recordings(self, count: int) -> None:
        """Until so many are there; one that was answered and one that was refused get their names."""
        kept = Recordings(self.home)
        until(lambda: kept.kept().exchanges >= count or None)
        briefs = kept.all()
        for name, provider in (("answered", "vault-whole"), ("refused", "vault-400")):
            answered_by = f"{provider}/m"
            self.named[name] = next(it.id for it in briefs if it.answered_by == answered_by)

    def ask_for_everything(self, url: str, provider: Listener) -> None:
        """Each use, by each dialect; then what KorProxy refuses by itself."""
        provider.pages = pages()
        for place, uses in (("vault", USES), ("env", ("whole", "401"))):
            for use, dialect in product(uses, DIALECTS):
                model = f"{place}-{use}@{place}-{use}-{dialect}/m"
                stream = use in ("stream", "call", "aloud", "hidden")
                reply = ask(url, everything_said(dialect, model, stream=stream))
                (self.found.aloud if use == "aloud" else self.found.replies).append(reply)
        for name in ("live", "dead"):
            asked = everything_said("anthropic-messages", f"claude@{name}/m", stream=False)
            self.found.replies.append(ask(url, asked, **{"user-agent": CLAUDE_CODE}))
        sound = everything_said("openai-chat", "vault-whole/m", stream=False)
        half = json.dumps(sound.body)[:-1].encode()
        self.found.replies += [
            ask(url, everything_said("openai-chat", "no-such-model", stream=False)),
            ask(url, sound, host="evil.example"),
            send(
                url, "POST", sound.path, half, {**sound.headers, "content-type": "application/json"}
            ),
        ]

    def sign_in(self, sim: SimulatorThread) -> None:
        """A login in the browser; afterwards the code is used up and the tokens are in the vault."""
        opened = self.everything.parent / "opened"
        command = [sys.executable, "-m", "launcher", "account", "add", "claude", "--access", "subscription",
                   "--accept-terms", "--json", "--home", str(self.home)]  # fmt: skip
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT,
            env=self.environment,
        ) as process:  # fmt: skip
            url = until(lambda: opened.read_text() if opened.exists() else None)
            self.found.places.add_process("account add", process.pid)
            callback = decide(url).headers["location"]
            assert simulator_client.send("GET", callback).status < 400
            said, errors = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, errors
        self.found.places.add("korproxy account add", said + errors)
        codes = list(sim.simulator.world.authorizations.codes)
        vault = Vault(self.home, KEY)
        stored = [
            it.get_secret_value() for name in vault.names() for it in secrets_of(vault.load(name))
        ]
        self.found.signed_in = (*codes, *(it for it in stored if it not in OWN_SECRETS))
        assert len(self.found.signed_in) > 2


def environment_of(everything: Path, outside: Path) -> dict[str, str]:
    """Whatever a process writes, it writes below one folder; the vault's key and the browser are outside."""
    key, opener = outside / "key", outside / "opener"
    key.write_text(KEY.text().get_secret_value())
    key.chmod(0o600)
    opened = outside / "opened"
    opener.write_text(f'#!/bin/sh\nprintf %s "$1" > "{opened}.new"\nmv "{opened}.new" "{opened}"\n')
    opener.chmod(0o755)
    for name in ("temporary", "out"):
        (everything / name).mkdir(parents=True)
    return {
        "HOME": str(everything), "TMPDIR": str(everything / "temporary"), "BROWSER": f"{opener} %s",
        "KORPROXY_HOME": str(everything / "korproxy"), "KORPROXY_VAULT_KEY_FILE": str(key), "KORPROXY_KEY": LOCAL_KEY,
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring", ENV_NAME: ENV_KEY, "NO_COLOR": "1", "COLUMNS": "200",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")]),
    }  # fmt: skip


@dataclass
class Day:
    """
    What is still there when the launcher has ended.

    Attributes:
        house: The folder and its person.
        provider: Whom the accounts belong to.
        sink: Where crashes are told.
        port: Of the gateway.
        shapes: Nothing that was said is recorded.
    """

    house: House
    provider: Listener
    sink: SentrySink
    port: int
    shapes: bool


@pytest.fixture(scope="module", params=["content", "shapes"])
def day(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    """A launcher with its gateway, and a person at its command line."""
    outside = tmp_path_factory.mktemp("run")
    everything, found = outside / "everything", Run()
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        environment = environment_of(everything, outside)
        for name, value in environment.items():
            patch.setenv(name, value)
        house = House(everything, found, {**os.environ})
        provider = stack.enter_context(Listener())
        sink = stack.enter_context(SentrySink())
        sim = stack.enter_context(SimulatorThread())
        port, shapes = free_port(), request.param == "shapes"
        prepare(house.home, provider.url, sim, port, sink.dsn)
        with Launched(house.home) as launched:
            live(house, launched, provider, sim, shapes=shapes)
        found.places.add("launcher's terminal", "\n".join(launched.errors))
        yield Day(house, provider, sink, port, shapes)


@pytest.fixture(scope="module")
def run(day: Day) -> Run:
    """A crash behind such a day; then everything that is left."""
    house, found = day.house, day.house.found
    if not day.shapes:
        crash(house, day.port, day.provider, day.sink)
    for command in AFTERWARDS:
        house.call(*command)
    found.heard = "".join(it.text for it in day.provider.heard)
    for number, envelope in enumerate(day.sink.envelopes):
        found.places.add(f"sentry {number}", envelope.raw)
        found.places.add(f"sentry {number} head", json.dumps(envelope.fields))
    found.events = list(day.sink.events)
    found.places.add_folder(house.everything, without=[house.home / "secrets" / "local"])
    return found


def live(
    house: House, launched: Launched, provider: Listener, sim: SimulatorThread, *, shapes: bool
) -> None:
    """Answers and failures while it records, a sign-in, and every command."""
    found = house.found
    status = launched.wait_for("healthy")
    house.call("record", "on", *(("--shapes",) if shapes else ()))
    house.ask_for_everything(launched.url, provider)
    house.sign_in(sim)
    for path in ("/metrics", "/_korproxy/health", "/", "/v1/models"):
        reply = send(launched.url, "GET", path, None, {"x-korproxy-key": LOCAL_KEY})
        assert reply.status == 200, path
        found.places.add(f"GET {path}", f"{reply.headers} ".encode() + reply.body)
    look_at_launcher(house)
    found.places.add_process("launcher", launched.process.pid)
    found.places.add_process("gateway", status["pid"])
    # Those that failed before they were anybody's request are recorded, too; a thread writes them.
    house.wait_for_recordings(len(found.replies) + len(found.aloud) - 1)
    for command in RECORDING_COMMANDS:
        house.call(*command)
    if not shapes:
        house.call(*BUNDLE, "--recording", "all", "-o", "{out}/recorded.zip")
        for command in COMMANDS:
            house.call(*command)
    found.recorded = "".join(
        path.read_text() for path in sorted((house.home / "recordings").glob("*.json"))
    )


def look_at_launcher(house: House) -> None:
    """Its page, and what its programs are told; the key to both is in the file of its lock alone."""
    reach = running_launcher(house.home)
    assert reach is not None
    shown = {"authorization": f"Bearer {reach.key}"}
    for path in ("/", "/api/v1/status", "/api/v1/logs"):
        reply = send(reach.url, "GET", path, None, shown)
        assert reply.status in (200, 303), (path, reply.status, reply.body)
        house.found.places.add(f"launcher's {path}", f"{reply.headers} ".encode() + reply.body)
    house.found.launcher_key = reach.key


def crash(house: House, port: int, provider: Listener, sink: SentrySink) -> None:
    """A gateway that fails inside at every answer, and is killed; a command that fails inside."""
    command = [
        sys.executable, "-m", "support.planted", PLANTED, "--home", str(house.home), "--port", str(port), "--ready-json",
    ]  # fmt: skip
    with GatewayProcess(house.home, command, house.environment) as gateway:
        for dialect in DIALECTS:
            asked = everything_said(dialect, f"env-stream@env-stream-{dialect}/m", stream=True)
            reply = ask(gateway.url, asked)
            assert reply.status == 500, reply.body
            house.found.replies.append(reply)
        sink.wait()
        gateway.process.kill()
    house.found.places.add("gateway's terminal", gateway.errors)

    def boom(*_given: object) -> NoReturn:
        raise RuntimeError(f"{EXCEPTION_TEXT}: {PROMPT}, {API_KEY}")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quota, "quotas", boom)
        house.call("quota")
    assert house.found.codes.pop("korproxy quota") == 1
    assert len(sink.wait(2)) >= 2


def test_every_command_does_its_work(day: Day) -> None:
    # A finding is a result too; a shape cannot be sent, and what was refused is refused again.
    excused = ("korproxy doctor", "korproxy replay {refused}") + (
        ("korproxy replay",) if day.shapes else ()
    )
    codes = day.house.found.codes
    assert len(codes) >= len(RECORDING_COMMANDS)
    assert [it for it, code in codes.items() if code and not it.startswith(excused)] == []


def test_the_run_was_one(run: Run, day: Day) -> None:
    """The canaries were all out there, the crash was told, and what was left could be looked at."""
    shapes = day.shapes
    assert [it for it in AFTERWARDS if run.codes[f"korproxy {' '.join(it)}"]] == []
    for canary in (API_KEY, ENV_KEY, RENEWED, REFRESH, DEAD_REFRESH, *WORDS[:4]):
        assert canary in run.heard, canary
    told = "".join(str(it.body) for it in (*run.replies, *run.aloud))
    assert [it for it in (REPLY, ERROR, *PIECES) if it not in told] == []
    assert {it.status for it in run.replies} >= {200, 400, 421, 429, 500}
    names = set(run.places.texts)
    assert {
        "korproxy/korproxy.db", "korproxy/vault.bin", "korproxy/logs/gateway.jsonl", "korproxy/logs/launcher.jsonl",
        "out/bundle.zip/SUMMARY.md",
        "out/recorded.har", "out/recorded.flow", "launcher's /", "GET /metrics",
    } <= names  # fmt: skip
    if not shapes:
        assert run.events
        assert "out/recorded.zip/SUMMARY.md" in names
        assert any(name.startswith("korproxy/crashes/") for name in names)
    assert REQUEST_ID in run.recorded
    for canary in WORDS:
        # What is said is in the recordings, if content is recorded, and then in what is made of them.
        assert (canary in run.recorded) is not shapes, canary
        assert bool(run.places.finds([canary])) is not shapes


def test_no_secret_is_left_anywhere(run: Run) -> None:
    """Not in recordings of what was said either: logs, pages, database, bundles, archives, reports, arguments."""
    assert run.places.finds((*OWN_SECRETS, *CLIENT_SECRETS, *run.signed_in)) == []


def test_what_opens_the_launchers_page_is_with_its_lock_alone(run: Run) -> None:
    assert run.launcher_key
    found = {place for place, _ in run.places.finds([run.launcher_key])}
    assert found <= {f"korproxy/{RUN_NAME}"}


def test_no_secret_is_left_in_pieces(run: Run) -> None:
    """A model that reads a key aloud, piece by piece: the last one is like nothing else."""
    assert run.places.finds(PIECES[2:]) == []


def test_what_was_said_is_nowhere_but_in_recordings(run: Run) -> None:
    """Prompt, reply, arguments, names of files, a provider's words: there alone where somebody asked for them."""
    assert run.places.finds(WORDS, without=RECORDED) == []


def test_what_an_exception_says_is_nowhere(run: Run) -> None:
    """It may quote what was being read."""
    assert run.places.finds([EXCEPTION_TEXT]) == []


def test_the_correlation_id_is_everywhere(run: Run) -> None:
    """What is taken out must not take with it what one finds things by."""
    for place in (
        "korproxy/logs/gateway.jsonl",
        "korproxy requests --json",
        "korproxy/korproxy.db",
        "out/bundle.zip",
    ):
        assert [it for it, _ in run.places.finds([REQUEST_ID]) if it.startswith(place)], place


def test_no_client_is_told_a_secret(run: Run) -> None:
    """But for what a model reads aloud, which is its answer."""
    told = Places()
    for number, reply in enumerate(run.replies):
        told.add(str(number), f"{reply.headers}".encode() + reply.body)
    assert told.finds((*OWN_SECRETS, *CLIENT_SECRETS, EXCEPTION_TEXT)) == []


def test_nobody_is_shown_a_traceback(run: Run) -> None:
    said = {name: text for name, text in run.places.texts.items() if name.startswith("korproxy ")}
    assert [name for name, text in said.items() if b"Traceback" in text] == []
