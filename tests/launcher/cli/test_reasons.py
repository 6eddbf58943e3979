"""What the words of X-KorProxy-Why mean."""

import re

import pytest

from korproxy_addons.config.profiles import Strategy
from launcher.cli.reasons import meaning
from support.sources import text


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("rule:background", "the rule background decided"),
        ("failover:429", "another account was asked after 429"),
        ("tried:mine:KP-NET-305", "mine was tried, and failed with KP-NET-305"),
        ("limit:daily", "your limit daily is near or reached"),
        (
            "skipped:mine:rate_limited",
            "mine would have been asked before it, but rests after a limit or a failure",
        ),
        ("skipped:", ""),
        ("rule:", ""),
        ("tried:", ""),
        ("unheard-of", ""),
        ("unheard:of", ""),
    ],
)
def test_words_with_a_name_in_them(word: str, said: str) -> None:
    assert meaning(word) == said


def test_every_strategy_has_a_sentence() -> None:
    assert [it for it in Strategy if not meaning(it)] == []


def test_every_word_of_the_guide_has_a_sentence() -> None:
    guide = text("launcher/docs/routing.md")
    part = guide[guide.index("The words:") :]
    words = re.findall(r"`([a-z-]+(?::[A-Za-z0-9:]+)?)`", part[: part.index("\n\n")])
    # Short for moved:rate and so on.
    words = [it for it in words if it not in {"rate", "failure", "drain", "return"}]
    assert len(words) > 15
    assert [it for it in words if not meaning(it)] == []
