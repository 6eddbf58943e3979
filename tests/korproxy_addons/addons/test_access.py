import hashlib

import pytest
from mitmproxy import http
from pydantic import SecretStr

from korproxy_addons.addons.access import Access
from korproxy_addons.config.secret_ref import SecretRef
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.exchange import Exchange
from support.flows import LOCAL, Fields, client_flow, code_of, config_with, exchange_of

KEY = "kp-local-abcdefgh"
OTHER = "kp-local-12345678"
KEYS = [{"id": "laptop", "secret": f"plain:{KEY}"}, {"id": "ci", "secret": f"plain:{OTHER}"}]
REQUIRED = config_with(local_keys={"required": True, "keys": KEYS})


class Vault:
    """Hands out plain secrets, and counts how often."""

    def __init__(self) -> None:
        self.reads = 0

    def load(self, ref: SecretRef) -> SecretStr:
        self.reads += 1
        if ref.plain is None:
            raise KorProxyError(catalogue.SECRET_UNAVAILABLE, str(ref))
        return ref.plain


@pytest.fixture
def vault() -> Vault:
    return Vault()


@pytest.fixture
def access(vault: Vault) -> Access:
    return Access(vault.load)


def asked(
    access: Access, headers: Fields, path: str = "/v1/messages", **fields: object
) -> http.HTTPFlow:
    flow = client_flow("POST", path, {**LOCAL, **headers})
    exchange_of(flow, **{"config": REQUIRED, **fields})  # type: ignore[arg-type]
    access.requestheaders(flow)
    return flow


@pytest.mark.parametrize("key", [KEY, OTHER])
@pytest.mark.parametrize(
    "place",
    ["authorization", "x-api-key", "x-goog-api-key", "x-korproxy-key"],
)
def test_a_key_is_taken_in_every_place(access: Access, place: str, key: str) -> None:
    value = f"Bearer {key}" if place == "authorization" else key
    assert asked(access, {place: value}).response is None


def test_a_key_is_taken_in_the_query(access: Access) -> None:
    assert asked(access, {}, f"/v1beta/models/m:generateContent?key={KEY}").response is None


def test_one_good_key_among_others_is_enough(access: Access) -> None:
    """A tool's own login stands beside it."""
    assert (
        asked(access, {"authorization": "Bearer sk-ant-x", "x-korproxy-key": KEY}).response is None
    )


@pytest.mark.parametrize(
    "headers",
    [
        {"x-api-key": "korproxy"},
        {"x-api-key": KEY + "x"},
        {"x-api-key": KEY[:-1]},
        {"x-api-key": KEY.upper()},
        {"authorization": f"Basic {KEY}"},
        {"authorization": KEY},
        {"authorization": "Bearer "},
        {"x-api-key": ""},
    ],
)
def test_another_key_is_refused(access: Access, headers: Fields) -> None:
    flow = asked(access, headers)
    assert code_of(flow) == "KP-AUTH-001"
    assert flow.response is not None
    assert flow.response.status_code == 401


def test_no_key_is_told_as_such(access: Access) -> None:
    flow = asked(access, {})
    assert flow.response is not None
    assert b"no key was sent" in (flow.response.raw_content or b"")


@pytest.mark.parametrize(
    "path", ["/metrics", "/v1/models", "/anything", "/_korproxy/health/x", "//"]
)
def test_every_other_path_needs_it_too(access: Access, path: str) -> None:
    assert code_of(asked(access, {}, path)) == "KP-AUTH-001"


@pytest.mark.parametrize("path", ["/", "/_korproxy/health", "/_korproxy/health?x=y"])
def test_what_supervisors_look_at_is_open(access: Access, path: str) -> None:
    assert asked(access, {}, path).response is None


def test_by_default_any_placeholder_will_do(access: Access, vault: Vault) -> None:
    for headers in ({}, {"x-api-key": "korproxy"}, {"authorization": "Bearer anything"}):
        assert asked(access, headers, config=config_with()).response is None
    assert vault.reads == 0


def test_keys_are_read_once_for_a_configuration(access: Access, vault: Vault) -> None:
    for _ in range(3):
        asked(access, {"x-api-key": KEY})
    assert vault.reads == 2


def test_a_new_configuration_has_its_own_keys(access: Access) -> None:
    assert asked(access, {"x-api-key": KEY}).response is None
    fewer = config_with(local_keys={"required": True, "keys": KEYS[1:]})
    assert code_of(asked(access, {"x-api-key": KEY}, config=fewer)) == "KP-AUTH-001"
    assert asked(access, {"x-api-key": OTHER}, config=fewer).response is None


def test_a_key_that_cannot_be_read_lets_nobody_in(access: Access) -> None:
    """Neither now nor at the next request."""
    keys = [*KEYS, {"id": "gone", "secret": "env:NOT_THERE_AT_ALL"}]
    broken = config_with(local_keys={"required": True, "keys": keys})
    for _ in range(2):
        flow = asked(access, {"x-api-key": KEY}, config=broken)
        assert code_of(flow) == catalogue.SECRET_UNAVAILABLE.code


def test_a_key_that_is_no_text_is_only_wrong(access: Access) -> None:
    flow = client_flow("POST", "/v1/messages", http.Headers([(b"x-api-key", b"\xff\xfe")]))
    exchange_of(flow, REQUIRED)
    access.requestheaders(flow)
    assert code_of(flow) == "KP-AUTH-001"


class TestWhoseKeyItIs:
    """A known key names its owner, required or not."""

    KEYS = config_with(
        local_keys={
            "keys": [*KEYS, {"id": "gone", "secret": "env:NOT_THERE_AT_ALL"}, {
                "id": "made", "sha256": hashlib.sha256(b"kp-made-for-a-tool").hexdigest(),
            }]
        }
    )  # fmt: skip

    @pytest.mark.parametrize(
        ("key", "owner"),
        [(KEY, "laptop"), (OTHER, "ci"), ("kp-made-for-a-tool", "made"), ("korproxy", None)],
    )
    def test_a_key_names_its_owner_though_none_is_required(
        self, access: Access, key: str, owner: str | None
    ) -> None:
        flow = asked(access, {"x-api-key": key}, config=self.KEYS)
        assert flow.response is None
        exchange = Exchange.of(flow)
        assert exchange is not None
        assert (exchange.local_key.id if exchange.local_key else None) == owner

    def test_the_digest_is_not_the_key(self, access: Access) -> None:
        """Who reads the configuration has no key by that."""
        digest = hashlib.sha256(b"kp-made-for-a-tool").hexdigest()
        keys = [{"id": "made", "sha256": digest}]
        config = config_with(local_keys={"required": True, "keys": keys})
        assert code_of(asked(access, {"x-api-key": digest}, config=config)) == "KP-AUTH-001"
        assert asked(access, {"x-api-key": "kp-made-for-a-tool"}, config=config).response is None

    def test_the_owner_is_known_where_a_key_is_required_too(self, access: Access) -> None:
        exchange = Exchange.of(asked(access, {"x-korproxy-key": OTHER}))
        assert exchange is not None
        assert exchange.local_key is not None
        assert exchange.local_key.id == "ci"

    def test_the_tool_is_known_as_soon_as_the_head_is(self, access: Access) -> None:
        flow = asked(access, {"x-api-key": KEY, "user-agent": "claude-cli/2.1.330 (external)"})
        exchange = Exchange.of(flow)
        assert exchange is not None
        assert exchange.tool == "claude-code"
