"""Numbers as people read them at a glance."""

from collections.abc import Sequence

_STEPS = "▁▂▃▄▅▆▇█"
NOTHING = "–"


def amount(number: float) -> str:
    """A count in four characters or so: `950`, `9.0k`, `1.2M`, `3.4G`."""
    for limit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        # What would be rounded up to a thousand is one of the next.
        if number >= limit * 0.9995:
            share = number / limit
            return f"{share:.0f}{letter}" if share >= 99.95 else f"{share:.1f}{letter}"
    return f"{number:.0f}"


def whole(number: float) -> str:
    """A count with all its digits."""
    return f"{number:,.0f}"


def span(milliseconds: float | None) -> str:
    """A time that passed: `0.8 ms`, `312 ms`, `4.1 s`, `2m 05s`."""
    if milliseconds is None:
        return NOTHING
    if milliseconds < 10:
        return f"{milliseconds:.1f} ms"
    if milliseconds < 999.5:
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    if seconds < 99.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m {rest:02d}s"
    return f"{minutes // 60}h {minutes % 60:02d}m"


def usd(dollars: float | None) -> str:
    """US dollars: cents where there are some, as many digits as it takes where there are none."""
    if dollars is None:
        return NOTHING
    if dollars == 0:
        return "0.00"
    if dollars < 0.00005:
        return "<0.0001"
    return f"{dollars:,.2f}" if dollars >= 0.095 else f"{dollars:.4f}"


def percent(share: float | None) -> str:
    """A percentage: `100 %`, `99.31 %`."""
    if share is None:
        return NOTHING
    return f"{share:.0f} %" if share == round(share) else f"{share:.2f} %"


def sparkline(values: Sequence[float]) -> str:
    """One sign for each value, as high as it is of the highest; nothing at all is a blank of its own."""
    highest = max(values, default=0)
    if highest <= 0:
        return "·" * len(values)
    top = len(_STEPS) - 1
    return "".join("·" if it <= 0 else _STEPS[round(it / highest * top)] for it in values)
