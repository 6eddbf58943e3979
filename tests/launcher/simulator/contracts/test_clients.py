import pytest

from launcher.simulator.contracts.clients import CLIENTS

BY_ACCESS = {it.access: it for it in CLIENTS}


@pytest.mark.parametrize(
    ("access", "redirect", "registered"),
    [
        ("subscription", "http://localhost:54321/callback", True),
        ("subscription", "http://127.0.0.1:54321/callback", False),
        ("subscription", "http://localhost:54321/callback/", False),
        ("subscription", "http://localhost:1/callback?x=1", False),
        ("subscription", "https://platform.claude.com/oauth/code/callback", True),
        ("chatgpt", "http://localhost:1455/auth/callback", True),
        ("chatgpt", "http://localhost:1456/auth/callback", False),
        ("siwc", "http://127.0.0.1:9/auth/callback", True),
        ("siwc", "http://localhost:9/auth/callback", False),
        ("code-assist", "http://127.0.0.1:9/oauth2callback", True),
        ("login", "http://localhost:11451/oauth2callback", True),
        ("login", "http://localhost:11452/oauth2callback", False),
    ],
)
def test_only_registered_callbacks_are_taken(access: str, redirect: str, registered: bool) -> None:
    assert BY_ACCESS[access].takes(redirect) is registered
