"""The simulator as a process of its own."""

import json
import os
import signal
import subprocess
import sys

import pytest

from launcher.simulator.__main__ import main
from support.simulator_client import send


def test_it_says_when_it_is_ready_and_ends_on_a_signal() -> None:
    command = [sys.executable, "-m", "launcher.simulator", "--port", "0", "--ready-json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert send("GET", f"{ready['base_url']}/_sim/health").json() == {"ready": True}
        assert {"provider", "access", "base", "secret"} <= set(ready["urls"][0])
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == (1 if os.name == "nt" else 0)


def test_it_imports_nothing_of_korproxy() -> None:
    code = (
        "import sys, launcher.simulator.__main__;"
        "print([n for n in sys.modules if n.startswith(('korproxy_addons', 'mitmproxy'))])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_wrong_options_are_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["simulator", "--nonsense"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "--nonsense" in capsys.readouterr().err
