"""One question in each dialect, by SDK and by plain HTTP, to a real simulator that stands in for the gateway."""

import os
from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from launcher.demo import clients as module
from launcher.demo.clients import Answer, clients, plain_client
from launcher.simulator import SimulatorThread
from support.asking import DIALECTS

SDKS = {
    "openai-chat": "openai",
    "openai-responses": "openai",
    "anthropic-messages": "anthropic",
    "gemini": "google.genai",
}
WAYS = {
    "openai-chat": ("compatible", "chat"),
    "openai-responses": ("compatible", "responses"),
    "anthropic-messages": ("compatible", "anthropic"),
    "gemini": ("compatible", "gemini"),
}


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorThread]:
    """The simulated providers."""
    with SimulatorThread() as running:
        yield running


@pytest.fixture(autouse=True)
def _with_its_key(simulator: SimulatorThread, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway would take any key; the provider behind it takes its own."""
    monkeypatch.setattr(module, "KEY", "sk-compat-sim-1")
    simulator.reset()


def root(simulator: SimulatorThread, dialect: str) -> str:
    return simulator.urls()[WAYS[dialect]]["host"]


def check(answer: Answer) -> None:
    assert answer.text.strip()
    assert answer.input_tokens > 0
    assert answer.output_tokens > 0
    assert answer.first_byte_ms is not None
    assert 0 < answer.first_byte_ms <= answer.total_ms


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_vendors_own_sdk_asks(simulator: SimulatorThread, dialect: str) -> None:
    if dialect == "gemini" and find_spec("google") is None:
        pytest.skip("google-genai is not installed: it wants Python 3.13")
    ask = clients(root(simulator, dialect))[dialect]
    answer = ask("sim-large")
    check(answer)
    sdk = SDKS[dialect].replace(".", "-")
    assert answer.via.split()[0] == sdk
    assert simulator.ledger.entries[-1].stream


@pytest.mark.parametrize("dialect", DIALECTS)
def test_without_an_sdk_plain_http_does(
    simulator: SimulatorThread, dialect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(name: str) -> None:
        if "." in name:
            raise ModuleNotFoundError(name)

    monkeypatch.setattr(module, "find_spec", absent)
    answer = clients(root(simulator, dialect))[dialect]("sim-large")
    check(answer)
    assert answer.via == "plain HTTP"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_sdk_and_plain_http_read_the_same(simulator: SimulatorThread, dialect: str) -> None:
    if dialect == "gemini" and find_spec("google") is None:
        pytest.skip("google-genai is not installed: it wants Python 3.13")
    by_sdk = clients(root(simulator, dialect))[dialect]("sim-large")
    by_hand = plain_client(root(simulator, dialect), dialect)("sim-large")
    assert (by_hand.text, by_hand.input_tokens, by_hand.output_tokens) == (
        by_sdk.text,
        by_sdk.input_tokens,
        by_sdk.output_tokens,
    )


def test_a_refusal_is_raised_with_its_words(simulator: SimulatorThread) -> None:
    simulator.script("status", status=400, message="said so")
    with pytest.raises(RuntimeError, match=r"400.*said so"):
        plain_client(root(simulator, "openai-chat"), "openai-chat")("sim-large")


def test_no_proxy_stands_between_the_demo_and_its_gateway(
    simulator: SimulatorThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A company's proxy in the environment knows nothing of a port on this machine."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "example.com")
    monkeypatch.delenv("NO_PROXY", raising=False)
    before = dict(os.environ)
    for dialect in DIALECTS:
        check(clients(root(simulator, dialect))[dialect]("sim-large"))
    assert dict(os.environ) == before
