"""Rules and whom they fit."""

from launcher.simulator.script import Rule, Script


class Request:
    def __init__(self, **values: str) -> None:
        self._values = values

    def matched_value(self, name: str) -> str:
        return self._values.get(name, "")

    def header(self, name: str) -> str | None:
        return self._values.get(f"header_{name}")


def test_words_become_match_header_count_skip_and_settings() -> None:
    words = {
        "provider": "claude",
        "header": {"X-A": "1"},
        "count": None,
        "skip": 2,
        "retry_after": 3,
    }
    rule = Rule.from_words("429", words)
    assert (rule.match, rule.headers, rule.params) == (
        {"provider": "claude"},
        {"x-a": "1"},
        {"retry_after": 3},
    )
    assert (rule.count, rule.skip) == (None, 2)
    assert Rule.from_words("429", {}).count == 1


def test_all_values_must_fit_and_stars_are_wild() -> None:
    rule = Rule("x", match={"model": "claude-fable-*", "host": "claude"}, headers={"x-a": "1"})
    good = {"model": "claude-fable-5-1", "host": "claude", "header_x-a": "1"}
    assert rule.fits(Request(**good))
    for name in good:
        assert not rule.fits(Request(**{**good, name: "other"})), name
        assert not rule.fits(Request(**{k: v for k, v in good.items() if k != name})), name


def test_the_oldest_fitting_rule_is_taken_and_counted_down() -> None:
    script = Script()
    script.add(Rule("a", match={"host": "x"}, count=2))
    script.add(Rule("b", count=None))
    taken = [script.take(Request(host=host)) for host in "xyxx"]
    assert [rule.fault if rule else None for rule in taken] == ["a", "b", "a", "b"]
    assert script.pending() == 1
    script.clear()
    assert script.take(Request()) is None


def test_skipping_lets_requests_pass() -> None:
    script = Script()
    script.add(Rule("a", skip=2))
    assert [script.take(Request()) is not None for _ in range(4)] == [False, False, True, False]


def test_a_share_of_the_requests_is_drawn_anew_for_each() -> None:
    script = Script()
    script.add(Rule.from_words("cut", {"count": None, "share": 0.1}))
    script.add(Rule.from_words("429", {"count": None, "share": 0.2}))
    found = [script.take(Request()) for _ in range(2000)]
    names = [it.fault for it in found if it is not None]
    assert 150 < names.count("cut") < 250
    # Of what the first rule has left.
    assert 300 < names.count("429") < 420
    again = Script()
    again.add(Rule.from_words("cut", {"count": None, "share": 0.1}))
    other = Script()
    other.add(Rule.from_words("cut", {"count": None, "share": 0.1}))
    assert [again.take(Request()) is None for _ in range(50)] == [
        other.take(Request()) is None for _ in range(50)
    ]
    again.reseed(1)
    other.reseed(2)
    assert [again.take(Request()) is None for _ in range(200)] != [
        other.take(Request()) is None for _ in range(200)
    ]
