import asyncio
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from mitmproxy import http

from korproxy_addons.accounts.pool import ALL_MODELS, Pool
from korproxy_addons.accounts.quota import QuotaBook
from korproxy_addons.addons.metering import PRUNED_AT_ONCE, Metering, account_states, quota_left
from korproxy_addons.dialects.model import Usage
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.exchange import Attempt, Exchange
from korproxy_addons.io.database import Database
from korproxy_addons.io.tables.exchanges import INSERT_EXCHANGE
from korproxy_addons.io.workspace import Caller, Project, Workspace
from korproxy_addons.licensing.entitlement import FREE, LIMITS, Entitlement, Plan
from korproxy_addons.providers.base import Operation
from korproxy_addons.providers.failure import Failure, Scope, Verdict
from korproxy_addons.providers.quota import Window
from korproxy_addons.routing.paths import Wanted
from korproxy_addons.usage.metrics import Metrics
from korproxy_addons.usage.record import ExchangeRecord
from support.clock import FakeClock
from support.flows import client_flow, config_with, exchange_of

GENERATE = Wanted("anthropic-messages", Operation.GENERATE)
USAGE = Usage(input_tokens=100, cached_tokens=60, output_tokens=20, reasoning_tokens=5)
DAY_S = 86_400.0


def attempt(error_code: str | None = None, **fields: Any) -> Attempt:
    return Attempt(
        **{
            "number": 1,
            "account_id": "claude-a",
            "account_label": "Work",
            "provider": "claude",
            "access": "api-key",
            "dialect": "anthropic-messages",
            "model": "claude-opus-5",
            "url": "https://api.example/v1?key=secret",
            "started_at": 0.0,
            "error_code": error_code,
            **fields,
        }
    )


@dataclass
class Counted:
    """A gateway's metering on a database of its own, and what came of it."""

    home: Path
    lines: list[dict[str, Any]] = field(default_factory=list)
    records: list[ExchangeRecord] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.metrics = Metrics()
        self.clock = FakeClock(1_800_000_000.0)
        self.config = config_with()
        self.database = Database(self.home / "korproxy.db", clock=self.clock)
        self.database.open()
        self.metering = Metering(
            self.metrics,
            self.database,
            lambda: self.config,
            (self.records.append,),
            self.clock,
        )

    def flow(self, **fields: Any) -> http.HTTPFlow:
        flow = client_flow()
        exchange_of(flow, **{"dialect": "anthropic-messages", "wanted": GENERATE, **fields})
        self.metering.requestheaders(flow)
        return flow

    def ended(self, hook: str = "response", **fields: Any) -> Exchange:
        """An exchange that ends; every hook comes twice."""
        flow = self.flow(**fields)
        for _ in range(2):
            getattr(self.metering, hook)(flow)
        exchange = Exchange.of(flow)
        assert exchange is not None
        return exchange

    def rows(self, columns: str = "*") -> list[tuple[Any, ...]]:
        assert self.database.flush()
        return self.database.read(f"SELECT {columns} FROM exchanges ORDER BY id")

    def shown(self) -> list[str]:
        return self.metrics.exposition().decode().splitlines()


@pytest.fixture
def counted(tmp_path: Path) -> Iterator[Counted]:
    """Metering, the lines it logs, and its ledger."""
    found = Counted(tmp_path)
    handler = logging.Handler()
    handler.emit = lambda record: found.lines.append(vars(record)["fields"])  # type: ignore[method-assign]
    logger = logging.getLogger("korproxy.exchange")
    logger.addHandler(handler)
    level = logger.level
    logger.setLevel(logging.INFO)
    yield found
    logger.removeHandler(handler)
    logger.setLevel(level)
    found.database.close()


def test_an_exchange_is_taken_down_once(counted: Counted) -> None:
    counted.ended(
        attempts=[attempt("KP-RATE-401", status=429), attempt(usage=USAGE, status=200, whole=True)],
        first_byte_ms=250.0,
        why=["failover:429"],
    )
    assert counted.rows("outcome, account, input_tokens, output_tokens, cached_tokens, why") == [
        ("ok", "claude-a", 100, 20, 60, "failover:429")
    ]
    (line,) = counted.lines
    assert (line["outcome"], line["account"]) == ("ok", "claude-a")
    assert (line["attempts"], line["why"]) == (2, ["failover:429"])
    assert (line["input_tokens"], line["output_tokens"]) == (100, 20)
    assert line["first_byte_ms"] == 250.0
    assert line["duration_ms"] > 0
    assert len(counted.records) == 1
    requests = [it for it in counted.shown() if it.startswith("korproxy_requests_total{")]
    assert [it.rpartition(" ")[2] for it in requests] == ["1.0"]


def test_nothing_that_is_kept_holds_content_or_address(counted: Counted) -> None:
    exchange = exchange_of(client_flow(body=b'{"prompt": "canary-prompt"}'))
    counted.ended(attempts=[attempt()], client=exchange.client, peek=None)
    kept = str(counted.rows()) + str(counted.lines) + str(counted.shown())
    for secret in ("secret", "api.example", "canary-prompt"):
        assert secret not in kept


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"error": KorProxyError(catalogue.RATE_LIMITED)}, "KP-RATE-401"),
        ({"stream_error": "KP-PROV-109"}, "KP-PROV-109"),
        ({"stream_error": "overloaded_error"}, "overloaded_error"),
    ],
)
def test_an_error_is_kept_with_its_code(counted: Counted, fields: Any, code: str) -> None:
    counted.ended(**fields)
    assert counted.rows("outcome, code") == [("error", code)]
    assert (counted.lines[0]["outcome"], counted.lines[0]["code"]) == ("error", code)


def test_a_client_that_left_is_no_error(counted: Counted) -> None:
    counted.ended("error", attempts=[attempt()])
    assert counted.rows("outcome, code, status") == [("client_gone", "", None)]
    assert not any(it.startswith("korproxy_errors_total{") for it in counted.shown())


def test_a_client_that_left_is_counted_when_its_leg_has_told_the_last_tokens(
    counted: Counted,
) -> None:
    """mitmproxy says that the client is gone before the cancelled leg has had its turn."""
    under_way = attempt(sent_ms=1.0, status=200)
    flow = counted.flow(attempts=[under_way], leg_running=True)
    counted.metering.error(flow)
    assert counted.rows() == []
    under_way.usage = USAGE
    exchange = Exchange.of(flow)
    assert exchange is not None
    exchange.leg_ended()
    assert counted.rows("outcome, input_tokens, usage_incomplete") == [("client_gone", 100, 1)]
    counted.metering.error(flow)
    assert len(counted.rows()) == 1


def test_whoever_is_still_there_at_the_end_is_taken_down_too(counted: Counted) -> None:
    flow = counted.flow(attempts=[attempt()])
    finished = counted.flow(seed="other", attempts=[attempt()])
    counted.metering.response(finished)
    counted.metering.done()
    assert counted.rows("id, outcome") == [("other", "ok"), ("seed1", "client_gone")]
    del flow


def test_a_refusal_before_anything_was_read_counts_too(counted: Counted) -> None:
    counted.ended(wanted=None, error=KorProxyError(catalogue.HOST_REFUSED))
    assert counted.rows("operation, provider, attempts, code") == [
        ("other", "", "[]", catalogue.HOST_REFUSED.code)
    ]


def test_the_gateways_own_pages_are_nobodys_request(counted: Counted) -> None:
    counted.ended(wanted=Wanted("openai-chat", local="health"))
    counted.ended(wanted=None)
    assert (counted.rows(), counted.lines, counted.records) == ([], [], [])


def test_the_users_own_price_is_used(counted: Counted) -> None:
    prices = {"claude-opus-5": {"input": 1000, "output": 0}}
    tried = attempt(usage=Usage(input_tokens=1000), status=200)
    counted.ended(attempts=[tried], config=config_with(usage={"prices": prices}))
    counted.ended(attempts=[tried], seed="listed")
    (listed, own) = sorted(it[0] for it in counted.rows("cost_usd"))
    assert own == 1.0
    assert 0 < listed < 0.1


def test_what_is_too_old_or_too_much_is_deleted_in_pieces(counted: Counted) -> None:
    counted.config = config_with(usage={"keep_days": 2, "keep_requests": 1000})
    now = counted.clock.now
    base = ExchangeRecord(
        id="",
        request_id="",
        started_at=now,
        client_dialect="",
        operation="",
        outcome="",
        total_ms=0,
    )
    made = [
        ExchangeRecord(
            **{
                **{name: getattr(base, name) for name in base.__struct_fields__},
                "id": f"{number:05d}",
                "started_at": now - 3 * DAY_S + number * 0.01
                if number < 5
                else now + number * 0.01,
            }
        ).row()
        for number in range(1055)
    ]
    counted.database.write(INSERT_EXCHANGE, made)
    counted.metering.prune()
    assert counted.rows("count(*), min(started_at) > ?".replace("?", str(now)))[0] == (1000, 1)
    assert PRUNED_AT_ONCE > 1000
    assert counted.database.read("SELECT sum(requests) FROM usage_daily") == [(1055,)]


def test_quota_is_told_by_provider_and_window_as_it_stands_now() -> None:
    book = QuotaBook()
    book.observe(
        "a", [Window("5h", 0.75, reset_at=100.0, seen_at=1.0), Window("credits", unit="usd")]
    )
    accounts = [{"id": "a", "provider": "claude", "secret": "plain:x"}]
    config = config_with(accounts=accounts)
    assert list(quota_left(config, book, 50.0)) == [("claude", "5h", 0.25)]
    assert list(quota_left(config, book, 150.0)) == [("claude", "5h", 1.0)]
    assert list(quota_left(config_with(), book, 50.0)) == []


def test_every_account_is_in_one_state() -> None:
    """Also one that nothing was ever held against; a model that one of them has lost is not the account."""
    limited = Failure(
        spec=catalogue.RATE_LIMITED, verdict=Verdict.COOL, scope=Scope.ACCOUNT, retry_after_s=100.0
    )
    pool = Pool()
    pool.failed("b", ALL_MODELS, limited, 50.0)
    pool.failed("c", "one-model", replace(limited, scope=Scope.MODEL), 50.0)
    accounts = [
        {"id": name, "provider": "claude", "secret": "plain:x", "disabled": name == "d"}
        for name in "abcd"
    ]
    config = config_with(accounts=accounts)
    assert list(account_states(config, pool, 60.0)) == [
        ("claude", "available"),
        ("claude", "rate_limited"),
        ("claude", "available"),
        ("claude", "disabled"),
    ]
    assert list(account_states(config, pool, 1000.0))[1] == ("claude", "available")


def test_requests_are_kept_for_as_long_as_the_plan_goes(counted: Counted) -> None:
    """Free keeps seven days, whatever the configuration asks for; Pro as many as that."""
    for number, days in enumerate((6.9, 7.1, 29.9, 30.1)):
        old = ExchangeRecord(
            id=f"kp{number}", request_id="r", started_at=counted.clock.now - days * DAY_S,
            client_dialect="gemini", operation="generate", outcome="ok", total_ms=1.0,
        )  # fmt: skip
        counted.database.write(INSERT_EXCHANGE, [old.row()])
    counted.metering.entitlement = lambda: Entitlement(Plan.PRO, LIMITS[Plan.PRO])
    counted.metering.prune()
    assert [row[0] for row in counted.rows("id")] == ["kp0", "kp1", "kp2"]
    counted.metering.entitlement = lambda: FREE
    counted.metering.prune()
    assert [row[0] for row in counted.rows("id")] == ["kp0"]


def test_who_calls_is_found_out_for_the_record(counted: Counted, tmp_path: Path) -> None:
    """Routes and limits went by what the request said; the ledger says more."""
    workspace = Workspace(tmp_path)
    workspace.find = lambda *_: Caller(Project("/p"), "codex-cli")  # type: ignore[method-assign]
    counted.metering = Metering(
        counted.metrics,
        counted.database,
        lambda: counted.config,
        (counted.records.append,),
        counted.clock,
        workspace,
    )

    async def run() -> None:
        first = counted.flow()
        client = exchange_of(client_flow()).client
        client.own, client.connection = ("127.0.0.1", 1337), "c"
        exchange = exchange_of(first, dialect="gemini", wanted=GENERATE, client=client)
        counted.metering.requestheaders(first)
        counted.metering.response(first)
        counted.metering.done()
        assert exchange.tool == ""
        second = client_flow()
        exchange_of(second, dialect="gemini", wanted=GENERATE, client=client, seed="seed2")
        task = workspace.look("c", ("127.0.0.1", 50000), ("127.0.0.1", 1337))
        assert task is not None
        await task
        counted.metering.requestheaders(second)
        counted.metering.response(second)

    asyncio.run(run())
    assert counted.rows("tool, project") == [("", ""), ("codex-cli", "/p")], "done() waits for none"
    assert [it.tool for it in counted.records] == ["", ""]
