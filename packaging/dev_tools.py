"""
Installs what some tests run beside Python. Starts on Python 3.8, standard library only.

The real coding tools come from npm, pinned with their hashes in packaging/npm, and go into .tools/ of
the clone. What belongs to the system (npm itself, nginx as the yardstick of the timings, Chromium, a
keyring, Prometheus) is installed only by --with-system.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Callable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

_MANIFEST = ("package.json", "package-lock.json")
_STAMP = "korproxy.sha256"
# The one install script that has to run: it puts the platform's binary in its place.
_INSTALL_SCRIPT = Path("node_modules/@anthropic-ai/claude-code/install.cjs")

Which = Callable[[str], Optional[str]]


class ToolsFailedError(Exception):
    """Something could not be installed; the message says what, and what to do."""


class Part(NamedTuple):
    """One program of the system, and the packages that bring it."""

    program: str
    purpose: str
    packages: Mapping[str, Tuple[str, ...]]  # package manager to package names
    service: str = ""  # what Debian's package would keep running, which no test asks for


PARTS = (
    Part(
        "npm",
        "installs the coding tools that the client tests run",
        {"apt-get": ("nodejs", "npm"), "brew": ("node",), "winget": ("OpenJS.NodeJS.LTS",)},
    ),
    Part(
        "nginx",
        "is the yardstick of the timings",
        {"apt-get": ("nginx-light",), "brew": ("nginx",), "winget": ("nginxinc.nginx",)},
        service="nginx",
    ),
    Part(
        "prometheus",
        "reads the gateway's metrics as it would a user's",
        {"apt-get": ("prometheus",), "brew": ("prometheus",)},
        service="prometheus",
    ),
    Part(
        "chromium",
        "opens the hostile pages of the guard's tests",
        # winget's puts no program on PATH, where the tests look for one
        {"apt-get": ("chromium",), "brew": ("chromium",)},
    ),
    # macOS and Windows have a keyring of their own
    Part(
        "gnome-keyring-daemon",
        "is the keyring that the vault's tests keep a key in",
        {"apt-get": ("gnome-keyring",)},
    ),
    Part(
        "dbus-run-session",
        "gives that keyring a session of its own",
        {"apt-get": ("dbus",)},
    ),
    Part("Xvfb", "is the display of the tray's tests", {"apt-get": ("xvfb",)}),
    Part(
        "xfce4-panel",
        "is the panel that the tray's icon is looked at in",
        {"apt-get": ("xfce4-panel", "fonts-dejavu-core")},
    ),
    Part("openbox", "keeps the windows of that panel", {"apt-get": ("openbox",)}),
    Part("xdotool", "clicks on the tray's icon", {"apt-get": ("xdotool",)}),
    Part("import", "takes pictures of the tray's icon", {"apt-get": ("imagemagick",)}),
    Part(
        "g-ir-scanner",
        "stands for what the tray's icon needs of GTK",
        {
            "apt-get": (
                "libgirepository1.0-dev",
                "libcairo2-dev",
                "gir1.2-gtk-3.0",
                "gir1.2-ayatanaappindicator3-0.1",
                "gcc",
                "pkg-config",
            )
        },
    ),
)
_MANAGERS = {
    "apt-get": ("apt-get", "install", "--yes", "--no-install-recommends"),
    "brew": ("brew", "install"),
    "winget": ("winget", "install", "--exact"),
}


def lacking(which: Which = shutil.which) -> List[Part]:
    """The parts of the system that are not there."""
    return [part for part in PARTS if which(part.program) is None]


def install_commands(
    parts: Sequence[Part],
    which: Which = shutil.which,
    *,
    is_root: bool = True,
    has_systemd: bool = False,
) -> List[List[str]]:
    """
    Argv of each command that installs these parts, and ends what their packages have started.

    Raises:
        ToolsFailedError: The system has no package manager that we know.
    """
    if not parts:
        return []
    for manager, start in _MANAGERS.items():
        if which(manager) is not None:
            needs_sudo = manager == "apt-get" and not is_root and which("sudo") is not None
            sudo = ["sudo"] if needs_sudo else []
            packages = [name for part in parts for name in part.packages.get(manager, ())]
            if not packages:
                return []
            update = [[*sudo, "apt-get", "update", "--quiet"]] if manager == "apt-get" else []
            services = [part.service for part in parts if part.service]
            end = [*sudo, "systemctl", "disable", "--now", "--quiet", *services]
            starts = manager == "apt-get" and has_systemd and bool(services)
            return [*update, [*sudo, *start, *packages], *([end] if starts else [])]
    names = " and ".join(part.program for part in parts)
    raise ToolsFailedError(f"No package manager known here (apt, brew, winget): install {names}.")


def install_system() -> None:
    """Install what the system lacks, by its package manager; each command is shown first."""
    is_root = sys.platform == "win32" or os.geteuid() == 0
    has_systemd = Path("/run/systemd/system").is_dir()
    for command in install_commands(lacking(), is_root=is_root, has_systemd=has_systemd):
        print("dev.py: " + " ".join(command), file=sys.stderr, flush=True)
        if subprocess.run(command, stdout=sys.stderr, check=False).returncode:
            raise ToolsFailedError(f"That failed: {' '.join(command)}")


def install_tools(root: Path) -> None:
    """
    Install the pinned coding tools into `root/.tools`; returns at once if they are there.

    Raises:
        ToolsFailedError: npm is lacking, or failed.
    """
    folder = root / ".tools"
    manifest = [root / "packaging" / "npm" / name for name in _MANIFEST]
    wanted = hashlib.sha256(b"".join(path.read_bytes() for path in manifest)).hexdigest()
    stamp = folder / _STAMP
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        raise ToolsFailedError(
            "npm is lacking, which installs the coding tools: install Node 20 or newer, "
            "or let `dev.py --with-system tools` do it."
        )
    folder.mkdir(exist_ok=True)
    for path in manifest:
        shutil.copy(str(path), str(folder / path.name))
    # no package's own script runs, but for the one named above
    install = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    for command in (install, [node, str(folder / _INSTALL_SCRIPT)]):
        if subprocess.run(command, cwd=str(folder), stdout=sys.stderr, check=False).returncode:
            raise ToolsFailedError(f"The coding tools could not be installed: {' '.join(command)}")
    stamp.write_text(wanted, encoding="utf-8")


def install_tray(root: Path, python: Path, which: Which = shutil.which) -> None:
    """
    Build what the tray needs of this desktop into `root/.tools/tray`, for the Python of `.venv`.

    Without the system's own parts nothing is built, and the tray's tests skip.

    Raises:
        ToolsFailedError: The build failed.
    """
    lock = root / "packaging" / "tray.lock"
    folder, stamp = root / ".tools" / "tray", root / ".tools" / "tray.sha256"
    if not sys.platform.startswith("linux") or which("g-ir-scanner") is None:
        return
    wanted = hashlib.sha256(lock.read_bytes() + str(python.resolve()).encode()).hexdigest()
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    shutil.rmtree(str(folder), ignore_errors=True)
    command = [
        str(python),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
    ]
    command += ["--require-hashes", "--target", str(folder), "-r", str(lock)]
    if subprocess.run(command, stdout=sys.stderr, check=False).returncode:
        raise ToolsFailedError("The tray's libraries could not be built: " + " ".join(command))
    stamp.write_text(wanted, encoding="utf-8")
