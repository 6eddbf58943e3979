"""The browser that a test leads by the hand, alone."""

import pytest

from support.devtools import Chromium


@pytest.mark.e2e
def test_it_leaves_no_connection_open() -> None:
    with Chromium() as browser:
        browser.visit("data:text/html,hello")
        assert browser.wait_for_text("hello")
        socket = browser._socket
        assert not socket.closed
    assert socket.closed
