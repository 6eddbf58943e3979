"""What a question about a route is answered from, without a folder: a configuration, and how its accounts stand."""

import json
from collections.abc import Sequence
from typing import Any

from korproxy_addons.accounts.fleet import Fleet
from korproxy_addons.config.parse import parse_config
from korproxy_addons.gateway.explain_query import Known
from korproxy_addons.providers.resolve import resolve_accounts

NOW = 1_800_000_000.0
SETTINGS: dict[str, Any] = {
    "allow_plain_secrets": True,
    "providers": {
        name: {
            "dialect": "openai-chat",
            "base_url": f"https://{name}.example",
            "models": ["m", "n"],
        }
        for name in ("one", "two")
    },
    "accounts": [
        {"id": "a", "provider": "one", "label": "Account A", "secret": "plain:a"},
        {"id": "b", "provider": "one", "secret": "plain:b"},
        {"id": "c", "provider": "two", "secret": "plain:c"},
    ],
    "groups": [{"id": "last", "accounts": ["c"]}],
    "profiles": [
        {
            "id": "work",
            "name": "Day job",
            "projects": "/src/job",
            "group": ["default", "last"],
            "rules": [
                {"name": "night", "when": {"time": "00:00-00:01"}, "group": "last"},
                {"name": "seen", "when": {"kind": "vision"}, "group": "last"},
                {
                    "name": "short",
                    "when": {"max_input_tokens": 100},
                    "parameters": {"effort": "low"},
                },
            ],
        }
    ],
    "local_keys": {"keys": [{"id": "tool", "secret": "plain:k", "profile": "work"}]},
}


def known(
    rows: Sequence[tuple[Any, ...]] = (), fleet: Fleet | None = None, **settings: Any
) -> Known:
    """With these rows as the answer to whatever is asked of the database."""
    if "profiles" in settings:
        settings = {"local_keys": {}, **settings}
    config = parse_config(json.dumps({**SETTINGS, **settings}).encode())
    return Known(
        config=config,
        accounts={it.id: it for it in resolve_accounts(config)},
        fleet=fleet or Fleet(),
        read=lambda _sql, _params: rows,
        home="/h/u",
        now=NOW,
    )
