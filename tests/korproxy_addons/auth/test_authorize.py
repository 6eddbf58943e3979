from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.auth.authorize import (
    IgnoredAnswer,
    Ticket,
    authorize_url,
    read_callback,
    read_pasted,
)
from korproxy_addons.auth.states import AuthState, LoginError
from korproxy_addons.providers import PROVIDERS
from korproxy_addons.providers.logins import LoginSpec


def login(provider: str, access: str) -> LoginSpec:
    found = PROVIDERS[provider].access(access).login
    assert found is not None
    return found


CLAUDE, SIWC = login("claude", "subscription"), login("codex", "siwc")
CODEX, IFLOW = login("codex", "chatgpt"), login("iflow", "login")
# RFC 7636, appendix B
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
TICKET = Ticket(
    state="the-state", verifier=VERIFIER, nonce="the-nonce", redirect_uri="http://localhost:1/cb",
    installation="0000-1",
)  # fmt: skip


def asked(spec: LoginSpec, ticket: Ticket = TICKET) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(authorize_url(spec, ticket)).query))


def test_the_challenge_is_that_of_the_standard() -> None:
    assert TICKET.challenge == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_claude_s_page() -> None:
    url = authorize_url(CLAUDE, TICKET)
    assert url.startswith("https://claude.ai/oauth/authorize?")
    assert asked(CLAUDE) == {
        "code": "true",
        "response_type": "code",
        "client_id": "9d1c250a-e61b-44d9-88ed-5944d1962f5e",
        "redirect_uri": "http://localhost:1/cb",
        "state": "the-state",
        "scope": "user:profile user:inference user:sessions:claude_code user:mcp_servers"
        " user:file_upload",
        "code_challenge": TICKET.challenge,
        "code_challenge_method": "S256",
    }


def test_chatgpt_s_sign_in_is_told_our_name_once() -> None:
    first = asked(SIWC)
    assert first["agent_name_hint"] == "KorProxy"
    assert first["ext_agent_host_id"] == "urn:uuid:0000-1"
    assert (first["nonce"], first["client_id"]) == ("the-nonce", "dynamic_agent_client")
    assert first["resource"] == "https://api.openai.com/v1"
    again = asked(
        SIWC,
        Ticket(state="s", verifier=VERIFIER, nonce="n", client_id="oaiapp_1", login_hint="mina@x"),
    )
    assert (again["client_id"], again["login_hint"]) == ("oaiapp_1", "mina@x")
    assert "agent_name_hint" not in again
    # What was once not granted is asked for again, and only then.
    assert (first.get("prompt"), again["prompt"]) == (None, "consent")


def test_codex_is_told_who_we_are_and_not_that_we_are_codex() -> None:
    assert asked(CODEX)["originator"] == "korproxy"


def test_iflow_names_the_callback_otherwise_and_knows_no_challenge() -> None:
    query = asked(IFLOW)
    assert query["redirect"] == "http://localhost:1/cb"
    assert not {"redirect_uri", "code_challenge", "scope", "response_type"} & query.keys()


def test_a_callback_brings_the_code() -> None:
    query = {"code": "planted", "state": "the-state", "client_id": "x"}
    found = read_callback(CLAUDE, TICKET, query)
    assert (found.code.get_secret_value(), found.client_id) == ("planted", "")
    assert "planted" not in repr(found)


@pytest.mark.parametrize("state", ["", "the-stat", "the-state ", "ä"])
@pytest.mark.parametrize("rest", [{"code": "c"}, {"error": "access_denied"}])
def test_another_state_is_not_taken_whatever_it_says(state: str, rest: dict[str, str]) -> None:
    with pytest.raises(IgnoredAnswer):
        read_callback(CLAUDE, TICKET, {**rest, "state": state})


@pytest.mark.parametrize(
    ("error", "state"),
    [
        ("access_denied", AuthState.AUTH_CANCELLED),
        ("invalid_scope", AuthState.SCOPE_DENIED),
        ("server_error", AuthState.PROVIDER_ERROR),
        ("unauthorized_client", AuthState.INVALID_GRANT),
        ("", AuthState.INVALID_GRANT),
    ],
)
def test_a_no_is_one_of_the_six_states(error: str, state: AuthState) -> None:
    with pytest.raises(LoginError) as said:
        read_callback(CLAUDE, TICKET, {"error": error, "state": "the-state"})
    assert said.value.state is state
    assert not isinstance(said.value, IgnoredAnswer)


def test_a_client_id_must_be_issued_with_the_first_code() -> None:
    query = {"code": "c", "state": "the-state"}
    with pytest.raises(LoginError, match="client id"):
        read_callback(SIWC, TICKET, query)
    assert read_callback(SIWC, TICKET, {**query, "client_id": "oaiapp_9"}).client_id == "oaiapp_9"
    with pytest.raises(LoginError, match="client id"):
        read_callback(SIWC, TICKET, {**query, "client_id": SIWC.client_id})
    known = Ticket(state="the-state", verifier=VERIFIER, nonce="n", client_id="oaiapp_9")
    assert read_callback(SIWC, known, query).client_id == ""
    assert read_callback(SIWC, known, {**query, "client_id": "oaiapp_9"}).client_id == "oaiapp_9"
    with pytest.raises(LoginError, match="somebody else") as said:
        read_callback(SIWC, known, {**query, "client_id": "oaiapp_8"})
    assert said.value.state is AuthState.INVALID_GRANT


QUERY = urlencode({"code": "4/0Ade-x", "state": "the-state"})


@pytest.mark.parametrize(
    "text",
    [
        f"http://localhost:1455/auth/callback?{QUERY}",
        f"  <http://localhost:1455/auth/callback?{QUERY}>\n",
        f'"http://localhost:1455/auth/callback?{QUERY}"',
        f"http://localhost:1455/auth/callback#{QUERY}",
        f"?{QUERY}",
        QUERY,
        "4/0Ade-x#the-state",
    ],
)
def test_what_people_paste(text: str) -> None:
    assert read_pasted(CODEX, TICKET, text).code.get_secret_value() == "4/0Ade-x"


@pytest.mark.parametrize(
    "text",
    ["", "what?", "http://localhost:1455/auth/callback", "4/0Ade-x", "code", "c#other-state",
     f"http://localhost:1/cb?{urlencode({'code': 'c', 'state': 'other'})}", "http://[::1", "a=b"],
)  # fmt: skip
def test_what_is_no_answer_is_asked_for_again(text: str) -> None:
    with pytest.raises(IgnoredAnswer):
        read_pasted(CODEX, TICKET, text)


def test_a_bare_code_is_enough_only_where_the_page_shows_one() -> None:
    shown = Ticket(
        state="the-state", verifier=VERIFIER, nonce="", redirect_uri=CLAUDE.manual_redirect
    )
    assert read_pasted(CLAUDE, shown, "bare-code").code.get_secret_value() == "bare-code"
    with pytest.raises(IgnoredAnswer, match="whole address"):
        read_pasted(CLAUDE, TICKET, "bare-code")


def test_what_is_no_answer_says_what_would_be_one() -> None:
    shown = Ticket(
        state="the-state", verifier=VERIFIER, nonce="", redirect_uri=CLAUDE.manual_redirect
    )
    with pytest.raises(IgnoredAnswer, match="not the code that the page shows"):
        read_pasted(CLAUDE, shown, "what do I paste?")
    with pytest.raises(IgnoredAnswer, match="not the address that the browser ended on"):
        read_pasted(CLAUDE, TICKET, "what do I paste?")


def test_a_pasted_no_is_a_no() -> None:
    query = urlencode({"error": "access_denied", "state": "the-state"})
    with pytest.raises(LoginError) as said:
        read_pasted(CODEX, TICKET, f"http://localhost:1455/auth/callback?{query}")
    assert said.value.state is AuthState.AUTH_CANCELLED


@given(st.text())
def test_any_text_is_an_answer_or_none(text: str) -> None:
    try:
        found = read_pasted(CODEX, TICKET, text)
    except LoginError:
        return
    assert found.code.get_secret_value()


def test_a_ticket_does_not_show_what_it_holds() -> None:
    assert not {"the-state", VERIFIER, "the-nonce"} & set(repr(TICKET).split("'"))
