"""The contract every access keeps: headers, credentials, defaults."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from korproxy_addons.config.habits import OPENAI_CHAT, OPENAI_RESPONSES, ModelFacts
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.providers import PROVIDERS
from korproxy_addons.providers.base import (
    AccessSpec,
    AccountFacts,
    Operation,
    Outgoing,
    ProviderSpec,
    client_credentials,
    credential,
)

ACCOUNT = AccountFacts(id="a", label="Work", base_url="https://x.example/v1")
ACCESS = AccessSpec(
    id="api-key",
    name="API key",
    habits=(OPENAI_CHAT, OPENAI_RESPONSES),
    base_url="https://x.example/v1",
    fixed_headers=(("x-fixed", "ours"),),
    forward_headers=frozenset({"x-one", "x-fixed", "authorization", "x-korproxy-key"}),
    forward_prefixes=("x-many-",),
    paths={
        (Operation.GENERATE, "openai-chat"): "/chat/completions",
        (Operation.EMBEDDINGS, "openai-chat"): "/engines/{model}/embeddings",
    },
)
EVERY_ACCESS = [
    pytest.param(access, id=f"{provider.id}-{access.id}")
    for provider in PROVIDERS.values()
    for access in provider.accesses
]


def outgoing(**changes: object) -> Outgoing:
    values: dict[str, object] = {
        "operation": Operation.GENERATE,
        "dialect": "openai-chat",
        "model": "m",
    }
    return Outgoing(**{**values, **changes})  # type: ignore[arg-type]


def facts_of(access: AccessSpec) -> AccountFacts:
    return AccountFacts(id="a", label="Work", base_url=access.base_url, project="p")


def test_headers_are_fixed_ones_and_what_may_be_forwarded() -> None:
    client = [
        ("X-One", "1"),
        ("x-many-a", "a"),
        ("x-many-a", "b"),
        ("x-other", "no"),
        ("User-Agent", "tool/1"),
        ("Authorization", "Bearer canary"),
        ("X-KorProxy-Key", "canary"),
        ("Content-Type", "text/plain"),
    ]
    headers = ACCESS.headers(ACCOUNT, outgoing(), client)
    assert dict(headers) == {
        "user-agent": "tool/1",
        "accept": "application/json",
        "content-type": "application/json",
        "x-fixed": "ours",
        "x-one": "1",
        "x-many-a": "a, b",
    }
    assert len(headers) == len(dict(headers))


def test_the_clients_own_wins_over_a_fixed_header() -> None:
    assert dict(ACCESS.headers(ACCOUNT, outgoing(), [("X-Fixed", "c")]))["x-fixed"] == "c"


def test_another_dialects_headers_stay_behind() -> None:
    client = [("x-one", "1"), ("x-many-a", "a"), ("user-agent", "tool/1")]
    headers = dict(ACCESS.headers(ACCOUNT, outgoing(native=False), client))
    assert headers["user-agent"] == "tool/1"
    assert not {"x-one", "x-many-a"} & headers.keys()


def test_what_is_honest_where_the_client_names_nothing() -> None:
    headers = dict(ACCESS.headers(ACCOUNT, outgoing(stream=True)))
    assert headers["user-agent"] == "korproxy"
    assert headers["accept"] == "text/event-stream"
    assert "content-type" not in dict(ACCESS.headers(ACCOUNT, outgoing(operation=Operation.MODELS)))


def test_the_configurations_headers_come_last() -> None:
    account = AccountFacts(id="a", label="a", base_url="https://x", headers=(("X-Title", "K"),))
    assert dict(ACCESS.headers(account, outgoing()))["x-title"] == "K"


@pytest.mark.parametrize("access", EVERY_ACCESS)
@given(
    name=st.sampled_from(
        [
            "authorization",
            "Authorization",
            "x-api-key",
            "X-Goog-Api-Key",
            "api-key",
            "cookie",
            "proxy-authorization",
            "x-korproxy-key",
            "host",
            "content-length",
            "transfer-encoding",
            "connection",
            "content-encoding",
        ]
    ),
    native=st.booleans(),
)
def test_no_access_forwards_a_credential_or_a_hop_by_hop_header(
    access: AccessSpec, name: str, *, native: bool
) -> None:
    call = outgoing(dialect=access.dialects[0], native=native)
    headers = access.headers(facts_of(access), call, [(name, "canary")])
    assert "canary" not in str(headers)


@pytest.mark.parametrize("access", EVERY_ACCESS)
@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/v1/messages",
        "http://{host}/x",
        "https://{host}:8443/x",
        "https://{host}.evil.example/x",
        "https://evil.example/{host}",
        "https://{host}@evil.example/",
    ],
)
def test_a_credential_goes_to_its_own_host_only(access: AccessSpec, url: str) -> None:
    facts = facts_of(access)
    with pytest.raises(KorProxyError) as caught:
        access.credential_headers(
            facts,
            url.format(host=facts.origin[1]),
            SecretStr("canary"),
            [("authorization", "Bearer canary"), ("chatgpt-account-id", "x")],
        )
    assert caught.value.spec is catalogue.CREDENTIAL_HOST_MISMATCH
    assert "canary" not in caught.value.message()


@pytest.mark.parametrize("access", EVERY_ACCESS)
def test_every_access_has_what_a_request_needs(access: AccessSpec) -> None:
    for dialect in access.dialects:
        url = access.url(facts_of(access), outgoing(dialect=dialect, model="m"))
        assert url is not None
        assert url.startswith("https://")
    assert len({it.id for it in access.models}) == len(access.models) > 0


@pytest.mark.parametrize(
    ("style", "header"),
    [
        ("bearer", ("authorization", "Bearer s")),
        ("x-api-key", ("x-api-key", "s")),
        ("x-goog-api-key", ("x-goog-api-key", "s")),
        ("header:Api-Key", ("api-key", "s")),
    ],
)
def test_styles_of_credentials(style: str, header: tuple[str, str]) -> None:
    assert credential(style, SecretStr(" s\n"), "Work") == [header]


def test_no_style_needs_no_secret() -> None:
    assert credential("none", None, "Work") == []


@pytest.mark.parametrize("secret", ["", "  ", "a b", "canary\r\nx: y", "cänary", "canary\x7f"])
def test_what_cannot_stand_in_a_header_is_held_back(secret: str) -> None:
    with pytest.raises(KorProxyError) as caught:
        credential("bearer", SecretStr(secret), "Work")
    assert caught.value.spec is catalogue.SECRET_UNAVAILABLE
    assert "Work" in caught.value.detail
    assert "canary" not in f"{caught.value}{caught.value.message()}"
    with pytest.raises(KorProxyError):
        credential("bearer", None, "Work")


def test_client_credentials_leave_local_keys_out() -> None:
    headers = [
        ("Authorization", "Bearer real"),
        ("authorization", "bearer kp-local-1"),
        ("authorization", "Bearer  "),
        ("x-api-key", "korproxy"),
        ("x-other", "y"),
    ]
    found = client_credentials(headers, ("authorization", "x-api-key"))
    assert found == [("authorization", "Bearer real")]


def test_paths_quote_the_model() -> None:
    assert ACCESS.path(Operation.EMBEDDINGS, "a/b c?d") == "/engines/a%2Fb%20c%3Fd/embeddings"
    assert ACCESS.path(Operation.GENERATE, "m", dialect="openai-responses") is None
    assert ACCESS.url(ACCOUNT, outgoing(operation=Operation.COMPACT)) is None


def test_defaults_change_nothing() -> None:
    assert ACCESS.prepare(b'{"model":"x"}', outgoing(), ACCOUNT) == b'{"model":"m"}'
    body = b"never looked at"
    assert ACCESS.prepare(body, outgoing(client_model="m"), ACCOUNT) is body
    assert ACCESS.unwrap(b"x") == b"x"
    assert not ACCESS.is_prelude(b"{}")
    assert not ACCESS.discovers
    assert not ACCESS.lists_models
    assert not ACCESS.streams(Operation.GENERATE)
    with pytest.raises(KorProxyError):
        next(ACCESS.discover(ACCOUNT))
    with pytest.raises(NotImplementedError):
        ACCESS.own_credential(ACCOUNT, [])


def test_failures_by_body_and_hidden_ones() -> None:
    body = b'{"error":{"message":"m","code":"c"}}'
    failure = ACCESS.read_failure(429, {"retry-after": "3"}, body, model="m", now=0.0)
    assert (failure.spec, failure.retry_after_s) == (catalogue.RATE_LIMITED, 3.0)
    hidden = ACCESS.read_hidden_failure(body, model="m", now=0.0)
    assert hidden is not None
    assert (hidden.spec, hidden.status) == (catalogue.UPSTREAM_UNAVAILABLE, 200)
    assert ACCESS.read_hidden_failure(b'{"choices":[]}', model="m", now=0.0) is None
    assert ACCESS.parse_models(b'{"data":[{"id":"m1"}]}')[0].id == "m1"


def test_accesses_by_id() -> None:
    provider = ProviderSpec(id="p", name="P", accesses=(ACCESS,))
    assert provider.access(None) is ACCESS
    assert provider.access("api-key") is ACCESS
    with pytest.raises(KeyError):
        provider.access("x")


def test_a_model_s_facts_are_found_by_its_name_with_or_without_a_date() -> None:
    access = AccessSpec(id="a", name="A", habits=(OPENAI_CHAT,), base_url="https://a.example")
    known = (ModelFacts(id="m-1", context_tokens=9), ModelFacts(id="m-1-20260101"))
    assert access.facts_of("m-1", known).context_tokens == 9
    assert access.facts_of("m-1-2026-02-03", known) == ModelFacts(
        id="m-1-2026-02-03", context_tokens=9
    )
    assert access.facts_of("m-1-20260101", known).context_tokens is None
    assert access.facts_of("m-1-mini", known) == ModelFacts(id="m-1-mini")
