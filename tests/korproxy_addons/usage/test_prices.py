from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.dialects.outcome import Usage
from korproxy_addons.usage.prices import PRICES, Price, PriceTable, Rates

AT = datetime(2026, 11, 22, tzinfo=UTC).timestamp()
MILLION = 1_000_000


def table(**own: Rates) -> PriceTable:
    prices = (
        Price(model="m", input=2, output=10, cached=0.5, cache_write=3, cache_write_1h=4),
        Price(model="plain", input=2, output=10),
        Price(model="long", input=1, output=2, above_tokens=100, long=Rates(input=10, output=20)),
        Price(model="moved", since=date(2026, 1, 1), input=1, output=1),
        Price(model="moved", since=date(2027, 1, 1), input=2, output=2),
        Price(model="was", input=5, output=5),
        Price(model="was", since=date(2026, 11, 1), input=6, output=6),
    )
    return PriceTable(prices, own)


def test_each_kind_of_token_has_its_rate() -> None:
    usage = Usage(
        input_tokens=10 * MILLION,
        cached_tokens=4 * MILLION,
        cache_write_tokens=3 * MILLION,
        cache_write_1h_tokens=1 * MILLION,
        output_tokens=2 * MILLION,
        reasoning_tokens=1 * MILLION,
    )
    assert table().cost_usd("m", usage, AT) == pytest.approx(
        3 * 2 + 4 * 0.5 + 2 * 3 + 1 * 4 + 2 * 10
    )
    assert table().cost_usd("plain", usage, AT) == pytest.approx(10 * 2 + 2 * 10)


def test_a_long_prompt_is_charged_by_its_own_rates_as_a_whole() -> None:
    assert table().cost_usd("long", Usage(input_tokens=100), AT) == pytest.approx(100e-6)
    assert table().cost_usd("long", Usage(input_tokens=101), AT) == pytest.approx(1010e-6)


def test_a_price_holds_from_its_day_on() -> None:
    usage = Usage(input_tokens=MILLION)
    new_year = datetime(2027, 1, 1, tzinfo=UTC).timestamp()
    assert table().cost_usd("moved", usage, new_year - 1) == 1
    assert table().cost_usd("moved", usage, new_year) == 2
    # before the first day that is known of, the first price is the nearest
    assert table().cost_usd("moved", usage, 0) == 1
    assert table().cost_usd("was", usage, 0) == 5
    assert table().cost_usd("was", usage, AT) == 6


@pytest.mark.parametrize(
    "name",
    ["M", "vendor/m", "a/b/m", "m-20251101", "m@20250929", "m-2026-09-29", "m-001", "m-latest"],
)
def test_a_model_is_known_in_every_spelling(name: str) -> None:
    assert table().cost_usd(name, Usage(input_tokens=MILLION), AT) == 2


@pytest.mark.parametrize("name", ["", "m2", "mm", "m-mini", "other", "m-20251101-x"])
def test_a_model_without_a_price_has_none(name: str) -> None:
    """Never that of a model whose name is like it."""
    assert table().cost_usd(name, Usage(input_tokens=MILLION), AT) is None


def test_the_users_own_price_goes_first() -> None:
    own = {"m": Rates(input=7, output=0), "Mine": Rates(input=9, output=0)}
    mine = table(**own)
    usage = Usage(input_tokens=MILLION)
    assert mine.cost_usd("m", usage, AT) == 7
    assert mine.cost_usd("vendor/mine-20260101", usage, AT) == 9
    assert mine.cost_usd("plain", usage, AT) == 2


def test_names_that_upstreams_make_up_fill_no_memory() -> None:
    mine = table()
    for number in range(3000):
        assert mine.cost_usd(f"made-up-{number}x", Usage(input_tokens=1), AT) is None
    assert len(mine._found) < 1000


def test_the_list_is_dated_and_sourced() -> None:
    assert PRICES.checked >= date(2026, 11, 1)
    assert {it.source for it in PRICES.prices} <= set(PRICES.sources)
    assert all(it.model == it.model.lower() for it in PRICES.prices)
    assert all(it.long is None or it.above_tokens for it in PRICES.prices)


@pytest.mark.parametrize(
    "model",
    [
        "claude-opus-5-5",
        "claude-haiku-5-5",
        "gpt-6.1-sol",
        "gpt-6-luna",
        "gemini-3.8-flash",
        "glm-5",
    ],
)
def test_the_list_knows_the_models_that_are_asked_for_most(model: str) -> None:
    cost = PriceTable().cost_usd(model, Usage(input_tokens=MILLION, output_tokens=MILLION), AT)
    assert cost is not None
    assert 0.1 < cost < 100


counts = st.integers(0, 10 * MILLION)


@given(counts, counts, counts, counts)
def test_a_cost_is_never_negative_and_grows_with_the_answer(
    fresh: int, cached: int, written: int, output: int
) -> None:
    usage = Usage(
        input_tokens=fresh + cached + written,
        cached_tokens=cached,
        cache_write_tokens=written,
        output_tokens=output,
    )
    less = Usage(input_tokens=usage.input_tokens, cached_tokens=cached, cache_write_tokens=written)
    cost, without = table().cost_usd("m", usage, AT), table().cost_usd("m", less, AT)
    assert cost is not None
    assert without is not None
    assert 0 <= without <= cost
