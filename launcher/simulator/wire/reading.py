"""Small readers for JSON of any shape: they never raise, for nobody has checked the request yet."""

from typing import Any

Json = dict[str, Any]


def objects(value: Any) -> list[Json]:
    """The objects in a list; nothing if it is no list."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def one_or_more(value: Any) -> list[Json]:
    """The objects in a list, or the one that stands in place of it."""
    return [value] if isinstance(value, dict) else objects(value)


def mapping(value: Any) -> Json:
    """The object, or an empty one."""
    return value if isinstance(value, dict) else {}


def word(value: Any, name: str) -> str:
    """A field that holds a word; an empty one if the value is no object or the field is no string."""
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""


def text_of(content: Any) -> str:
    """The text of a string, a list of parts with `text`, or one such part; parts are joined by a line break."""
    if isinstance(content, str):
        return content
    if isinstance(content, dict):
        content = [content]
    texts = [part.get("text") for part in objects(content)]
    return "\n".join(text for text in texts if isinstance(text, str))


def number(value: Any) -> int | None:
    """A whole number, or nothing."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def strings(value: Any) -> tuple[str, ...]:
    """A string or a list of strings, as a tuple."""
    if isinstance(value, str):
        return (value,)
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()
