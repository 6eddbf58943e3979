"""A person at the simulated providers' pages, without a browser."""

import html
import re
from urllib.parse import parse_qsl, urlencode, urlsplit

from support.simulator_client import Received, send

FORM = {"content-type": "application/x-www-form-urlencoded"}


def decide(
    url: str, decision: str = "approve", *, without: str = "", account: str = ""
) -> Received:
    """
    Open a page, and press one of its buttons.

    Args:
        url: The page.
        decision: `approve` or `deny`.
        without: A permission that is not granted.
        account: Who signs in; "": the first one.
    """
    shown = send("GET", url)
    assert shown.status == 200, shown.text
    found = re.findall(r"name=(ticket|scope checked) value='([^']*)'", shown.text)
    form = [("decision", decision), *([("account", account)] if account else [])]
    for name, value in found:
        text = html.unescape(value)
        if text != without:
            form.append((name.partition(" ")[0], text))
    return send("POST", url, urlencode(form).encode(), FORM)


def landed(reply: Received) -> dict[str, str]:
    """What the callback is given."""
    assert reply.status == 302, reply.text
    return dict(parse_qsl(urlsplit(reply.headers["location"]).query))
