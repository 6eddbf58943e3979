"""What must hold between settings: each rule seen to complain, and to be silent."""

import pytest

from korproxy_addons.config.parse import parse_config
from korproxy_addons.config.problems import ConfigProblem, ConfigProblems

KEY = "env:KEY"


def problems(text: str) -> list[tuple[str, str, str]]:
    """(key, expected, found) of every problem in a file."""
    found: tuple[ConfigProblem, ...] = ()
    try:
        parse_config(text.encode())
    except ConfigProblems as error:
        found = error.problems
    return [(it.key, it.expected, it.found) for it in found]


def account(extra: str) -> str:
    return f"accounts: [{{id: a, {extra}}}]"


@pytest.mark.parametrize(
    "text",
    [
        account("provider: claude, secret: 'env:K'"),
        account("provider: claude, access: own-login"),
        account("provider: claude, disabled: true"),
        account("provider: qwen, access: coding-plan, region: cn, secret: 'vault:k'"),
        "providers: {o: {dialect: gemini, base_url: 'https://x.example'}}\n"
        + account("provider: o, secret: 'env:K'"),
        "providers: {o: {dialect: openai-chat, urls: {base: 'https://x.example'}}}",
        "providers: {o: {dialect: openai-chat, auth: none, local: true, base_url: 'http://x'}}\n"
        + account("provider: o"),
        "providers: {o: {dialect: openai-chat, base_url: 'https://x.example'}}\n"
        + account("provider: o, access: none"),
        "providers: {claude: {local: true, base_url: 'http://127.0.0.1:9'}}\n"
        + account("provider: claude, base_url: 'http://127.0.0.1:8', secret: 'env:K'"),
        "providers: {codex: {accesses: {chatgpt: {base_url: 'https://x.example'}}}}",
        (
            "providers: {o: {dialect: gemini, base_url: 'https://x.example', habits: {call_ids: false,"
            " refused_fields: [seed], limit_field: max_tokens, reasoning_switch: none}}}"
        ),
        (
            "providers: {o: {dialect: gemini, base_url: 'https://x.example',"
            " headers: {HTTP-Referer: 'https://k.example'}, query: {api-version: preview}}}"
        ),
        "listen: {hosts: ['127.0.0.1', '127.8.8.8', '::1']}",
        (
            "listen: {hosts: ['0.0.0.0']}\n"
            "local_keys: {required: true, keys: [{id: k, secret: 'env:K'}]}"
        ),
        "allow_plain_secrets: true\n" + account("provider: claude, secret: 'plain:x'"),
        "aliases: {fast: gemini-3.8-flash, best: claude/claude-opus-5-5, mine: claude@a/claude-x}\n"
        + account("provider: claude, secret: 'env:K'"),
        (
            "providers: {o: {dialect: openai-chat, base_url: 'https://x.example'}}\n"
            "aliases: {x: meta-llama/llama-4}"
        ),
    ],
)
def test_what_is_right_is_not_complained_about(text: str) -> None:
    assert problems(text) == []


@pytest.mark.parametrize(
    ("text", "key", "expected"),
    [
        (account("provider: cluade, secret: 'env:K'"), "accounts[0].provider", "'claude'?"),
        (account("provider: claude"), "accounts[0]", "secret: env:NAME"),
        (
            account("provider: codex, access: chatgptt, secret: 'env:K'"),
            "accounts[0].access",
            "'chatgpt'?",
        ),
        (
            account("provider: claude, access: own-login, secret: 'env:K'"),
            "accounts[0].secret",
            "no secret with access own-login",
        ),
        (
            account("provider: qwen, access: coding-plan, region: us, secret: 'env:K'"),
            "accounts[0].region",
            "one of intl, cn",
        ),
        (
            account("provider: claude, region: us, secret: 'env:K'"),
            "accounts[0].region",
            "no region",
        ),
        (
            account("provider: claude, base_url: 'http://x.example', secret: 'env:K'"),
            "accounts[0].base_url",
            "https://, or local: true",
        ),
        (
            account("provider: claude, urls: {token: 'http://x.example'}, secret: 'env:K'"),
            "accounts[0].urls.token",
            "https://, or local: true",
        ),
        (
            (
                "accounts: [{id: a, provider: claude, secret: 'env:K'},"
                " {id: a, provider: codex, secret: 'env:K'}]"
            ),
            "accounts[1].id",
            "an id that no other account has",
        ),
        (account("provider: claude, secret: 'plain:x'"), "accounts[0].secret", "env:NAME"),
        ("providers: {o: {dialect: gemini}}", "providers.o", "base_url"),
        ("providers: {o: {base_url: 'https://x.example'}}", "providers.o", "dialect"),
        ("providers: {cluade: {base_url: 'https://x'}}", "providers.cluade", "'claude'?"),
        (
            "providers: {o: {dialect: gemini, base_url: 'http://x.example'}}",
            "providers.o.base_url",
            "https://, or local: true",
        ),
        (
            "providers: {o: {dialect: gemini, base_url: 'https://x', urls: {base: 'https://y'}}}",
            "providers.o.urls.base",
            "base_url or urls.base",
        ),
        ("providers: {claude: {dialect: gemini}}", "providers.claude.dialect", "built in"),
        ("providers: {claude: {auth: bearer}}", "providers.claude.auth", "built in"),
        (
            "providers: {codex: {accesses: {chatgbt: {}}}}",
            "providers.codex.accesses.chatgbt",
            "'chatgpt'?",
        ),
        (
            "providers: {codex: {accesses: {chatgpt: {base_url: 'http://x.example'}}}}",
            "providers.codex.accesses.chatgpt.base_url",
            "https://",
        ),
        (
            "providers: {o: {dialect: gemini, base_url: 'https://x', accesses: {a: {}}}}",
            "providers.o.accesses",
            "built-in providers only",
        ),
        (
            "providers: {claude: {headers: {X-Api-Key: k}}}",
            "providers.claude.headers.X-Api-Key",
            "",
        ),
        ("providers: {claude: {headers: {Host: k}}}", "providers.claude.headers.Host", ""),
        ("providers: {gemini: {query: {key: k}}}", "providers.gemini.query.key", "no credential"),
        (
            "providers: {gemini: {habits: {cal_ids: no}}}",
            "providers.gemini.habits.cal_ids",
            "call_ids",
        ),
        (
            "providers: {gemini: {habits: {call_ids: 'yes'}}}",
            "providers.gemini.habits.call_ids",
            "bool",
        ),
        (
            "providers: {codex: {accesses: {api-key: {habits: {reasoning_switch: moon}}}}}",
            "providers.codex.accesses.api-key.habits.reasoning_switch",
            "words",
        ),
        ("listen: {hosts: ['0.0.0.0']}", "listen.hosts[0]", "loopback"),
        ("listen: {hosts: ['192.168.1.2']}", "listen.hosts[0]", "loopback"),
        ("listen: {hosts: ['::']}", "listen.hosts[0]", "loopback"),
        ("listen: {hosts: ['127.0.0.1.evil.example']}", "listen.hosts[0]", "an IP address"),
        ("listen: {hosts: [localhost]}", "listen.hosts[0]", "an IP address"),
        ("local_keys: {required: true}", "local_keys.required", "key add NAME --require"),
        (
            "local_keys: {keys: [{id: k, secret: 'env:A'}, {id: k, secret: 'env:B'}]}",
            "local_keys.keys[1].id",
            "no other key",
        ),
        (
            "local_keys: {keys: [{id: k, secret: 'plain:A'}]}",
            "local_keys.keys[0].secret",
            "allow_plain_secrets",
        ),
        (
            "providers: {gemini: {login: {client_secret: 'plain:A'}}}",
            "providers.gemini.login.client_secret",
            "allow_plain_secrets",
        ),
        (
            "providers: {iflow: {accesses: {login: {login: {client_secret: 'plain:A'}}}}}",
            "providers.iflow.accesses.login.login.client_secret",
            "allow_plain_secrets",
        ),
    ],
)
def test_what_contradicts_is_named_at_its_key(text: str, key: str, expected: str) -> None:
    found = problems(text)
    assert [it[0] for it in found] == [key] * len(found)
    assert found
    assert any(expected in it[1] for it in found)


def test_wrong_types_do_not_stop_the_other_checks() -> None:
    text = (
        "providers: [1]\naccounts: [7, {id: [a], provider: {}}, {id: b, provider: clade, access: 3},"
        " {id: c, provider: claude, access: [3]}]\n"
        "aliases: {x: 1}\nlisten: {hosts: [7, '8.8.8.8']}\nlocal_keys: {keys: [1, {id: 2}]}\n"
    )
    keys = {it[0] for it in problems(text)}
    assert {
        "providers",
        "accounts[0]",
        "accounts[2].provider",
        "aliases.x",
        "listen.hosts[1]",
    } <= keys
