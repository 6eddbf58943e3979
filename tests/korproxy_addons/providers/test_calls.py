from korproxy_addons.providers.calls import Pause, Reply, Request


def test_neither_a_request_nor_a_reply_shows_what_it_carries() -> None:
    """A login's tokens stand in all of these places."""
    secret = "planted-token"
    request = Request(
        "POST", f"https://a.example/t?accessToken={secret}", (("authorization", secret),),
        secret.encode(),
    )  # fmt: skip
    assert repr(request) == "Request(POST https://a.example/t)"
    reply = Reply(200, {"set-cookie": secret}, secret.encode())
    assert repr(reply) == "Reply(status=200)"
    assert repr(Pause(2.0)) == "Pause(seconds=2.0)"
