"""The page that asks a person for permission, and what comes back from it."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit

from pydantic import SecretStr

from korproxy_addons.auth.failures import by_code, printable
from korproxy_addons.auth.states import AuthState, LoginError, rejected
from korproxy_addons.errors.catalogue import OAUTH_FAILED
from korproxy_addons.providers.logins import LoginSpec

AGENT_NAME = "KorProxy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """
    What one login begins with; of no use to any other.

    Attributes:
        state: Comes back with the answer, unguessable.
        verifier: Proves at the exchange that the code was asked for here (RFC 7636).
        nonce: Comes back in the id_token.
        redirect_uri: Where the answer is sent to.
        client_id: One that the provider issued to this installation before; "": none.
        installation: UUID of this installation; "": none is told.
        login_hint: The email that is to sign in again; "": anyone.
    """

    state: str = field(repr=False)
    verifier: str = field(repr=False)
    nonce: str = field(repr=False)
    redirect_uri: str = ""
    client_id: str = ""
    installation: str = ""
    login_hint: str = ""

    @property
    def challenge(self) -> str:
        """S256 of the verifier."""
        digest = hashlib.sha256(self.verifier.encode("ascii")).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Callback:
    """What the callback brought: the code, and a client id where one was issued with it."""

    code: SecretStr
    client_id: str = ""


class IgnoredAnswer(LoginError):
    """Something that is no answer to this login: it is not taken, and the login goes on."""

    def __init__(self, detail: str) -> None:
        super().__init__(AuthState.INVALID_GRANT, OAUTH_FAILED, detail)


def authorize_url(login: LoginSpec, ticket: Ticket) -> str:
    """The address to open in a browser."""
    query = {
        **dict(login.auth_params),
        "client_id": ticket.client_id or login.client_id,
        login.redirect_field: ticket.redirect_uri,
        "state": ticket.state,
    }
    if login.scopes:
        query["scope"] = " ".join(login.scopes)
    if login.pkce:
        query["code_challenge"] = ticket.challenge
        query["code_challenge_method"] = "S256"
    if login.issues_client_id:
        query["nonce"] = ticket.nonce
        query["ext_agent_host_id"] = f"urn:uuid:{ticket.installation}"
        if ticket.client_id:
            # It is made anew because something is amiss: what was once refused must be asked for again.
            query["prompt"] = "consent"
        else:
            query["agent_name_hint"] = AGENT_NAME
        if ticket.login_hint:
            query["login_hint"] = ticket.login_hint
    return f"{login.auth_url}?{urlencode(query)}"


def read_callback(login: LoginSpec, ticket: Ticket, query: Mapping[str, str]) -> Callback:
    """
    The code in a callback's query.

    Raises:
        IgnoredAnswer: The state is not this login's, whatever else it says.
        LoginError: The person said no (AUTH_CANCELLED), or the provider did.
    """
    state = query.get("state", "")
    if not hmac.compare_digest(state.encode(), ticket.state.encode()):
        raise IgnoredAnswer("the answer belongs to another sign-in")
    code = query.get("code", "")
    if not code:
        error = query.get("error", "")
        said = printable(query.get("error_description", ""))
        detail = f"{printable(error)}: {said}" if said else printable(error)
        raise by_code(error, detail or "the answer holds no code")
    client_id = query.get("client_id", "") if login.issues_client_id else ""
    if login.issues_client_id and (client_id or ticket.client_id) in {"", login.client_id}:
        raise rejected("the answer holds no client id")
    if client_id and ticket.client_id not in {"", client_id}:
        raise rejected("somebody else has signed in; add theirs as an account of its own")
    return Callback(SecretStr(code), client_id)


def read_pasted(login: LoginSpec, ticket: Ticket, text: str) -> Callback:
    """
    The code in what a person pasted: the whole address, its query, `code#state`, or the code.

    A bare code is taken only where the provider's own page shows one; PKCE still binds it to here.

    Raises:
        IgnoredAnswer: It holds no answer, or that to another login.
        LoginError: As `read_callback`.
    """
    text = text.strip().strip("<>\"'").strip()
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    query = dict(parse_qsl(parts.query)) or dict(parse_qsl(parts.fragment))
    if not query and "=" in text:
        query = dict(parse_qsl(text.removeprefix("?")))
    if not {"code", "error"} & query.keys():
        code, separator, state = text.partition("#")
        shows_code = bool(login.manual_redirect) and ticket.redirect_uri == login.manual_redirect
        if not code or " " in text or "/" in code.removeprefix("4/") or "://" in text:
            wanted = (
                "code that the page shows" if shows_code else "address that the browser ended on"
            )
            raise IgnoredAnswer(f"this is not the {wanted}")
        if not separator and not shows_code:
            raise IgnoredAnswer("the code alone is not enough; paste the whole address")
        query = {"code": code, "state": state if separator else ticket.state}
    return read_callback(login, ticket, query)
