import pytest
from msgspec import Raw

from korproxy_addons.dialects.openai_chat.wire import REQUEST, is_set, is_text


@pytest.mark.parametrize(
    ("raw", "there"),
    [(b"", False), (b"null", False), (b'""', True), (b"0", True), (b"nulls", True)],
)
def test_t182_null_is_absent(raw: bytes, there: bool) -> None:
    assert is_set(Raw(raw)) is there


def test_a_string_is_told_by_its_first_byte() -> None:
    assert is_text(Raw(b'"{}"'))
    assert not is_text(Raw(b"{}"))
    assert not is_text(Raw(b""))


def test_t182_every_field_may_be_null() -> None:
    names = REQUEST.type.__struct_fields__
    nothing = REQUEST.decode(b"{}")
    wire = REQUEST.decode("{" + ",".join(f'"{name}":null' for name in names) + "}")
    for name in names:
        value = getattr(wire, name)
        assert not is_set(value) if isinstance(value, Raw) else value == getattr(nothing, name)
