"""The system's keyring: which backends are asked, how long, and the real one of a Linux desktop."""

import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import SecretStr

from korproxy_addons.io.vault_keyring import (
    LONGEST_CHARS,
    KeyringLockedError,
    NoKeyringError,
    OsKeyring,
    allowed_backends,
)
from support.keyrings import MemoryBackend, keyring_of, lock_default_collection, secret_service

SECRET = SecretStr("canary-key")


def test_an_item_is_stored_read_and_removed() -> None:
    backend = MemoryBackend()
    keyring = keyring_of(backend)
    assert keyring.read("KorProxy", "a") is None
    keyring.store("KorProxy", "a", SECRET)
    assert keyring.read("KorProxy", "a") == SECRET
    assert keyring.read("KorProxy", "b") is None
    keyring.remove("KorProxy", "a")
    keyring.remove("KorProxy", "a")
    assert backend.items == {}


def test_every_backend_is_read_and_the_first_one_written() -> None:
    """A key that was stored in another desktop's keyring is found again."""
    first, second = MemoryBackend(), MemoryBackend({("KorProxy", "old"): "o"})
    keyring = keyring_of(first, second)
    assert keyring.read("KorProxy", "old") == SecretStr("o")
    keyring.store("KorProxy", "new", SECRET)
    assert [list(it.items) for it in (first, second)] == [
        [("KorProxy", "new")],
        [("KorProxy", "old")],
    ]
    keyring.remove("KorProxy", "old")
    assert second.items == {}


def test_a_backend_that_fails_hides_no_item_of_another() -> None:
    broken, sound = MemoryBackend(failure=OSError("no bus")), MemoryBackend({("s", "a"): "k"})
    assert keyring_of(broken, sound).read("s", "a") == SecretStr("k")
    with pytest.raises(KeyringLockedError, match="OSError"):
        keyring_of(broken, sound).read("s", "b")


def test_no_backend_is_told_from_one_that_does_not_open() -> None:
    with pytest.raises(NoKeyringError):
        keyring_of().read("s", "a")
    with pytest.raises(NoKeyringError):
        keyring_of().store("s", "a", SECRET)
    refusing = keyring_of(MemoryBackend(failure=RuntimeError("canary-key is refused")))
    works: list[Callable[[], object]] = [
        lambda: refusing.store("s", "a", SECRET),
        lambda: refusing.read("s", "a"),
        lambda: refusing.remove("s", "a"),
    ]
    for work in works:
        with pytest.raises(KeyringLockedError, match=r"it refused \(RuntimeError\)") as caught:
            work()
        assert "canary" not in str(caught.value)


def test_a_backend_that_keeps_nothing_is_noticed() -> None:
    """Or the vault would be sealed with a key that is already lost."""

    class Forgetful(MemoryBackend):
        def set_password(self, service: str, username: str, password: str) -> None: ...

    with pytest.raises(KeyringLockedError, match="did not keep"):
        keyring_of(Forgetful()).store("s", "a", SECRET)


def test_a_secret_that_windows_could_not_hold_is_refused_everywhere() -> None:
    backend = MemoryBackend()
    with pytest.raises(ValueError, match="longer than"):
        keyring_of(backend).store("s", "a", SecretStr("k" * (LONGEST_CHARS + 1)))
    assert backend.calls == []
    keyring_of(backend).store("s", "a", SecretStr("k" * LONGEST_CHARS))


@pytest.fixture
def asking() -> Iterator[MemoryBackend]:
    """A backend that asks its owner, who never answers."""
    answered = threading.Event()

    class Asking(MemoryBackend):
        def get_password(self, service: str, username: str) -> str | None:
            answered.wait()
            return None

    yield Asking()
    answered.set()


def test_a_keyring_that_asks_for_ever_is_not_waited_for(asking: MemoryBackend) -> None:
    with pytest.raises(KeyringLockedError, match=r"within 0\.01 s"):
        keyring_of(asking, patience_s=0.01).read("s", "a")
    waiting = [it for it in threading.enumerate() if it.name == "keyring"]
    assert [it.daemon for it in waiting] == [True], "a process could not end while it waits"


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> dict[str, float | Exception]:
    """Backends that stand in the place of keyring's own: path to priority."""
    kinds: dict[str, float | Exception] = {}

    def load(path: str) -> ModuleType:
        module = ModuleType(path)
        for kind, priority in kinds.items():
            folder, _, name = kind.rpartition(".")
            if folder == path:
                setattr(module, name, _backend(kind, priority))
        return module

    monkeypatch.setattr("korproxy_addons.io.vault_keyring.importlib.import_module", load)
    return kinds


def _backend(path: str, priority: float | Exception) -> type:
    class Priority:
        def __get__(self, _instance: object, _owner: type) -> float:
            if isinstance(priority, Exception):
                raise priority
            return priority

    return type(path.rpartition(".")[2], (MemoryBackend,), {"priority": Priority(), "path": path})


@pytest.mark.parametrize(
    ("platform", "found"),
    [
        ("darwin", ["keyring.backends.macOS.Keyring"]),
        ("win32", ["keyring.backends.Windows.WinVaultKeyring"]),
        (
            "linux",
            ["keyring.backends.kwallet.DBusKeyring", "keyring.backends.SecretService.Keyring"],
        ),
        ("freebsd", []),
    ],
)
def test_each_system_has_its_own_and_nothing_else(
    installed: dict[str, float | Exception], platform: str, found: list[str]
) -> None:
    """Whatever is installed beside them, and however high it rates itself."""
    installed.update(
        {
            "keyring.backends.macOS.Keyring": 5.0,
            "keyring.backends.Windows.WinVaultKeyring": 5.0,
            "keyring.backends.SecretService.Keyring": 5.0,
            "keyring.backends.kwallet.DBusKeyring": 5.1,
            "keyring.backends.chainer.ChainerBackend": 10.0,
            "keyring.backends.libsecret.Keyring": 9.0,
            "keyrings.alt.file.PlaintextKeyring": 99.0,
        }
    )
    backends = allowed_backends(platform, {})
    assert [getattr(it, "path", "") for it in backends] == found


def test_what_does_not_work_in_this_session_is_left_out(
    installed: dict[str, float | Exception],
) -> None:
    installed["keyring.backends.SecretService.Keyring"] = RuntimeError("no session bus")
    assert allowed_backends("linux", {}) == ()


@pytest.mark.parametrize(
    ("named", "count"),
    [
        ("keyring.backends.null.Keyring", 0),
        ("keyring.backends.fail.Keyring", 0),
        ("keyrings.alt.file.PlaintextKeyring", 1),
    ],
)
def test_the_users_setting_can_turn_it_off_and_do_nothing_else(
    installed: dict[str, float | Exception], named: str, count: int
) -> None:
    installed["keyring.backends.SecretService.Keyring"] = 5.0
    found = allowed_backends("linux", {"PYTHON_KEYRING_BACKEND": named})
    assert [type(it).__name__ for it in found] == ["Keyring"] * count


def test_without_a_session_there_is_no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container or over SSH; and nobody has put a plain file in its place."""
    if sys.platform != "linux":
        pytest.skip("needs Linux, where a session may lack a keyring")
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND")
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/nonexistent")
    with pytest.raises(NoKeyringError):
        OsKeyring().read("KorProxy", "a")


def test_the_real_keyring_of_a_linux_desktop(tmp_path: Path) -> None:
    """gnome-keyring over D-Bus: stores, finds, removes; and locked, with nobody to ask, it says so."""
    with secret_service(tmp_path):
        keyring = OsKeyring(patience_s=20.0)
        keyring.store("KorProxy", "vault-key-1", SECRET)
        keyring.store("KorProxy", "vault-key-2", SecretStr("other"))
        assert keyring.read("KorProxy", "vault-key-1") == SECRET
        keyring.remove("KorProxy", "vault-key-1")
        assert keyring.read("KorProxy", "vault-key-1") is None
        assert keyring.read("KorProxy", "vault-key-2") == SecretStr("other")
        lock_default_collection()
        with pytest.raises(KeyringLockedError, match="it stayed locked"):
            keyring.read("KorProxy", "vault-key-2")
        with pytest.raises(KeyringLockedError, match="it stayed locked"):
            keyring.store("KorProxy", "vault-key-3", SECRET)
