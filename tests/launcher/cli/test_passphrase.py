import getpass

import pytest
from pydantic import SecretStr

from launcher.cli.passphrase import ask_passphrase


def test_a_person_is_asked_and_a_script_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getpass, "getpass", lambda _prompt, stream: "correct horse")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    assert ask_passphrase(new=True) == SecretStr("correct horse")
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    assert ask_passphrase(new=True) is None
