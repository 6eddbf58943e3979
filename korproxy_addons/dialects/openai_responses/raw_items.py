"""Changes to pieces of wire form that otherwise stay as they came."""

from collections.abc import Collection

from msgspec import Raw

from korproxy_addons.dialects.openai_responses.request_wire import FIELDS


def without_nulls(raw: Raw, drop: Collection[str] = ()) -> Raw | dict[str, Raw]:
    """
    An object without its null fields, which strict servers refuse (T69).

    Args:
        raw: The object; anything else is returned as it is.
        drop: Fields that go, too.
    """
    try:
        fields = FIELDS.decode(raw)
    except (ValueError, RecursionError):
        return raw
    kept = {
        name: value
        for name, value in fields.items()
        if bytes(value) != b"null" and name not in drop
    }
    return raw if len(kept) == len(fields) else kept
