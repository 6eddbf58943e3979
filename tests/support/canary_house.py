"""
A KorProxy folder full of canaries, and a provider that says more of them.

One for each way in which a secret or a word of a conversation comes into KorProxy.
"""

import json
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from korproxy_addons.auth.tokens import TokenSet
from korproxy_addons.io.vault_entries import ApiKey
from korproxy_addons.io.vault_key import KeyKind, VaultKey
from korproxy_addons.io.vault_opening import open_vault
from launcher.simulator import SimulatorThread
from support import config_file
from support.asking import DIALECTS, Question, question
from support.listener import CHAT_REPLY, Answer

KEY = VaultKey(bytes(range(50, 82)), KeyKind.FILE)
ENV_NAME = "KORPROXY_TEST_SECRET"
CLAUDE_CODE = "claude-cli/2.1.0 (external, cli)"

# Secrets of the accounts and of KorProxy itself: in use, so each is known.
API_KEY = "canary-api-key-of-the-vault-a1d7"
ENV_KEY = "canary-secret-in-the-environment-a2d7"
LOCAL_KEY = "canary-local-key-of-a-tool-a3d7"
ACCESS = "canary-access-token-a4d7"
REFRESH = "canary-refresh-token-a5d7"
RENEWED = "canary-renewed-access-token-a6d7"
NEXT_REFRESH = "canary-next-refresh-token-a7d7"
DEAD_REFRESH = "canary-refresh-token-that-ended-a8d7"
OWN_SECRETS = (
    API_KEY, ENV_KEY, LOCAL_KEY, ACCESS, REFRESH, RENEWED, NEXT_REFRESH, DEAD_REFRESH,
    KEY.text().get_secret_value(), KEY.value().hex(),
)  # fmt: skip
# The same key, as a model that reads it aloud streams it; the last piece is like nothing else.
PIECES = (API_KEY[:11], API_KEY[11:20], API_KEY[20:])

# What clients show, and KorProxy does not know: by where it stands it is a secret.
BEARER = "canary-client-bearer-b1d7"
COOKIE = "canary-client-cookie-b2d7"
HEADER = "canary-header-of-a-client-b3d7"
QUERY_KEY = "canary-key-in-the-query-b4d7"
QUERY_WORD = "canary-word-in-the-query-b5d7"
REPLY_COOKIE = "canary-cookie-of-a-provider-b6d7"
CLIENT_SECRETS = (BEARER, COOKIE, HEADER, QUERY_KEY, QUERY_WORD, REPLY_COOKIE)

# What is said.
PROMPT = "canary-prompt-of-a-person-c1d7"
SYSTEM = "canary-system-text-c2d7"
FILE_NAME = "canary-name-of-a-file-c3d7.pdf"
ASKED_ARGUMENT = "canary-argument-of-an-earlier-call-c4d7"
REPLY = "canary-reply-of-the-model-c5d7"
ARGUMENT = "canary-argument-of-a-tool-c6d7"
ERROR = "canary-error-text-of-the-provider-c7d7"
WORDS = (PROMPT, SYSTEM, FILE_NAME, ASKED_ARGUMENT, REPLY, ARGUMENT, ERROR)

REQUEST_ID = "request-of-the-canary-run"
USES = ("whole", "stream", "call", "aloud", "broken", "hidden", "400", "401", "429", "500")


def prepare(home: Path, url: str, sim: SimulatorThread, port: int, dsn: str) -> None:
    """Config, vault and files; the key of the vault is where the environment says."""
    (home / "secrets").mkdir(mode=0o700, parents=True)
    (home / "secrets" / "local").write_text(LOCAL_KEY)
    home.chmod(0o700)
    vault = open_vault(home)
    vault.save("key", ApiKey(SecretStr(API_KEY)))
    vault.save("live", _login(ACCESS, REFRESH))
    vault.save("dead", _login("canary-dead-access", DEAD_REFRESH))
    config_file.write(home, _settings(url, sim, port, dsn))


def _login(access: str, refresh: str) -> TokenSet:
    """A login that has ended: it is renewed before it is used."""
    return TokenSet(
        access_token=SecretStr(access),
        refresh_token=SecretStr(refresh),
        obtained_at=1_700_000_000.0,
        expires_at=1_700_000_100.0,
        facts={"email": "mina@example.com"},
    )


def _settings(url: str, sim: SimulatorThread, port: int, dsn: str) -> dict[str, Any]:
    plain = {
        f"{place}-{use}": {
            "dialect": "openai-chat", "base_url": f"{url}/{place}/{use}/v1", "local": True,
            "list_models": False, "models": ["m"],
        }
        for place in ("vault", "env")
        for use in USES
    }  # fmt: skip
    sources = {"vault": "vault:key", "env": f"env:{ENV_NAME}"}
    accounts: list[dict[str, Any]] = [
        # one for each client's dialect, as an account that was refused is out of play
        {"id": f"{name}-{dialect}", "provider": name, "secret": sources[name.partition("-")[0]]}
        for name in plain
        for dialect in DIALECTS
    ]
    accounts += [
        {
            "id": name, "provider": "claude", "access": "subscription", "secret": f"vault:{name}",
            "consent": True, "base_url": f"{url}/{name}", "models": ["m"],
            "urls": {"token": f"{url}/{name}/token", "quota": f"{url}/{name}/quota"},
        }
        for name in ("live", "dead")
    ]  # fmt: skip
    pages = sim.urls()["claude", "subscription"]
    login = {"base": pages["base"]} | {
        name: pages[name] for name in ("token", "auth", "profile", "quota") if pages[name]
    }
    return {
        "version": 1,
        "listen": {"port": port},
        "local_keys": {"required": True, "keys": [{"id": "own", "secret": "file:secrets/local"}]},
        "providers": {
            **plain,
            "claude": {"local": True, "accesses": {"subscription": {"urls": login}}},
        },
        "accounts": accounts,
        "logging": {"level": "debug"},
        "telemetry": {"crash_reports": True, "dsn": dsn},
    }


def pages() -> dict[str, Answer]:
    """What the provider says to each use."""
    found = {
        f"/{place}/{use}/v1/chat/completions": answer
        for place, secret in (("vault", API_KEY), ("env", ENV_KEY))
        for use, answer in _answers(secret).items()
    }
    renewed = {
        "access_token": RENEWED, "refresh_token": NEXT_REFRESH, "expires_in": 28_800,
        "token_type": "Bearer", "scope": "user:inference user:profile",
    }  # fmt: skip
    message = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
        "stop_sequence": None, "content": [{"type": "text", "text": REPLY}],
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }  # fmt: skip
    gone = {"error": "invalid_grant", "error_description": f"no such token {DEAD_REFRESH}"}
    return found | {
        "/live/token": Answer(200, json.dumps(renewed).encode()),
        "/live/v1/messages": Answer(200, json.dumps(message).encode()),
        "/dead/token": Answer(400, json.dumps(gone).encode()),
    }


def _answers(secret: str) -> dict[str, Answer]:
    cookie = ("set-cookie", f"session={REPLY_COOKIE}")
    whole = json.dumps(CHAT_REPLY).replace("Aye", REPLY).encode()
    # Some servers repeat the key that they refuse.
    refusal = json.dumps({"error": {"message": f"{ERROR}: no such key {secret}"}}).encode()
    stream = ("content-type", "text/event-stream")
    json_type = ("content-type", "application/json")
    call: dict[str, Any] = {"index": 0, "id": "call_1", "type": "function"}
    return {
        "whole": Answer(200, whole, (json_type, cookie)),
        "stream": Answer(200, _stream(*({"content": it} for it in _cut(REPLY))), (stream, cookie)),
        "call": Answer(
            200,
            _stream(
                {"tool_calls": [{**call, "function": {"name": "read", "arguments": ""}}]},
                *(
                    {"tool_calls": [{"index": 0, "function": {"arguments": it}}]}
                    for it in ('{"path": "', *_cut(ARGUMENT), '"}')
                ),
                finish="tool_calls",
            ),
            (stream,),
        ),
        "aloud": Answer(200, _stream(*({"content": it} for it in ("It is ", *PIECES))), (stream,)),
        "broken": Answer(200, whole[:-40], (json_type,)),
        "hidden": Answer(200, refusal, (json_type,)),
        **{it: Answer(int(it), refusal, (json_type,)) for it in ("400", "401", "429", "500")},
    }


def _cut(text: str) -> tuple[str, str]:
    return text[:12], text[12:]


def _stream(*deltas: dict[str, Any], finish: str = "stop") -> bytes:
    head: dict[str, Any] = {
        "id": "c",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
    }
    choices: list[dict[str, Any]] = [
        {"index": 0, "delta": it, "finish_reason": None} for it in deltas
    ]
    choices.append({"index": 0, "delta": {}, "finish_reason": finish})
    frames = [json.dumps({**head, "choices": [it]}) for it in choices]
    return "".join(f"data: {it}\n\n" for it in (*frames, "[DONE]")).encode()


def everything_said(dialect: str, model: str, *, stream: bool) -> Question:
    """A question with a canary in every part of it, in every place of a head, and the vault's own key in its text."""
    asked = question(dialect, model, f"hello {PROMPT}; my key is {API_KEY}", stream=stream)
    arguments = json.dumps({"path": ASKED_ARGUMENT})
    body = asked.body
    match dialect:
        case "openai-chat":
            call = {
                "id": "call_0",
                "type": "function",
                "function": {"name": "read", "arguments": arguments},
            }
            body["messages"] = [
                {"role": "system", "content": SYSTEM},
                *body["messages"],
                {"role": "assistant", "content": None, "tool_calls": [call]},
                {"role": "tool", "tool_call_id": "call_0", "content": "done"},
                {"role": "user", "content": [{"type": "text", "text": f"See {FILE_NAME}"}]},
            ]
        case "openai-responses":
            body["instructions"] = SYSTEM
            body["input"] = [
                {"role": "user", "content": body["input"]},
                {
                    "type": "function_call",
                    "call_id": "call_0",
                    "name": "read",
                    "arguments": arguments,
                },
                {"type": "function_call_output", "call_id": "call_0", "output": "done"},
                {"role": "user", "content": f"See {FILE_NAME}"},
            ]
        case "anthropic-messages":
            body["system"] = SYSTEM
            use = {
                "type": "tool_use",
                "id": "call_0",
                "name": "read",
                "input": {"path": ASKED_ARGUMENT},
            }
            result = {"type": "tool_result", "tool_use_id": "call_0", "content": "done"}
            body["messages"] += [
                {"role": "assistant", "content": [use]},
                {"role": "user", "content": [result, {"type": "text", "text": f"See {FILE_NAME}"}]},
            ]
        case _:
            body["systemInstruction"] = {"parts": [{"text": SYSTEM}]}
            told: dict[str, Any] = {
                "functionCall": {"name": "read", "args": {"path": ASKED_ARGUMENT}}
            }
            answered: dict[str, Any] = {
                "functionResponse": {"name": "read", "response": {"output": "done"}}
            }
            body["contents"] += [
                {"role": "model", "parts": [told]},
                {"role": "user", "parts": [answered, {"text": f"See {FILE_NAME}"}]},
            ]
    joint = "&" if "?" in asked.path else "?"
    shown = {
        "authorization": f"Bearer {BEARER}", "cookie": f"session={COOKIE}", "x-private": HEADER,
        "x-korproxy-key": LOCAL_KEY, "x-request-id": REQUEST_ID,
    }  # fmt: skip
    path = f"{asked.path}{joint}key={QUERY_KEY}&note={QUERY_WORD}"
    return Question(path, body, {**asked.headers, **shown})
