"""What would become of a request on its way: in which API, with what lost; told without sending anything."""

import json
from typing import Any

import pytest

from korproxy_addons.gateway.explain_query import Query, answer
from korproxy_addons.gateway.explaining import Explanation
from korproxy_addons.presets import PRESETS
from support.explaining import known

CLAUDE = PRESETS["claude-code"]
PROVIDERS: dict[str, Any] = {
    f"x-{name}": {"dialect": name, "base_url": f"https://{name}.example", "models": [f"m-{name}"]}
    for name in ("openai-chat", "openai-responses", "anthropic-messages", "gemini")
}
ACCOUNTS = [{"id": name, "provider": name, "secret": "plain:x"} for name in PROVIDERS]


def told(model: str, body: dict[str, Any] | None = None, **settings: Any) -> Explanation:
    assert CLAUDE.sample is not None
    sent = {**(CLAUDE.sample.body if body is None else body), "model": model}
    query = Query(request=json.dumps(sent), dialect="anthropic-messages", tool="claude-code")
    plain: dict[str, Any] = {
        "profiles": [],
        "groups": [],
        "providers": PROVIDERS,
        "accounts": ACCOUNTS,
    }
    return answer(query, known(**{**plain, **settings}))


def test_in_its_own_api_a_request_passes_and_nothing_is_lost() -> None:
    crossing = told("m-anthropic-messages").crossing
    assert crossing is not None
    assert (crossing.dialect, crossing.native, crossing.error) == ("anthropic-messages", True, "")
    assert crossing.losses == ()


@pytest.mark.parametrize("upstream", ["openai-chat", "openai-responses", "gemini"])
def test_in_another_api_what_is_lost_is_named(upstream: str) -> None:
    crossing = told(f"m-{upstream}").crossing
    assert crossing is not None
    assert (crossing.dialect, crossing.native, crossing.error) == (upstream, False, "")
    assert "cache_marker" in {it.feature for it in crossing.losses}
    assert not any(it.serious for it in crossing.losses)


def test_what_cannot_be_said_there_is_told_with_its_code_unless_the_user_allows_it() -> None:
    picture = {"type": "image", "source": {"type": "url", "url": "https://pictures.example/a.png"}}
    body = {"max_tokens": 9, "messages": [{"role": "user", "content": [picture]}]}
    habits = {"providers": PROVIDERS | {
        "x-openai-chat": PROVIDERS["x-openai-chat"] | {"habits": {"image_urls": False}}
    }}  # fmt: skip
    crossing = told("m-openai-chat", body, **habits).crossing
    assert crossing is not None
    assert crossing.code == "KP-REQ-712"
    assert "image" in crossing.error
    allowed = told("m-openai-chat", body, allow_degradation=True, **habits).crossing
    assert allowed is not None
    assert [(it.feature, it.serious) for it in allowed.losses if it.serious] == [("image", True)]


def test_a_model_alone_has_no_crossing_nor_has_one_that_nobody_serves() -> None:
    assert answer(Query(model="m"), known()).crossing is None
    assert told("m-unheard-of").crossing is None
