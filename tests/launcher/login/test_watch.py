from launcher.login.terminal import TerminalWatch
from launcher.login.watch import LoginWatch, Method


def test_the_ways_to_sign_in_have_their_words() -> None:
    assert [str(it) for it in Method] == ["browser", "paste", "device"]


def test_the_terminal_is_one_that_shows_a_login() -> None:
    asked = {it for it in vars(LoginWatch) if not it.startswith("_")}
    assert asked <= set(dir(TerminalWatch))
    assert {"page", "code", "note", "waiting", "done", "pasted"} <= asked
