"""What servers of Anthropic's API have in common."""

from korproxy_addons.config.habits import COMPATIBLE_ANTHROPIC
from korproxy_addons.providers.anthropic_api import PATHS, AnthropicAccess
from korproxy_addons.providers.base import Operation

ACCESS = AnthropicAccess(
    id="x", name="x", habits=(COMPATIBLE_ANTHROPIC,), base_url="https://x.example", paths=PATHS
)


def test_the_beta_mark_is_kept_and_nothing_else_of_the_query() -> None:
    path = ACCESS.path(Operation.GENERATE, "m", client_query="a=1&beta=true&b=2")
    assert path == "/v1/messages?beta=true"
    assert ACCESS.path(Operation.GENERATE, "m", client_query="a=1") == "/v1/messages"
    assert ACCESS.path(Operation.EMBEDDINGS, "m", client_query="beta=true") is None


def test_only_a_ping_is_a_prelude() -> None:
    assert ACCESS.is_prelude(b'{"type":"ping"}')
    assert not ACCESS.is_prelude(b'{"type":"message_start","message":{}}')
