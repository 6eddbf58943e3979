"""
Ends a process without a word (kill -9) at each step of a vault's write, and looks what is left.

Run as `python -m support.vault_crash FOLDER`: prints one JSON line for each crash.
"""

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.vault import Vault
from korproxy_addons.io.vault_entries import ApiKey
from korproxy_addons.io.vault_key import VaultKey
from support.vaults import KEY, OTHER_KEY, api_key

WORKS: dict[str, Callable[[Vault], object]] = {
    "first save": lambda vault: vault.save("a", api_key("new")),
    "save": lambda vault: vault.save("a", api_key("new")),
    "save another": lambda vault: vault.save("b", api_key("new")),
    "remove": lambda vault: vault.remove("a"),
    "rotate": lambda vault: vault.rotate(OTHER_KEY),
}


def steps_of(work: str, home: Path) -> list[str]:
    """The steps that a piece of work takes."""
    prepare(work, home)
    steps: list[str] = []
    WORKS[work](Vault(home, KEY, step=steps.append))
    return steps


def prepare(work: str, home: Path) -> None:
    """What is there before the work."""
    shutil.rmtree(home, ignore_errors=True)
    if work != "first save":
        vault = Vault(home, KEY)
        vault.save("a", api_key("old"))
        vault.save("other", api_key("kept"))


def crash(work: str, home: Path, at: int) -> int:
    """Do the work in a child that is killed before step number `at`; the signal that ended it."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    taken: list[str] = []

    def step(name: str) -> None:
        if len(taken) == at:
            os.kill(os.getpid(), signal.SIGKILL)
        taken.append(name)

    WORKS[work](Vault(home, KEY, step=step))
    os._exit(0)


def contents(home: Path) -> dict[str, str]:
    """What is in the vault, with whichever of the two keys opens it."""
    for key in (KEY, OTHER_KEY):
        vault = Vault(home, key)
        try:
            return {name: _value(vault, name) for name in vault.names()}
        except KorProxyError as error:
            failure = error
    raise failure


def _value(vault: Vault, name: str) -> str:
    entry = vault.load(name)
    assert isinstance(entry, ApiKey)
    return entry.secret.get_secret_value()


def key_that_opens(home: Path) -> VaultKey | None:
    """The vault's key, as far as it is one of ours."""
    for key in (KEY, OTHER_KEY):
        vault = Vault(home, key)
        try:
            vault.names()
        except KorProxyError:
            continue
        return vault.key
    return None


def main(home: Path) -> None:
    """Every crash of every work."""
    for work in WORKS:
        steps = steps_of(work, home)
        for at, step in enumerate(steps):
            prepare(work, home)
            ended = crash(work, home, at)
            left = contents(home)
            key = key_that_opens(home) or KEY
            # Whoever comes next can write: the dead one's lock and its half file are in nobody's way.
            Vault(home, key).save("next", api_key("next"))
            after = contents(home)
            names = sorted(it.name for it in home.iterdir())
            line = {"work": work, "step": step, "ended": ended, "left": left, "after": after}
            sys.stdout.write(json.dumps({**line, "files": names}) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
