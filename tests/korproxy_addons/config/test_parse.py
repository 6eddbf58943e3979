"""A file to a Config, or to every problem in it with its place, and to nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.config.parse import SIZE_LIMIT_BYTES, parse_config
from korproxy_addons.config.problems import ConfigProblem, ConfigProblems
from korproxy_addons.config.schema import Config

GOOD = b"""\
version: 1
listen: {port: 1400, hosts: [127.0.0.1]}
accounts:
  - id: work
    provider: claude
    secret: env:ANTHROPIC_API_KEY
    models: [claude-opus-5-5]
  - {id: home, provider: codex, access: chatgpt, secret: "file:x", account_id: abc, consent: true}
providers:
  ollama:
    dialect: openai-chat
    base_url: http://localhost:11434/v1
    local: true
    auth: none
    models: [a, {id: b, context_tokens: 4096}]
    habits: {think_tags: true}
aliases: {fast: ollama/a}
timeouts: {idle_s: 10}
logging: {level: debug, components: {upstream: info}}
"""


def found(content: bytes) -> tuple[ConfigProblem, ...]:
    with pytest.raises(ConfigProblems) as caught:
        parse_config(content, "c.yaml")
    return caught.value.problems


def test_a_good_file() -> None:
    config = parse_config(GOOD)
    assert config.listen.port == 1400
    assert [it.id for it in config.accounts] == ["work", "home"]
    assert config.timeouts.idle_s == 10.0
    assert config.providers["ollama"].habits["think_tags"] is True


@pytest.mark.parametrize("content", [b"", b"\n", b"# only a comment\n", b"accounts:\nproviders:\n"])
def test_an_empty_file_or_section_has_the_defaults(content: bytes) -> None:
    assert parse_config(content) == Config()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (
            b"listen:\n  prot: 1\n",
            (
                "c.yaml:2:3: listen.prot: expected one of port, hosts (did you mean 'port'?);"
                " found the unknown key 'prot'"
            ),
        ),
        (
            b"listen:\n  port: '1337'\n",
            "c.yaml:2:9: listen.port: expected a valid integer; found '1337'",
        ),
        (
            b"listen: {port: 70000}",
            (
                "c.yaml:1:16: listen.port: expected less than or equal to 65535;"
                " found the number 70000"
            ),
        ),
        (b"version: 2\n", "c.yaml:1:10: version: expected 1; found the number 2"),
        (
            b"local_keys: {required: yes}\n",
            "c.yaml:1:24: local_keys.required: expected a valid boolean; found 'yes'",
        ),
        (
            b"accounts:\n  - provider: claude\n    secret: env:K\n",
            "c.yaml:2:5: accounts[0]: expected the key id; found nothing",
        ),
        (
            b"providers: {claude: {models: ['a b']}}",
            (
                "c.yaml:1:31: providers.claude.models[0].id: expected string should match pattern"
                " '^[!-~]{1,200}$'; found a text"
            ),
        ),
        (b"[1, 2]\n", "c.yaml:1:1: expected a mapping of settings; found a list"),
        (b"hello\n", "c.yaml:1:1: expected a mapping of settings; found 'hello'"),
        (
            b"accounts:\n  - id: a\n    provider: claude\n    secret: sk-ant-canary\n",
            (
                "c.yaml:4:13: accounts[0].secret: expected env:NAME, file:PATH, vault:NAME or cli:TOOL;"
                " found something else"
            ),
        ),
        (
            b"accounts: {id: a}\n",
            "c.yaml:1:11: accounts: expected a valid array; found a mapping",
        ),
        (
            b"providers:\n  claude:\n    headers: {X-Org: 'canary\\r'}\n    base_url: x\n",
            (
                "c.yaml:4:15: providers.claude.base_url: expected an absolute URL that begins with"
                " https:// or http://; found 'x'"
            ),
        ),
        (
            (
                b"providers: {o: {dialect: gemini, base_url: 'https://x.example', models: [{idd: a,"
                b" id: b}]}}"
            ),
            (
                "c.yaml:1:75: providers.o.models[0].idd: expected one of id, display_name,"
                " context_tokens, max_output_tokens, thinking, efforts (did you mean 'id'?); found the"
                " unknown key 'idd'"
            ),
        ),
    ],
)
def test_a_problem_says_where_what_was_expected_and_what_stands_there(
    content: bytes, problem: str
) -> None:
    assert [str(it) for it in found(content)] == [problem]


def test_a_client_secret_in_the_wrong_form_is_not_shown() -> None:
    problems = found(b"providers: {gemini: {login: {client_secret: GOCSPX-canary}}}")
    assert "canary" not in str(problems)
    assert "providers.gemini.login.client_secret" in str(problems)


def test_a_key_under_a_likely_wrong_name_is_led_to_secret() -> None:
    problems = found(b"accounts: [{id: a, provider: claude, api_key: sk-canary}]")
    text = "\n".join(map(str, problems))
    assert "did you mean 'secret'?" in text
    assert "canary" not in text


def test_every_problem_is_named_at_once() -> None:
    problems = found(b"version: 9\naccounts: [{id: a, provider: x, secret: 'env:K'}]\nfoo: 1\n")
    assert [it.key for it in problems] == ["version", "accounts[0].provider", "foo"]
    assert [it.line for it in problems] == [1, 2, 3]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"a: [", "KP-CONF-201"),
        (b"foo: 1", "KP-CONF-203"),
        (b"accounts: [{id: k}]", "KP-CONF-202"),
        (b"aliases: {a: b, b: a}", "KP-CONF-201"),
    ],
)
def test_the_code_says_what_sort_of_problem_it_is(content: bytes, code: str) -> None:
    with pytest.raises(ConfigProblems) as caught:
        parse_config(content)
    assert caught.value.spec.code == code


def test_a_huge_file_is_not_read() -> None:
    problems = found(b"#" * (SIZE_LIMIT_BYTES + 1))
    assert problems[0].expected == f"at most {SIZE_LIMIT_BYTES} bytes"


def test_numbers_no_setting_takes_are_problems_not_crashes() -> None:
    assert found(b"listen: {port: 99999999999999999999999999999999}")[0].key == "listen.port"
    assert found(b"timeouts: {idle_s: .inf}")[0].key == "timeouts.idle_s"
    assert found(b"timeouts: {idle_s: 1e999}")[0].key == "timeouts.idle_s"


LINES = GOOD.splitlines(keepends=True)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["delete", "insert", "swap", "line", "double"]),
            st.integers(0, len(GOOD) - 1),
            st.one_of(
                st.binary(min_size=1, max_size=3),
                st.sampled_from([b": ", b"- ", b"[", b"}", b"&a ", b"*a", b"!!x ", b"\t", b"\xff"]),
            ),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_any_mutation_loads_or_gives_problems_with_lines(
    edits: list[tuple[str, int, bytes]],
) -> None:
    content = GOOD
    for kind, at, data in edits:
        match kind:
            case "delete":
                content = content[:at] + content[at + len(data) :]
            case "insert":
                content = content[:at] + data + content[at:]
            case "swap":
                content = content[:at] + data + content[at + len(data) :]
            case "line":
                lines = content.splitlines(keepends=True)
                content = b"".join(lines[: at % 20] + lines[at % 20 + 1 :])
            case _:
                lines = content.splitlines(keepends=True)
                content = b"".join(lines[: at % 20] * 2 + lines[at % 20 :])
    problems = outcome(content)
    last = content.count(b"\n") + content.count(b"\r") + 2
    assert all(1 <= it.line <= last and it.column >= 1 for it in problems)
    assert all(it.expected and it.found for it in problems)


def outcome(content: bytes) -> tuple[ConfigProblem, ...]:
    """The problems of a file; none if it loads."""
    try:
        parse_config(content)
    except ConfigProblems as error:
        return error.problems
    return ()


def test_unmutated_it_has_none() -> None:
    assert outcome(GOOD) == ()
    assert outcome(GOOD + b"x: 1") != ()
