"""What goes out of a bundle, and what stays readable in it."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from korproxy_addons.config.parse import parse_config
from korproxy_addons.config.schema import Config
from korproxy_addons.io.vault_keys import SystemKeys
from korproxy_addons.io.vault_opening import open_vault
from korproxy_addons.recording.pseudonyms import Pseudonyms
from korproxy_addons.recording.redact import MASK, Redactor
from launcher.actions.bundle_cleaning import Cleaner, cleaner_of
from launcher.actions.self_test_config import FoundConfig, find_config
from launcher.single_instance import Reach, SingleInstance
from support.vaults import api_key

SECRET = "canary-7781"
TOKEN = "Zx81kk20Qpw93mmv7710aasd"


def cleaner(*, secrets: tuple[str, ...] = (), names: Pseudonyms | None = None) -> Cleaner:
    redactor = Redactor()
    redactor.learn(SecretStr(it) for it in secrets)
    return Cleaner(redactor, names or Pseudonyms(), Path("/data/kp"), Path("/data"))


def config(text: str) -> Config:
    return parse_config(text.encode(), "config.yaml")


def test_folders_are_shortened_names_replaced_and_secrets_masked() -> None:
    names = Pseudonyms()
    names.add("account", "work")
    it = cleaner(secrets=(SECRET,), names=names)
    said = it.text(f"work: /data/kp/config.yaml, /data/src, {SECRET}, jane@example.org")
    assert said == f"account-1: <korproxy>/config.yaml, ~/src, {MASK}, [e-mail]"


def test_a_name_that_is_part_of_a_secret_does_not_hide_the_secret() -> None:
    names = Pseudonyms()
    names.add("account", "work")
    assert cleaner(secrets=("tok-work-99aa",), names=names).text("tok-work-99aa") == MASK


@pytest.mark.parametrize(
    "value",
    [
        {"api_key": SECRET},
        {"api-keys": [SECRET, {"value": SECRET}]},
        {"secrets": {"a": {"b": SECRET}}},
        {"Authorization": SECRET},
        {"access_token": SECRET, "client_secret": SECRET},
        [{"list": [{"password": [[SECRET]]}]}],
        {"sha256": SECRET},
        {"code_verifier": SECRET},
    ],
)
def test_whatever_stands_below_the_name_of_a_secret_goes(value: Any) -> None:
    """In lists and deeper as well: the earlier apps let those through."""
    said = cleaner().value(value)
    assert SECRET not in str(said)
    assert MASK in str(said)


def test_ids_numbers_and_places_of_secrets_stay_readable() -> None:
    value = {
        "request_id": "0199b0f6-7a3e-7c11-8a63-4cf3c1f3a001",
        "id": "kp01a2029caf0c034eb22a55161ed2",
        "output_tokens": 12,
        "secret": "vault:codex-api-key",
        "key": "accounts[0].provider",
        "ok": True,
    }
    assert cleaner().value(value) == value


def test_nothing_long_and_random_is_left_of_a_setting() -> None:
    it = cleaner()
    assert it.setting({"oops": [f"x {TOKEN} y"]}) == {"oops": [f"x {MASK} y"]}
    assert it.setting({"secret": f"file:{TOKEN}"}) == {"secret": f"file:{TOKEN}"}, "a place is none"
    told = {"base_url": "http://127.0.0.1:42981/compat-responses/v1", "port": 1337, "on": None}
    assert it.setting(told) == told


def test_headers_and_query_of_a_provider_show_their_names_alone() -> None:
    given = {"headers": {"x-team": "acme"}, "query": {"api-version": "1"}, "models": ["m"]}
    assert cleaner().setting(given) == {
        "headers": {"x-team": MASK}, "query": {"api-version": MASK}, "models": ["m"],
    }  # fmt: skip


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a secret in every place that there is."""
    monkeypatch.setenv("KORPROXY_VAULT_KEY_FILE", str(tmp_path / "key"))
    home = tmp_path / "kp"
    open_vault(home).save("work", api_key("canary-in-vault"))
    (home / "secrets").mkdir(mode=0o700)
    (home / "secrets" / "a").write_text("canary-in-file")
    return home


def test_secrets_of_every_place_are_known(home: Path, tmp_path: Path) -> None:
    environ = {
        "KORPROXY_VAULT_KEY_FILE": str(tmp_path / "key"),
        "ONE": "canary-in-env",
        "OTHER_API_KEY": "canary-of-a-tool",
        "HTTPS_PROXY": "http://jane:canary-of-proxy@proxy.example:8080",
        "NO_PROXY": "[",
    }
    given = config(
        """
        version: 1
        allow_plain_secrets: true
        accounts:
          - {id: a, provider: codex, secret: file:secrets/a}
          - {id: b, provider: codex, secret: env:ONE}
          - {id: c, provider: codex, secret: "plain:canary-in-config"}
          - {id: d, provider: codex, secret: vault:work}
          - {id: e, provider: codex, secret: env:NOT_SET}
        local_keys:
          keys: [{id: k, secret: file:secrets/a}]
        """
    )
    with SingleInstance(home) as instance:
        instance.say(Reach(1, "http://localhost:1", "canary-of-the-launcher"))
        it = cleaner_of(
            home,
            FoundConfig(given),
            SystemKeys(environ=environ),
            environ,
            {"person": ("jane-doe",), "machine": ("pi",)},
        )
    for canary in (
        "canary-in-vault", "canary-in-file", "canary-in-env", "canary-of-a-tool", "canary-of-proxy",
        "canary-in-config", "canary-of-the-launcher",
    ):  # fmt: skip
        assert it.text(f"<{canary}>") == f"<{MASK}>", canary
    assert it.text("jane-doe pi") == "person-1 pi"


def test_names_and_secrets_of_a_configuration_that_cannot_be_used_are_known_as_well(
    home: Path,
) -> None:
    (home / "config.yaml").write_text(
        """
        version: 1
        zebra: 1
        providers:
          acme-llm: {dialect: none}
        accounts:
          - {id: jane, label: Jane's, provider: codex, secret: file:secrets/a}
          - {id: codex-api-key, provider: codex, secret: 7}
          - 5
        local_keys: {keys: [{id: laptop}]}
        groups: none
        """
    )
    it = cleaner_of(home, find_config(home), SystemKeys(environ={}), {})
    said = it.text("jane Jane's codex-api-key acme-llm laptop canary-in-file")
    assert said == f"account-1 account-1 codex-api-key provider-1 key-1 {MASK}"


def test_a_configuration_that_is_no_text_or_not_there_any_more(home: Path) -> None:
    (home / "config.yaml").write_bytes(b"\xff: [")
    broken = find_config(home)
    assert broken.spec is not None
    cleaner_of(home, broken, SystemKeys(environ={}), {})
    (home / "config.yaml").unlink()
    assert cleaner_of(home, broken, SystemKeys(environ={}), {}).text("a b") == "a b"


def test_a_vault_that_does_not_open_is_no_reason_to_stop(home: Path) -> None:
    cleaner_of(home, FoundConfig(Config()), SystemKeys(environ={}), {})
    it = cleaner_of(home, FoundConfig(Config()), None, {})
    assert it.text("canary-in-vault") == "canary-in-vault"
    assert it.text("sk-ant-canary-12345678") == MASK, "by how it looks"


def test_further_names_are_known_as_they_stand_once_folders_are_shortened() -> None:
    it = cleaner()
    it.name("project", "/data/src/acme", "")
    assert it.text("in /data/src/acme") == "in project-1"
