"""
From method, path and a few headers to what the client wants: dialect, operation, model in the path.

Sources: the paths the vendors publish and those their tools were seen to call, including the usual slips with base
URLs (`/v1/v1/messages`, `/messages`, `//v1/messages`): a base URL with or without its version works either way.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.providers.base import Operation

CHAT = "openai-chat"
RESPONSES = "openai-responses"
MESSAGES = "anthropic-messages"
GEMINI = "gemini"


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    What a request asks for.

    Attributes:
        dialect: Id of the dialect to read the request and word the reply in.
        operation: What is to be done; None where the gateway answers by itself.
        path_model: The model, where the dialect puts it into the path.
        stream: Whether a stream is asked for, where the path says so (Gemini); else None.
        array: A Gemini stream as one JSON array (`alt` is not `sse`).
        local: Name of the gateway's own page (`health`, `metrics`, `root`) where it is one.
        envelope: The request lies in Code Assist's envelope, and its answer must.
        own: What the gateway answers in the dialect by itself, without any upstream: the name of a Code Assist method.
        stored: Id of an answer that a client of Responses asks for, or wants deleted.
        stored_part: What of it: "" for the answer itself, `input_items`.
        upgrade: Whether this is the WebSocket variant of Responses knocking.
    """

    dialect: str
    operation: Operation | None = None
    path_model: str | None = None
    stream: bool | None = None
    array: bool = False
    local: str | None = None
    envelope: bool = False
    own: str = ""
    stored: str = ""
    stored_part: str = ""
    upgrade: bool = False


_POST = {
    "chat/completions": (CHAT, Operation.GENERATE),
    "completions": (CHAT, Operation.COMPLETIONS),
    "embeddings": (CHAT, Operation.EMBEDDINGS),
    "responses": (RESPONSES, Operation.GENERATE),
    "responses/compact": (RESPONSES, Operation.COMPACT),
    "responses/input_tokens": (RESPONSES, Operation.COUNT_TOKENS),
    "messages": (MESSAGES, Operation.GENERATE),
    "messages/count_tokens": (MESSAGES, Operation.COUNT_TOKENS),
}
_GEMINI_VERBS = {
    "generateContent": (Operation.GENERATE, False),
    "streamGenerateContent": (Operation.GENERATE, True),
    "countTokens": (Operation.COUNT_TOKENS, False),
    "embedContent": (Operation.EMBEDDINGS, False),
}
_CODE_ASSIST = "/v1internal"
CODE_ASSIST_METHODS = frozenset(
    (
        "loadCodeAssist", "onboardUser", "retrieveUserQuota", "listExperiments", "fetchAdminControls",
        "getCodeAssistGlobalUserSetting", "setCodeAssistGlobalUserSetting", "recordCodeAssistMetrics",
        "operations",
    )
)  # fmt: skip
"""What Gemini CLI asks Code Assist beside generation; the last one is the state of an `onboardUser`."""
# Base URLs with their version, or with the name of what they are compatible with, in front of a path that has its own.
_VERSION = re.compile(r"^(?:/v1beta|/v1|/openai)+(?=/)")
_STORED = re.compile(r"^responses/(resp_[^/]+)(?:/(input_items))?$")
_SLASHES = re.compile(r"/{2,}")
_CODEX_BACKEND = re.compile(r"^/backend-api/codex(?=/)")
OWN_PAGES = {"/": "root", "/_korproxy/health": "health", "/metrics": "metrics"}
"""The pages that the gateway answers by itself, and their names."""


def dialect_of(path: str, headers: Mapping[str, str]) -> str:
    """
    The dialect to word an error in, for any path at all.

    Args:
        path: Path of the request, without its query.
        headers: Request headers, names in lower case.
    """
    # The path first: a tool may put its key into any vendor's header.
    if "/messages" in path:
        return MESSAGES
    if "/responses" in path:
        return RESPONSES
    if path.endswith(("/completions", "/embeddings")):
        return CHAT
    if path.startswith(("/v1beta", _CODE_ASSIST)) and "/openai" not in path:
        return GEMINI
    if "x-goog-api-key" in headers or (":" in path and "/models/" in path):
        return GEMINI
    return MESSAGES if "anthropic-version" in headers else CHAT


def read_path(method: str, path: str, query: str, headers: Mapping[str, str]) -> Wanted:
    """
    What the request line and the headers ask for.

    Args:
        method: HTTP method in capitals.
        path: Path without query, percent-encoding as sent.
        query: Query string without the question mark.
        headers: Request headers, names in lower case.
    Raises:
        KorProxyError: UNKNOWN_PATH or METHOD_NOT_ALLOWED.
    """
    if path in OWN_PAGES:
        _allow(method, ("GET", "HEAD"), path)
        return Wanted(dialect_of(path, headers), local=OWN_PAGES[path])
    if path.startswith(("/v0/management", "/_korproxy/", "/api/v1/")):
        raise KorProxyError(catalogue.MOVED, path)
    bare = _CODEX_BACKEND.sub("", _SLASHES.sub("/", path))
    if bare.startswith(_CODE_ASSIST):
        return _code_assist(method, bare.removeprefix(_CODE_ASSIST), query, path)
    version = _VERSION.match(bare)
    rest = bare[version.end() + 1 :] if version else bare.removeprefix("/")
    rest = rest.removesuffix("/")
    if rest == "models" or rest.startswith(("models/", "tunedModels/")):
        return _models(method, rest, query, headers, path)
    if rest in _POST:
        dialect, operation = _POST[rest]
        if rest == "responses" and method == "GET":
            # The WebSocket variant: refused in the one way that makes Codex go on over HTTP at once.
            return Wanted(RESPONSES, upgrade=True)
        _allow(method, ("POST",), path)
        return Wanted(dialect, operation)
    stored = _STORED.match(rest)
    if stored is not None:
        return _stored(method, stored[1], stored[2] or "", path)
    raise KorProxyError(catalogue.UNKNOWN_PATH, f"{method} {path}")


def _stored(method: str, response_id: str, part: str, path: str) -> Wanted:
    """An answer that was kept: to be looked at, or deleted."""
    _allow(method, ("GET",) if part else ("GET", "DELETE"), path)
    return Wanted(RESPONSES, stored=unquote(response_id), stored_part=part)


def _models(method: str, rest: str, query: str, headers: Mapping[str, str], path: str) -> Wanted:
    # The last colon, however it is written: ids of models may hold others.
    name, _, verb = rest.replace("%3A", ":").replace("%3a", ":").rpartition(":")
    if verb in _GEMINI_VERBS:
        _allow(method, ("POST",), path)
        operation, stream = _GEMINI_VERBS[verb]
        array = stream and parse_qs(query).get("alt") != ["sse"]
        return Wanted(GEMINI, operation, unquote(name.partition("/")[2]), stream, array)
    if name and method == "POST":
        raise KorProxyError(catalogue.UNKNOWN_PATH, f"{method} {path}")
    _allow(method, ("GET", "HEAD"), path)
    one = unquote(rest.partition("/")[2]) or None
    return Wanted(_owner_of_models(path, query, headers), Operation.MODELS, one)


def _code_assist(method: str, rest: str, query: str, path: str) -> Wanted:
    """The backend of Gemini CLI's Google login: Gemini in an envelope, and what the CLI asks around it."""
    verb = rest.replace("%3A", ":").replace("%3a", ":").removeprefix(":")
    if verb in _GEMINI_VERBS and _GEMINI_VERBS[verb][0] is not Operation.EMBEDDINGS:
        _allow(method, ("POST",), path)
        operation, stream = _GEMINI_VERBS[verb]
        array = stream and parse_qs(query).get("alt") != ["sse"]
        return Wanted(GEMINI, operation, None, stream, array, envelope=True)
    own = "operations" if verb.startswith("/operations/") else verb
    if own in CODE_ASSIST_METHODS:
        _allow(method, ("GET", "POST"), path)
        return Wanted(GEMINI, own=own)
    raise KorProxyError(catalogue.UNKNOWN_PATH, f"{method} {path}")


def _owner_of_models(path: str, query: str, headers: Mapping[str, str]) -> str:
    """Four clients share `GET /v1/models`; each names itself in its own way."""
    if "client_version" in parse_qs(query):
        return RESPONSES
    if "x-goog-api-key" in headers or (path.startswith("/v1beta") and "/openai" not in path):
        return GEMINI
    if "anthropic-version" in headers:
        return MESSAGES
    return CHAT


def _allow(method: str, methods: tuple[str, ...], path: str) -> None:
    if method not in methods:
        raise KorProxyError(
            catalogue.METHOD_NOT_ALLOWED, f"{method} {path}; use {' or '.join(methods)}"
        )
