"""The page that a person sees in the browser at the end of a login."""

import base64
import hashlib
import html

_STYLE = (
    "body{font:17px/1.5 system-ui,sans-serif;margin:0;min-height:100vh;display:grid;place-items:center;"
    "background:#f6f6f4;color:#1b1b1a}main{max-width:30rem;padding:2rem;text-align:center}"
    "h1{font-size:1.5rem;margin:.5rem 0}.mark{font-size:3rem;line-height:1}p{margin:.5rem 0;color:#55554f}"
    "@media(prefers-color-scheme:dark){body{background:#171716;color:#f0f0ec}p{color:#a9a9a2}}"
)
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": (
        f"default-src 'none'; style-src 'sha256-{_HASH}'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "content-type": "text/html; charset=utf-8",
    "referrer-policy": "no-referrer",  # the address holds the code
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
"""Sent with the page: it loads nothing, and nothing may hold it."""


def page(title: str, text: str, *, good: bool) -> str:
    """
    The page as HTML.

    Args:
        title: What happened.
        text: What to do now.
        good: Whether all is well.
    """
    mark = "✓" if good else "✕"
    return (
        "<!DOCTYPE html><html lang=en><head><meta charset=utf-8>"
        f"<meta name=viewport content='width=device-width'><title>{html.escape(title)} · KorProxy</title>"
        f"<style>{_STYLE}</style></head><body><main><div class=mark aria-hidden=true>{mark}</div>"
        f"<h1>{html.escape(title)}</h1><p>{html.escape(text)}</p></main></body></html>"
    )
