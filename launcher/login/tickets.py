"""Unguessable beginnings of logins, and the number by which a provider knows this installation."""

import os
import secrets
import uuid
from pathlib import Path

from korproxy_addons.auth.authorize import Ticket
from korproxy_addons.auth.tokens import TokenSet

FILE_NAME = "installation-id"


def new_ticket(
    redirect_uri: str = "", *, installation: str = "", previous: TokenSet | None = None
) -> Ticket:
    """
    A ticket for one login.

    Args:
        redirect_uri: Where the answer is to come.
        installation: This installation's number.
        previous: The login that is to be renewed; its issued client id is used again.
    """
    facts = previous.facts if previous is not None else {}
    return Ticket(
        state=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(64),
        nonce=secrets.token_urlsafe(32),
        redirect_uri=redirect_uri,
        client_id=facts.get("client_id", ""),
        installation=installation,
        login_hint=facts.get("email", ""),
    )


def installation_id(home: Path) -> str:
    """
    A random UUID, the same for this KorProxy folder ever after; it says nothing of machine or person.

    Raises:
        OSError: The folder cannot be written.
    """
    path = home / FILE_NAME
    try:
        return str(uuid.UUID(path.read_text("ascii").strip()))
    except (OSError, ValueError):
        pass
    made = str(uuid.uuid4())
    aside = path.with_name(f".{FILE_NAME}.{os.getpid()}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(made + "\n")
    aside.replace(path)
    return made
