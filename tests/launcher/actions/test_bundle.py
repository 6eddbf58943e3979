"""Whole bundles of real folders: with the gateway up, with it down, and with everything broken."""

import hashlib
import io
import json
import os
import sqlite3
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import structs

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.recordings import Recordings, Room
from korproxy_addons.recording.record import encode_recording
from launcher.actions.bundle import (
    STEPS,
    BundleOptions,
    Draft,
    default_path,
    draft_bundle,
    write_bundle,
)
from launcher.actions.self_test import CHECKS, Looked, self_test
from launcher.actions.steps import Step
from support.asking import ask, question
from support.bundled import AT, looked
from support.gateway import SimulatedGateway
from support.recordings import recording

PROMPT = "canary-of-a-prompt-6620"
ENVIRON: dict[str, str] = {}
OPTIONS = BundleOptions(offline=True, environ=ENVIRON)
ROOM = Room(exchanges=10, bytes=10_000_000)


def opened(data: bytes) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(data))


def quick(home: Path) -> Looked:
    """The self-test without its round: that has tests of its own."""
    return self_test(home, offline=True, environ=ENVIRON, rounds=lambda: iter(()))


def draft(home: Path, options: BundleOptions = OPTIONS) -> Draft:
    return draft_bundle(home, options, look=lambda: quick(home))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedGateway]:
    """A gateway that was asked some things: some went well, an account was refused, a provider was overloaded."""
    home = tmp_path_factory.mktemp("served") / "kp"
    with SimulatedGateway(home) as it:
        path = home / "config.yaml"
        path.write_text(path.read_text().replace("port: 0", f"port: {it.gateway.port}"))
        for model, fault, times in (
            ("claude@claude-api-key/claude-sonnet-5-5", "", 1),
            ("codex@codex-api-key/gpt-6.1-sol", "401", 1),
            ("qwen@qwen-api-key/qwen3.8-max", "529", 3),
        ):
            if fault:
                it.sim.script(fault, count=20)
            for _ in range(times):
                ask(it.url, question("openai-chat", model, PROMPT))
            it.sim.reset()
        last = ask(
            it.url, question("openai-chat", "claude@claude-api-key/claude-sonnet-5-5", PROMPT)
        )
        it.gateway.wait_for_log(last.headers["x-korproxy-request-id"])
        yield it


def test_a_running_gateways_bundle_names_what_happened(served: SimulatedGateway) -> None:
    found = draft(served.home)
    names = [it.name for it in found.findings]
    assert "Accounts cannot be used as they are" in names
    told = next(it for it in found.findings if it.name == "Accounts cannot be used as they are")
    assert told.result == "fail"
    assert "codex-api-key must be reconnected" in told.detail
    assert any("--replace codex-api-key" in step for step in told.remedy)
    kept = {it.name for it in found.parts}
    assert {"metrics.txt", "requests-24h.jsonl", "logs/korproxy.jsonl", "accounts.json"} <= kept


def test_nothing_that_was_said_and_no_secret_is_in_it(served: SimulatedGateway) -> None:
    archive = opened(draft(served.home).sealed())
    everything = b"".join(archive.read(it) for it in archive.namelist())
    secrets = [it.read_text().strip() for it in (served.home / "secrets").iterdir()]
    assert len(secrets) > 10
    assert [it for it in (PROMPT, *secrets) if it.encode() in everything] == []
    assert b"simulated codex" not in everything, "a label that a person chose"
    assert str(Path.home()).encode() not in everything


def test_the_manifest_is_true(served: SimulatedGateway) -> None:
    archive = opened(draft(served.home).sealed())
    assert archive.namelist()[:2] == ["SUMMARY.md", "manifest.json"]
    listed = json.loads(archive.read("manifest.json"))
    assert listed["vault"] == "none"
    assert {it["name"] for it in listed["files"]} == set(archive.namelist()) - {"manifest.json"}
    for entry in listed["files"]:
        assert hashlib.sha256(archive.read(entry["name"])).hexdigest() == entry["sha256"]


def test_the_same_folder_at_the_same_time_gives_the_same_bytes(tmp_path: Path) -> None:
    home = tmp_path / "kp"
    home.mkdir(mode=0o700)
    (home / "config.yaml").write_text(
        "version: 1\naccounts:\n  - {id: jane, provider: codex, secret: env:A}\n"
    )

    def sealed() -> bytes:
        return draft_bundle(home, OPTIONS, clock=lambda: AT, look=looked).sealed()

    assert sealed() == sealed()


def test_a_part_that_its_owner_leaves_out_is_not_in_it_and_is_named_as_left_out(
    served: SimulatedGateway,
) -> None:
    archive = opened(draft(served.home).sealed(["accounts.json"]))
    assert "accounts.json" not in archive.namelist()
    assert json.loads(archive.read("manifest.json"))["left_out_by_owner"] == ["accounts.json"]
    assert "| accounts.json |" not in archive.read("SUMMARY.md").decode()


def test_what_is_gathered_comes_after_the_checks(tmp_path: Path) -> None:
    told: list[Step] = []
    draft_bundle(tmp_path, OPTIONS, look=lambda: quick(tmp_path), on_step=told.append)
    assert {it.total for it in told} == {STEPS}
    done = list(dict.fromkeys(it.done for it in told))
    assert done == list(range(CHECKS, STEPS)), "the last step is done when it returns"
    assert [told[0].what, told[-1].what] == ["timeline", "cleaning"]


def test_it_is_made_of_nothing(tmp_path: Path) -> None:
    found = draft(tmp_path / "none")
    assert "KorProxy does not run" in [it.name for it in found.findings if it.result == "fail"]
    assert not (tmp_path / "none").exists(), "looking changes nothing"


def test_everything_is_broken_and_it_is_made_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The configuration is no YAML, the database is held by somebody, vault and recordings are rubbish, logs are binary."""
    monkeypatch.setattr("korproxy_addons.io.database_file._BUSY_S", 0.1)
    home = tmp_path / "kp"
    (home / "logs").mkdir(parents=True, mode=0o700)
    (home / "crashes").mkdir()
    (home / "config.yaml").write_text("accounts:\n  - id: x\n   secret: sk-ant-canary-000111222\n")
    (home / "logs" / "gateway.jsonl").write_bytes(b"\x00\xff{\n[]\n")
    (home / "crashes" / "a.json").write_bytes(b"\xff")
    (home / "vault.bin").write_bytes(b"rubbish")
    (home / "launcher.db").write_bytes(b"rubbish" * 1000)
    (home / "launcher.run.json").write_bytes(b"[")
    database = sqlite3.connect(home / "korproxy.db", isolation_level=None)
    database.execute("PRAGMA locking_mode = EXCLUSIVE")
    database.execute("CREATE TABLE a (b)")
    database.execute("BEGIN EXCLUSIVE")
    try:
        found = draft(home, BundleOptions(offline=True, environ=ENVIRON, recordings=("all",)))
    finally:
        database.close()
    expected = [
        "The configuration cannot be used",
        "The database cannot be read, or was damaged",
        "The vault does not open, so no login in it can be used",
    ]
    assert [it.name for it in found.findings if it.name in expected] == expected
    page = found.summary().content.decode()
    assert "line 3" in page
    assert "The vault could not be opened, so" in page
    assert "requests and quota: the database cannot be read" in page
    assert b"canary" not in found.sealed()
    text = opened(found.sealed()).read("config.yaml").decode()
    assert text == "accounts:\n  - id: x\n   secret: [redacted]\n"


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    home = tmp_path / "kp"
    kept = structs.replace(recording(), id="kp" + "1" * 28)
    Recordings(home).save(kept.id, encode_recording(kept), b"flow of sk-in-vault", ROOM)
    return home


def test_recordings_go_in_only_when_they_are_named(recorded: Path) -> None:
    assert [it.name for it in draft(recorded).parts if it.private] == []
    chosen = BundleOptions(offline=True, environ=ENVIRON, recordings=("1111",))
    found = draft(recorded, chosen)
    private = [it.name for it in found.parts if it.private]
    assert private == ["flows/recordings.har", f"flows/kp{'1' * 28}.flow"]
    archive = opened(found.sealed())
    assert json.loads(archive.read("flows/recordings.har"))["log"]["version"] == "1.2"
    assert "**It holds what was said.**" in archive.read("SUMMARY.md").decode()


def test_all_recordings_are_named_by_one_word(recorded: Path) -> None:
    found = draft(recorded, BundleOptions(offline=True, environ=ENVIRON, recordings=("all",)))
    assert len([it for it in found.parts if it.private]) == 2


def test_of_all_recordings_one_that_went_meanwhile_is_passed_over(
    recorded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = Recordings(recorded).all()
    gone = structs.replace(there[0], id="kp" + "2" * 28)
    monkeypatch.setattr(Recordings, "all", lambda _self: [gone, *there])
    chosen = BundleOptions(offline=True, environ=ENVIRON, recordings=("all",))
    private = [it.name for it in draft(recorded, chosen).parts if it.private]
    assert private == ["flows/recordings.har", f"flows/{there[0].id}.flow"]


def test_where_nothing_was_recorded_that_is_said(tmp_path: Path) -> None:
    found = draft(
        tmp_path / "none", BundleOptions(offline=True, environ=ENVIRON, recordings=("all",))
    )
    assert "- recordings: there is none" in found.summary().content.decode()


def test_a_recording_that_is_not_there_is_said_before_anything_is_written(recorded: Path) -> None:
    with pytest.raises(KorProxyError) as caught:
        draft(recorded, BundleOptions(offline=True, environ=ENVIRON, recordings=("nope",)))
    assert caught.value.spec is catalogue.RECORDING_UNKNOWN


def test_a_flow_with_what_is_a_secret_now_stays_outside(recorded: Path) -> None:
    """Its lengths are counted: a mask would break it."""
    environ = {"SOME_API_KEY": "sk-in-vault"}
    found = draft(recorded, BundleOptions(offline=True, environ=environ, recordings=("all",)))
    assert [it.name for it in found.parts if it.name.startswith("flows/")] == [
        "flows/recordings.har",
        f"flows/kp{'1' * 28}.flow.txt",
    ]


def test_it_is_written_for_its_owners_eyes(tmp_path: Path) -> None:
    found = draft(tmp_path / "none")
    path = write_bundle(found, tmp_path / "a.zip")
    assert opened(path.read_bytes()).testzip() is None
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_place_that_cannot_be_written_is_an_error_that_says_so(tmp_path: Path) -> None:
    found = draft(tmp_path / "none")
    with pytest.raises(KorProxyError) as caught:
        write_bundle(found, tmp_path / "no" / "folder" / "a.zip")
    assert caught.value.spec is catalogue.BUNDLE_NOT_WRITTEN
    assert "folder/a.zip" in caught.value.detail


@pytest.mark.parametrize("error", [KeyError, OSError, ImportError])
def test_a_user_without_a_name_is_no_reason_to_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def nobody() -> str:
        raise error

    monkeypatch.setattr("getpass.getuser", nobody)
    assert draft(tmp_path / "none").parts


def test_the_users_name_and_the_machines_are_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "janedoe")
    monkeypatch.setattr("platform.node", lambda: "janes-laptop.acme.example")
    home = tmp_path / "kp"
    (home / "logs").mkdir(parents=True)
    (home / "logs" / "launcher.log").write_text("janedoe at janes-laptop began\n")
    archive = opened(draft(home).sealed())
    assert archive.read("logs/launcher.log") == b"person-1 at machine-1 began\n"


def test_its_name_says_when() -> None:
    assert default_path(Path("x"), AT) == Path("x/korproxy-bundle-20260921-141320.zip")
