"""Authorization codes for tokens: what must hold before a token endpoint gives any."""

from collections.abc import Callable
from typing import Any

from launcher.simulator.authorizations import Code, challenge_of
from launcher.simulator.call import Call, Reply
from launcher.simulator.contracts.base import refuse
from launcher.simulator.contracts.clients import SIWC_CLIENT, SIWC_FIRST

Json = dict[str, Any]
Error = Callable[[Call, int, str, str], Reply]


def redeem(call: Call, access: str, form: Json, error: Error) -> Code:
    """
    The code in a form, used up.

    Raises:
        Refused: It is unknown, used, too old, or asked for by somebody else.
    """

    def refused(text: str, code: str = "invalid_grant") -> Exception:
        return refuse(error(call, 400, text, code))

    code = call.world.authorizations.codes.get(str(form.get("code", "")))
    if code is None or code.asked.access != access:
        raise refused("Invalid authorization code.")
    call.know(code.credential)
    call.gate("exchange")
    if code.used:
        # RFC 6749, section 4.1.2: what the code was exchanged for before is not safe either.
        call.world.logins.revoke(code.refresh)
        raise refused("Authorization code was already used.")
    if code.expires_at <= call.world.now():
        raise refused("Authorization code expired.")
    asked = code.asked
    client_id = SIWC_CLIENT if asked.client_id == SIWC_FIRST else asked.client_id
    if form.get("client_id") != client_id:
        raise refused("The code was issued to another client.")
    if form.get("redirect_uri") != asked.redirect_uri:
        raise refused("Invalid 'redirect_uri' in request.")
    verifier = str(form.get("code_verifier", ""))
    if asked.challenge and challenge_of(verifier) != asked.challenge:
        raise refused("PKCE verification failed.")
    if access == "subscription" and form.get("state") != asked.state:
        raise refused("Invalid 'state' in request.")
    code.used = True
    return code
