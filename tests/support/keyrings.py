"""Keyrings: one in memory for most tests, and the real gnome-keyring on a D-Bus session of its own."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from korproxy_addons.io.vault_keyring import Backend, OsKeyring
from support.needs import needs_program
from support.waiting import until

INSTALL = "python3 packaging/dev.py --with-system tools"
BUS = "DBUS_SESSION_BUS_ADDRESS"
SWITCH = "PYTHON_KEYRING_BACKEND"
"""What turns the keyring off in tests; empty, it does nothing."""


@dataclass
class MemoryBackend:
    """
    A keyring's backend that keeps items in memory.

    Attributes:
        items: Secrets by service and account.
        failure: Raised by every call, if there is one.
        calls: What was asked for, in order.
    """

    items: dict[tuple[str, str], str] = field(default_factory=dict)
    failure: Exception | None = None
    calls: list[str] = field(default_factory=list)

    def get_password(self, service: str, username: str) -> str | None:
        self._called("get")
        return self.items.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._called("set")
        self.items[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._called("delete")
        del self.items[service, username]

    def _called(self, what: str) -> None:
        self.calls.append(what)
        if self.failure is not None:
            raise self.failure


def keyring_of(*backends: Backend, patience_s: float = 10.0) -> OsKeyring:
    """A keyring of these backends."""
    return OsKeyring(lambda: backends, patience_s)


@contextmanager
def gnome_keyring(folder: Path) -> Iterator[dict[str, str]]:
    """
    The real gnome-keyring, unlocked, on a D-Bus session of its own; both end with the block.

    Args:
        folder: For its files.
    Yields:
        The environment variables that lead a process to it.
    """
    start = needs_program("dbus-run-session", INSTALL)
    daemon = needs_program("gnome-keyring-daemon", INSTALL)
    runtime = folder / "run"
    runtime.mkdir(mode=0o700)
    places = {"XDG_DATA_HOME": str(folder / "data"), "XDG_RUNTIME_DIR": str(runtime)}
    # The shell becomes the daemon, so this is the daemon's process id.
    script = f'echo "${BUS}"; echo $$; exec "{daemon}" --unlock --foreground --components=secrets'
    with subprocess.Popen(
        [str(start), "--", "sh", "-c", script],
        env={**os.environ, "HOME": str(folder), **places},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # it tells of what a container does not allow
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        daemon_id = int(process.stdout.readline())
        try:
            process.stdin.write("password of the keyring")
            process.stdin.close()
            # Whoever asks earlier has D-Bus start another daemon, which is locked.
            until(lambda: _is_there(address))
            yield {BUS: address, SWITCH: "", **places}
        finally:
            # dbus-run-session ends its bus, and itself, with the daemon.
            os.kill(daemon_id, signal.SIGTERM)
            process.wait(10)


@contextmanager
def secret_service(folder: Path) -> Iterator[None]:
    """The same for this process."""
    with gnome_keyring(folder) as environment, pytest.MonkeyPatch.context() as patch:
        for name in (BUS, SWITCH):
            patch.setenv(name, environment[name])
        yield


def lock_default_collection() -> None:
    """Lock the keyring that this process's session leads to; nobody can be asked to unlock it."""
    import secretstorage  # Linux alone has it

    with closing(secretstorage.dbus_init()) as connection:
        collection = secretstorage.get_default_collection(connection)
        collection.lock()
        assert collection.is_locked()


def _is_there(address: str) -> bool:
    from jeepney import message_bus
    from jeepney.io.blocking import open_dbus_connection

    with closing(open_dbus_connection(bus=address)) as connection:
        question = message_bus.NameHasOwner("org.freedesktop.secrets")
        return bool(connection.send_and_get_reply(question).body[0])
