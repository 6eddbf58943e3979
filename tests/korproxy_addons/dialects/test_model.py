import msgspec
import pytest

from korproxy_addons.dialects import model


@pytest.mark.parametrize("name", model.__all__)
def test_every_value_is_frozen(name: str) -> None:
    """Attempts are encoded from one request again and again: none may change it."""
    found = getattr(model, name)
    if isinstance(found, type) and issubclass(found, msgspec.Struct):
        assert found.__struct_config__.frozen


def test_requests_do_not_share_their_defaults() -> None:
    one = model.ChatRequest("openai-chat", "m", ())
    one.metadata["a"] = "b"
    assert model.ChatRequest("openai-chat", "m", ()).metadata == {}
