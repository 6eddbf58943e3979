from collections.abc import Callable

import pytest
from pydantic import SecretStr

from korproxy_addons.auth.authorize import Ticket
from korproxy_addons.auth.device import DeviceCode, device_begin, device_poll
from korproxy_addons.auth.states import AuthState, LoginError
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.providers import PROVIDERS
from korproxy_addons.providers.calls import Reply
from korproxy_addons.providers.logins import LoginSpec
from support.auth_flow import fields, play_flow, reply
from support.clock import FakeClock

NOW = 1_800_000_000.0
TICKET = Ticket(state="s", verifier="the-verifier", nonce="n")


def login(provider: str, access: str) -> LoginSpec:
    found = PROVIDERS[provider].access(access).login
    assert found is not None
    return found


QWEN, CODEX = login("qwen", "oauth"), login("codex", "chatgpt")
PENDING = reply(400, {"error": "authorization_pending"})
SLOW = reply(429, {"error": "slow_down"})
GIVEN = reply(body={"access_token": "at", "refresh_token": "rt", "expires_in": 60})


def code(interval_s: float = 5.0) -> DeviceCode:
    return DeviceCode(
        user_code="ABCD-EFGH",
        url="https://chat.qwen.ai/authorize",
        device_code=SecretStr("planted-dc"),
        interval_s=interval_s,
        expires_at=NOW + 900,
    )


def test_qwen_gives_a_code() -> None:
    body = {
        "device_code": "dc", "user_code": "ABCD", "verification_uri": "https://chat.qwen.ai/a",
        "verification_uri_complete": "https://chat.qwen.ai/a?user_code=ABCD", "expires_in": 600,
    }  # fmt: skip
    played = play_flow(device_begin(QWEN, TICKET, NOW), reply(body=body))
    assert fields(played.requests[0]) == {
        "client_id": QWEN.client_id,
        "scope": "openid profile email model.completion",
        "code_challenge": TICKET.challenge,
        "code_challenge_method": "S256",
    }
    found = played.answer
    assert (found.user_code, found.interval_s, found.expires_at) == ("ABCD", 5.0, NOW + 600)
    assert found.url_complete.endswith("user_code=ABCD")
    assert "dc" not in repr(found).replace("device_code", "")


@pytest.mark.parametrize(("interval", "expected"), [("7", 7.0), (3, 3.0), ("x", 5.0), (0, 5.0)])
def test_chatgpt_gives_a_code_in_its_own_way(interval: object, expected: float) -> None:
    body = {"device_auth_id": "d", "usercode": "WXYZ", "interval": interval}
    played = play_flow(device_begin(CODEX, TICKET, NOW), reply(body=body))
    request = played.requests[0]
    assert request.url == "https://auth.openai.com/api/accounts/deviceauth/usercode"
    assert fields(request) == {"client_id": CODEX.client_id}
    found = played.answer
    assert (found.user_code, found.url) == ("WXYZ", "https://auth.openai.com/codex/device")
    assert (found.interval_s, found.expires_at) == (expected, NOW + 900)


@pytest.mark.parametrize(
    "body", [{}, {"device_code": "d"}, {"device_code": "d", "user_code": "A\nB"},
             {"device_code": "d", "user_code": "A", "verification_uri": "file:///etc/passwd"}],
)  # fmt: skip
def test_a_reply_without_a_code_is_the_provider_s_fault(body: dict[str, str]) -> None:
    with pytest.raises(LoginError) as said:
        play_flow(device_begin(QWEN, TICKET, NOW), reply(body=body))
    assert said.value.state is AuthState.PROVIDER_ERROR


def test_a_provider_that_gives_no_code() -> None:
    with pytest.raises(KorProxyError) as off:
        play_flow(device_begin(CODEX, TICKET, NOW), reply(404))
    assert off.value.spec is catalogue.LOGIN_NOT_OFFERED
    with pytest.raises(LoginError) as down:
        play_flow(device_begin(QWEN, TICKET, NOW), reply(503))
    assert down.value.state is AuthState.PROVIDER_ERROR
    with pytest.raises(LoginError) as network:
        play_flow(device_begin(QWEN, TICKET, NOW), KorProxyError(catalogue.DNS_FAILED))
    assert network.value.state is AuthState.NETWORK_ERROR


def test_polls_wait_and_slow_down() -> None:
    flow = device_poll(QWEN, TICKET, code(), FakeClock(NOW))
    played = play_flow(flow, PENDING, SLOW, SLOW, PENDING, GIVEN)
    assert played.pauses == [5.0, 5.0, 7.5, 10.0, 10.0]
    assert fields(played.requests[0]) == {
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "client_id": QWEN.client_id,
        "device_code": "planted-dc",
        "code_verifier": "the-verifier",
    }
    assert played.answer.access_token.get_secret_value() == "at"


def test_a_provider_may_want_longer_pauses_than_ours() -> None:
    played = play_flow(device_poll(QWEN, TICKET, code(20.0), FakeClock(NOW)), SLOW, GIVEN)
    assert played.pauses == [20.0, 20.0]


@pytest.mark.parametrize(
    "hiccup", [reply(503), reply(500, "oops"), KorProxyError(catalogue.CONNECT_TIMEOUT)]
)
def test_a_poll_without_an_answer_is_not_the_end(hiccup: Reply | KorProxyError) -> None:
    played = play_flow(device_poll(QWEN, TICKET, code(), FakeClock(NOW)), hiccup, GIVEN)
    assert played.pauses == [5.0, 7.5]


@pytest.mark.parametrize(
    ("body", "state"),
    [
        ({"error": "expired_token"}, AuthState.AUTH_CANCELLED),
        ({"error": "access_denied"}, AuthState.AUTH_CANCELLED),
        ({"error": "invalid_grant"}, AuthState.INVALID_GRANT),
    ],
)
def test_a_no_ends_it(body: dict[str, str], state: AuthState) -> None:
    with pytest.raises(LoginError) as said:
        play_flow(device_poll(QWEN, TICKET, code(), FakeClock(NOW)), reply(400, body))
    assert said.value.state is state


def ticking(clock: FakeClock) -> Callable[[], float]:
    """A clock that moves by a minute whenever it is looked at."""

    def look() -> float:
        clock.advance(60)
        return clock.now

    return look


def test_the_code_s_own_time_runs_out_wherever_the_provider_stays_silent() -> None:
    """ChatGPT's backend answers 403 for ever."""
    clock = FakeClock(NOW)
    waits = [reply(403)] * 20
    with pytest.raises(LoginError, match="in time") as said:
        play_flow(device_poll(CODEX, TICKET, code(), ticking(clock)), *waits)
    assert said.value.state is AuthState.AUTH_CANCELLED


def test_chatgpt_s_answer_is_a_code_to_exchange() -> None:
    clock = FakeClock(NOW)
    answer = {"authorization_code": "ac", "code_challenge": "x", "code_verifier": "theirs"}
    flow = device_poll(CODEX, TICKET, code(), clock)
    played = play_flow(flow, reply(404), reply(403), reply(body=answer), GIVEN)
    exchange = fields(played.requests[-1])
    assert played.requests[-1].url == CODEX.token_url
    assert (exchange["code"], exchange["code_verifier"]) == ("ac", "theirs")
    assert exchange["redirect_uri"] == "https://auth.openai.com/deviceauth/callback"
    assert played.answer.access_token.get_secret_value() == "at"


def test_an_answer_without_a_code_is_the_provider_s_fault() -> None:
    with pytest.raises(LoginError) as said:
        play_flow(device_poll(CODEX, TICKET, code(), FakeClock(NOW)), reply(body={}))
    assert said.value.state is AuthState.PROVIDER_ERROR
