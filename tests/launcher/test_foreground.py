from pathlib import Path

from launcher.foreground import Place
from launcher.supervisor.listeners import Where


def write(home: Path, text: str) -> None:
    (home / "config.yaml").write_text(f"version: 1\n{text}")
    (home / "config.yaml").chmod(0o600)


def test_the_place_is_what_the_config_says_now(tmp_path: Path) -> None:
    place = Place(tmp_path)
    assert place() == (Where(("127.0.0.1", "::1"), 1337), 30.0)
    write(tmp_path, "listen: {port: 1400, hosts: [127.0.0.1]}\nlimits: {drain_s: 7}\n")
    assert place() == (Where(("127.0.0.1",), 1400), 7.0)


def test_a_broken_config_leaves_the_last_place(tmp_path: Path) -> None:
    """The gateway itself must be started to say what is wrong, and the port must not move meanwhile."""
    write(tmp_path, "listen: {port: 1400}\n")
    place = Place(tmp_path)
    before = place()
    write(tmp_path, "listen: {port: no}\n")
    assert place() == before


def test_a_port_that_was_asked_for_wins(tmp_path: Path) -> None:
    write(tmp_path, "listen: {port: 1400}\n")
    assert Place(tmp_path, 0)()[0].port == 0
