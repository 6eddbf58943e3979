"""The configuration as a bundle shows it."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.recording.pseudonyms import Pseudonyms
from korproxy_addons.recording.redact import MASK, Redactor
from launcher.actions.bundle_cleaning import Cleaner
from launcher.actions.bundle_config import cleaned_config, cleaned_lines

CANARY = "canary-9f31"


def cleaner() -> Cleaner:
    names = Pseudonyms(kept=("codex",))
    names.add("account", "work")
    return Cleaner(Redactor(), names, Path("/data/kp"), Path("/data"))


def test_what_is_set_is_shown_secrets_names_and_comments_are_not() -> None:
    text = f"""# my notes: {CANARY}
version: 1
accounts:
  - id: work   # {CANARY}
    provider: codex
    secret: plain:{CANARY}
  - id: other
    provider: codex
    secret: vault:other
"""
    assert (
        cleaned_config(text, cleaner())
        == f"""version: 1
accounts:
- id: account-1
  provider: codex
  secret: '{MASK}'
- id: other
  provider: codex
  secret: vault:other
"""
    )


def test_a_file_that_is_no_yaml_keeps_its_lines_and_nothing_that_may_be_a_secret() -> None:
    text = f"""# notes {CANARY}
version: 1
listen:
  port: 1337
accounts:
  - id: work
    provider: codex # mine
     secret: {CANARY}
    label: [Jane's {CANARY}
    secret: vault:work
  {CANARY}
  on: true
    group: best-of
    access: api-key
"""
    lines = cleaned_config(text, cleaner()).splitlines()
    assert len(lines) == len(text.splitlines())
    assert lines == [
        "#",
        "version: 1",
        "listen:",
        "  port: 1337",
        "accounts:",
        "  - id: account-1",
        "    provider: codex",
        f"     secret: {MASK}",
        f"    label: {MASK}",
        "    secret: vault:account-1",
        f"  {MASK}",
        "  on: true",
        "    group: name-1",
        "    access: api-key",
    ]


def test_what_is_no_mapping_is_taken_line_by_line() -> None:
    assert cleaned_config(f"- {CANARY}\n", cleaner()) == f"- {MASK}\n"
    assert cleaned_config("", cleaner()) == ""


@given(st.text(max_size=60), st.sampled_from(["", "secret: ", "  - x: [", "a:\n  b: |\n   "]))
def test_no_word_with_a_digit_survives_in_a_broken_file(noise: str, before: str) -> None:
    """Whatever stands around it."""
    text = cleaned_lines(f"{noise}\n{before}{CANARY}\n{noise} {CANARY} {noise}\n", cleaner())
    assert CANARY not in text
