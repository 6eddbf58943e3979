"""REQ, 700-799: the client's request."""

from korproxy_addons.errors.kinds import Kind, Retry, Severity, row

EMPTY_BODY = row(
    "KP-REQ-701",
    Kind.INVALID_REQUEST,
    Severity.WARNING,
    400,
    Retry.NO,
    "The request has no body",
    "A body was needed and none came.",
    "Send a JSON object.",
)
NOT_JSON = row(
    "KP-REQ-702",
    Kind.INVALID_REQUEST,
    Severity.WARNING,
    400,
    Retry.NO,
    "The request body is not JSON",
    "The body is malformed or cut off.",
    "Send one complete JSON object.",
)
NOT_UTF8 = row(
    "KP-REQ-703",
    Kind.INVALID_REQUEST,
    Severity.WARNING,
    400,
    Retry.NO,
    "The request body is not UTF-8",
    "JSON is UTF-8 (RFC 8259, section 8.1).",
    "Encode the body as UTF-8.",
)
TOO_DEEP = row(
    "KP-REQ-704",
    Kind.INVALID_REQUEST,
    Severity.WARNING,
    400,
    Retry.NO,
    "The request body is nested too deeply",
    "Arrays or objects lie deeper than limits.json_depth.",
    "Flatten the body.",
)
FIELD_INVALID = row(
    "KP-REQ-705",
    Kind.INVALID_REQUEST,
    Severity.WARNING,
    400,
    Retry.NO,
    "A field of the request is not valid",
    "A field has the wrong type or a value outside what the dialect allows.",
    "Correct the field named.",
)
MODEL_MISSING = row(
    "KP-REQ-706",
    Kind.INVALID_REQUEST,
    Severity.WARNING,
    400,
    Retry.NO,
    "The request names no model",
    "The dialect needs a model and the field is absent or empty.",
    "Set model.",
)
UNKNOWN_PATH = row(
    "KP-REQ-707",
    Kind.NOT_FOUND,
    Severity.WARNING,
    404,
    Retry.NO,
    "KorProxy serves nothing at this path",
    "The path belongs to no dialect.",
    "Check the tool's base URL: for most tools it is this address with /v1.",
)
METHOD_NOT_ALLOWED = row(
    "KP-REQ-708",
    Kind.INVALID_REQUEST,
    Severity.WARNING,
    405,
    Retry.NO,
    "This path does not take this method",
    "The path exists with another method.",
    "Use the method named.",
)
BODY_TOO_LARGE = row(
    "KP-REQ-709",
    Kind.TOO_LARGE,
    Severity.WARNING,
    413,
    Retry.NO,
    "The request body is too large",
    "It exceeds limits.body_bytes.",
    "Send less, or raise limits.body_bytes in config.yaml.",
)
BAD_CONTENT_ENCODING = row(
    "KP-REQ-710",
    Kind.INVALID_REQUEST,
    Severity.WARNING,
    400,
    Retry.NO,
    "The request body's Content-Encoding cannot be undone",
    "The body is not what Content-Encoding says, or the coding is not supported.",
    "Send the body plain, or with gzip, deflate, br or zstd.",
)
UNKNOWN_MODEL = row(
    "KP-REQ-711",
    Kind.NOT_FOUND,
    Severity.WARNING,
    404,
    Retry.NO,
    "No configured account serves this model",
    "Neither an alias nor any account's model list has it.",
    "Choose a model from GET /v1/models, or add an account that serves it.",
)
CANNOT_TRANSLATE = row(
    "KP-REQ-712",
    Kind.INVALID_REQUEST,
    Severity.WARNING,
    400,
    Retry.NO,
    "The request cannot be expressed for the chosen provider",
    "The client's dialect says something that the provider's dialect has no words for.",
    "Leave out what is named, or choose a model whose provider speaks the tool's own dialect.",
)
HOST_REFUSED = row(
    "KP-REQ-713",
    Kind.INVALID_REQUEST,
    Severity.WARNING,
    421,
    Retry.NO,
    "KorProxy does not answer under this host name",
    "The Host header is not one of the gateway's own addresses.",
    "Use http://localhost or http://127.0.0.1 with the gateway's port.",
)
ORIGIN_REFUSED = row(
    "KP-REQ-714",
    Kind.PERMISSION,
    Severity.WARNING,
    403,
    Retry.NO,
    "KorProxy does not answer web pages",
    "The request comes from a browser page of another origin.",
    "Call KorProxy from a local tool.",
)
HEADERS_TOO_LARGE = row(
    "KP-REQ-715",
    Kind.TOO_LARGE,
    Severity.WARNING,
    431,
    Retry.NO,
    "The request's headers are too large",
    "They exceed limits.header_bytes or limits.header_count.",
    "Send fewer or shorter headers.",
)
UPGRADE_REQUIRED = row(
    "KP-REQ-716",
    Kind.INVALID_REQUEST,
    Severity.WARNING,
    426,
    Retry.NO,
    "WebSocket is not served to this request",
    "It is no sound opening of one, or the client's last requests on WebSockets failed.",
    "Use HTTP POST.",
)
NOT_OFFERED = row(
    "KP-REQ-717",
    Kind.NOT_FOUND,
    Severity.WARNING,
    404,
    Retry.NO,
    "The provider has no such operation",
    "KorProxy has the route, but the account's provider offers nothing behind it.",
    "Use an account whose provider offers it.",
)
BAD_FRAMING = row(
    "KP-REQ-718",
    Kind.INVALID_REQUEST,
    Severity.WARNING,
    400,
    Retry.NO,
    "The HTTP request is not framed correctly",
    "Content-Length and Transfer-Encoding contradict each other, or the request line is malformed.",
    "Send a well-formed HTTP/1.1 request.",
)
PREVIOUS_RESPONSE_NOT_FOUND = row(
    "KP-REQ-720",
    Kind.INVALID_REQUEST,
    Severity.WARNING,
    400,
    Retry.NO,
    "The conversation to go on from is not known here",
    "previous_response_id names an answer that was never kept, has expired, or belongs to another key.",
    "Send the whole conversation as input, without previous_response_id.",
)
STORED_RESPONSE_NOT_FOUND = row(
    "KP-REQ-721",
    Kind.NOT_FOUND,
    Severity.WARNING,
    404,
    Retry.NO,
    "No such answer is kept here",
    "The answer was never kept, has expired, belongs to another key, or is kept by the provider itself.",
    "Ask for answers that were made in this session, with the same key.",
)
MOVED = row(
    "KP-REQ-719",
    Kind.NOT_FOUND,
    Severity.WARNING,
    404,
    Retry.NO,
    "This page lives on the launcher's port",
    "Management and dashboard are served by the launcher, not by the gateway.",
    "Open http://localhost:1338/ instead.",
)
