"""Names of fields, parameters and headers whose values are secrets, or are known to be none."""

import re

_NEVER = frozenset(
    (
        "accesstoken", "refreshtoken", "idtoken", "apikey", "xapikey", "clientsecret", "password", "passwd", "passphrase",
        "privatekey", "authtoken", "sessiontoken", "bearertoken", "authorization", "proxyauthorization", "cookie",
        "setcookie", "codeverifier", "devicecode", "secretkey", "secretaccesskey", "awssecretaccesskey", "sessionkey",
        "webhooksecret", "signingsecret", "encryptionkey", "githubtoken", "secret", "secrets", "credentials",
        "authorizationtoken",
    )
)  # fmt: skip
_MAYBE = ("token", "secret", "password", "apikey", "privatekey", "accesskey", "credential")
_NOISE = re.compile(r"[-_. ]")
_MADE_UP = re.compile(r"(?=\S*\d)(?=\S*[A-Za-z])\S{12,}")

_IN_A_LOGIN = frozenset(("code", "assertion", "usercode"))
_IN_A_QUERY = frozenset(("key", "token", "code", "state", "sig", "signature", "auth"))

HARMLESS_PARAMETERS = frozenset(
    (
        "alt", "$alt", "beta", "api-version", "client_version", "limit", "order", "after", "after_id", "before_id", "page",
        "pagesize", "include", "include[]", "stream", "starting_after", "model", "prettyprint", "$prettyprint",
    )
)  # fmt: skip
"""Parameters of a query, in lower case, whose values are shown."""

CREDENTIAL_HEADERS = frozenset(
    (
        "authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key", "x-korproxy-key", "cookie",
        "set-cookie", "set-cookie2", "www-authenticate", "proxy-authenticate", "x-amz-security-token", "x-csrf-token",
        "x-auth-token", "x-access-token", "anthropic-api-key", "openai-api-key",
    )
)  # fmt: skip
"""Headers, in lower case, whose values are credentials: not even their hash is shown."""

READABLE_HEADERS = frozenset(
    (
        "accept", "accept-encoding", "accept-language", "cache-control", "connection", "content-encoding", "content-length",
        "content-type", "date", "expect", "host", "keep-alive", "retry-after", "retry-after-ms", "server", "te",
        "transfer-encoding", "upgrade", "user-agent", "vary", "via", "age", "x-accel-buffering", "x-content-type-options",
        "x-app", "x-should-retry", "x-request-id", "request-id", "x-correlation-id", "traceparent", "x-cloud-trace-context",
        "cf-ray", "x-client-request-id", "x-oai-request-id", "x-trace-id", "x-amzn-requestid", "x-vertex-ai-request-id",
        "anthropic-version", "anthropic-beta", "anthropic-dangerous-direct-browser-access", "openai-beta",
        "openai-processing-ms", "openai-version", "openai-model", "originator", "version", "x-goog-api-client",
        "x-goog-user-project-type", "x-initiator", "x-title", "http-referer", "x-dashscope-useragent", "x-dashscope-authtype",
        "x-korproxy-profile", "x-korproxy-request-type", "x-korproxy-request-id", "x-korproxy-why", "x-korproxy-error",
        "x-korproxy-estimate", "x-korproxy-account", "x-models-etag", "x-reasoning-included", "server-timing",
    )
)  # fmt: skip
"""Headers, in lower case, whose values are shown."""
READABLE_PREFIXES = (
    "x-ratelimit-", "ratelimit", "anthropic-ratelimit-", "x-codex-primary-", "x-codex-secondary-",
    "x-codex-credits-", "x-stainless-", "sec-fetch-", "sec-websocket-version",
    "sec-websocket-protocol",
)  # fmt: skip


def names_a_secret(name: str, value: str) -> bool:
    """
    Whether the value of a field of this name is a secret.

    Some names say it alone; with others, such as `token`, it takes a value that no person would have written: the word
    is also what a model's pieces of text are called.
    """
    plain = _NOISE.sub("", name).lower()
    if plain in _NEVER:
        return bool(value)
    return plain.endswith(_MAYBE) and _MADE_UP.fullmatch(value) is not None


def names_a_secret_of_a_login(name: str) -> bool:
    """Whether that holds among the fields of a sign-in, where a code is worth a token."""
    return _NOISE.sub("", name).lower() in _IN_A_LOGIN


def names_a_secret_of_a_query(name: str) -> bool:
    """Whether that holds for a parameter of a query or of a form."""
    plain = name.lower()
    return plain in _IN_A_QUERY or _NOISE.sub("", plain) in _NEVER
