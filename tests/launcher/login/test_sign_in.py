"""A person's sign-in: who answers first, what is survived, what ends it."""

import asyncio
import http.client
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from korproxy_addons.auth.device import DeviceCode
from korproxy_addons.auth.states import AuthState, LoginError
from korproxy_addons.auth.tokens import TokenSet
from korproxy_addons.errors.catalogue import LOGIN_NOT_OFFERED, LOGIN_PORT_TAKEN
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.providers import PROVIDERS
from korproxy_addons.providers.calls import Reply, Request
from korproxy_addons.providers.logins import LoginSpec
from launcher.login import sign_in
from launcher.login.callback import PortTakenError
from launcher.login.sign_in import SignIn
from launcher.login.watch import Method
from support.auth_flow import fields, reply

GIVEN = reply(
    body={"access_token": "at", "refresh_token": "rt", "account": {"email_address": "m@x"}}
)


def login(provider: str = "claude", access: str = "subscription") -> LoginSpec:
    found = PROVIDERS[provider].access(access).login
    assert found is not None
    return found


class Person:
    """Shows nothing, and pastes what it was given, one after the other."""

    def __init__(self, *lines: str | Callable[[str], str], can_paste: bool = True) -> None:
        self._lines = list(lines)
        self.can_paste = can_paste
        self.url = ""
        self.why = ""
        self.codes: list[DeviceCode] = []
        self.notes: list[str] = []
        self.done_times = 0

    def page(self, url: str, *, opened: bool, why_paste: str) -> None:
        assert opened
        self.url, self.why = url, why_paste

    def code(self, code: DeviceCode) -> None:
        self.codes.append(code)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def waiting(self, ends_at: float) -> None:
        assert ends_at > 0

    def done(self) -> None:
        self.done_times += 1

    async def pasted(self) -> str:
        if not self._lines:
            raise EOFError
        line = self._lines.pop(0)
        return line if isinstance(line, str) else line(self.url)


def state_of(url: str) -> str:
    return dict(parse_qsl(urlsplit(url).query))["state"]


def answer(url: str) -> str:
    return f"the-code#{state_of(url)}"


def make(person: Person, spec: LoginSpec | None = None, **words: object) -> SignIn:
    asked: list[Request] = []

    async def send(request: Request) -> Reply:
        asked.append(request)
        return GIVEN

    words = {"login": spec or login(), "send": send, "opener": lambda _: True, **words}
    return SignIn(watch=person, **words)  # type: ignore[arg-type]


def run(it: SignIn, method: Method) -> TokenSet:
    return asyncio.run(it.run(method))


def test_what_is_pasted_becomes_tokens() -> None:
    sent: list[dict[str, str]] = []

    async def send(request: Request) -> Reply:
        sent.append(fields(request))
        return GIVEN

    person = Person(answer)
    tokens = run(make(person, send=send), Method.PASTE)
    assert tokens.facts["email"] == "m@x"
    assert sent[0]["redirect_uri"] == "https://platform.claude.com/oauth/code/callback"
    assert person.done_times


def test_what_is_no_answer_is_noted_and_asked_for_again() -> None:
    person = Person("nonsense here", "the-code#other-state", answer)
    run(make(person), Method.PASTE)
    assert len(person.notes) == 2
    assert all(it.startswith("Not taken: ") for it in person.notes)


def test_input_that_ends_says_what_was_wrong_with_it() -> None:
    with pytest.raises(LoginError) as nothing:
        run(make(Person()), Method.PASTE)
    assert nothing.value.state is AuthState.AUTH_CANCELLED
    with pytest.raises(LoginError, match="another sign-in") as wrong:
        run(make(Person("the-code#other-state")), Method.PASTE)
    assert wrong.value.state is AuthState.INVALID_GRANT


def browsing(*paths: Callable[[str], str]) -> Callable[[str], bool]:
    """A browser that goes where the page leads, one time after the other."""

    def opener(url: str) -> bool:
        redirect = urlsplit(dict(parse_qsl(urlsplit(url).query))["redirect_uri"])

        def go() -> None:
            for path_of in paths:
                connection = http.client.HTTPConnection("127.0.0.1", redirect.port or 0, timeout=30)
                connection.request("GET", path_of(url), headers={"host": redirect.netloc})
                connection.getresponse().read()
                connection.close()

        # after this returns, the sign-in waits for its answer
        asyncio.run_coroutine_threadsafe(asyncio.to_thread(go), loops[-1])
        return True

    return opener


loops: list[asyncio.AbstractEventLoop] = []


def run_browsing(it: SignIn) -> TokenSet:
    async def main() -> TokenSet:
        loops.append(asyncio.get_running_loop())
        return await it.run(Method.BROWSER)

    return asyncio.run(main())


def landing(**words: str) -> Callable[[str], str]:
    return lambda url: f"/callback?{urlencode({'state': state_of(url), **words})}"


def test_the_browser_s_answer_becomes_tokens_though_nobody_pastes() -> None:
    it = make(Person(), opener=browsing(landing(code="the-code")))
    tokens = run_browsing(it)
    assert tokens.access_token.get_secret_value() == "at"


def test_a_pasted_answer_counts_while_the_browser_is_awaited() -> None:
    person = Person(
        "nonsense here",
        lambda url: (
            f"http://localhost:1/callback?{urlencode({'code': 'c', 'state': state_of(url)})}"
        ),
    )
    assert run_browsing(make(person)).access_token.get_secret_value() == "at"
    assert len(person.notes) == 1


def test_a_no_in_the_browser_ends_it() -> None:
    it = make(Person(), opener=browsing(landing(error="access_denied")))
    with pytest.raises(LoginError) as said:
        run_browsing(it)
    assert said.value.state is AuthState.AUTH_CANCELLED


def test_an_answer_of_another_sign_in_is_noted_and_waited_on() -> None:
    person = Person()
    foreign = landing(code="c", state="other")
    run_browsing(make(person, opener=browsing(foreign, landing(code="the-code"))))
    assert person.notes == ["An answer for another sign-in came in, and was not taken."]


def test_a_person_has_so_long_and_no_longer() -> None:
    person = Person()
    with pytest.raises(LoginError, match="not finished within 0 minutes") as said:
        run(make(person, limit_s=0.01), Method.BROWSER)
    assert said.value.state is AuthState.AUTH_CANCELLED
    assert person.done_times


def test_a_port_in_use_is_gone_around_by_pasting(monkeypatch: pytest.MonkeyPatch) -> None:
    def taken(*_: object) -> None:
        raise PortTakenError((1455, 1457))

    monkeypatch.setattr(sign_in, "CallbackListener", taken)
    person = Person(lambda url: f"?{urlencode({'code': 'c', 'state': state_of(url)})}")
    run(make(person, login("codex", "chatgpt")), Method.BROWSER)
    assert person.why == "another program holds port 1455 and 1457"
    assert "localhost%3A1455" in person.url
    with pytest.raises(KorProxyError) as said:
        run(make(Person(can_paste=False), login("codex", "chatgpt")), Method.BROWSER)
    assert said.value.spec is LOGIN_PORT_TAKEN


def test_a_device_code_is_shown_and_polled() -> None:
    answers = iter(
        (
            reply(
                body={"device_code": "d", "user_code": "ABCD", "verification_uri": "https://x/d"}
            ),
            reply(400, {"error": "authorization_pending"}),
            GIVEN,
        )
    )
    slept: list[float] = []

    async def send(_: Request) -> Reply:
        return next(answers)

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    person = Person()
    run(make(person, login("qwen", "oauth"), send=send, sleep=sleep), Method.DEVICE)
    assert [it.user_code for it in person.codes] == ["ABCD"]
    assert slept == [5.0, 5.0]


@pytest.mark.parametrize(
    ("spec", "method"),
    [(login("qwen", "oauth"), Method.BROWSER), (login(), Method.DEVICE)],
    ids=["no-browser", "no-device"],
)
def test_what_the_provider_does_not_have_is_not_tried(spec: LoginSpec, method: Method) -> None:
    with pytest.raises(KorProxyError) as said:
        run(make(Person(), spec), method)
    assert said.value.spec is LOGIN_NOT_OFFERED


def test_a_login_by_any_port_is_pasted_from_one_that_is_nobody_s() -> None:
    person = Person(lambda url: f"?{urlencode({'code': 'c', 'state': state_of(url)})}")
    run(make(person, replace(login(), manual_redirect="")), Method.PASTE)
    assert "localhost%3A61455" in person.url
