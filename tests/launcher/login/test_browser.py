import webbrowser

import pytest

from launcher.login import browser
from launcher.login.browser import has_browser, open_browser


@pytest.mark.parametrize(
    ("environ", "platform", "there"),
    [
        ({}, "darwin", True),
        ({}, "win32", True),
        ({}, "linux", False),
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({"SSH_CONNECTION": "1 2 3 4"}, "darwin", False),
        ({"SSH_TTY": "/dev/pts/1", "DISPLAY": "localhost:10.0"}, "linux", False),
        ({"BROWSER": "firefox", "SSH_TTY": "/dev/pts/1"}, "linux", True),
    ],
)
def test_a_browser_is_where_the_person_sees_it(
    environ: dict[str, str], platform: str, there: bool
) -> None:
    assert has_browser(environ, platform) is there


def test_opening_says_whether_it_worked(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def open_(url: str) -> bool:
        opened.append(url)
        return True

    def fail(url: str) -> bool:
        raise webbrowser.Error(url)

    monkeypatch.setattr(browser, "has_browser", lambda: True)
    monkeypatch.setattr(webbrowser, "open", open_)
    assert open_browser("https://claude.ai/") is True
    monkeypatch.setattr(webbrowser, "open", fail)
    assert open_browser("https://claude.ai/") is False
    monkeypatch.setattr(webbrowser, "open", open_)
    monkeypatch.setattr(browser, "has_browser", lambda: False)
    assert open_browser("https://claude.ai/") is False
    assert opened == ["https://claude.ai/"]
