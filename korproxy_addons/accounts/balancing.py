"""Which candidate is next: fill-first, the order of the config, skipping what cannot be used now."""

from collections.abc import Callable, Collection, Sequence


def select[Candidate](
    candidates: Sequence[Candidate],
    tried: Collection[Candidate],
    usable: Callable[[Candidate], bool],
) -> Candidate | None:
    """
    The first candidate that was not tried yet and may be used; None if there is none.

    Args:
        candidates: Best first.
        tried: Those this exchange has already asked.
        usable: Whether the account's health lets it be asked now.
    """
    for candidate in candidates:
        if candidate not in tried and usable(candidate):
            return candidate
    return None
