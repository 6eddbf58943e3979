"""The metrics of a gateway with real traffic, read by a real Prometheus as the shipped example says."""

import hashlib
import json
import math
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from launcher.actions import metrics as actions
from launcher.supervisor.port_holder import Run, save_run
from support.asking import Question, ask, question, send
from support.gateway import SimulatedGateway
from support.live_reply import broken_off
from support.prometheus import Prometheus, promtool
from support.waiting import until

pytestmark = pytest.mark.e2e

NATIVE = {
    "openai-chat": "qwen3.8-max",
    "openai-responses": "gpt-6.1-sol",
    "anthropic-messages": "claude-sonnet-5-5",
    "gemini": "gemini-3.8-flash",
}
LIMIT = {"name": "watch", "requests": 1, "per": "day", "action": "warn"}
TOOL = "codex_cli_rs/1.0"
# Grafana fills these in.
VARIABLES = {
    "$__rate_interval": "1h",
    "$__range": "1h",
    "$provider": ".*",
}
DASHBOARD = json.loads(actions.dashboard())
QUERIES = sorted(
    {
        target["expr"]
        for panel in DASHBOARD["panels"]
        if panel["type"] != "row"
        for target in panel["targets"]
    }
)


REQUESTS = 12
"""So many are made by `traffic`."""


def traffic(running: SimulatedGateway, name: str) -> None:
    """Something of everything: answers, streams, a failover, a cut stream, a refusal, a conversation that moves."""
    for number, (dialect, model) in enumerate(NATIVE.items()):
        for stream in (False, True):
            prompt = "[[sim tokens=60 cached=9 thinking=hm delay_ms=4 piece=8]]"
            asked = question(dialect, model, prompt, stream=stream)
            reply = ask(
                running.url,
                asked,
                **{"user-agent": TOOL, "x-request-id": f"{name}-{number}-{stream:d}"},
            )
            assert reply.status == 200, reply.body
    talk = {"x-session-id": f"talk-{name}"}
    assert ask(running.url, talking(), **talk).status == 200
    running.sim.script("429", count=1, retry_after=60)
    moved = ask(running.url, talking(), **talk)
    assert moved.status == 200
    cut = question("gemini", NATIVE["gemini"], "[[sim tokens=60]]", stream=True)
    broken_off(running, cut, "drop", after=2)
    refused = ask(running.url, question("openai-chat", "no-such-model"))
    assert refused.headers["x-korproxy-error"]


def talking() -> Question:
    """A turn of a conversation whose model several accounts serve."""
    return question(
        "openai-chat", NATIVE["openai-chat"], "[[sim tokens=5 cached=400]]" + "hm " * 900
    )


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedGateway]:
    """A gateway that counts."""
    home = tmp_path_factory.mktemp("home")
    with SimulatedGateway(home, {"quota_rules": [LIMIT]}) as it:
        # As its launcher would: the config names no port.
        save_run(home, Run(it.gateway.process.pid, it.gateway.port, it.gateway.ready["instance"]))
        yield it


@pytest.fixture(scope="module")
def prometheus(
    running: SimulatedGateway, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    """Reads that gateway by the printed example; everything that is counted was counted twice, and scraped after each."""
    text = actions.scrape_example(running.home)
    with Prometheus(tmp_path_factory.mktemp("prometheus"), text) as it:
        for turn, name in enumerate(("first", "again"), start=1):
            traffic(running, name)
            until(partial(knows, it, turn * REQUESTS))
        yield it


def knows(prometheus: Prometheus, requests: int) -> bool:
    """Whether so many requests were counted and read."""
    return prometheus.number("sum(korproxy_requests_total)") == requests


def test_the_gateway_is_read_without_trouble(prometheus: Prometheus) -> None:
    target = until(partial(healthy, prometheus))
    assert target["labels"]["job"] == "korproxy"


def healthy(prometheus: Prometheus) -> dict[str, Any] | None:
    """The target, once a scrape went well: a busy machine may be late with one."""
    target = prometheus.target()
    return target if (target["health"], target["lastError"]) == ("up", "") else None


def test_the_example_is_a_configuration_that_prometheus_takes(prometheus: Prometheus) -> None:
    done = subprocess.run(
        [promtool(), "check", "config", prometheus.config],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("accept", ["", "application/openmetrics-text"])
def test_prometheus_own_checker_finds_nothing_wrong(
    prometheus: Prometheus, running: SimulatedGateway, accept: str
) -> None:
    page = send(running.url, "GET", "/metrics", None, {"accept": accept}).body
    if accept:
        # It knows the plain format alone: the same, without what only the other one has.
        lines = page.decode().replace("\n# EOF\n", "\n").splitlines()
        page = "".join(f"{it.partition(' # {')[0]}\n" for it in lines).encode()
        page = plain_names(page)
    done = subprocess.run(
        [promtool(), "check", "metrics"], check=False, input=page, capture_output=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def plain_names(page: bytes) -> bytes:
    """In the plain format a counter's description bears the name of its samples."""
    lines = []
    counters = {it.split()[2] for it in page.splitlines() if it.endswith(b" counter")}
    for line in page.splitlines():
        words = line.split(b" ", 3)
        if words[0] == b"#" and words[2] in counters:
            words[2] += b"_total"
        lines.append(b" ".join(words))
    return b"\n".join([*lines, b""])


@pytest.mark.parametrize("expression", QUERIES)
def test_every_query_of_the_dashboard_gives_data(prometheus: Prometheus, expression: str) -> None:
    for variable, value in VARIABLES.items():
        expression = expression.replace(variable, value)
    assert "$" not in expression

    def data() -> list[Any]:
        """What is counted after its request was is there with the scrape behind that."""
        found = prometheus.query(expression)
        return [it for it in found if not math.isnan(float(it["value"][1]))]

    assert until(data)


def test_the_dashboards_own_variable_gives_the_providers(prometheus: Prometheus) -> None:
    (variable,) = [it for it in DASHBOARD["templating"]["list"] if it["name"] == "provider"]
    assert variable["query"]["query"] == "label_values(korproxy_accounts, provider)"

    def all_there() -> bool:
        """What a scrape that was late knows nothing of is there again with the next."""
        found = {it["metric"]["provider"] for it in prometheus.query("korproxy_accounts")}
        return {"claude", "codex", "gemini", "qwen"} <= found

    assert until(all_there)


def test_an_exemplar_leads_to_a_request(prometheus: Prometheus, running: SimulatedGateway) -> None:
    """Correlation ids are there, and in no label."""

    def told() -> set[str]:
        found = prometheus.exemplars("gen_ai_client_operation_duration_seconds_bucket")
        ids = {it["labels"]["request_id"] for it in found}
        return ids if any(it.startswith("again-") for it in ids) else set()

    ids = until(told)
    assert running.gateway.wait_for_log(next(it for it in ids if it.startswith("again-")))
    for series in prometheus.query('{__name__=~".+"}'):
        assert not ids & set(series["metric"].values())


def test_tokens_are_those_of_the_simulators_own_ledger(
    prometheus: Prometheus, running: SimulatedGateway
) -> None:
    del prometheus  # the traffic is over
    told: dict[str, int] = {"input": 0, "output": 0}
    for entry in running.sim.wait(lambda entries: all(it.ended_at for it in entries)):
        for kind in told:
            told[kind] += entry.told.get(f"{kind}_tokens", 0)
    own = {it.name: it for it in actions.families(actions.page(running.home))}
    for kind, wanted in told.items():
        samples = own["korproxy_tokens"].samples
        assert sum(it.value for it in samples if it.labels["kind"] == kind) == wanted


def hostile(number: int) -> tuple[Question, dict[str, str]]:
    """A request that makes up whatever may be made up."""
    asked = question(
        list(NATIVE)[number % 4],
        f'made-up/model-{number}\\"\n{{}}',
        "hello",
        stream=number % 2 == 0,
    )
    return asked, {
        "user-agent": f"tool-{number}/1.0",
        "x-request-id": f"hostile-{number:08}",
        "x-korproxy-request-type": f"kind-{number}",
        "x-session-id": f"session-{number}",
    }


def test_whatever_clients_and_upstreams_make_up_the_page_stays_small(
    prometheus: Prometheus, running: SimulatedGateway
) -> None:
    """Model names, tools, ids, and error words that look like codes of ours."""

    def series() -> int:
        text = send(running.url, "GET", "/metrics").body.decode()
        return sum(not it.startswith("#") for it in text.splitlines())

    sizes: list[int] = []
    for turn in range(2):
        for number in range(60):
            asked, headers = hostile(turn * 60 + number)
            assert ask(running.url, asked, **headers).status >= 400
            running.sim.script("error-mid-stream", code=f"KP-FAKE-{turn}-{number}", count=1)
            spoiled = question(
                "openai-chat", NATIVE["openai-chat"], "[[sim tokens=9]]", stream=True
            )
            ask(running.url, spoiled, **headers)
        sizes.append(series())
    assert sizes[1] - sizes[0] <= 25, sizes
    assert sizes[1] < 2000
    text = send(running.url, "GET", "/metrics").body
    for made_up in (b"made-up", b"tool-", b"hostile-", b"KP-FAKE", b"session-", b"kind-1"):
        assert made_up not in text
    assert until(partial(healthy, prometheus))


def test_where_a_key_is_required_the_example_says_how_it_is_shown(tmp_path: Path) -> None:
    digest = hashlib.sha256(b"kp-local-4711").hexdigest()
    keys = {"required": True, "keys": [{"id": "prometheus", "sha256": digest}]}
    with SimulatedGateway(tmp_path / "home", {"local_keys": keys}) as it:
        save_run(
            it.home, Run(it.gateway.process.pid, it.gateway.port, it.gateway.ready["instance"])
        )
        text = actions.scrape_example(it.home)
        for key, seen in (("kp-local-4712", refused), ("kp-local-4711", healthy)):
            file = tmp_path / f"{key}.key"
            file.write_text(key)
            config = text.replace("/etc/prometheus/korproxy.key", str(file))
            with Prometheus(tmp_path / key, config) as prometheus:
                assert until(partial(seen, prometheus))


def refused(prometheus: Prometheus) -> bool:
    """Whether the gateway has answered a scrape with a refusal."""
    return "HTTP status 40" in prometheus.target()["lastError"]
