"""
Walks through what only a real desktop can show, on macOS and Windows above all: job objects, agents, tasks, the tray.

    python packaging/check_desktop.py korproxy            # what a machine can find out, for CI
    python packaging/check_desktop.py korproxy --ask      # and what a person has to see

The words before the options start KorProxy; standard library only. It works in a folder of its own; a service or an
autostart entry that is there already is left alone, and its check is skipped.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

PATIENCE_S = 30.0
SETTINGS = "version: 1\nlisten: {port: 0, hosts: [127.0.0.1]}\nadmin: {port: 0}\n"
QUESTIONS = (
    "Start `korproxy tray` in another window. Is its icon in the bar, sharp, and right on a light bar and on a dark one?",
    "Stop the gateway in its menu. Does the icon change its shape, not only its colour? Start it again: does it change back?",
    "Does the menu show the endpoint, the profiles, the accounts, and does Copy endpoint copy it?",
    "Choose Inspect traffic. Does the browser open mitmproxy's page, and does the icon stay as it is?",
    "Take the network away and ask a tool something three times. Does the tooltip say offline, until the network is back?",
    "Choose Export debug bundle. Does a notification say where it is, and is it there?",
    "Let the machine sleep for a minute and wake it. Is the gateway healthy within 15 seconds, without a restart?",
    "Switch Start at login on, log out and in. Is the icon there again? Switch it off again afterwards.",
    "Quit in the menu. Is no process of KorProxy left (Activity Monitor, Task Manager)?",
)


class Check:
    """
    The checks, by the command line alone.

    Args:
        command: Words that start KorProxy.
        home: A folder for it.
    """

    def __init__(self, command: Sequence[str], home: Path) -> None:
        self._command = list(command)
        self._environment = {**os.environ, "KORPROXY_HOME": str(home)}

    def say(self, *words: str) -> dict[str, object]:
        """What a command says in JSON; {} if it says nothing."""
        done = subprocess.run(
            [*self._command, *words, "--json"],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=4 * PATIENCE_S,
        )
        try:
            found = json.loads(done.stdout)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def starts_and_stops(self) -> str:
        """In the background and back."""
        state = self.say("start").get("state")
        stopped = self.say("stop").get("state")
        return "" if (state, stopped) == ("healthy", "stopped") else f"{state}, then {stopped}"

    def restarts(self) -> str:
        """Another gateway takes over; where sockets cannot be handed over, after the first has ended."""
        self.say("start")
        first = self.say("status").get("pid")
        state = self.say("restart").get("state")
        second = self.say("status").get("pid")
        self.say("stop")
        if state != "healthy" or not first or not second:
            return f"{state}, process {first}, then {second}"
        return "" if first != second else f"it is process {first} still"

    def leaves_no_orphan(self) -> str:
        """A launcher that is killed takes its gateway with it."""
        with subprocess.Popen(
            [*self._command, "run", "--json"],
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as launcher:
            assert launcher.stdout is not None
            gateway = 0
            for line in launcher.stdout:
                if not line.startswith("{"):
                    continue
                status = json.loads(line)
                gateway = status["pid"] or gateway
                if status["state"] in ("healthy", "failed"):
                    break
            launcher.kill()
        deadline = time.monotonic() + PATIENCE_S
        while gateway and alive(gateway) and time.monotonic() < deadline:
            time.sleep(0.2)
        if not gateway:
            return "no gateway was started"
        return f"the gateway (process {gateway}) is still there" if alive(gateway) else ""

    def starts_at_login(self) -> str:
        """The entry is written, found and removed."""
        if self.say("autostart", "status").get("autostart") is not False:
            return "skipped: it is on already"
        on = self.say("autostart", "on")
        found = self.say("autostart", "status").get("autostart")
        off = self.say("autostart", "off").get("autostart")
        return "" if (found, off) == (True, False) else f"{on}, then {found}, {off}"

    def serves(self) -> str:
        """The service is installed, runs, and is removed."""
        if self.say("service", "status").get("installed") is not False:
            return "skipped: it is installed already, or this system has none"
        try:
            self.say("service", "install")
            deadline = time.monotonic() + PATIENCE_S
            while not self.say("service", "status").get("running"):
                if time.monotonic() > deadline:
                    return "installed, but it does not run"
                time.sleep(0.5)
        finally:
            gone = self.say("service", "uninstall")
        return "" if gone.get("installed") is False else f"it is still there: {gone}"


def alive(pid: int) -> bool:
    """Whether a process is there."""
    if sys.platform == "win32":
        done = subprocess.run(
            ["tasklist", "/fi", f"PID eq {pid}", "/nh"], capture_output=True, text=True, check=False
        )
        return str(pid) in done.stdout.split()
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def ask(question: str, answer: Callable[[str], str] = input) -> str:
    """What a person saw: "" for yes."""
    said = answer(f"? {question} [y/n, or what is wrong] ").strip()
    return "" if said.lower() in ("y", "yes") else said or "no answer"


def main(arguments: list[str] | None = None) -> int:
    """Run the checks; 1 if one of them failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("command", nargs="+", help="words that start KorProxy")
    parser.add_argument("--ask", action="store_true", help="ask for what a person has to see")
    given = parser.parse_args(arguments)
    failed = 0
    with tempfile.TemporaryDirectory(prefix="korproxy-check-") as folder:
        home = Path(folder, "home")
        home.mkdir(mode=0o700)
        (home / "config.yaml").write_text(SETTINGS)
        (home / "config.yaml").chmod(0o600)
        check = Check(given.command, home)
        for step in (
            check.starts_and_stops,
            check.restarts,
            check.leaves_no_orphan,
            check.starts_at_login,
            check.serves,
        ):
            failed += _tell(step.__name__.replace("_", " "), step())
        for question in QUESTIONS if given.ask else ():
            failed += _tell(question.partition(".")[0], ask(question))
    return int(failed > 0)


def _tell(name: str, trouble: str) -> bool:
    """Print how a check went; whether it failed."""
    skipped = trouble.startswith("skipped")
    print("-" if skipped else "x" if trouble else "+", name, f": {trouble}" if trouble else "")
    return bool(trouble) and not skipped


if __name__ == "__main__":
    sys.exit(main())
