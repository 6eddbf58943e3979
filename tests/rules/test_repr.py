"""No object that knows a secret shows it: not in a `repr`, a text, a log line's arguments, nor in a traceback's last line."""

import ast
import re
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from korproxy_addons.config.parse import parse_config
from korproxy_addons.config.schema import Config
from korproxy_addons.config.secret_ref import SecretRef
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.address_guard import AddressGuard
from korproxy_addons.io.cli_logins import CliLogins
from korproxy_addons.io.cli_places import CliPlaces
from korproxy_addons.io.secret_store import SecretStore
from korproxy_addons.io.upstream import Budgets, UpstreamCall
from korproxy_addons.io.vault import GivenKey, Vault
from korproxy_addons.io.vault_entries import Entries
from korproxy_addons.io.vault_key import KeyKind, VaultKey
from korproxy_addons.io.vault_keys import SystemKeys
from korproxy_addons.io.vault_opening import VaultDoor
from korproxy_addons.providers.calls import Request
from korproxy_addons.providers.resolve import resolve_accounts
from korproxy_addons.recording.redact import Redactor
from support import cli_logins
from support.asking import question
from support.cli_logins import FILES, NOW, leave
from support.clock import FakeClock
from support.keyrings import keyring_of
from support.legs import exchange_for
from support.sources import python_files, tree
from support.vaults import api_key, login

CANARY = "canary-that-must-not-show"
CONFIG = f"""
version: 1
allow_plain_secrets: true
accounts: [{{id: one, provider: claude, secret: 'plain:{CANARY}'}}]
local_keys: {{keys: [{{id: own, secret: 'plain:{CANARY}'}}]}}
"""


def config() -> Config:
    return parse_config(CONFIG.encode(), "c.yaml")


def vault(home: Path) -> Vault:
    vault = Vault(home, VaultKey(CANARY[:32].ljust(32).encode()[:32], KeyKind.FILE))
    vault.save("a", login(CANARY, CANARY))
    vault.save("b", api_key(CANARY))
    return vault


def store(home: Path) -> SecretStore:
    redactor = Redactor()
    made = vault(home)
    assert made.key is not None
    door = VaultDoor(home, made.key, redactor.learn)
    leave(home, FILES["claude"], cli_logins.claude(token=CANARY))
    places = CliPlaces({}, home, "linux", keyring_of(), lambda *_: None)
    logins = CliLogins(places, FakeClock(NOW))
    store = SecretStore(home, redactor.learn, redactor.without_known, door=door, cli_logins=logins)
    for ref in ("vault:a", "vault:b", "cli:claude", f"plain:{CANARY}"):
        assert store.load(SecretRef.parse(ref)) == SecretStr(CANARY)
    return store


def call() -> UpstreamCall:
    headers = (("authorization", f"Bearer {CANARY}"),)
    budgets = Budgets(1.0, 1.0, 1.0)
    return UpstreamCall("POST", f"https://a/b?key={CANARY}", headers, CANARY.encode(), budgets)


OBJECTS: dict[str, Callable[[Path], object]] = {
    "entries of the vault": lambda home: [vault(home).load(name) for name in ("a", "b")],
    "entries": lambda _: Entries().put("a", login(CANARY, CANARY)).put("b", api_key(CANARY)),
    "vault": vault,
    "key": lambda home: vault(home).key,
    "given key": lambda home: vars(GivenKey(VaultKey.from_passphrase(SecretStr(CANARY)))),
    "places for keys": lambda _: vars(SystemKeys(keyring_of(), {}, lambda *, new: SecretStr(CANARY))),
    "secret store": lambda home: {**vars(store(home)), "itself": store(home)},
    "official tools": lambda home: [vars(store(home)._cli_logins), store(home)._cli_logins._seen],
    "config": lambda _: config(),
    "config as JSON": lambda _: config().model_dump_json(),
    "reference": lambda _: SecretRef.parse(f"plain:{CANARY}"),
    "resolved accounts": lambda home: resolve_accounts(config(), home),
    "request of a login": lambda _: Request("POST", f"https://a/?code={CANARY}", (("authorization", CANARY),), CANARY.encode()),
    "call upstream": lambda _: call(),
    "guard": lambda _: AddressGuard(),
}  # fmt: skip


@pytest.mark.parametrize("what", OBJECTS)
def test_it_shows_no_secret(tmp_path: Path, what: str) -> None:
    made = OBJECTS[what](tmp_path)
    for shown in (repr(made), str(made), f"{made}", "%s %r" % (made, made)):  # noqa: UP031 - as logging does it
        assert CANARY not in shown
        assert CANARY.encode().hex() not in shown


def test_an_exchange_shows_no_key_of_its_client() -> None:
    asked = question("openai-chat", "m", CANARY)
    asked.headers["authorization"] = f"Bearer {CANARY}"
    exchange = exchange_for(config(), asked)
    exchange.note("pinned")
    assert CANARY in str(exchange.client.headers)
    assert CANARY not in f"{exchange!r}{exchange}"


def test_a_failure_shows_none_either(tmp_path: Path) -> None:
    """All that is said of an error that came from a secret's place, with its causes."""
    (tmp_path / "vault.bin").write_text(CANARY)
    (tmp_path / "key").write_bytes(f"{CANARY}\xff".encode("latin-1"))
    reader = SecretStore(tmp_path, lambda _: None)
    for ref in ("vault:a", "file:key", "env:KORPROXY_NO_SUCH_NAME"):
        with pytest.raises(KorProxyError) as caught:
            reader.load(SecretRef.parse(ref))
        lines = "".join(traceback.format_exception(caught.value))
        assert CANARY not in lines
        assert CANARY not in caught.value.message()


SECRET_NAME = re.compile(
    r"_?(access_token|refresh_token|id_token|api_key|secret|password|passphrase)"
)
MASKED = {"_StoredKey", "_StoredTokens"}
"""Classes that hold a secret as text on its way into the vault, with a `repr` of their own."""
PLACES = {"AccountView", "FoundLogin"}
"""Classes whose `secret` says where one lies, such as `vault:work`."""


def _text_fields(file: str) -> Iterator[str]:
    for node in ast.walk(tree(file)):
        if not isinstance(node, ast.ClassDef) or node.name in MASKED | PLACES:
            continue
        for field in node.body:
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                written = ast.unparse(field.annotation)
                if SECRET_NAME.fullmatch(field.target.id) and re.search(
                    r"\b(str|bytes)\b", written
                ):
                    yield f"{file}:{field.lineno}: {node.name}.{field.target.id}: {written}"


def test_no_class_keeps_a_secret_as_a_text() -> None:
    """`SecretStr` from the moment of reading."""
    files = [it for it in python_files("korproxy_addons", "launcher") if "simulator" not in it]
    assert [found for file in files for found in _text_fields(file)] == []
