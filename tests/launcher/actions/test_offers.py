from pathlib import Path

import pytest

from korproxy_addons.config.parse import parse_config
from korproxy_addons.errors.catalogue import LOGIN_NOT_OFFERED, ROUTE_RETIRED
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.providers.registry import REGISTRY
from launcher.actions.offers import Kind, Offer, find_offer, offers
from launcher.login.watch import Method
from support.clock import FakeClock

NOW = 1_795_000_000.0  # 18 November 2026
NOTHING = parse_config(b"")
OWN = parse_config(
    b"providers:\n  mine: {dialect: openai-chat, base_url: 'https://m.example/v1'}\n"
    b"  here: {dialect: openai-chat, base_url: 'http://localhost:1/v1', local: true, auth: none}\n"
)
SUNSET = (
    '{"checked": "2026-11-01", "routes": [{"provider": "codex", "access": "siwc", "state": "works",'
    ' "since": "2026-09-29", "reason": "Fine.", "source": "https://x.example", "replacement":'
    ' "api-key", "sunset": "2026-12-31"}]}'
)


def offer(provider: str, access: str | None, home: Path, now: float = NOW) -> Offer:
    return find_offer(NOTHING, provider, access, home, FakeClock(now))


def test_every_way_in_says_what_its_account_holds(tmp_path: Path) -> None:
    kinds = {
        f"{provider}/{it.way.access.id}": (it.kind, it.methods)
        for provider in ("claude", "codex", "gemini", "qwen", "iflow")
        for it in offers(NOTHING, provider, tmp_path, FakeClock(NOW))
    }
    browser = (Method.BROWSER, Method.PASTE)
    assert kinds == {
        "claude/api-key": (Kind.KEY, ()),
        "claude/subscription": (Kind.LOGIN, browser),
        "claude/own-login": (Kind.TOOL, ()),
        "codex/api-key": (Kind.KEY, ()),
        "codex/chatgpt": (Kind.LOGIN, (*browser, Method.DEVICE)),
        "codex/siwc": (Kind.LOGIN, browser),
        "codex/own-login": (Kind.TOOL, ()),
        "gemini/api-key": (Kind.KEY, ()),
        "gemini/code-assist": (Kind.LOGIN, browser),
        "qwen/api-key": (Kind.KEY, ()),
        "qwen/coding-plan": (Kind.KEY, ()),
        "qwen/token-plan": (Kind.KEY, ()),
        "qwen/oauth": (Kind.LOGIN, (Method.DEVICE,)),
        "iflow/api-key": (Kind.KEY, ()),
        "iflow/login": (Kind.LOGIN, browser),
    }
    assert find_offer(OWN, "mine", None, tmp_path).kind is Kind.KEY
    assert find_offer(OWN, "here", "none", tmp_path).kind is Kind.NONE
    assert offer("qwen", "coding-plan", tmp_path).regions == ("intl", "cn")


@pytest.mark.parametrize(
    ("provider", "access", "day", "instead"),
    [
        ("qwen", "oauth", "2026-04-15", "--access coding-plan"),
        ("iflow", "login", "2026-04-17", "korproxy account add qwen --access coding-plan"),
        ("iflow", None, "2026-04-17", "korproxy account add qwen --access coding-plan"),
    ],
)
def test_what_is_over_is_explained_with_its_day_and_what_to_use(
    tmp_path: Path, provider: str, access: str | None, day: str, instead: str
) -> None:
    found = offer(provider, access, tmp_path)
    assert found.retired
    with pytest.raises(KorProxyError) as said:
        found.check_offered()
    assert said.value.spec is ROUTE_RETIRED
    assert day in said.value.detail
    assert instead in said.value.detail


def test_what_still_works_is_offered(tmp_path: Path) -> None:
    offer("claude", "api-key", tmp_path).check_offered()
    assert offer("claude", "api-key", tmp_path).terms() == ()


def test_a_server_that_still_speaks_a_retired_protocol_may_be_signed_in_to(tmp_path: Path) -> None:
    moved = parse_config(b"providers:\n  iflow: {base_url: 'https://still.example/v1'}\n")
    find_offer(moved, "iflow", "login", tmp_path).check_offered()


def test_an_announced_end_is_told_and_then_holds(tmp_path: Path) -> None:
    (tmp_path / "registry.json").write_text(SUNSET)
    before = offer("codex", "siwc", tmp_path)
    assert any("ends it on 2026-12-31" in it for it in before.terms())
    before.check_offered()
    after = offer("codex", "siwc", tmp_path, NOW + 60 * 86_400)
    assert after.retired
    with pytest.raises(KorProxyError, match="2026-12-31"):
        after.check_offered()


def test_an_old_look_says_check_again(tmp_path: Path) -> None:
    old = offer("codex", "siwc", tmp_path, NOW + 400 * 86_400)
    assert any("check again" in it for it in old.terms())


def test_terms_are_in_plain_words_with_their_source(tmp_path: Path) -> None:
    terms = offer("claude", "subscription", tmp_path).terms()
    text = " ".join(terms)
    assert "Anthropic's terms keep plan logins to Claude Code" in text
    assert "claude-code only" in text
    assert "--access own-login" in text
    assert "https://code.claude.com/" in text


def test_the_source_goes_with_the_day_of_the_last_look_not_with_that_of_the_change(
    tmp_path: Path,
) -> None:
    terms = offer("gemini", "code-assist", tmp_path).terms()
    assert terms[-1].startswith(f"Source, read on {REGISTRY.checked.isoformat()}: https://")
    assert not any("check again" in it for it in terms)
    assert any("gemini-cli only" in it for it in terms)


def test_what_nobody_knows_is_named_with_what_there_is(tmp_path: Path) -> None:
    for provider, access, known in (("nope", None, "claude, codex"), ("claude", "x", "api-key")):
        with pytest.raises(KorProxyError, match=known) as said:
            offer(provider, access, tmp_path)
        assert said.value.spec is LOGIN_NOT_OFFERED
