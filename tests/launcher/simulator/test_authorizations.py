from launcher.simulator.authorizations import Asked, Authorizations, challenge_of
from launcher.simulator.ids import Ids
from launcher.simulator.keys import CREDENTIALS

ASKED = Asked("subscription", "me", "http://localhost:1/callback", "s", frozenset({"a"}))


def test_the_challenge_is_that_of_the_standard() -> None:
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"  # RFC 7636, appendix B
    assert challenge_of(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_pages_and_codes_are_told_apart() -> None:
    every, ids = Authorizations(), Ids()
    tickets = {every.ask(ids, ASKED) for _ in range(3)}
    assert len(tickets) == 3
    code = every.issue(ids, ASKED, CREDENTIALS[0], frozenset({"a"}), 100.0)
    assert every.codes[code].expires_at == 700.0
    assert not every.codes[code].used


def test_a_device_is_found_by_what_the_person_types() -> None:
    every = Authorizations()
    device = every.device(Ids(), 0.0, access="oauth", client_id="me", scopes=frozenset())
    assert every.by_user_code(f" {device.user_code.lower()} ") is device
    assert every.by_user_code("ABCD-EFGH") is None
    assert every.by_device_code(device.device_code) is device
    assert every.by_device_code("") is None
