"""
Ids and tool names that fit everywhere, mapped without a memory.

Call ids: an answer's id goes to the client as `portable_id(id)` and comes back in its history; a request
decoder takes it back with `restored_id`. Ids that fit everywhere are left alone. The mapping depends on the
id only, so that call and result meet, today and in the next turn (T59), and equal requests give equal
bytes (T93).

Tool names: `ToolNames` of one request maps the client's names to names that the upstream takes; the
translator maps them back in the answer (T29).
"""

import re
from collections.abc import Iterable
from hashlib import sha256
from typing import Final

CALL_ID_LIMIT: Final = 64
NAME_LIMIT: Final = 64

_FITS: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_ESCAPED: Final = "kpx_"  # the rest is the id, bytes but letters, digits and _ as -hh
_HASHED: Final = "kph_"  # the rest is a hash: the id was too long to be written out
_MADE: Final = "kpm_"  # made by us, for an upstream that gives no ids
_ESCAPE: Final = re.compile(r"[^a-zA-Z0-9_]")
_UNESCAPE: Final = re.compile(rb"-([0-9a-f]{2})")
_HASH_CHARACTERS: Final = 40


def portable_id(call_id: str) -> str:
    """
    The id in a form that every dialect takes: `[a-zA-Z0-9_-]`, at most 64 characters.

    Different ids give different forms; applied to its own result it changes nothing for ids that were
    not escaped, and `restored_id` takes it back unless the id was too long.
    """
    if _FITS.fullmatch(call_id) and not call_id.startswith(_ESCAPED):
        return call_id
    escaped = _ESCAPED + _ESCAPE.sub(_escape, call_id)
    if len(escaped) <= CALL_ID_LIMIT:
        return escaped
    digest = sha256(call_id.encode("utf-8", "surrogatepass")).hexdigest()
    return _HASHED + digest[:_HASH_CHARACTERS]


def restored_id(call_id: str) -> str:
    """The id that `portable_id` was given, where it can be known; any other id unchanged."""
    if not call_id.startswith(_ESCAPED):
        return call_id
    body = call_id[len(_ESCAPED) :].encode("utf-8", "surrogatepass")
    try:
        original = _UNESCAPE.sub(lambda found: bytes.fromhex(found[1].decode()), body).decode(
            "utf-8", "surrogatepass"
        )
    except UnicodeDecodeError:
        return call_id
    return original if original and portable_id(original) == call_id else call_id


def made_id(*parts: str | int) -> str:
    """
    An id for a call that came without one (T57); the same parts give the same id.

    In an answer the parts are `IdSource.seed` and the call's number, in a history the positions of
    content and part, so that the same history gives the same ids in every turn.
    """
    return _MADE + "_".join(str(part) for part in parts)


def is_made_id(call_id: str) -> bool:
    """Whether we made it: an upstream without ids must not be sent one (T58)."""
    return call_id.startswith(_MADE)


def _escape(found: re.Match[str]) -> str:
    return "".join(f"-{byte:02x}" for byte in found[0].encode("utf-8", "surrogatepass"))


class IdSource:
    """
    Ids for one answer, made from a seed that is handed in: no chance in here.

    Args:
        seed: Letters and digits, unique per exchange.
    """

    __slots__ = ("_count", "seed")

    def __init__(self, seed: str) -> None:
        self.seed = seed
        self._count = 0

    def make(self, prefix: str) -> str:
        """The next id: `prefix` ("msg_", "call_"), the seed and a running number."""
        self._count += 1
        return f"{prefix}{self.seed}{self._count:02x}"


class ToolNames:
    """
    The tool names of one request, there and back.

    A name that has to change becomes its legal characters plus a hash of the whole, so that it is the
    same in every request, whatever other tools there are.

    Args:
        names: The client's names: tools first, then those that only the history knows.
        legal: Characters allowed, as the inside of a regular expression's [...].
        first: Characters allowed at the first place, likewise.
        limit: The longest name.
    """

    __slots__ = ("_first", "_legal", "_limit", "_there", "back")

    def __init__(
        self,
        names: Iterable[str] = (),
        legal: str = "a-zA-Z0-9_-",
        first: str = "a-zA-Z0-9_-",
        limit: int = NAME_LIMIT,
    ) -> None:
        self._legal = re.compile(f"[^{legal}]")
        self._first = re.compile(f"[{first}]")
        self._limit = limit
        self._there: dict[str, str] = {}
        self.back: dict[str, str] = {}
        known = list(dict.fromkeys(names))
        # names that fit keep theirs, so that a changed one can never take it
        for name in sorted(known, key=self._changes):
            self._add(name)

    def there(self, name: str) -> str:
        """The upstream's form of a client's name; a name that was not announced is added."""
        known = self._there.get(name)
        return self._add(name) if known is None else known

    def original(self, name: str) -> str:
        """The client's form of an upstream's name; a name that was never sent is left alone."""
        return self.back.get(name, name)

    def _changes(self, name: str) -> bool:
        return not name or self._fitted(name) != name

    def _add(self, name: str) -> str:
        form = self._fitted(name)
        if form != name or form in self.back:
            digest = sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
            length = 8
            form = f"{self._fitted(name, self._limit - length - 1)}_{digest[:length]}"
            while form in self.back:
                length += 1
                form = f"{self._fitted(name, self._limit - length - 1)}_{digest[:length]}"
        self._there[name] = form
        self.back[form] = name
        return form

    def _fitted(self, name: str, limit: int | None = None) -> str:
        form = self._legal.sub("_", name)
        if not self._first.match(form):
            form = "_" + form
        return form[: self._limit if limit is None else limit]
