"""Secrets out of their places; what is missing is named, what is there never."""

from pathlib import Path

import pytest

from korproxy_addons.config.secret_ref import SecretRef
from korproxy_addons.errors.catalogue import SECRET_UNAVAILABLE
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.secrets import load_secret


def load(ref: str, home: Path = Path("/nowhere"), **environ: str) -> str:
    return load_secret(SecretRef.parse(ref), home, environ).get_secret_value()


def test_from_the_environment() -> None:
    assert load("env:KEY", KEY=" sk-1\n") == "sk-1"


def test_from_the_process_own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KORPROXY_TEST_KEY", "sk-2")
    ref = SecretRef.parse("env:KORPROXY_TEST_KEY")
    assert load_secret(ref, Path("/nowhere")).get_secret_value() == "sk-2"


def test_from_a_file_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"\xef\xbb\xbfsk-3\r\n")
    assert load("file:key", tmp_path) == "sk-3"
    assert load(f"file:{tmp_path / 'key'}") == "sk-3"


def test_from_the_users_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "key").write_text("sk-4")
    assert load("file:~/key") == "sk-4"


def test_plain() -> None:
    assert load("plain:sk-5") == "sk-5"


@pytest.mark.parametrize(
    ("ref", "content", "named"),
    [
        ("env:NO_SUCH", None, "NO_SUCH is not set"),
        ("env:EMPTY", None, "EMPTY is empty"),
        ("env:TWO", None, "TWO holds more than one"),
        ("file:key", None, "No such file"),
        ("file:key", b"", "is empty"),
        ("file:key", b" \n\n", "is empty"),
        ("file:key", b"canary\ncanary", "more than one"),
        ("file:key", b"canary\x00", "more than one"),
        ("file:key", "canärý".encode(), "more than one"),
        ("file:key", b"canary\xff", "is not text"),
        ("file:key", b"canary" * 20_000, "too large"),
        ("file:.", None, ""),
        ("vault:work", None, "vault:work is not read here"),
        ("cli:claude", None, "cli:claude is not read here"),
    ],
)
def test_what_is_not_there_is_named_and_what_is_there_is_not(
    tmp_path: Path, ref: str, content: bytes | None, named: str
) -> None:
    if content is not None:
        (tmp_path / "key").write_bytes(content)
    with pytest.raises(KorProxyError) as caught:
        load(ref, tmp_path, EMPTY="  ", TWO="canary canary")
    error = caught.value
    assert error.spec is SECRET_UNAVAILABLE
    assert named in error.detail
    assert "canary" not in f"{error}{error!r}{error.message()}"
    assert error.__cause__ is None
