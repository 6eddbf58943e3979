import inspect

import pytest

from korproxy_addons.gateway.layer_sink import LayerSink
from korproxy_addons.gateway.sink import ClientSink
from support.fake_sink import FakeSink

CALLS = ["head", "data", "end", "cut"]


@pytest.mark.parametrize("sink", [LayerSink, FakeSink])
def test_who_stands_for_a_client_takes_the_same_calls(sink: type) -> None:
    """The leg knows nothing else of the client's side, so a second front can follow."""
    for name in (*CALLS, "when_gone"):
        asked, found = getattr(ClientSink, name), getattr(sink, name)
        assert inspect.signature(found) == inspect.signature(asked), name
        assert inspect.iscoroutinefunction(found) == (name in CALLS), name
    for name in ("gone", "committed"):
        assert isinstance(inspect.getattr_static(sink, name), property)
