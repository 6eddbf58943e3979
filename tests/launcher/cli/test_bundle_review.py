"""The look through a bundle before it is written: viewing, leaving out, deciding."""

from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
import typer

from korproxy_addons.recording.bundle import Part
from korproxy_addons.recording.pseudonyms import Pseudonyms
from korproxy_addons.recording.redact import Redactor
from launcher.actions.bundle import Draft
from launcher.actions.bundle_cleaning import Cleaner
from launcher.cli.bundle_review import contents, review, who_is_who
from support.bundled import AT, facts

type Output = pytest.CaptureFixture[str]

type Review = Callable[..., tuple[tuple[str, ...] | None, list[str]]]

PARTS = (
    Part("vault.json", "the vault", b'{"a": 1}'),
    Part("flows/a.flow", "a request", b"\xff\xfe" * 2000, private=True),
    Part("logs/a.log", "a log", b"it said \x1b[2J\n"),
)
OUT = Path("a.zip")


def draft(names: tuple[tuple[str, str], ...] = ()) -> Draft:
    cleaner = Cleaner(Redactor(), Pseudonyms(), Path("/kp"), Path("/"))
    return Draft(AT, PARTS, (), names, facts(), cleaner)


class Person:
    """Answers what is asked in this order, then is gone; keeps what it was shown."""

    def __init__(self, *answers: str) -> None:
        self._answers: Iterator[str] = iter(answers)
        self.shown: list[str] = []

    def prompt(self, *_args: object, **_words: object) -> str:
        try:
            return next(self._answers)
        except StopIteration:
            raise typer.Abort from None


@pytest.fixture
def reviewed(monkeypatch: pytest.MonkeyPatch) -> Review:
    """Have a person look through the draft; what they decided, and what they were shown in the pager."""

    def run(
        *answers: str, left_out: tuple[str, ...] = ()
    ) -> tuple[tuple[str, ...] | None, list[str]]:
        person = Person(*answers)
        monkeypatch.setattr(typer, "prompt", person.prompt)
        monkeypatch.setattr(click, "echo_via_pager", person.shown.append)
        return review(draft(), OUT, left_out), person.shown

    return run


def test_what_goes_in_is_listed_and_what_holds_a_conversation_stands_out() -> None:
    lines = contents(draft(), ("vault.json",))
    assert lines[2].startswith("   0  SUMMARY.md")
    assert lines[3].startswith(" - 1  vault.json")
    assert lines[3].endswith("8 B  the vault")
    assert lines[4].endswith("3.9 KiB  a request; HOLDS WHAT WAS SAID")


def test_who_is_who_is_told_only_where_there_are_names() -> None:
    assert who_is_who(draft()) == []
    assert who_is_who(draft((("account-1", "jane"),)))[-1] == "    account-1: jane"


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (("w",), ()),
        (("yes",), ()),
        (("q",), None),
        ((), None),
        (("d 1", "w"), ("vault.json",)),
        (("d1", "d 2", "w"), ("vault.json", "flows/a.flow")),
        (("d 1", "d 1", "w"), ()),
        (("what", "d 99", "v", "w"), ()),
        (("d 0", "w"), ()),
    ],
)
def test_the_owner_decides(
    reviewed: Review, answers: tuple[str, ...], expected: tuple[str, ...] | None
) -> None:
    assert reviewed(*answers)[0] == expected


def test_what_was_left_out_before_stays_out_and_can_come_back(reviewed: Review) -> None:
    assert reviewed("w", left_out=("vault.json",))[0] == ("vault.json",)
    assert reviewed("d 1", "w", left_out=("vault.json",))[0] == ()


def test_each_part_can_be_read_and_none_steers_the_terminal(reviewed: Review) -> None:
    _, shown = reviewed("v 0", "v 1", "v2", "v 3", "q")
    assert shown[0].startswith("# What looks wrong")
    assert shown[1:] == ['{"a": 1}', "Not a text: mitmproxy opens it.\n", "it said ?[2J\n"]


def test_the_summary_cannot_be_left_out(reviewed: Review, capsys: Output) -> None:
    reviewed("d 0", "q")
    assert "The summary stays" in capsys.readouterr().out


def test_a_slip_is_answered_with_how_it_goes(reviewed: Review, capsys: Output) -> None:
    reviewed("x", "q")
    assert "A letter, and for v and d a number" in capsys.readouterr().out
