"""A display with a real desktop panel on it (Xvfb, openbox, xfce4-panel), and KorProxy's icon in the panel, to be looked at."""

import io
import os
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from PIL import Image, ImageChops, ImageStat

from launcher.single_instance import runs
from launcher.tray.art import NAMES, tray_icon
from support.needs import ROOT, TRAY, needs_program, needs_tray
from support.waiting import until

INSTALL = "python3 packaging/dev.py --with-system tools"
PATIENCE_S = 90.0
BAR_PX = 40
WIDTH_PX, HEIGHT_PX = 640, 480
# A panel with nothing on it but the place for icons, at its right end.
_PANEL = f"""<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
<property name="configver" type="int" value="2"/>
<property name="panels" type="array">
<value type="int" value="1"/>
<property name="dark-mode" type="bool" value="true"/>
<property name="panel-1" type="empty">
<property name="position" type="string" value="p=6;x=0;y=0"/>
<property name="length" type="uint" value="100"/>
<property name="position-locked" type="bool" value="true"/>
<property name="size" type="uint" value="{BAR_PX}"/>
<property name="background-style" type="uint" value="1"/>
<property name="background-rgba" type="array">
<value type="double" value="0.1"/><value type="double" value="0.1"/>
<value type="double" value="0.1"/><value type="double" value="1"/>
</property>
<property name="plugin-ids" type="array"><value type="int" value="1"/><value type="int" value="2"/></property>
</property>
</property>
<property name="plugins" type="empty">
<property name="plugin-1" type="string" value="separator">
<property name="expand" type="bool" value="true"/><property name="style" type="uint" value="0"/>
</property>
<property name="plugin-2" type="string" value="systray"/>
</property>
</channel>
"""
_BACKGROUND = (26, 26, 26)
_COMPARED_PX = 32


class PanelSession:
    """
    `with PanelSession(home) as panel: panel.wait_for("running")`; every picture that was taken lies in `home`.

    Args:
        home: The KorProxy folder, its config written.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        needs_tray()
        names = ("Xvfb", "dbus-daemon", "openbox", "xfce4-panel", "xdotool", "import")
        self._programs = {name: needs_program(name, INSTALL) for name in names}
        self._stack = ExitStack()
        self._environment = {
            **os.environ,
            "HOME": str(home / "person"),
            "XDG_CONFIG_HOME": str(home / "xdg"),
            "XDG_CACHE_HOME": str(home / "cache"),
            "XDG_RUNTIME_DIR": str(home / "session"),
            "KORPROXY_HOME": str(home),
            "PYTHONPATH": os.pathsep.join([str(TRAY), str(ROOT)]),
            "NO_AT_BRIDGE": "1",
            "GTK_USE_PORTAL": "0",
            "LC_ALL": "C.UTF-8",
        }
        for name in ("WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "PYSTRAY_BACKEND"):
            self._environment.pop(name, None)

    def __enter__(self) -> Self:
        try:
            self._begin()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if runs(self.home):
            self.korproxy("stop")
        self._stack.close()

    def korproxy(self, *words: str) -> str:
        """Run a command of KorProxy; what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "launcher", *words, "--home", str(self.home)],
            capture_output=True, text=True, check=False, env=self._environment, timeout=PATIENCE_S,
        )  # fmt: skip
        return done.stdout

    def picture(self) -> Image.Image:
        """The whole screen."""
        done = subprocess.run(
            [self._programs["import"], "-window", "root", "png:-"],
            capture_output=True, check=True, env=self._environment,
        )  # fmt: skip
        return Image.open(io.BytesIO(done.stdout)).convert("RGB")

    def icon(self) -> Image.Image | None:
        """What stands in the bar, cut to its edges; None while nothing does."""
        bar = self.picture().crop((0, 0, WIDTH_PX, BAR_PX))
        box = _edges(bar)
        return None if box is None else bar.crop(box)

    def shown(self) -> str:
        """The name of the icon in the bar, told by its shape; "" while there is none."""
        found = self.icon()
        return "" if found is None else nearest(found)

    def wait_for(self, name: str, picture: str) -> None:
        """Wait until the bar shows this icon, and keep a picture of the screen under this name."""
        until(lambda: self.shown() == name, PATIENCE_S)
        self.picture().save(self.home / f"{picture}.png")

    def open_menu(self) -> None:
        """Click on the icon."""
        box = _edges(self.picture().crop((0, 0, WIDTH_PX, BAR_PX)))
        assert box is not None
        x, y = (box[0] + box[2]) // 2, (box[1] + box[3]) // 2
        closed = self.picture().crop((0, BAR_PX, WIDTH_PX, HEIGHT_PX))
        self._xdotool("mousemove", str(x), str(y), "click", "1")
        until(lambda: self._differs(closed), PATIENCE_S)

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        self._xdotool("key", "--delay", "60", *keys)

    def _differs(self, before: Image.Image) -> bool:
        now = self.picture().crop((0, BAR_PX, WIDTH_PX, HEIGHT_PX))
        box = ImageChops.difference(before, now).getbbox()
        return box is not None and box[3] - box[1] > 100

    def _xdotool(self, *words: str) -> None:
        subprocess.run([self._programs["xdotool"], *words], check=True, env=self._environment)

    def _begin(self) -> None:
        for name in ("person", "session", "xdg", "cache"):
            (self.home / name).mkdir(mode=0o700)
        settings = self.home / "xdg" / "xfce4" / "xfconf" / "xfce-perchannel-xml"
        settings.mkdir(parents=True)
        (settings / "xfce4-panel.xml").write_text(_PANEL)
        screen = ["-screen", "0", f"{WIDTH_PX}x{HEIGHT_PX}x24", "-nolisten", "tcp"]
        server = self._start("Xvfb", *screen, "-displayfd", "1", said=True)
        self._environment["DISPLAY"] = f":{_first_line(server)}"
        bus = self._start("dbus-daemon", "--session", "--nofork", "--print-address", said=True)
        self._environment["DBUS_SESSION_BUS_ADDRESS"] = _first_line(bus)
        self._start("openbox")
        self._start("xfce4-panel", "--disable-wm-check")
        until(self._has_host, PATIENCE_S)
        self._run([sys.executable, "-m", "launcher", "tray", "--home", str(self.home)])

    def _has_host(self) -> bool:
        question = "from launcher.tray.host import has_tray_host as it; raise SystemExit(not it())"
        return not subprocess.run(
            [sys.executable, "-c", question], check=False, env=self._environment
        ).returncode

    def _start(self, name: str, *words: str, said: bool = False) -> "subprocess.Popen[str]":
        return self._run([str(self._programs[name]), *words], said=said)

    def _run(self, argv: list[str], *, said: bool = False) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            argv,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if said else subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._stack.callback(_end, process)
        return process


def nearest(found: Image.Image) -> str:
    """The name of the icon that a picture comes nearest to, in shape alone."""
    seen = _shape(found)
    distances = {
        name: ImageStat.Stat(ImageChops.difference(seen, _wanted(name))).sum[0] for name in NAMES
    }
    return min(distances, key=lambda name: distances[name])


def _wanted(name: str) -> Image.Image:
    icon = tray_icon(name, 64, "dark")
    ground = Image.new("RGB", icon.size, _BACKGROUND)
    ground.paste(icon, (0, 0), icon)
    box = _edges(ground)
    assert box is not None
    return _shape(ground.crop(box))


def _shape(picture: Image.Image) -> Image.Image:
    grey = picture.convert("L").resize((_COMPARED_PX, _COMPARED_PX), Image.Resampling.LANCZOS)
    return grey.point(lambda value: 255 if value > 70 else 0)


def _edges(picture: Image.Image) -> tuple[int, int, int, int] | None:
    """The box around everything that is not background."""
    return picture.convert("L").point(lambda value: 255 if value > 70 else 0).getbbox()


def _first_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def _end(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    timer = threading.Timer(PATIENCE_S, process.kill)
    timer.start()
    process.wait()
    timer.cancel()
    if process.stdout is not None:
        process.stdout.close()
