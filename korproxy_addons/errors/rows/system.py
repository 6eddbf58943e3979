"""SYS, 500-599: KorProxy and its machine."""

from korproxy_addons.errors.kinds import Kind, Retry, Severity, row

INTERNAL = row(
    "KP-SYS-501",
    Kind.INTERNAL,
    Severity.CRITICAL,
    500,
    Retry.NO,
    "KorProxy failed inside",
    "An error in KorProxy's own code; the log has it under the request id.",
    "Send the request again; if it stays, report it with the request id.",
)
OUT_OF_MEMORY = row(
    "KP-SYS-502",
    Kind.INTERNAL,
    Severity.CRITICAL,
    500,
    Retry.NO,
    "KorProxy is out of memory",
    "The machine gave no more memory.",
    "Close other programs, or lower limits.body_bytes.",
)
DISK_FULL = row(
    "KP-SYS-503",
    Kind.INTERNAL,
    Severity.CRITICAL,
    500,
    Retry.NO,
    "The disk is full",
    "A file under the KorProxy folder could not be written.",
    "Free some space.",
)
DRAINING = row(
    "KP-SYS-504",
    Kind.OVERLOADED,
    Severity.WARNING,
    503,
    Retry.NO,
    "KorProxy is stopping",
    "A stop or restart is under way; requests in flight are being finished.",
    "Try again in a few seconds.",
)
PAUSED = row(
    "KP-SYS-505",
    Kind.OVERLOADED,
    Severity.WARNING,
    503,
    Retry.NO,
    "KorProxy is paused",
    "The person paused it.",
    "Resume it in the tray or with `korproxy resume`.",
)
STATE_DAMAGED = row(
    "KP-SYS-506",
    Kind.INTERNAL,
    Severity.ERROR,
    500,
    Retry.NO,
    "The database of KorProxy's state is damaged",
    "korproxy.db could not be read as a database; a new one was begun, so usage and accounts' health start anew.",
    "Nothing needs to be done; requests are served as before.",
    "The old file is kept beside it as korproxy.db.damaged; look whether the disk is in order.",
)
STATE_UNAVAILABLE = row(
    "KP-SYS-507",
    Kind.INTERNAL,
    Severity.ERROR,
    500,
    Retry.NO,
    "KorProxy's state cannot be kept",
    "korproxy.db under the KorProxy folder cannot be written; usage and accounts' health are lost at the next restart.",
    "Look whether the folder may be written by you and its disk is in order.",
)
GATEWAY_NOT_READY = row(
    "KP-SYS-508",
    Kind.INTERNAL,
    Severity.ERROR,
    503,
    Retry.NO,
    "The gateway did not start",
    "No gateway runs for this folder, and one that was started for the occasion did not get ready.",
    "Start it by itself with `korproxy engine`, which says what is in its way.",
)
LAUNCHER_UNREACHABLE = row(
    "KP-SYS-512",
    Kind.INTERNAL,
    Severity.ERROR,
    503,
    Retry.NO,
    "KorProxy's launcher does not answer",
    "Its process holds the folder's lock, but its page cannot be reached.",
    "Wait a few seconds and try again.",
    "If it stays, end that process and run `korproxy start`.",
)
NOT_RUNNING = row(
    "KP-SYS-509",
    Kind.INTERNAL,
    Severity.WARNING,
    503,
    Retry.NO,
    "KorProxy is not running",
    "No launcher keeps this folder.",
    "Start it with `korproxy start`, or in the foreground with `korproxy run`.",
)
START_FAILED = row(
    "KP-SYS-510",
    Kind.INTERNAL,
    Severity.ERROR,
    503,
    Retry.NO,
    "KorProxy could not be started",
    "The gateway did not get healthy.",
    "Run `korproxy run` to see what it says.",
)
NOT_ON_THIS_SYSTEM = row(
    "KP-SYS-511",
    Kind.INTERNAL,
    Severity.WARNING,
    501,
    Retry.NO,
    "This system does not offer that",
    "A part of the operating system that it needs is not there, or refused.",
    "Use `korproxy run` in a terminal instead.",
)
UPDATE_UNKNOWN = row(
    "KP-SYS-520",
    Kind.INTERNAL,
    Severity.WARNING,
    502,
    Retry.NO,
    "Whether there is a newer version could not be found out",
    "The release feed (updates.feed) could not be reached, or what it says is no release.",
    "Try again later; if it stays, correct updates.feed in config.yaml.",
)
BUNDLE_NOT_WRITTEN = row(
    "KP-SYS-513",
    Kind.INTERNAL,
    Severity.ERROR,
    500,
    Retry.NO,
    "The debug bundle could not be written",
    "Its file, or the folder for it, refused.",
    "Name another place with --output.",
)
TELEMETRY_NOT_SENT = row(
    "KP-SYS-540",
    Kind.INTERNAL,
    Severity.WARNING,
    502,
    Retry.NO,
    "The crash report was not sent",
    "Crash reports are off, or the server that the DSN names did not take it in.",
    "Look with `korproxy telemetry status` whether they are on, and where they go.",
    "Turn them on with `korproxy telemetry on --dsn DSN`.",
)
