"""SYS 535-539: recordings."""

from korproxy_addons.errors.kinds import Kind, Retry, Severity, row

RECORDING_UNKNOWN = row(
    "KP-SYS-535",
    Kind.NOT_FOUND,
    Severity.WARNING,
    404,
    Retry.NO,
    "There is no such recording",
    "Nothing with this id was recorded, or it has made room for newer ones.",
    "List what there is with `korproxy record list`.",
    "Record from now on with `korproxy record on`, then make the request again.",
)
RECORDING_WITHOUT_CONTENT = row(
    "KP-SYS-536",
    Kind.INVALID_REQUEST,
    Severity.WARNING,
    409,
    Retry.NO,
    "The recording holds no content",
    "It was made with `--shapes`, which keeps what bodies are like and not what they say.",
    "Record with content: `korproxy record on`, then make the request again.",
)
CANNOT_REPLAY = row(
    "KP-SYS-532",
    Kind.INVALID_REQUEST,
    Severity.WARNING,
    409,
    Retry.NO,
    "The recorded request cannot be sent again",
    "The recording does not hold all of the request, or what was asked for does not fit it.",
    "See what is recorded of it with `korproxy record show`.",
    "Make the request again while `korproxy record on` is in force.",
)
