"""
Whether there is a newer KorProxy: one request to the release feed that the settings name, when a person asks.

Nothing is downloaded and nothing is sent but the request itself. A copy without a feed says so.
"""

import asyncio
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import msgspec

from korproxy_addons import __version__
from korproxy_addons.config.schema import Config
from korproxy_addons.config.store import ConfigStore
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.address_guard import AddressGuard
from korproxy_addons.io.http_driver import HttpSender
from korproxy_addons.io.upstream import UpstreamClient
from korproxy_addons.providers.calls import Reply, Request

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_VERSION = re.compile(r"v?(\d{1,9}(?:\.\d{1,9}){0,3})(?:-?(a|alpha|b|beta|rc)\.?(\d{0,9}))?")
_STAGES = {"a": 0, "alpha": 0, "b": 1, "beta": 1, "rc": 2}
_FINISHED = 3

type Version = tuple[tuple[int, ...], int, int]
"""Numbers, stage and number within the stage; compared in this order."""


class UpdateState(StrEnum):
    """What a look came to."""

    CURRENT = "current"
    AVAILABLE = "available"
    NO_FEED = "no-feed"


@dataclass(frozen=True, slots=True)
class UpdateView:
    """
    What is known of newer versions.

    Attributes:
        state: See `UpdateState`.
        installed: This version.
        newest: The feed's version; "" if nobody was asked.
        page: Where it is described and can be had; "" if nobody was asked.
    """

    state: UpdateState
    installed: str
    newest: str = ""
    page: str = ""

    @property
    def words(self) -> str:
        """All of it in a sentence or two, for people."""
        match self.state:
            case UpdateState.AVAILABLE:
                return f"KorProxy {self.newest} is out; this is {self.installed}. {self.page}"
            case UpdateState.CURRENT:
                return f"KorProxy {self.installed} is the newest version."
        return (
            f"This is KorProxy {self.installed}. Whether there is a newer version is not known: this copy has no"
            " release feed. `updates.feed` in config.yaml can name one."
        )


class _Release(msgspec.Struct):
    """The parts of a feed that are read."""

    tag_name: Annotated[str, msgspec.Meta(max_length=64)]
    html_url: Annotated[str, msgspec.Meta(max_length=1000)]


def check_for_updates(home: Path) -> UpdateView:
    """
    Ask the feed.

    Args:
        home: The KorProxy folder.
    Raises:
        ConfigProblems: The configuration cannot be used.
        KorProxyError: UPDATE_UNKNOWN: the feed cannot be reached or read.
    """
    return asyncio.run(_check(ConfigStore(home).load()))


async def _check(config: Config) -> UpdateView:
    feed = config.updates.feed
    if feed is None:
        return UpdateView(UpdateState.NO_FEED, __version__)
    where = urlsplit(feed)
    host, local = where.hostname or "", where.hostname in _LOOPBACK
    if where.scheme != "https" and not local:
        raise KorProxyError(catalogue.UPDATE_UNKNOWN, f"{host}: only https:// is asked")
    client = UpstreamClient(AddressGuard((config.listen.port, config.admin.port)))
    try:
        reply = await HttpSender(client, local=local)(_request(feed))
    except KorProxyError as error:
        raise KorProxyError(catalogue.UPDATE_UNKNOWN, error.detail or error.spec.title) from error
    finally:
        await client.close()
    return compared(reply, host, __version__)


def _request(feed: str) -> Request:
    headers = (("accept", "application/json"), ("user-agent", f"KorProxy/{__version__}"))
    return Request("GET", feed, headers, b"")


def compared(reply: Reply, host: str, installed: str) -> UpdateView:
    """
    What a feed's reply means for the version that is installed.

    Raises:
        KorProxyError: UPDATE_UNKNOWN: it is no feed.
    """
    if reply.status != 200:
        raise KorProxyError(catalogue.UPDATE_UNKNOWN, f"{host} answered with {reply.status}")
    try:
        release = msgspec.json.decode(reply.body, type=_Release)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise KorProxyError(
            catalogue.UPDATE_UNKNOWN, f"{host} answered with something else than a release"
        ) from None
    newest, own = version_of(release.tag_name), version_of(installed)
    if newest is None or own is None or not _is_page(release.html_url):
        raise KorProxyError(
            catalogue.UPDATE_UNKNOWN, f"{host} names a version or a page that cannot be used"
        )
    state = UpdateState.AVAILABLE if newest > own else UpdateState.CURRENT
    return UpdateView(state, installed, release.tag_name.removeprefix("v"), release.html_url)


def _is_page(url: str) -> bool:
    """Whether a feed's word for a page may be shown to a person: nothing in it steers a terminal."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname) and url.isascii() and url.isprintable()


def version_of(text: str) -> Version | None:
    """A version as what can be compared; None if it is none: `v1.2`, `1.2.0` and `1.2.0-rc.1` are some."""
    found = _VERSION.fullmatch(text)
    if found is None:
        return None
    numbers = [int(it) for it in found[1].split(".")]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers), _STAGES.get(found[2], _FINISHED), int(found[3] or 0)
