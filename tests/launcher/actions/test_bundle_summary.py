"""The first page, read as a stranger reads it."""

from dataclasses import replace

from korproxy_addons.recording.bundle import Part
from launcher.actions.bundle_summary import day_sums, summary_text
from launcher.actions.checks import Check
from support.bundled import exchange, facts, looked

PARTS = (
    Part("b.json", "the second", b""),
    Part("a.har", "the first", b"", private=True),
)


def page(given: object = None, *, vault_open: bool = True) -> str:
    return summary_text(given or facts(), PARTS, vault_open=vault_open)  # type: ignore[arg-type]


def test_where_nothing_is_wrong_it_says_so_and_what_to_tell() -> None:
    text = page()
    assert text.startswith(
        "# What looks wrong\n\n2026-09-21 14:13 UTC. KorProxy 0.1.0.\n\nNothing."
    )
    assert "`korproxy requests`" in text
    assert "## What is in order\n\nversions.\n" in text
    assert "## What is not known" not in text


def test_what_is_wrong_is_numbered_with_what_was_found_and_what_to_do() -> None:
    checks = (
        Check(name="port", result="fail", detail="1337 is taken", remedy=("End it.", "korproxy start")),
        Check(name="keyring", result="warn", detail="none in this session"),
        Check(name="gateway", result="fail", detail="it failed: x", seen=tuple("abcdefghij")),
        Check(name="DNS", result="skip", detail="not asked: --offline"),
    )  # fmt: skip
    text = page(facts(looked=looked(*checks)))
    assert (
        "**1. The gateway's port is not to be had**\n\n1337 is taken.\n\n- End it.\n- korproxy start\n"
        in text
    )
    assert (
        "**3. There is no keyring for the vault's key** (worth knowing)\n\nNone in this session.\n"
        in text
    )
    assert "It failed: x.\n\n    c\n" in text, "the last lines only"
    assert "## What is not known\n\n- DNS: not asked: --offline\n" in text


def test_an_id_at_the_beginning_of_a_sentence_stays_an_id() -> None:
    check = Check(name="accounts", result="warn", detail="codex-api-key must be reconnected")
    assert "\n\ncodex-api-key must be reconnected.\n" in page(facts(looked=looked(check)))


def test_what_could_not_be_had_is_said() -> None:
    assert "- requests: KP-SYS-507" in page(facts(lacking=("requests: KP-SYS-507",)))


def test_the_day_is_told_in_numbers_and_codes() -> None:
    records = (
        *(exchange("ok", it, total_ms=it) for it in range(100, 110)),
        exchange("error", 5000.0, code="KP-PROV-105"),
        exchange("error", 5000.0, code="odd"),
        exchange("client_gone", 5000.0),
    )
    text = page(facts(exchanges=records))
    assert "13 requests: 10 succeeded, 2 failed, 1 were given up by the tool." in text
    assert "Half of them took up to 105 ms, nine in ten up to 109 ms." in text
    assert "| KP-PROV-105 | 1 | The provider is overloaded |" in text
    assert "| odd | 1 | the provider’s own word |" in text
    assert "No request was kept." in page(facts(exchanges=()))


def test_what_is_in_it_is_listed_and_what_holds_a_conversation_is_said_to() -> None:
    text = page()
    assert "| a.har | the first **It holds what was said.** |\n| b.json | the second |" in text


def test_a_closed_vault_is_said_to_be_the_reason_for_what_could_not_be_looked_for() -> None:
    assert "vault could not be opened" in page(vault_open=False)
    assert "vault could not be opened" not in page()


def test_a_long_list_is_cut() -> None:
    codes = [f"code_{it}" for it in range(20)]
    records = tuple(exchange("error", 60.0 + it, code=it_code) for it, it_code in enumerate(codes))
    text = page(replace(facts(), exchanges=records))
    assert "And 8 more, in `findings.json`." in text


def test_the_sums_of_a_day_without_requests() -> None:
    sums = day_sums(())
    assert (sums["totalRequests"], sums["avgLatencyMs"], sums["total_ms"]) == (0, None, None)


def test_the_sums_of_a_day() -> None:
    sums = day_sums(
        [exchange("ok", input_tokens=3), exchange("error", code="x", first_byte_ms=7.0)]
    )
    assert (sums["successCount"], sums["failureCount"], sums["avgLatencyMs"]) == (1, 1, 100.0)
    assert (sums["codes"], sums["by_provider"], sums["by_tool"]) == (
        {"x": 1},
        {"codex": 2},
        {"cline": 2},
    )
    assert (sums["input_tokens"], sums["first_byte_ms"]) == (
        3,
        {"p50": 7.0, "p90": 7.0, "p99": 7.0},
    )
