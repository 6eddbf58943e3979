"""Places of secrets, and that a plain one shows nowhere."""

import pytest

from korproxy_addons.config.secret_ref import EXPECTED, Place, SecretRef


@pytest.mark.parametrize(
    ("text", "place", "name"),
    [
        ("env:ANTHROPIC_API_KEY", Place.ENV, "ANTHROPIC_API_KEY"),
        ("file:keys/claude", Place.FILE, "keys/claude"),
        ("file:C:\\keys\\claude", Place.FILE, "C:\\keys\\claude"),
        ("vault:work", Place.VAULT, "work"),
        ("cli:claude", Place.CLI, "claude"),
        ("cli: codex ", Place.CLI, "codex"),
    ],
)
def test_places(text: str, place: Place, name: str) -> None:
    ref = SecretRef.parse(text)
    assert (ref.place, ref.name, ref.plain, str(ref)) == (place, name, None, text.replace(" ", ""))
    assert SecretRef.parse(ref) is ref


@pytest.mark.parametrize(
    "value", ["sk-canary", "", "env:", "env: ", "env:A B", "env:1A", "x:y", ":y", 7, None, ["a"]]
)
def test_what_is_no_place_is_refused_without_showing_it(value: object) -> None:
    with pytest.raises(ValueError, match=r"env:") as caught:
        SecretRef.parse(value)
    assert "canary" not in str(caught.value)
    assert str(caught.value) in {EXPECTED, "env: followed by the name of an environment variable"}


def test_a_plain_secret_never_shows() -> None:
    ref = SecretRef.parse("plain:canary:x")
    assert ref.plain is not None
    assert ref.plain.get_secret_value() == "canary:x"
    assert "canary" not in f"{ref!r}{ref}"


@pytest.mark.parametrize("text", ["cli:", "cli:canary", "cli:Claude"])
def test_only_known_tools_have_a_login(text: str) -> None:
    with pytest.raises(ValueError, match="cli:") as caught:
        SecretRef.parse(text)
    assert "canary" not in str(caught.value)
