"""The files of a bundle."""

import json
from collections.abc import Iterable
from pathlib import Path

from pydantic import SecretStr

from korproxy_addons.config.problems import ConfigProblem
from korproxy_addons.config.schema import Config
from korproxy_addons.errors.catalogue import CONFIG_SCHEMA
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.recording.pseudonyms import Pseudonyms
from korproxy_addons.recording.redact import Redactor
from launcher.actions.bundle_cleaning import Cleaner
from launcher.actions.bundle_facts import Facts
from launcher.actions.bundle_names import NOBODYS_NAMES
from launcher.actions.bundle_parts import NEWEST, name_facts, parts_of
from launcher.actions.self_test_config import FoundConfig
from launcher.actions.self_test_folder import FileMode
from launcher.actions.vault import VaultView
from support.bundled import account, exchange, facts, looked, quota, restarts

CANARY = "canary-51aa"


def cleaner(kept: Iterable[str] = ()) -> Cleaner:
    redactor = Redactor()
    redactor.learn([SecretStr(CANARY)])
    return Cleaner(redactor, Pseudonyms(kept), Path("/data/kp"), Path("/data"))


def made(given: Facts) -> dict[str, bytes]:
    it = cleaner()
    name_facts(given, it)
    return {part.name: part.content for part in parts_of(given, it)}


def everything() -> Facts:
    """Facts with a canary in every text from outside."""
    views = (account("needs-login", id="jane", label="Jane", email="jane@example.org"),)
    config = FoundConfig(Config(), (ConfigProblem("c", 1, 1, "a", "b", CANARY),), CONFIG_SCHEMA)
    vault = VaultView(path="/data/kp/vault.bin", state="open", entries=("jane", "other"))
    return facts(
        looked=looked(accounts=views, config=config, vault=vault),
        moments=restarts(10.0),
        exchanges=(
            exchange("error", account="jane", project="/data/src/acme", local_key="laptop", why=CANARY),
        ),
        quota=(quota(50.0),),
        lines=(
            {"ts": 1.0, "event": "x", "account": "jane", "error": f"at {CANARY}", "project": "/data/src/other"},
        ),
        texts=(("launcher.log", f"said {CANARY}"),),
        crashes=(("a.json", {"value": CANARY}),),
        metrics=f'a{{b="{CANARY}"}} 1\n',
        modes=(FileMode("secrets", 0o700, 0, own=True, is_folder=True),),
        config_text="version: 1\n",
        system={"korproxy": "0.1.0"},
    )  # fmt: skip


def test_every_fact_has_its_file_and_no_secret_is_in_any() -> None:
    found = made(everything())
    assert sorted(found) == [
        "accounts.json", "config-problems.json", "config.yaml", "crashes/a.json", "files.txt", "findings.json",
        "logs/korproxy.jsonl", "logs/launcher.log", "metrics.txt", "quota.json", "requests-24h.jsonl", "self-test.json",
        "status.json", "system.json", "timeline.json", "usage-24h.json", "vault.json",
    ]  # fmt: skip
    assert [name for name, content in found.items() if CANARY.encode() in content] == []


def test_a_name_is_the_same_in_every_file_and_nobodys() -> None:
    found = made(everything())
    (told,) = json.loads(found["accounts.json"])
    assert (told["id"], told["label"], told["email"]) == ("account-1", "account-1", "[e-mail]")
    row = json.loads(found["requests-24h.jsonl"])
    assert (row["account"], row["project"], row["local_key"]) == ("account-1", "project-1", "key-1")
    line = json.loads(found["logs/korproxy.jsonl"])
    assert (line["account"], line["project"]) == ("account-1", "project-2")
    assert b"jane" not in b"".join(found.values()).lower()


def test_of_tools_only_those_are_named_that_everybody_knows() -> None:
    tools = ("cline", "python3", "acme-agent")
    given = facts(exchanges=tuple(exchange("ok", 1.0 + at, tool=it) for at, it in enumerate(tools)))
    it = cleaner(kept=NOBODYS_NAMES)
    name_facts(given, it)
    parts = {part.name: part.content for part in parts_of(given, it)}
    rows = [json.loads(row) for row in parts["requests-24h.jsonl"].splitlines()]
    assert [row["tool"] for row in rows] == ["cline", "python3", "tool-1"]


def test_of_the_vault_only_how_it_stands() -> None:
    told = json.loads(made(everything())["vault.json"])
    assert (told["path"], told["entries"]) == ("<korproxy>/vault.bin", 2)


def test_what_is_not_there_has_no_file() -> None:
    found = made(facts(exchanges=(), looked=looked(accounts=KorProxyError(CONFIG_SCHEMA))))
    assert sorted(found) == [
        "findings.json", "self-test.json", "status.json", "system.json", "usage-24h.json", "vault.json",
    ]  # fmt: skip


def test_of_many_requests_the_newest_and_those_that_failed() -> None:
    records = [exchange("ok", float(it)) for it in range(NEWEST + 50)]
    records[NEWEST + 20] = exchange("error", float(NEWEST + 20))
    found = made(facts(exchanges=tuple(records)))
    rows = [json.loads(it) for it in found["requests-24h.jsonl"].splitlines()]
    assert len(rows) == NEWEST + 1
    assert rows[-1]["outcome"] == "error"


def test_rights_are_listed_as_people_know_them() -> None:
    assert made(everything())["files.txt"] == b"0700          0 secrets/\n"


def test_a_secret_that_is_no_text_is_found_in_the_bytes() -> None:
    it = cleaner()
    it.redactor.learn([SecretStr("1234567890")])
    given = facts(crashes=(("a.json", {"number": 1234567890}),))
    found = {part.name: part.content for part in parts_of(given, it)}
    assert b"1234567890" not in found["crashes/a.json"]
