"""The pages on which a person gives or refuses permission, and where they lead."""

from typing import Any
from urllib.parse import parse_qs, urlencode

from launcher.simulator.authorizations import Asked
from launcher.simulator.call import Call, Reply
from launcher.simulator.contracts.clients import CLIENTS, SIWC_CLIENT, Client
from launcher.simulator.contracts.pages import code_page, consent_page, page, redirect
from launcher.simulator.keys import CREDENTIALS, Credential

Json = dict[str, Any]
PAGES = {client.page: client for client in CLIENTS}
MANUAL = {client.manual[1]: client for client in CLIENTS if client.manual[1]}


def takes(call: Call) -> bool:
    """Whether this is one of the pages."""
    return (call.host, call.path) in PAGES or f"/{call.host}{call.path}" in MANUAL


def answer(call: Call) -> Reply:
    """The page, or where its button leads."""
    shown = MANUAL.get(f"/{call.host}{call.path}")
    if shown is not None:
        code, state = call.query.get("code", ""), call.query.get("state", "")
        return code_page(
            shown.provider, f"{code}#{state}" if shown.access == "subscription" else code
        )
    client = PAGES[call.host, call.path]
    call.entry.provider, call.entry.access = accounts(client.access)[0].provider, client.access
    return _decided(call, client) if call.method == "POST" else _asked(call, client)


def accounts(access: str) -> list[Credential]:
    """Whoever can sign in to a way in."""
    return [it for it in CREDENTIALS if it.access == access and it.refresh]


def account_names(access: str) -> list[str]:
    """The same, as a page lists them."""
    return [it.email or it.account_id or it.refresh for it in accounts(access)]


def account_named(access: str, name: str) -> Credential:
    """The one that a page's form named; the first one for anything else."""
    names = account_names(access)
    return accounts(access)[names.index(name) if name in names else 0]


def _asked(call: Call, client: Client) -> Reply:
    query = call.query
    redirect_uri = query.get(client.redirect_field, "")
    if query.get("client_id") not in client.ids:
        return page("Unknown application", "<p>invalid_client</p>", 400)
    if not client.takes(redirect_uri):
        return page("Wrong callback", "<p>The redirect_uri is not registered.</p>", 400)
    wrong = [
        name
        for name, value in client.needed
        if not query.get(name) or (value and query[name] != value)
    ]
    method, challenge = query.get("code_challenge_method"), query.get("code_challenge", "")
    if (client.pkce and not challenge) or (challenge and (method, len(challenge)) != ("S256", 43)):
        wrong.append("code_challenge")
    scopes = frozenset(query.get("scope", "").split())
    state = query.get("state", "")
    if wrong:
        text = f"Bad or missing {', '.join(wrong)}"
        return _back(
            redirect_uri, {"error": "invalid_request", "error_description": text, "state": state}
        )
    if not scopes <= client.scopes or bool(scopes) != bool(client.scopes):
        return _back(redirect_uri, {"error": "invalid_scope", "state": state})
    call.gate("authorize")
    asked = Asked(
        access=client.access,
        client_id=query["client_id"],
        redirect_uri=redirect_uri,
        state=state,
        scopes=scopes,
        challenge=challenge,
        nonce=query.get("nonce", ""),
    )
    ticket = call.world.authorizations.ask(call.world.ids, asked)
    return consent_page(client.provider, ticket, account_names(client.access), sorted(scopes))


def _decided(call: Call, client: Client) -> Reply:
    form = parse_qs(call.body.decode("utf-8", "replace"))
    asked = call.world.authorizations.pages.pop(form.get("ticket", [""])[0], None)
    if asked is None:
        return page("Too late", "<p>This page was answered already.</p>", 400)
    credential = account_named(client.access, form.get("account", [""])[0])
    call.know(credential)
    call.gate("consent")
    fault = call.rule.fault if call.rule is not None else ""
    state = f"not-{asked.state}" if fault == "foreign-state" else asked.state
    if form.get("decision") != ["approve"]:
        text = "The user denied the request"
        return _back(
            asked.redirect_uri,
            {"error": "access_denied", "error_description": text, "state": state},
        )
    scopes = asked.scopes & frozenset(form.get("scope", []))
    if fault == "less-scope" and call.rule is not None:
        scopes -= {str(call.rule.params.get("scope", ""))}
    now = call.world.now()
    code = call.world.authorizations.issue(call.world.ids, asked, credential, scopes, now)
    words = {"code": code, "state": state}
    if client.access == "siwc" and fault != "no-client-id":
        words["client_id"] = SIWC_CLIENT
    target, here = client.manual
    if target and asked.redirect_uri == target:
        return _back(f"{call.world.base_url}{here}", words)
    return _back(asked.redirect_uri, words)


def _back(redirect_uri: str, words: dict[str, str]) -> Reply:
    return redirect(f"{redirect_uri}?{urlencode(words)}")
