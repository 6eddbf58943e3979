"""The few web pages of the simulated providers: plain HTML with buttons that a browser can press."""

import html
from collections.abc import Iterable

from launcher.simulator.call import Reply

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:4rem auto;padding:0 1rem}"
    "button{font:inherit;padding:.5rem 1.5rem;margin-right:1rem}code{font-size:1.25rem}"
)


def page(title: str, body: str, status: int = 200) -> Reply:
    """A page; `body` is HTML whose parts were escaped."""
    text = (
        f"<!DOCTYPE html><html lang=en><head><meta charset=utf-8><title>{html.escape(title)}</title>"
        f"<style>{_STYLE}</style></head><body><h1>{html.escape(title)}</h1>{body}</body></html>"
    )
    headers = [("cache-control", "no-store"), ("referrer-policy", "no-referrer")]
    return Reply(status, text.encode(), headers, "text/html; charset=utf-8")


def consent_page(
    provider: str, ticket: str, accounts: Iterable[str], scopes: Iterable[str]
) -> Reply:
    """Who signs in, what is granted, Approve and Deny."""
    names = "".join(f"<option>{html.escape(name)}</option>" for name in accounts)
    boxes = "".join(
        f"<p><label><input type=checkbox name=scope checked value='{html.escape(it)}'>"
        f" {html.escape(it)}</label></p>"
        for it in scopes
    )
    return page(
        f"{provider} (simulated)",
        f"<p>An application on this computer asks for access to your account.</p><form method=post>"
        f"<input type=hidden name=ticket value='{html.escape(ticket)}'>"
        f"<p><label>Account <select name=account>{names}</select></label></p>{boxes}"
        f"<button id=approve name=decision value=approve>Approve</button>"
        f"<button id=deny name=decision value=deny>Deny</button></form>",
    )


def device_page(provider: str, user_code: str, accounts: Iterable[str]) -> Reply:
    """A field for the code, Approve and Deny."""
    names = "".join(f"<option>{html.escape(name)}</option>" for name in accounts)
    return page(
        f"{provider} device login (simulated)",
        f"<form method=post><p><label>Code <input name=user_code id=user_code"
        f" value='{html.escape(user_code)}'></label></p>"
        f"<p><label>Account <select name=account>{names}</select></label></p>"
        f"<button id=approve name=decision value=approve>Approve</button>"
        f"<button id=deny name=decision value=deny>Deny</button></form>",
    )


def code_page(provider: str, code: str) -> Reply:
    """A code to copy by hand."""
    return page(
        f"{provider} (simulated)",
        f"<p>Copy this code to the application that asked for it:</p>"
        f"<p><code id=code>{html.escape(code)}</code></p>",
    )


def redirect(location: str) -> Reply:
    """To another address."""
    return Reply(302, headers=[("location", location)], content_type=None)
