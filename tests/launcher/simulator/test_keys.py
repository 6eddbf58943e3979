"""The credentials."""

import base64
import json

from launcher.simulator.keys import CREDENTIALS, State, chatgpt_account_id, chatgpt_token


def test_no_secret_belongs_to_two() -> None:
    secrets = [each.secret for each in CREDENTIALS]
    refreshes = [each.refresh for each in CREDENTIALS if each.refresh]
    assert len(set(secrets)) == len(secrets)
    assert len(set(refreshes)) == len(refreshes)


def test_every_way_in_has_several_accounts_that_work() -> None:
    ways = {(each.provider, each.access) for each in CREDENTIALS}
    for way in ways - {("qwen", "oauth")}:
        good = [c for c in CREDENTIALS if (c.provider, c.access) == way and c.state is State.OK]
        assert len(good) >= 2, way


def test_a_chatgpt_token_can_be_read() -> None:
    payload = chatgpt_token("x", 9, "pro", 77).split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert claims["exp"] == 77
    auth = claims["https://api.openai.com/auth"]
    assert (auth["chatgpt_account_id"], auth["chatgpt_plan_type"]) == (chatgpt_account_id(9), "pro")
