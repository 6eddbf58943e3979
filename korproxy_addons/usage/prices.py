"""
What tokens would cost by the vendors' price lists: the cost-equivalent of an answer, whoever's plan has paid for it.

Standard rates; batch, flex and priority tiers, storage of caches and calls of the vendors' own tools are left out.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from importlib import resources

from msgspec import Struct, json

from korproxy_addons.dialects.outcome import Usage

_MOST_REMEMBERED = 512
_PER = 1_000_000
# What vendors append to a model's name for one build of it: -20251101, -2026-09-29, -001, @20250929, -latest, -preview.
_BUILD = re.compile(r"([-@]\d{8}|-\d{4}-\d{2}-\d{2}|-\d{3}|-latest|-preview|:latest)\Z")


class Rates(Struct, frozen=True, kw_only=True):
    """
    US dollars per million tokens.

    `cached`, `cache_write` and `cache_write_1h` that the list does not name count as ordinary input (an hour's writing as
    writing).
    """

    input: float
    output: float
    cached: float | None = None
    cache_write: float | None = None
    cache_write_1h: float | None = None


class Price(Rates, frozen=True, kw_only=True):
    """
    A model's rates.

    Attributes:
        model: Its id, in lower case.
        since: First day on which they hold; None: always did.
        above_tokens: Prompts with more tokens are charged by `long` as a whole.
        long: See there.
        source: Key of `PriceList.sources`.
    """

    model: str
    since: date | None = None
    above_tokens: int | None = None
    long: Rates | None = None
    source: str = ""


class PriceList(Struct, frozen=True):
    """
    The file.

    Attributes:
        checked: Day of the last look at it.
        unit: In words.
        taken_from: Where it was read.
        sources: The vendors' own pages.
        prices: One per model and day of change.
    """

    checked: date
    unit: str
    taken_from: str
    sources: dict[str, str]
    prices: tuple[Price, ...]


PRICES: PriceList = json.decode(
    (resources.files(__package__) / "prices.json").read_bytes(), type=PriceList
)


class PriceTable:
    """
    Looks prices up.

    Args:
        prices: The list's.
        own: The user's own rates by model id, which go before it.
    """

    def __init__(
        self, prices: tuple[Price, ...] = PRICES.prices, own: Mapping[str, Rates] | None = None
    ) -> None:
        self._own = {name.lower(): rates for name, rates in (own or {}).items()}
        self._listed: dict[str, list[Price]] = {}
        for price in prices:
            self._listed.setdefault(price.model, []).append(price)
        for entries in self._listed.values():
            entries.sort(key=lambda it: it.since or date.min, reverse=True)
        self._found: dict[str, Rates | tuple[Price, ...] | None] = {}

    def cost_usd(self, model: str, usage: Usage, at: float) -> float | None:
        """
        What an answer would have cost.

        Args:
            model: Upstream's name of the model, as the provider or the client spells it.
            usage: Its tokens.
            at: Unix seconds at which it was asked for.
        Returns:
            US dollars; None where no price is known.
        """
        rates = self._rates(model, usage, at)
        if rates is None:
            return None
        write = rates.input if rates.cache_write is None else rates.cache_write
        write_1h = write if rates.cache_write_1h is None else rates.cache_write_1h
        cached = rates.input if rates.cached is None else rates.cached
        total = (
            usage.uncached_tokens * rates.input
            + usage.cached_tokens * cached
            + (usage.cache_write_tokens - usage.cache_write_1h_tokens) * write
            + usage.cache_write_1h_tokens * write_1h
            + usage.output_tokens * rates.output
        )
        return total / _PER

    def _rates(self, model: str, usage: Usage, at: float) -> Rates | None:
        if model not in self._found:
            if len(self._found) >= _MOST_REMEMBERED:
                self._found.clear()
            self._found[model] = self._look_up(model)
        found = self._found[model]
        if found is None or isinstance(found, Rates):
            return found
        price = found[0]
        if price.since is not None:
            day = datetime.fromtimestamp(at, UTC).date()
            price = next((it for it in found if it.since is None or it.since <= day), found[-1])
        if price.long is not None and usage.input_tokens > (price.above_tokens or 0):
            return price.long
        return price

    def _look_up(self, model: str) -> Rates | tuple[Price, ...] | None:
        names = _spellings(model)
        for name in names:
            if name in self._own:
                return self._own[name]
        for name in names:
            if name in self._listed:
                return tuple(self._listed[name])
        return None


def _spellings(model: str) -> list[str]:
    """A model's id, then what it may be without a vendor in front and a build behind."""
    name = model.lower()
    names = [name]
    if "/" in name:
        names.append(name.rpartition("/")[2])
    for spelling in tuple(names):
        bare = _BUILD.sub("", spelling)
        if bare != spelling:
            names.append(bare)
    return names
