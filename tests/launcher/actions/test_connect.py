"""Connecting accounts: what is stored where, and what is refused before anybody does anything."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from pydantic import SecretStr

from korproxy_addons.auth.device import DeviceCode
from korproxy_addons.auth.tokens import TokenSet
from korproxy_addons.config.schema import AccountConfig, Config
from korproxy_addons.config.store import ConfigStore
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.login_lock import LoginLock, Note
from korproxy_addons.io.vault import Vault
from korproxy_addons.io.vault_entries import ApiKey
from launcher.actions.cli_logins import FoundLogin
from launcher.actions.connect import (
    Connected,
    Wishes,
    adopt_login,
    check,
    connect_key,
    connect_login,
    connect_without_secret,
)
from launcher.actions.offers import Offer, find_offer
from launcher.login.watch import Method
from launcher.simulator import SimulatorThread
from support.simulator_client import send
from support.vaults import vault_in

AGREED = Wishes(consent=True)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    ConfigStore(folder).load()
    return folder


@pytest.fixture
def vault(home: Path) -> Vault:
    return vault_in(home)


def config(home: Path) -> Config:
    return ConfigStore(home).load()


def account(home: Path, account_id: str) -> AccountConfig:
    found = config(home).account(account_id)
    assert found is not None
    return found


def offer(home: Path, provider: str, access: str | None = None) -> Offer:
    return find_offer(config(home), provider, access, home)


def refusal(attempt: Callable[[], object]) -> KorProxyError:
    with pytest.raises(KorProxyError) as said:
        attempt()
    return said.value


def test_a_key_lies_in_the_vault_and_the_account_names_it(home: Path, vault: Vault) -> None:
    wishes = Wishes(label="Work", region="cn")
    done = connect_key(home, offer(home, "qwen"), wishes, " sk-planted\n", lambda: vault)
    assert done == Connected(id="qwen-api-key")
    assert vault.load("qwen-api-key") == ApiKey(SecretStr("sk-planted"))
    found = account(home, "qwen-api-key")
    assert (str(found.secret), found.label, found.region) == (
        "vault:qwen-api-key",
        "Work",
        "cn",
    )
    text = (home / "config.yaml").read_text()
    assert "sk-planted" not in text
    assert "# Claude, by API key" in text  # the comments of the first start


def test_further_accounts_get_names_of_their_own(home: Path, vault: Vault) -> None:
    names = [
        connect_key(home, offer(home, "claude"), Wishes(), f"sk-{n}", lambda: vault).id
        for n in range(3)
    ]
    assert names == ["claude-api-key", "claude-api-key-2", "claude-api-key-3"]
    own = connect_key(home, offer(home, "claude"), Wishes(id="mine"), "sk-9", lambda: vault)
    assert own.id == "mine"
    again = Wishes(id="mine")
    error = refusal(lambda: connect_key(home, offer(home, "claude"), again, "sk", lambda: vault))
    assert error.spec is catalogue.ACCOUNT_EXISTS


def test_a_new_key_takes_the_place_of_the_old_one(home: Path, vault: Vault) -> None:
    connect_key(home, offer(home, "claude"), Wishes(id="a"), "sk-1", lambda: vault)
    done = connect_key(home, offer(home, "claude"), Wishes(replace="a"), "sk-2", lambda: vault)
    assert done == Connected(id="a", reconnected=True)
    assert vault.load("a") == ApiKey(SecretStr("sk-2"))
    assert len(config(home).accounts) == 1
    wrong = Wishes(replace="a")
    assert refusal(lambda: check(home, offer(home, "gemini"), wrong)).spec is (
        catalogue.LOGIN_NOT_OFFERED
    )
    nobody = Wishes(replace="nobody")
    assert refusal(lambda: check(home, offer(home, "claude"), nobody)).spec is (
        catalogue.ACCOUNT_UNKNOWN
    )


@pytest.mark.parametrize("key", ["", "  \n", "two words", "sk-ü", "a\nb"])
def test_what_is_no_key_is_not_stored(home: Path, vault: Vault, key: str) -> None:
    error = refusal(lambda: connect_key(home, offer(home, "claude"), Wishes(), key, lambda: vault))
    assert error.spec is catalogue.KEY_UNUSABLE
    assert key.strip() not in error.detail or not key.strip()
    assert vault.names() == ()
    assert config(home).accounts == ()


def test_what_can_be_known_is_said_before_anybody_does_anything(home: Path, vault: Vault) -> None:
    def locked() -> Vault:
        raise AssertionError("the vault was opened")

    def login(provider: str, access: str, wishes: Wishes = AGREED) -> Callable[[], object]:
        way = offer(home, provider, access)
        return lambda: asyncio.run(connect_login(home, way, wishes, locked, Silent()))

    specs = {
        "retired": refusal(login("qwen", "oauth")).spec,
        "no consent": refusal(login("codex", "chatgpt", Wishes())).spec,
        "no client secret": refusal(login("gemini", "code-assist")).spec,
        "a key": refusal(login("claude", "api-key")).spec,
    }
    assert specs == {
        "retired": catalogue.ROUTE_RETIRED,
        "no consent": catalogue.CONSENT_NEEDED,
        "no client secret": catalogue.CLIENT_SECRET_MISSING,
        "a key": catalogue.LOGIN_NOT_OFFERED,
    }
    key = refusal(
        lambda: connect_key(home, offer(home, "codex", "siwc"), AGREED, "sk", lambda: vault)
    )
    assert key.spec is catalogue.LOGIN_NOT_OFFERED


def test_an_account_may_store_nothing(home: Path) -> None:
    done = connect_without_secret(home, offer(home, "claude", "own-login"), Wishes())
    assert account(home, done.id).secret is None
    named = connect_without_secret(home, offer(home, "claude"), Wishes(), "env:ANTHROPIC_API_KEY")
    assert str(account(home, named.id).secret) == "env:ANTHROPIC_API_KEY"
    error = refusal(lambda: connect_without_secret(home, offer(home, "claude"), Wishes()))
    assert error.spec is catalogue.LOGIN_NOT_OFFERED


def found(state: str = "ready") -> FoundLogin:
    return FoundLogin(
        tool="codex", name="Codex CLI", command="codex", provider="codex", access="chatgpt",
        secret="cli:codex", state=state, email="m@x", plan="plus", account_id="6d1a",
        problem="Run `codex` once.",
    )  # fmt: skip


def test_an_official_tool_s_login_is_named_and_not_copied(home: Path, vault: Vault) -> None:
    way = offer(home, "codex", "chatgpt")
    done = adopt_login(home, way, AGREED, found())
    assert done == Connected(id="codex-cli", email="m@x", plan="plus")
    added = account(home, "codex-cli")
    assert (str(added.secret), added.consent, added.account_id) == ("cli:codex", True, "6d1a")
    assert vault.names() == ()
    again = adopt_login(home, way, AGREED, found())
    assert again.reconnected
    assert len(config(home).accounts) == 1
    missing = refusal(lambda: adopt_login(home, way, AGREED, found("missing")))
    assert missing.spec is catalogue.CLI_LOGIN_MISSING
    unasked = refusal(lambda: adopt_login(home, way, Wishes(), found()))
    assert unasked.spec is catalogue.CONSENT_NEEDED


class Silent:
    """Shows nothing; pastes the code of whoever approves the page."""

    can_paste = True

    def __init__(self) -> None:
        self.url = ""

    def page(self, url: str, *, opened: bool, why_paste: str) -> None:
        self.url = url

    def code(self, code: DeviceCode) -> None: ...

    def note(self, text: str) -> None: ...

    def waiting(self, ends_at: float) -> None: ...

    def done(self) -> None: ...

    async def pasted(self) -> str:
        return await asyncio.to_thread(approve, self.url)


def approve(url: str) -> str:
    """Press Approve; where it leads."""
    page = send("GET", url).text
    ticket = page.partition("name=ticket value='")[2].partition("'")[0]
    scopes = [it.partition("'")[0] for it in page.split("name=scope checked value='")[1:]]
    form = "&".join([f"ticket={ticket}", "decision=approve", *(f"scope={it}" for it in scopes)])
    kind = {"content-type": "application/x-www-form-urlencoded"}
    reply = send("POST", url, form.encode(), kind)
    return dict(reply.headers)["location"]


@pytest.fixture
def simulated(home: Path) -> Iterator[Path]:
    """The folder, with ChatGPT's servers simulated."""
    with SimulatorThread() as sim:
        urls = sim.urls()["openai", "chatgpt"]
        named = ", ".join(f"{it}: '{urls[it]}'" for it in ("base", "auth", "token", "device"))
        (home / "config.yaml").write_text(
            f"providers:\n  codex:\n    local: true\n    accesses:\n      chatgpt: {{urls: {{{named}}}}}\n"
        )
        yield home


def test_a_login_lies_in_the_vault_and_the_same_person_has_one_account(
    simulated: Path, vault: Vault
) -> None:
    home = simulated

    def sign_in(wishes: Wishes = AGREED) -> Connected:
        way = offer(home, "codex", "chatgpt")
        work = connect_login(
            home, way, wishes, lambda: vault, Silent(), method=Method.PASTE, opener=lambda _: True
        )
        return asyncio.run(work)

    lock = LoginLock(home, "codex-chatgpt")
    first = sign_in()
    assert (first.id, first.reconnected, first.plan) == ("codex-chatgpt", False, "plus")
    added = account(home, first.id)
    assert (str(added.secret), added.consent) == ("vault:codex-chatgpt", True)
    old = vault.load(first.id)
    assert isinstance(old, TokenSet)
    lock.write(Note("tokens", old.obtained_at, "planted: the last renewal was lost"))
    second = sign_in()
    assert (second.id, second.reconnected) == (first.id, True)
    assert vault.load(first.id) != old
    assert lock.note() is None  # the new login is not held guilty of the old one's end
    assert len(config(home).accounts) == 1
    other = sign_in(Wishes(consent=True, id="on-purpose"))
    assert (other.id, other.reconnected) == ("on-purpose", False)


def test_a_way_to_sign_in_that_is_not_offered_is_refused(simulated: Path, vault: Vault) -> None:
    way = offer(simulated, "codex", "siwc")
    work = connect_login(simulated, way, Wishes(), lambda: vault, Silent(), method=Method.DEVICE)
    assert refusal(lambda: asyncio.run(work)).spec is catalogue.LOGIN_NOT_OFFERED


def test_the_state_is_another_one_each_time(simulated: Path, vault: Vault) -> None:
    states = set()
    for _ in range(2):
        person = Silent()
        way = offer(simulated, "codex", "chatgpt")
        asyncio.run(
            connect_login(
                simulated, way, AGREED, lambda: vault, person, method=Method.PASTE,
                opener=lambda _: True,
            )
        )  # fmt: skip
        states.add(dict(parse_qsl(urlsplit(person.url).query))["state"])
    assert len(states) == 2
