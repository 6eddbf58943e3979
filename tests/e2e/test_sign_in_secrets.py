"""What a sign-in brings is in the vault and nowhere else: not in its terminal, arguments, environment, nor in any file."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from korproxy_addons.io.vault import Vault
from korproxy_addons.io.vault_entries import secrets_of
from korproxy_addons.io.vault_key import KeyKind, VaultKey
from launcher.simulator import SimulatorThread
from support.devtools import Chromium
from support.signing_in import LOGINS, SignInHome, SignInProcess

pytestmark = pytest.mark.e2e

KEY = "canary-of-a-key-that-is-typed"


@pytest.fixture(scope="module")
def sim() -> Iterator[SimulatorThread]:
    with SimulatorThread() as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    with Chromium() as running:
        yield running


@pytest.fixture
def home(tmp_path: Path, sim: SimulatorThread) -> SignInHome:
    sim.reset()
    return SignInHome(tmp_path / "home", sim)


def sign_in(home: SignInHome, name: str, *more: str) -> SignInProcess:
    provider, access, _ = LOGINS[name]
    return SignInProcess(home, provider, "--access", access, "--accept-terms", *more)


def stored(home: SignInHome) -> list[str]:
    """Every secret in the vault, which its key file opens."""
    text = SecretStr((home.folder.parent / "vault-key").read_text())
    vault = Vault(home.folder, VaultKey.from_text(text, KeyKind.FILE))
    found = [it.get_secret_value() for name in vault.names() for it in secrets_of(vault.load(name))]
    return [*found, text.get_secret_value().strip()]


def places(home: SignInHome) -> dict[str, str]:
    """Every file that is there now, but for those that the person has put a secret into."""
    own = {"vault-key", "client-secret", "opener"}
    return {
        str(path): path.read_bytes().decode("latin-1")
        for path in home.folder.parent.rglob("*")
        if path.is_file() and path.name not in own
    }


def process_of(running: SignInProcess) -> dict[str, str]:
    """What every process of this user can see of another."""
    folder = Path("/proc") / str(running.process.pid)
    names = [it for it in ("cmdline", "environ") if folder.joinpath(it).exists()]
    return {name: (folder / name).read_text() for name in names}


def assert_nowhere(secrets: list[str], found: dict[str, str]) -> None:
    assert [(place, it[:12]) for place, text in found.items() for it in secrets if it in text] == []


@pytest.mark.parametrize("name", ["claude", "chatgpt", "google", "iflow"])
def test_a_sign_in_in_the_browser(home: SignInHome, browser: Chromium, name: str) -> None:
    with sign_in(home, name) as running:
        url = home.page()
        seen = process_of(running)
        browser.visit(url)
        browser.click("#approve")
        browser.wait_for_text("You are signed in")
        code, said = running.result()
        shown = browser.evaluate("document.documentElement.outerHTML + location.href")
    assert code == 0, running.said
    secrets = stored(home)
    assert len(secrets) > 2
    codes = list(home.sim.simulator.world.authorizations.codes)
    assert codes
    listed = home.cli("account", "list", "--json").stdout + home.cli("account", "list").stdout
    found = {**seen, **places(home), "said": f"{running.said}{said}", "listed": listed}
    assert_nowhere([*secrets, *codes], found)
    # The browser was given the code by the provider; it is told nothing more, and does not keep that either.
    assert_nowhere(secrets, {"page": str(shown)})


def test_a_sign_in_that_is_refused(
    home: SignInHome, browser: Chromium, sim: SimulatorThread
) -> None:
    """The code is pasted, and was used before."""
    with sign_in(home, "claude", "--paste") as running:
        browser.visit(home.page())
        browser.click("#approve")
        browser.wait_for_text("Copy this code")
        pasted = str(browser.evaluate("document.querySelector('#code').innerText"))
        for issued in sim.simulator.world.authorizations.codes.values():
            issued.used = True
        seen = process_of(running)
        running.type(pasted)
        code, said = running.result()
    assert code == 1
    # What follows the # is the state, which stands in the address that the terminal names.
    secrets = [pasted, pasted.partition("#")[0], *sim.simulator.world.authorizations.codes]
    assert_nowhere(secrets, {**seen, **places(home), "said": f"{running.said}{said}"})


def test_a_key_that_is_piped_in(home: SignInHome) -> None:
    done = home.cli("account", "add", "claude", "--key", "--json", typed=f"{KEY}\n")
    assert done.returncode == 0, done.stderr
    assert KEY in stored(home)
    assert_nowhere([*stored(home)], {**places(home), "said": done.stdout + done.stderr})
