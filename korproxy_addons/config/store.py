"""
`config.yaml` on the disk: find it, write it at the first start, read it, read it again when it changes.

A bad file never replaces a good configuration: `current` stays what it was.
"""

import contextlib
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from pathlib import Path
from urllib.parse import urlsplit

from korproxy_addons.config.parse import parse_config
from korproxy_addons.config.problems import ConfigProblem, ConfigProblems
from korproxy_addons.config.schema import AccessOverride, AccountConfig, Config
from korproxy_addons.errors.catalogue import CONFIG_INVALID, CONFIG_UNSAFE

FILE_NAME = "config.yaml"
LAST_GOOD_NAME = "config.last-good.yaml"
"""A copy of the last file that could be used: what a start can fall back to."""

type _Signature = tuple[int, int, int]


class ReloadState(StrEnum):
    """What became of a look at the file."""

    UNCHANGED = "unchanged"
    LOADED = "loaded"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class ReloadOutcome:
    """
    What a look at the file brought.

    Attributes:
        state: UNCHANGED since the last look, LOADED and in force, or REFUSED and not.
        config: The configuration in force from now on.
        problems: Why the file was refused.
        new_hosts: Upstream hosts that the file names and its predecessor did not.
    """

    state: ReloadState
    config: Config
    problems: tuple[ConfigProblem, ...] = ()
    new_hosts: tuple[str, ...] = ()


def default_home(environ: Mapping[str, str] | None = None) -> Path:
    """KORPROXY_HOME, else `~/.korproxy`."""
    named = (os.environ if environ is None else environ).get("KORPROXY_HOME")
    return Path(named).expanduser() if named else Path.home() / ".korproxy"


class ConfigStore:
    """
    The configuration file of one KorProxy folder.

    Args:
        home: The folder; made with mode 0700 at the first load.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.path = home / FILE_NAME
        self._current: Config | None = None
        self._seen: _Signature | None = None

    @property
    def current(self) -> Config:
        """
        The configuration in force: the last one that was read without a problem.

        Raises:
            RuntimeError: `load` has not succeeded yet.
        """
        if self._current is None:
            raise RuntimeError("the configuration was never loaded")
        return self._current

    def load(self) -> Config:
        """
        The configuration in the file, which is written first where there is none.

        Raises:
            ConfigProblems: The file cannot be used; `current` stays as it was.
        """
        self._write_first()
        self._current = self._read()
        return self._current

    def load_last_good(self) -> Config:
        """
        The configuration in the file, or, where that cannot be used, in the copy of the last one that could.

        The file stays watched: once it is mended, it is in force again.

        Raises:
            ConfigProblems: The file cannot be used, and no copy can.
        """
        try:
            return self.load()
        except ConfigProblems as error:
            try:
                content = (self.home / LAST_GOOD_NAME).read_bytes()
            except OSError:
                raise error from None
            self._current = parse_config(content, str(self.home / LAST_GOOD_NAME))
            return self._current

    def load_plain(self) -> Config:
        """A configuration with nothing in it, whatever the file says, until the file changes."""
        self._seen = self._signature()
        self._current = Config()
        return self._current

    def keep_last_good(self) -> None:
        """Copy the file, which is in force, to where `load_last_good` looks; a disk that refuses is no reason to stop."""
        aside = self.home / f".{LAST_GOOD_NAME}.{os.getpid()}"
        with contextlib.suppress(OSError):
            content = self.path.read_bytes()
            if parse_config(content, str(self.path)) != self._current:
                return
            descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            aside.replace(self.home / LAST_GOOD_NAME)

    def reload_if_changed(self) -> ReloadOutcome:
        """
        Look at the file; read it if it is another one than at the last look.

        Raises:
            RuntimeError: `load` has not succeeded yet.
        """
        before = self.current
        if self._signature() == self._seen:
            return ReloadOutcome(ReloadState.UNCHANGED, before)
        try:
            config = self._read()
        except ConfigProblems as error:
            return ReloadOutcome(ReloadState.REFUSED, before, error.problems)
        self._current = config
        known = upstream_hosts(before)
        new_hosts = tuple(sorted(upstream_hosts(config) - known))
        return ReloadOutcome(ReloadState.LOADED, config, new_hosts=new_hosts)

    def _signature(self) -> _Signature | None:
        try:
            return _signature(self.path.stat())
        except OSError:
            return None

    def _read(self) -> Config:
        # The signature is that of the very file that is read, so a change in between is seen at the next look.
        self._seen = None
        try:
            with self.path.open("rb") as file:
                status = os.fstat(file.fileno())
                self._seen = _signature(status)
                self._check_safety(status)
                content = file.read()
        except OSError as error:
            found = error.strerror or type(error).__name__
            raise ConfigProblems([self._problem("a file that can be read", found)]) from error
        config = parse_config(content, str(self.path))
        if config.allow_plain_secrets and os.name == "posix" and status.st_mode & 0o077:
            expected = "a file that only its owner can read (chmod 600), as it holds secrets"
            found = f"mode {stat.S_IMODE(status.st_mode):04o}"
            raise ConfigProblems([self._problem(expected, found)], CONFIG_UNSAFE)
        return config

    def _check_safety(self, status: os.stat_result) -> None:
        """Another user who can write the file can send every prompt anywhere (threat T17)."""
        if os.name != "posix":
            return
        problems = []
        for what, found in (("file", status), ("folder", self.home.stat())):
            if found.st_mode & 0o022:
                chmod = "600" if what == "file" else "700"
                expected = f"a {what} that only its owner can write (chmod {chmod})"
                mode = f"mode {stat.S_IMODE(found.st_mode):04o}"
                problems.append(self._problem(expected, mode))
            if found.st_uid not in {os.geteuid(), 0}:
                expected = f"a {what} that belongs to the user who runs KorProxy"
                problems.append(self._problem(expected, f"one of user {found.st_uid}"))
        if problems:
            raise ConfigProblems(problems, CONFIG_UNSAFE)

    def _problem(self, expected: str, found: str) -> ConfigProblem:
        return ConfigProblem(str(self.path), 1, 1, "", expected, found)

    def _write_first(self) -> None:
        """Write the commented file of the first start, unless there is one."""
        try:
            self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self.path.exists():
                return
            content = (resources.files(__package__) / "first_start.yaml").read_bytes()
            # Written aside and linked: whoever starts at the same time sees a whole file or none.
            aside = self.home / f".{FILE_NAME}.{os.getpid()}"
            descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            try:
                _publish(aside, self.path)
            finally:
                aside.unlink(missing_ok=True)
        except OSError as error:
            found = error.strerror or type(error).__name__
            problem = self._problem("a folder that can be written", found)
            raise ConfigProblems([problem], CONFIG_INVALID) from error


def upstream_hosts(config: Config) -> frozenset[str]:
    """Every host that the configuration itself names as an upstream, with its port if it has one."""
    owners: list[AccessOverride | AccountConfig] = [*config.accounts]
    for provider in config.providers.values():
        owners += [provider, *provider.accesses.values()]
    urls = [
        url
        for owner in owners
        for url in (owner.base_url, owner.urls.base, owner.urls.token, owner.urls.quota)
        if url
    ]
    return frozenset(urlsplit(url).netloc.lower() for url in urls)


def _signature(status: os.stat_result) -> _Signature:
    return status.st_mtime_ns, status.st_size, status.st_ino


def _publish(aside: Path, path: Path) -> None:
    """Give the file its name, unless somebody was faster."""
    with contextlib.suppress(FileExistsError):
        try:
            os.link(aside, path)
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links
            aside.rename(path)
