"""Every match and every kind of request, targets, parameters, pins and safe mode, through a real gateway."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from korproxy_addons.errors.exceptions import KorProxyError
from launcher.actions.routes import explain_route
from support import config_file
from support.adjusted import AdjustedGateway
from support.asking import Question, question, send
from support.gateway import SimulatedGateway
from support.profile_gateway import GROUPS, MODEL, asked, served_by
from support.waiting import until

pytestmark = pytest.mark.e2e

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
TOOL = {
    "type": "function",
    "function": {"name": "look", "parameters": {"type": "object", "properties": {}}},
}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedGateway]:
    """A gateway that looks at its config so often that a test need not wait."""
    interval: dict[str, object] = {"korproxy_addons.addons.control:WATCH_INTERVAL_S": 0.02}
    home = tmp_path_factory.mktemp("home")
    extra = {"groups": GROUPS, "long_context_tokens": 2000}
    with SimulatedGateway(home, extra, start=lambda it: AdjustedGateway(it, interval)) as found:
        yield found


def put_rules(running: SimulatedGateway, *rules: dict[str, Any], **settings: Any) -> None:
    """These are the only rules from now on."""

    def edit(found: dict[str, Any]) -> None:
        found["profiles"] = [{"id": "default", "group": "chat", "rules": list(rules)}]
        for name in ("aliases", "safe_mode"):
            found[name] = settings.get(name, {})

    told = config_file.change(running.gateway, edit)
    assert told["event"] == "config reloaded", told
    running.sim.reset()


def rule(name: str, **inside: Any) -> dict[str, Any]:
    return {"name": name, **inside}


def now_span() -> str:
    """A span of two hours around this moment."""
    hour = time.localtime().tm_hour
    return f"{(hour - 1) % 24:02}:00-{(hour + 2) % 24:02}:00"


def other_span() -> str:
    hour = time.localtime().tm_hour
    return f"{(hour + 6) % 24:02}:00-{(hour + 8) % 24:02}:00"


def chat(prompt: Any = "hello", model: str = MODEL, **extra: Any) -> Question:
    return question("openai-chat", model, prompt, **extra)


SAYS = {"user-agent": "claude-cli/2.1.330 (external, cli)", "x-team": "Red-2"}
# Name to: the condition, a request that fits, and one that does not.
MATCHES: dict[str, tuple[dict[str, Any], Question, Question]] = {
    "tool": (
        {"tool": "claude-*"}, Question("", {}, {"user-agent": SAYS["user-agent"]}), Question("", {}),
    ),
    "dialect": (
        {"dialect": "anthropic-messages"}, question("anthropic-messages", MODEL), chat(),
    ),
    "model": ({"model": ["sim-*", "x"]}, chat(), chat(model="glm-5")),
    "header": (
        {"header": {"X-Team": "red-?"}}, Question("", {}, {"x-team": "RED-2"}),
        Question("", {}, {"x-team": "blue"}),
    ),
    "at least": ({"min_input_tokens": 500}, chat("word " * 500), chat()),
    "at most": ({"max_input_tokens": 500}, chat(), chat("word " * 500)),
    "background": ({"kind": "background"}, chat(max_tokens=20), chat(max_tokens=2000)),
    "thinking": (
        {"kind": "thinking"}, chat(reasoning_effort="low"), chat(reasoning_effort="none"),
    ),
    "long-context": ({"kind": "long-context"}, chat("word " * 2000), chat("word " * 100)),
    "tool-use": ({"kind": "tool-use"}, chat(tools=[TOOL]), chat()),
    "vision": (
        {"kind": "vision"},
        chat([{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}]),
        chat('{"type": "image_url"}'),
    ),
    "chat": ({"kind": ["chat", "embedding"]}, chat(), Question("", {}, {"x-korproxy-request-type": "other"})),
}  # fmt: skip


def whole(what: Question) -> Question:
    """A plain question with what the case adds to it."""
    if what.path:
        return what
    plain = chat()
    plain.headers.update(what.headers)
    return plain


@pytest.mark.parametrize("name", MATCHES)
def test_a_rule_is_for_the_requests_it_names(running: SimulatedGateway, name: str) -> None:
    when, fitting, other = MATCHES[name]
    put_rules(running, rule("r", when=when, group="responses"))
    status, account, why = served_by(asked(running, whole(fitting)))
    assert (status, account) == (200, "sim-responses"), why
    assert "rule:r" in why
    other = whole(other)
    model = other.body.get("model", MODEL)
    found = served_by(asked(running, other))
    assert "rule:r" not in found[2]
    assert found[:2] == ((200, "sim-chat") if model == MODEL else (404, ""))


def test_a_rule_is_for_the_time_it_names(running: SimulatedGateway) -> None:
    put_rules(running, rule("r", when={"time": other_span()}, group="responses"))
    assert served_by(asked(running))[1] == "sim-chat"
    put_rules(running, rule("r", when={"time": now_span()}, group="responses"))
    assert served_by(asked(running))[1] == "sim-responses"


def test_web_search_is_a_kind(running: SimulatedGateway) -> None:
    put_rules(running, rule("r", when={"kind": "web-search"}, group="anthropic"))
    searching = question(
        "anthropic-messages", MODEL, tools=[{"type": "web_search_20250305", "name": "web_search"}]
    )
    assert served_by(asked(running, searching))[1:] == ("sim-anthropic", ["rule:r"])
    assert served_by(asked(running, question("anthropic-messages", MODEL)))[1] == "sim-chat"


def test_the_header_s_kind_goes_before_what_the_request_looks_like(
    running: SimulatedGateway,
) -> None:
    put_rules(running, rule("r", when={"kind": "background"}, group="responses"))
    found = served_by(asked(running, x_korproxy_request_type="Background"))
    assert found == (200, "sim-responses", ["rule:r"])
    reply = asked(running, x_korproxy_request_type="backgrund")
    assert (reply.status, reply.headers["x-korproxy-error"]) == (400, "KP-REQ-705")
    assert "long-context" in reply.body.decode()


def test_embeddings_are_a_kind(running: SimulatedGateway) -> None:
    """The rule's group is asked, and nobody else: its account has no embeddings, the one it would have gone to has."""
    embedding = Question("/v1/embeddings", {"model": MODEL, "input": "x"})
    put_rules(running)
    assert served_by(asked(running, embedding))[1:] == ("sim-chat", [])
    put_rules(running, rule("r", when={"kind": "embedding"}, group="responses"))
    reply = asked(running, embedding)
    assert served_by(reply)[2] == ["rule:r"]
    assert reply.headers["x-korproxy-error"] == "KP-REQ-717"
    assert served_by(asked(running))[1:] == ("sim-chat", [])


def test_the_first_rule_that_fits_decides(running: SimulatedGateway) -> None:
    put_rules(
        running,
        rule("off", group="gemini", disabled=True),
        rule("no", when={"tool": "nobody"}, group="gemini"),
        rule("yes", group="anthropic"),
        rule("late", group="gemini"),
    )
    assert served_by(asked(running)) == (200, "sim-anthropic", ["rule:yes"])


def test_the_next_group_serves_where_the_first_has_nobody(running: SimulatedGateway) -> None:
    put_rules(running, rule("r", group=["responses", "anthropic"]))
    running.sim.script("429", path="/v1/responses", count=None)
    status, account, why = served_by(asked(running))
    assert (status, account) == (200, "sim-anthropic")
    assert why[0] == "rule:r"
    assert any(it.startswith("failover:429") for it in why)


def test_a_rule_names_another_model(running: SimulatedGateway) -> None:
    put_rules(running, rule("r", when={"model": MODEL}, model="glm-5", group="default"))
    assert served_by(asked(running)) == (200, "iflow-api-key", ["rule:r"])


def test_an_alias_may_lead_to_an_alias(running: SimulatedGateway) -> None:
    put_rules(running, aliases={"mine": "ours", "ours": f"sim-gemini@sim-gemini/{MODEL}"})
    assert served_by(asked(running, chat(model="mine"))) == (200, "sim-gemini", ["alias", "pinned"])


def test_a_pin_goes_before_every_rule(running: SimulatedGateway) -> None:
    put_rules(running, rule("r", group="responses"))
    for name in (f"sim-gemini/{MODEL}", f"sim-gemini@sim-gemini/{MODEL}"):
        assert served_by(asked(running, chat(model=name))) == (200, "sim-gemini", ["pinned"])


def test_a_group_is_a_border(running: SimulatedGateway) -> None:
    """A rule that sends a request to accounts that do not serve it is no reason to send it to others."""
    put_rules(running, rule("private", group="chat"))
    reply = asked(running, chat(model="glm-5"))
    assert (reply.status, reply.headers["x-korproxy-error"]) == (404, "KP-REQ-711")
    assert "rule private sends it to chat" in reply.body.decode()
    assert [it for it in running.sim.ledger.entries if it.method != "GET"] == []


@pytest.mark.parametrize(
    ("group", "sent"),
    [
        ("chat", {"max_tokens": 77, "temperature": 0.25, "reasoning_effort": "low"}),
        (
            "responses",
            {"max_output_tokens": 77, "temperature": 0.25, "reasoning": {"effort": "low"}},
        ),
    ],
)
def test_parameters_reach_native_and_translated_requests(
    running: SimulatedGateway, group: str, sent: dict[str, Any]
) -> None:
    parameters = {"max_tokens": 77, "temperature": 0.25, "effort": "low"}
    put_rules(running, rule("r", group=group, parameters=parameters))
    status, account, why = served_by(asked(running, chat(max_tokens=5000, temperature=0.9)))
    assert (status, account) == (200, f"sim-{group}")
    assert why[:4] == ["rule:r", "set:max_tokens", "set:temperature", "set:effort"]
    (entry,) = running.sim.ledger.entries
    body = json.loads(entry.body or "")
    found = {name: body.get(name) for name in sent}
    if "reasoning" in found:
        found["reasoning"] = {"effort": found["reasoning"]["effort"]}
    assert found == sent or {**found, "max_tokens": body.get("max_completion_tokens")} == sent


def test_safe_mode_sends_everything_to_one_fallback(running: SimulatedGateway) -> None:
    safe = {"enabled": True, "model": f"sim-anthropic/{MODEL}"}
    put_rules(running, rule("r", group="responses"), safe_mode=safe)
    for model in (MODEL, "glm-5", "nobody-has-this", f"sim-gemini/{MODEL}"):
        status, account, why = served_by(asked(running, chat(model=model)))
        assert (status, account) == (200, "sim-anthropic")
        assert "safe-mode" in why
    put_rules(running, rule("r", group="responses"), safe_mode={**safe, "enabled": False})
    assert served_by(asked(running))[1] == "sim-responses"


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        (
            {"profiles": [{"id": "w", "rules": [rule("r", group="chta")]}]},
            "profiles[0].rules[0].group",
        ),
        ({"aliases": {"a": "b", "b": "a"}}, "aliases.a"),
        (
            {"profiles": [{"id": "w", "rules": [rule("r", when={"tool": "x"})]}]},
            "profiles[0].rules[0]",
        ),
    ],
)
def test_a_broken_rule_changes_nothing_and_is_told_with_its_line(
    running: SimulatedGateway, settings: dict[str, Any], key: str
) -> None:
    put_rules(running, rule("r", group="responses"))
    sound = config_file.text(running.home)
    told = config_file.change(running.gateway, lambda it: it.update(settings))
    assert told["event"] == "config refused"
    file, line, _ = told["problem"].split(":", 2)
    assert key in told["problem"]
    assert file.endswith("config.yaml")
    wanted = key.rpartition(".")[2].partition("[")[0]
    assert wanted in config_file.text(running.home).splitlines()[int(line) - 1] or key.endswith("]")
    assert served_by(asked(running))[1] == "sim-responses"
    assert send(running.url, "GET", "/_korproxy/health").json["config_problems"] != []
    config_file.put(running.gateway, sound)


def test_a_past_exchange_can_be_explained(running: SimulatedGateway) -> None:
    """By its id, from what the gateway has recorded, and by what the rules say now."""
    put_rules(running, rule("then", when={"kind": "thinking"}, group="responses"))
    reply = asked(running, chat(reasoning_effort="low"))
    request_id = reply.headers["x-korproxy-request-id"]
    assert served_by(reply)[2] == ["rule:then"]
    put_rules(running, rule("now", when={"kind": "thinking"}, group="gemini"))

    def explained() -> dict[str, Any] | None:
        try:
            return explain_route(running.home, {"exchange": request_id})
        except KorProxyError:
            return None  # it is not written yet

    found = until(explained)
    assert found["recorded"]["account"] == "sim-responses"
    assert "rule:then" in found["recorded"]["why"]
    assert (found["rule"], found["chosen"]) == ("now", "sim-gemini")
    assert found["request"]["kinds"] == ["chat", "thinking"]
