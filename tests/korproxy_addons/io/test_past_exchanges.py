"""Finished exchanges, found again by what is known of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from korproxy_addons.io.database_file import FILE_NAME
from korproxy_addons.io.ledger_file import LedgerFile
from korproxy_addons.io.past_exchanges import SHORTEST_PREFIX, Wanted, by_id, like, recent
from support.ledgers import ATTEMPT, NOON, failed, ledger, record

FAILOVER = structs.replace(ATTEMPT, account="other", code="KP-RATE-402", status=429)
ALL = (
    record(1),
    record(2, tool="codex-cli", project="/src/gateway", requested_model="opus", profile="work"),
    failed(3, "KP-NET-305", local_key="ci", account="other", provider="codex"),
    record(4, attempts=(FAILOVER, ATTEMPT), why="failover:429", total_ms=9000.0, status=201),
    record(5, outcome="client_gone", project="C:\\src\\gateway", operation="count_tokens"),
    record(6, model="100%_real", route_group="night", tool="Claude-Code"),
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LedgerFile]:
    """A ledger with these exchanges."""
    with LedgerFile(ledger(tmp_path_factory.mktemp("home"), *ALL) / FILE_NAME) as found:
        yield found


def test_the_newest_come_first_as_they_were_kept(file: LedgerFile) -> None:
    assert recent(file, Wanted(), 99) == ALL[::-1]
    assert recent(file, Wanted(), 2) == (ALL[5], ALL[4])


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        ({"tool": "CLAUDE-code"}, "65431"),
        ({"tool": "codex*"}, "2"),
        ({"tool": "codex"}, ""),
        ({"profile": "work"}, "2"),
        ({"key": "ci"}, "3"),
        ({"provider": "codex"}, "3"),
        ({"account": "mine"}, "65421"),
        ({"group": "night"}, "6"),
        ({"operation": "count_tokens"}, "5"),
        ({"project": "/src/gateway"}, "2"),
        ({"project": "gateway"}, "52"),
        ({"project": "way"}, ""),
        ({"model": "opus"}, "2"),
        ({"model": "100%_real"}, "6"),
        ({"model": "100%_xxxx"}, ""),
        ({"model": "claude-*"}, "654321"),
        ({"code": "KP-NET-305"}, "3"),
        ({"code": "kp-rate-402"}, "4"),
        ({"code": "KP-*"}, "43"),
        ({"outcome": "client_gone"}, "5"),
        ({"failed": True}, "53"),
        ({"retried": True}, "4"),
        ({"status": 201}, "4"),
        ({"since_at": NOON + 240}, "65"),
        ({"until_at": NOON + 60}, "1"),
        ({"slower_than_ms": 5000.0}, "4"),
        ({"text": "failover:429"}, "4"),
        ({"text": "NET-305"}, "3"),
        ({"text": "kp0002"}, "2"),
        ({"text": "%_re"}, "6"),
        ({"text": "no such"}, ""),
        ({"failed": True, "account": "other"}, "3"),
    ],
    ids=lambda it: str(it).replace(" ", "")[:40] or "none",
)
def test_only_what_is_wanted_comes(file: LedgerFile, wanted: dict[str, Any], numbers: str) -> None:
    assert "".join(it.id[-1] for it in recent(file, Wanted(**wanted), 99)) == numbers


def test_one_is_found_by_its_id_whole_or_begun(tmp_path: Path) -> None:
    home = ledger(
        tmp_path,
        record(1, id="kpaaaa01", request_id="client-chose-this"),
        record(2, id="kpaaaa02", request_id="client-chose-this"),
        record(3, id="kpbbbb03", request_id="client-chose-that"),
    )
    with LedgerFile(home / FILE_NAME) as file:

        def ids(word: str) -> list[str]:
            return [it.id for it in by_id(file, word)]

        assert ids("kpbbbb03") == ["kpbbbb03"]
        assert ids("client-chose-this") == ["kpaaaa02", "kpaaaa01"], "a client may use one twice"
        assert ids("client-chose-tha") == ["kpbbbb03"]
        assert ids("client") == ["kpbbbb03", "kpaaaa02", "kpaaaa01"]
        assert ids("kpaaaa") == ["kpaaaa02", "kpaaaa01"]
        assert ids("kpaaaa0"[: SHORTEST_PREFIX - 1]) == []
        assert ids("pbbbb03") == ids("ose-that") == ["kpbbbb03"], "by its end too"
        assert ids("%") == ids("client_chose_this") == []


def test_a_search_that_names_an_id_reads_by_the_index(file: LedgerFile) -> None:
    sql = "EXPLAIN QUERY PLAN SELECT * FROM exchanges WHERE request_id = ? OR id = ? ORDER BY +started_at DESC"
    plan = str(file.rows(sql, ("x", "x")))
    assert "exchanges_by_request" in plan
    assert "SCAN" not in plan


@given(st.text(max_size=20))
def test_a_text_without_a_star_means_itself(text: str) -> None:
    """In any case of letters, as SQL has it."""
    pattern = like(text.replace("*", ""))
    assert "%" not in pattern.replace("\\%", "")
