"""A canary for each secret and for each word of a conversation, and all the places where none of them may turn up."""

import json
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from support import config_file
from support.asking import DIALECTS, Question, Response, ask, question, send
from support.gateway import GatewayProcess, StockMitmdump
from support.listener import CHAT_REPLY, Answer, Listener
from support.planted import CANARY as EXCEPTION_TEXT
from support.raw_http import asked as raw_asked

pytestmark = pytest.mark.e2e

ACCOUNT_FILE = "canary-account-secret-in-a-file-90a1"
ACCOUNT_ENV = "canary-account-secret-in-the-environment-90a2"
LOCAL_KEY = "canary-local-key-of-the-config-90a3"
CLIENT_KEYS = {
    "authorization": "canary-client-key-as-bearer-91a1",
    "x-api-key": "canary-client-key-as-x-api-key-91a2",
    "x-goog-api-key": "canary-client-key-as-goog-91a3",
    "proxy-authorization": "canary-client-key-as-proxy-91a4",
    "cookie": "canary-client-cookie-91a5",
}
QUERY_KEY = "canary-client-key-in-the-query-91a6"
ENV_NAME = "KORPROXY_TEST_SECRET"
SECRETS = (ACCOUNT_FILE, ACCOUNT_ENV, LOCAL_KEY, *CLIENT_KEYS.values(), QUERY_KEY)

PROMPT = "canary-prompt-of-the-user-92a1"
SYSTEM = "canary-system-text-92a2"
ARGUMENT = "canary-argument-of-a-tool-92a3"
REPLY = "canary-reply-of-the-model-92a4"
ERROR = "canary-error-text-of-the-provider-92a5"
CONVERSATION = (PROMPT, SYSTEM, ARGUMENT, REPLY, ERROR)

SANE_ID = "canary-correlation-id-93a1"
ODD_ID = "canary correlation id 93a2 with blanks"

USES = ("whole", "stream", "broken", "hidden", "400", "401", "403", "429", "500")
PLACES = {"in-file": "file:secrets/account", "in-env": f"env:{ENV_NAME}"}
STREAM = (
    b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,'
    b'"delta":{"role":"assistant","content":"%b"},"finish_reason":null}]}\n\n'
    b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,'
    b'"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n' % REPLY.encode()
)


@dataclass
class Run:
    """
    Everything a run has left behind.

    Attributes:
        places: Name of a place to the text that was found there.
        own_errors: What clients were told in the gateway's own words.
        replies: Everything else that clients were told.
        heard: What the provider was sent.
    """

    places: dict[str, str] = field(default_factory=dict)
    own_errors: list[Response] = field(default_factory=list)
    replies: list[Response] = field(default_factory=list)
    heard: str = ""
    log: list[dict[str, Any]] = field(default_factory=list)

    def leaks(self, canaries: tuple[str, ...], *places: str) -> list[tuple[str, str]]:
        """Place and canary of each find."""
        texts = {name: self.places[name] for name in (places or self.places)}
        return [(name, it) for name, text in texts.items() for it in canaries if it in text]


def everything_said(dialect: str, model: str, *, stream: bool) -> Question:
    """A question with a canary in every part of it and a key in every place."""
    asked = question(dialect, model, f"hello {PROMPT}", stream=stream)
    match dialect:
        case "openai-chat":
            asked.body["messages"].insert(0, {"role": "system", "content": SYSTEM})
            asked.body["user"] = ARGUMENT
        case "openai-responses":
            asked.body |= {"instructions": SYSTEM, "metadata": {"a": ARGUMENT}}
        case "anthropic-messages":
            asked.body |= {"system": SYSTEM, "metadata": {"user_id": ARGUMENT}}
        case _:
            asked.body["systemInstruction"] = {"parts": [{"text": SYSTEM}]}
            asked.body["labels"] = {"a": ARGUMENT}
    keys = {**CLIENT_KEYS, "authorization": f"Bearer {CLIENT_KEYS['authorization']}"}
    joint = "&" if "?" in asked.path else "?"
    return Question(f"{asked.path}{joint}key={QUERY_KEY}", asked.body, {**asked.headers, **keys})


def engine(home: Path, environment: dict[str, str]) -> GatewayProcess:
    """The engine, with its log in the terminal too."""
    options = ["--home", str(home), "--port", "0", "--ready-json"]
    return GatewayProcess(home, [sys.executable, "-m", "korproxy_addons", *options], environment)


def planted(home: Path, environment: dict[str, str]) -> GatewayProcess:
    """The engine, in which every reply that was read is an internal error."""
    place = "korproxy_addons.gateway.reply_road:ReplyRoad.hold"
    options = [place, "--home", str(home), "--port", "0", "--ready-json"]
    paths = {"PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, "-m", "support.planted", *options]
    return GatewayProcess(home, command, environment | paths)


def mitmdump(home: Path, environment: dict[str, str]) -> GatewayProcess:
    """Stock mitmdump as talkative as it is by default."""
    return StockMitmdump(home, environment=environment)


STARTS: dict[str, Callable[[Path, dict[str, str]], GatewayProcess]] = {
    "engine": engine, "mitmdump": mitmdump, "planted": planted,
}  # fmt: skip


def settings(url: str) -> dict[str, Any]:
    """Two ways to keep a secret, an account for each use; a key of KorProxy's own; a log of everything."""
    providers = {
        f"{place}-{use}": {
            "dialect": "openai-chat", "base_url": f"{url}/{place}/{use}/v1", "local": True,
            "list_models": False, "models": ["m"],
        }
        for place in PLACES
        for use in USES
    }  # fmt: skip
    accounts = [
        # each for one dialect's client, as an account that was refused is out of play
        {"id": f"{place}-{use}-{dialect}", "provider": f"{place}-{use}", "secret": PLACES[place]}
        for place in PLACES
        for use in USES
        for dialect in DIALECTS
    ]
    return {
        "version": 1,
        "local_keys": {"keys": [{"id": "own", "secret": "file:secrets/local"}]},
        "providers": providers,
        "accounts": accounts,
        "logging": {"level": "debug"},
    }


@pytest.fixture(scope="module", params=list(STARTS))
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A day in the life of a gateway: answers, refusals, failures; then everything it has left behind."""
    everything = tmp_path_factory.mktemp("everything")
    home = everything / "korproxy"
    (home / "secrets").mkdir(mode=0o700, parents=True)
    (home / "secrets" / "account").write_text(ACCOUNT_FILE)
    (home / "secrets" / "local").write_text(LOCAL_KEY)
    home.chmod(0o700)
    temporary = everything / "temporary"
    temporary.mkdir()
    # Whatever a process writes, it writes below one folder.
    environment = {"HOME": str(everything), "TMPDIR": str(temporary), ENV_NAME: ACCOUNT_ENV}
    found = Run()
    with Listener() as provider:
        config_file.write(home, settings(provider.url))
        with STARTS[request.param](home, environment) as gateway:
            live(gateway, provider, found)
            if Path("/proc/self/environ").exists():
                process = Path("/proc") / str(gateway.process.pid)
                found.places["argv"] = process.joinpath("cmdline").read_text()
                found.places["environ"] = process.joinpath("environ").read_text()
            gateway.stop()
        found.heard = "".join(it.text for it in provider.heard)
    found.log = gateway.log_lines()
    found.places["terminal"] = gateway.errors + getattr(gateway, "output", "")
    for path in everything.rglob("*"):
        if path.is_file() and path.parent.name != "secrets":
            found.places[path.relative_to(everything).as_posix()] = path.read_text(errors="replace")
    return found


def live(gateway: GatewayProcess, provider: Listener, found: Run) -> None:
    """Ask for all there is, and for what goes wrong."""
    provider.pages = {
        f"/{place}/{use}/v1/chat/completions": answer
        for place, secret in (("in-file", ACCOUNT_FILE), ("in-env", ACCOUNT_ENV))
        for use, answer in answers(secret).items()
    }

    def one(asked: tuple[str, str, str]) -> Response:
        place, use, dialect = asked
        model = f"{place}-{use}@{place}-{use}-{dialect}/m"
        body = everything_said(dialect, model, stream=use in ("stream", "hidden"))
        return ask(gateway.url, body, **{"x-request-id": SANE_ID})

    with ThreadPoolExecutor(16) as clients:
        for reply in clients.map(one, product(PLACES, USES, DIALECTS)):
            sort(found, reply)
    targets = [it.target for it in provider.heard]
    assert all(targets.count(page) >= len(DIALECTS) for page in provider.pages)
    for dialect in DIALECTS:
        own_mistakes(gateway, dialect, found)
    for path in ("/metrics", "/_korproxy/health", "/", "/v1/models"):
        reply = send(gateway.url, "GET", path, None, {"x-request-id": ODD_ID})
        assert reply.status == 200
        found.places[f"GET {path}"] = f"{reply.headers} {reply.body.decode()}"


def answers(secret: str) -> dict[str, Answer]:
    """What the provider says to this secret, by use."""
    whole = json.dumps(CHAT_REPLY).replace("Aye", REPLY).encode()
    # Some servers repeat the key that they refuse.
    words = json.dumps({"error": {"message": f"{ERROR}: no such key {secret}"}})
    return {
        "whole": Answer(200, whole),
        "stream": Answer(200, STREAM, (("content-type", "text/event-stream"),)),
        "broken": Answer(200, whole[:-40]),
        # an error that calls itself an answer
        "hidden": Answer(200, words.encode()),
        **{it: Answer(int(it), words.encode()) for it in ("400", "401", "403", "429", "500")},
    }


def own_mistakes(gateway: GatewayProcess, dialect: str, found: Run) -> None:
    """Requests that the gateway itself refuses, each with all canaries in it."""
    unknown = everything_said(dialect, "no-such-model", stream=False)
    sound = everything_said(dialect, "in-file-whole/m", stream=False)
    headers = {**sound.headers, "content-type": "application/json"}
    whole = json.dumps(sound.body)
    own = [("Host", f"127.0.0.1:{gateway.port}"), *headers.items()]
    found.own_errors += [
        ask(gateway.url, unknown),
        ask(gateway.url, sound, host="evil.example"),
        ask(gateway.url, sound, origin="http://evil.example"),
        ask(gateway.url, sound, **{"content-encoding": "gzip"}),
        send(gateway.url, "POST", sound.path, whole[:-1].encode(), headers),
        send(gateway.url, "POST", sound.path, whole.replace("hello", "\x01").encode(), headers),
        send(gateway.url, "POST", sound.path, f"{PROMPT} {whole}".encode(), headers),
        send(gateway.url, "POST", sound.path, json.dumps([PROMPT, whole]).encode(), headers),
        send(gateway.url, "POST", f"/nothing?key={QUERY_KEY}", whole.encode(), headers),
        send(gateway.url, "PUT", sound.path, whole.encode(), headers),
    ]
    for odd in ([("x bad", "y")], [("Transfer-Encoding", "chunked"), ("Content-Length", "5")]):
        raw = raw_asked(gateway.port, f"POST {sound.path}", [*own, *odd])
        found.own_errors.append(Response(raw.status, dict(raw.fields), raw.body))


def sort(found: Run, reply: Response) -> None:
    """Put a reply to what it is: the gateway's own words, or a provider's."""
    own = reply.headers.get("x-korproxy-error", "").startswith("KP-") and ERROR not in str(
        reply.body
    )
    (found.own_errors if own else found.replies).append(reply)


def test_the_run_was_one(run: Run, request: pytest.FixtureRequest) -> None:
    """The canaries were all out there: the provider heard each secret and each word, clients were told the reply."""
    for canary in (ACCOUNT_FILE, ACCOUNT_ENV, PROMPT, SYSTEM):
        assert canary in run.heard
    told = "".join(str(it.body) for it in run.replies)
    assert ERROR in told
    planted_run = "planted" in request.node.name
    assert (REPLY in told) != planted_run
    kinds = {line["event"] for line in run.log}
    assert {"exchange finished", "attempt failed"} <= kinds
    assert ("internal error" in kinds) == planted_run
    assert len(run.own_errors) > 40
    assert {it.status for it in run.own_errors} >= {400, 403, 404, 405, 421}
    assert run.places["korproxy/logs/gateway.jsonl"]


def test_no_secret_is_left_anywhere(run: Run) -> None:
    """Log, terminal, pages, arguments, every file: an account's secret, a local key, what a client showed."""
    places = [it for it in run.places if it != "environ"]
    assert run.leaks(SECRETS, *places) == []


def test_the_environment_holds_what_the_user_put_there(run: Run) -> None:
    """And nothing more: no secret of a file goes to where child processes and crash reports see it."""
    if "environ" not in run.places:
        pytest.skip("needs /proc (Linux) to see a process's environment")
    others = tuple(it for it in SECRETS if it != ACCOUNT_ENV)
    assert run.leaks(others, "environ") == []
    assert run.places["environ"].count(ACCOUNT_ENV) == 1


def test_no_word_of_a_conversation_is_left_anywhere(run: Run) -> None:
    """Neither prompt nor answer nor what a provider said about them is on the disk, in a log or on a page."""
    assert run.leaks(CONVERSATION) == []


def test_an_error_of_ours_quotes_nobody(run: Run) -> None:
    """It says what is wrong and where, and shows neither secrets nor the request."""
    text = "".join(f"{it.headers} {it.body.decode()}" for it in run.own_errors)
    assert [it for it in (*SECRETS, *CONVERSATION, EXCEPTION_TEXT) if it in text] == []
    assert "Traceback" not in text


def test_no_client_is_told_a_secret(run: Run) -> None:
    """Also where a provider repeats the key that it refuses."""
    text = "".join(f"{it.headers} {it.body.decode()}" for it in run.replies)
    assert [it for it in SECRETS if it in text] == []


def test_an_exceptions_text_is_left_nowhere(run: Run) -> None:
    """It may quote what was being read; the log says where it happened."""
    assert run.leaks((EXCEPTION_TEXT,)) == []


def test_a_tools_id_is_kept_and_an_odd_one_is_not(run: Run) -> None:
    """Log lines can be found by the id that the tool gave; what is no id is not taken for one."""
    ids = {line.get("request_id") for line in run.log}
    assert SANE_ID in ids
    assert all(it.headers["x-korproxy-request-id"] == SANE_ID for it in run.replies)
    assert run.leaks((ODD_ID,)) == []
    assert run.leaks((SANE_ID,), "GET /metrics", "GET /_korproxy/health") == []


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_what_is_written_is_the_users_own(tmp_path: Path) -> None:
    """The log can be read by nobody else."""
    config_file.write(tmp_path, {"version": 1})
    tmp_path.chmod(0o700)
    umask = os.umask(0o000)
    try:
        with engine(tmp_path, {}) as running:
            reply = send(running.url, "GET", "/nothing")
            running.wait_for_log(reply.headers["x-korproxy-request-id"])
            written = [it for it in tmp_path.rglob("*") if it.is_file()]
    finally:
        os.umask(umask)
    assert tmp_path / "logs" / "gateway.jsonl" in written
    assert [it for it in written if it.stat().st_mode & 0o077] == []
