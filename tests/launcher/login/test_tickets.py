import os
import stat
import uuid
from pathlib import Path

from pydantic import SecretStr

from korproxy_addons.auth.tokens import TokenSet
from launcher.login.tickets import installation_id, new_ticket


def test_no_two_tickets_share_anything() -> None:
    tickets = [new_ticket("http://localhost:1/cb") for _ in range(50)]
    for name in ("state", "verifier", "nonce"):
        assert len({getattr(it, name) for it in tickets}) == 50
    assert all(43 <= len(it.verifier) <= 128 for it in tickets)  # RFC 7636, section 4.1
    assert all(len(it.state) >= 43 for it in tickets)


def test_a_login_that_is_renewed_keeps_its_issued_client() -> None:
    old = TokenSet(access_token=SecretStr("at"), facts={"client_id": "oaiapp_1", "email": "mina@x"})
    ticket = new_ticket(previous=old)
    assert (ticket.client_id, ticket.login_hint) == ("oaiapp_1", "mina@x")
    assert new_ticket().client_id == ""


def test_an_installation_has_one_number_that_is_its_owner_s_alone(tmp_path: Path) -> None:
    found = installation_id(tmp_path)
    assert uuid.UUID(found).version == 4
    assert installation_id(tmp_path) == found
    if os.name == "posix":
        assert stat.S_IMODE((tmp_path / "installation-id").stat().st_mode) == 0o600
    (tmp_path / "installation-id").write_text("not a number")
    assert installation_id(tmp_path) != found
