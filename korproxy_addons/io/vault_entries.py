"""What the vault holds, and how it is spelled inside."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec
from pydantic import SecretStr

from korproxy_addons.auth.tokens import TokenSet

VERSION = 1


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key that a person was given by a provider."""

    secret: SecretStr


type VaultEntry = ApiKey | TokenSet


class ContentError(Exception):
    """The content is not one that this version understands; the message says why, and quotes nothing."""


class _Stored(msgspec.Struct, frozen=True, tag_field="kind"):
    """An entry as JSON has it."""

    def __repr__(self) -> str:
        return type(self).__name__


class _StoredKey(_Stored, frozen=True, tag="api-key"):
    secret: str


class _StoredTokens(_Stored, frozen=True, tag="tokens", omit_defaults=True):
    access_token: str
    refresh_token: str | None = None
    id_token: str | None = None
    api_key: str | None = None
    expires_at: float | None = None
    refresh_expires_at: float | None = None
    obtained_at: float = 0.0
    renew_by: float | None = None
    renew_from: float | None = None
    scopes: tuple[str, ...] = ()
    facts: dict[str, str] = {}


class _File(msgspec.Struct):
    version: int
    entries: dict[str, msgspec.Raw]


_FILE = msgspec.json.Decoder(_File)
_ENTRY: msgspec.json.Decoder[_StoredKey | _StoredTokens] = msgspec.json.Decoder(
    _StoredKey | _StoredTokens
)


class Entries:
    """
    The entries of one vault, by name; a later version's kinds of entry are carried along unread.

    Args:
        raw: Name to JSON of each entry.
    """

    __slots__ = ("_raw",)

    def __init__(self, raw: Mapping[str, bytes] | None = None) -> None:
        self._raw = dict(raw or {})

    @classmethod
    def decode(cls, content: bytes) -> "Entries":
        """
        The entries that `encode` spelled.

        Raises:
            ContentError: another version's, or none at all.
        """
        try:
            file = _FILE.decode(content)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            file = None
        if file is None:
            # Outside: msgspec's words name a place only, but its traceback holds the content.
            raise ContentError("what is sealed in it is not a list of entries")
        if file.version > VERSION:
            raise ContentError(f"it is of version {file.version}, which a later KorProxy writes")
        return cls({name: bytes(raw) for name, raw in file.entries.items()})

    def encode(self) -> bytes:
        """All entries as JSON."""
        raw = {name: msgspec.Raw(value) for name, value in self._raw.items()}
        return msgspec.json.encode(_File(VERSION, raw))

    def names(self) -> tuple[str, ...]:
        """The names in order of the alphabet."""
        return tuple(sorted(self._raw))

    def get(self, name: str) -> VaultEntry | None:
        """
        An entry; None if there is none of this name.

        Raises:
            ContentError: It is of a kind that this version lacks.
        """
        raw = self._raw.get(name)
        return None if raw is None else _decode(name, raw)

    def put(self, name: str, entry: VaultEntry) -> "Entries":
        """These entries with one more, or another one in its place."""
        return Entries({**self._raw, name: _encode(entry)})

    def without(self, name: str) -> "Entries":
        """These entries but for one."""
        return Entries({key: raw for key, raw in self._raw.items() if key != name})

    def secrets(self) -> Iterator[SecretStr]:
        """Every secret in every entry that this version understands."""
        for name in self._raw:
            try:
                entry = self.get(name)
            except ContentError:
                continue
            if entry is not None:
                yield from secrets_of(entry)

    def __repr__(self) -> str:
        return f"Entries({', '.join(self.names())})"


def secrets_of(entry: VaultEntry) -> Iterator[SecretStr]:
    """Every secret of an entry."""
    if isinstance(entry, ApiKey):
        yield entry.secret
        return
    for secret in (entry.access_token, entry.refresh_token, entry.id_token, entry.api_key):
        if secret is not None:
            yield secret


def _encode(entry: VaultEntry) -> bytes:
    if isinstance(entry, ApiKey):
        return msgspec.json.encode(_StoredKey(entry.secret.get_secret_value()))
    stored = _StoredTokens(
        access_token=entry.access_token.get_secret_value(),
        refresh_token=_told(entry.refresh_token),
        id_token=_told(entry.id_token),
        api_key=_told(entry.api_key),
        expires_at=entry.expires_at,
        refresh_expires_at=entry.refresh_expires_at,
        obtained_at=entry.obtained_at,
        renew_by=entry.renew_by,
        renew_from=entry.renew_from,
        scopes=entry.scopes,
        facts=dict(entry.facts),
    )
    return msgspec.json.encode(stored)


def _decode(name: str, raw: bytes) -> VaultEntry:
    try:
        stored = _ENTRY.decode(raw)
    except msgspec.MsgspecError:
        stored = None
    match stored:
        case _StoredKey(secret=secret):
            return ApiKey(SecretStr(secret))
        case _StoredTokens():
            return TokenSet(
                access_token=SecretStr(stored.access_token),
                refresh_token=_secret(stored.refresh_token),
                id_token=_secret(stored.id_token),
                api_key=_secret(stored.api_key),
                expires_at=stored.expires_at,
                refresh_expires_at=stored.refresh_expires_at,
                obtained_at=stored.obtained_at,
                renew_by=stored.renew_by,
                renew_from=stored.renew_from,
                scopes=stored.scopes,
                facts=stored.facts,
            )
        case _:
            raise ContentError(f"the entry {name} is of a kind that this version lacks")


def _told(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def _secret(value: str | None) -> SecretStr | None:
    return None if value is None else SecretStr(value)
