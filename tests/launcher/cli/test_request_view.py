"""One request in full, as text: everything the ledger knows of it, in words."""

from pathlib import Path

import pytest
from msgspec import structs

from korproxy_addons.errors import catalogue
from support.command import printed
from support.ledgers import ATTEMPT, failed, ledger, record

type Output = pytest.CaptureFixture[str]

FAILOVER = structs.replace(
    ATTEMPT, account="other", code="KP-RATE-402", status=429, first_byte_ms=None, ended_ms=120.0,
    reused=False,
)  # fmt: skip
WORDS = {
    "upstream_dialect": "openai-chat", "project": "/src/gateway", "rule": "night",
    "local_key": "ci", "why": "rule:night, failover:429, odd", "reasoning_tokens": 50,
    "attempts": (FAILOVER, ATTEMPT), "moved": "quota", "cache_lost_tokens": 12_345,
    "cache_write_tokens": 40, "usage_incomplete": True,
}  # fmt: skip


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")


def shown(home: Path, output: Output, word: str = "kp0001") -> str:
    return printed(home, output, "requests", "show", word)


def test_a_request_is_told_from_its_client_to_its_end(tmp_path: Path, capsys: Output) -> None:
    said = shown(ledger(tmp_path, record(1, **WORDS)), capsys)
    for line in (
        "kp0001  ",
        "ok ×2, HTTP 200",
        "claude-sonnet-5-5, generate, streamed (anthropic-messages; chat)",
        "/src/gateway",
        "default, rule night, local key ci",
        "My Claude (claude, api-key) of the group default: claude-sonnet-5-5, translated to openai-chat",
        "rule:night  the rule night decided",
        "failover:429  another account was asked after 429",
        "12,345 tokens of a prompt cache, as it moved",
        "5.0 s in all; first byte after 1.0 s; 1.5 ms of it not the provider's",
        "4,000 bytes in, 900 bytes out",
        "1,000 in (800 read from a cache, 40 written), 200 out (50 of them thinking); the provider may",
        "0.50 USD by the price list",
        "1  other  HTTP 429, KP-RATE-402: The account's quota is used up",
        "claude-sonnet-5-5; sent at 1.0 ms, over at 120 ms, new connection",
        "2  My Claude  HTTP 200",
    ):
        assert line in said


def test_a_speed_is_told_of_whole_streams_alone(tmp_path: Path, capsys: Output) -> None:
    home = ledger(tmp_path, record(1), record(2, outcome="client_gone", bytes_out=0))
    whole, cut = shown(home, capsys), shown(home, capsys, "kp0002")
    assert "50 tokens a second" in whole
    assert "a second" not in cut
    assert "bytes out" not in cut


def test_an_error_comes_with_what_to_do(tmp_path: Path, capsys: Output) -> None:
    spec = catalogue.CATALOGUE["KP-NET-305"]
    said = shown(ledger(tmp_path, failed(1, "KP-NET-305", status=502)), capsys)
    assert "KP-NET-305, HTTP 502" in said
    assert f"KP-NET-305 {spec.title}" in said
    assert spec.cause in said
    for step in spec.remedy:
        assert f"> {step}" in said
    assert "none told" in said


def test_an_upstreams_own_word_is_told_as_such(tmp_path: Path, capsys: Output) -> None:
    said = shown(ledger(tmp_path, failed(1, "overloaded_error")), capsys)
    assert "overloaded_error: the provider's own word for it" in said


def test_one_that_nobody_was_asked_for(tmp_path: Path, capsys: Output) -> None:
    refused = failed(
        1, "KP-REQ-702", attempts=(), account="", tool="", why="", profile="", kind="", status=None,
        requested_model="", first_byte_ms=None, overhead_ms=None, stop_reason="", streamed=False,
    )  # fmt: skip
    said = shown(ledger(tmp_path, refused), capsys)
    assert "went to   nobody" in said
    assert "a tool that is not known" in said
    assert "kind not known" in said
    for word in ("attempts", "why", "streamed", "HTTP", "project", "ended"):
        assert word not in said.split("KP-REQ-702 ")[0]


def test_an_attempt_that_never_left_or_had_no_reply(tmp_path: Path, capsys: Output) -> None:
    never = structs.replace(FAILOVER, status=None, sent_ms=None)
    odd = structs.replace(ATTEMPT, status=404, ended_ms=None)
    said = shown(ledger(tmp_path, record(1, attempts=(never, odd), cost_usd=None)), capsys)
    assert "no reply, KP-RATE-402" in said
    assert "never sent" in said
    assert "2  My Claude  HTTP 404" in said
    assert "not known: this model has no price" in said


def test_requests_with_the_same_id_are_named(tmp_path: Path, capsys: Output) -> None:
    home = ledger(tmp_path, record(1, request_id="same"), record(2, request_id="same"))
    assert "also kp0001: its client used this id more than once" in shown(home, capsys, "same")


def test_a_narrow_terminal_cuts_nothing_off(
    tmp_path: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    said = shown(ledger(tmp_path, record(1, **WORDS)), capsys)
    assert "…" not in said
    assert all(len(line) <= 60 for line in said.splitlines())
