import getpass

import pytest
from pydantic import SecretStr

from korproxy_addons.io.vault_terminal import MOST_QUESTIONS, TerminalAsk


class Person:
    """Types these lines, one for each question."""

    def __init__(self, *lines: str) -> None:
        self.lines = list(lines)
        self.heard: list[str] = []

    def __call__(self, prompt: str) -> str:
        self.heard.append(prompt)
        if not self.lines:
            raise EOFError
        return self.lines.pop(0)


def ask(person: Person, *, terminal: bool = True) -> TerminalAsk:
    return TerminalAsk(person, lambda: terminal)


@pytest.mark.parametrize(
    ("lines", "new", "answer", "questions"),
    [
        (("one",), False, "one", 1),
        (("one", "one"), True, "one", 2),
        (("one", "two"), True, None, 2),
        (("",), False, None, 1),
        (("",), True, None, 1),
        ((), False, None, 1),
        (("one",), True, None, 2),
    ],
)
def test_a_new_passphrase_is_typed_twice(
    lines: tuple[str, ...], new: bool, answer: str | None, questions: int
) -> None:
    person = Person(*lines)
    assert ask(person)(new=new) == (None if answer is None else SecretStr(answer))
    assert len(person.heard) == questions


def test_where_nobody_sits_nobody_is_asked() -> None:
    person = Person("one")
    assert ask(person, terminal=False)(new=False) is None
    assert person.heard == []


def test_nobody_is_asked_for_ever() -> None:
    """A gateway that nobody looks at must not fill its terminal with questions."""
    person = Person()
    asking = ask(person)
    assert [asking(new=False) for _ in range(MOST_QUESTIONS + 2)] == [None] * (MOST_QUESTIONS + 2)
    assert len(person.heard) == MOST_QUESTIONS


def test_by_default_what_is_typed_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(getpass, "getpass", lambda prompt, stream: f"typed at {prompt[:3]}")
    assert TerminalAsk()(new=False) == SecretStr("typed at The")
