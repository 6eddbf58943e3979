"""CONF, 200-299: the configuration."""

from korproxy_addons.errors.kinds import Kind, Retry, Severity, row

CONFIG_INVALID = row(
    "KP-CONF-201",
    Kind.INVALID_REQUEST,
    Severity.ERROR,
    400,
    Retry.NO,
    "The configuration is not valid",
    "config.yaml could not be read, or a value in it does not fit.",
    "Correct the lines named; the last good configuration stays in force.",
)
CONFIG_MISSING_FIELD = row(
    "KP-CONF-202",
    Kind.INVALID_REQUEST,
    Severity.ERROR,
    400,
    Retry.NO,
    "The configuration lacks a required field",
    "A key that has no default is absent.",
    "Add the key named.",
)
CONFIG_SCHEMA = row(
    "KP-CONF-203",
    Kind.INVALID_REQUEST,
    Severity.ERROR,
    400,
    Retry.NO,
    "The configuration does not fit its schema",
    "A key is unknown, or a value has the wrong type.",
    "Correct the lines named; `korproxy config schema` prints what is expected.",
)
NO_ACCOUNT = row(
    "KP-CONF-204",
    Kind.INVALID_REQUEST,
    Severity.ERROR,
    400,
    Retry.NO,
    "No account can serve this request",
    "No account is configured for it, or all of them are disabled.",
    "Add an account under accounts in config.yaml (each provider has a commented example there);"
    " it takes effect without a restart.",
)
CONFIG_UNSAFE = row(
    "KP-CONF-205",
    Kind.INVALID_REQUEST,
    Severity.CRITICAL,
    400,
    Retry.NO,
    "The configuration file is not safe to use",
    "Another user could have written it.",
    "Check its content, then make it writable for its owner only.",
)
CONFIG_BUSY = row(
    "KP-CONF-212",
    Kind.INTERNAL,
    Severity.WARNING,
    503,
    Retry.NO,
    "The configuration is being changed by somebody else",
    "Another command holds the lock, or a program writes the file all the time.",
    "Try again; if it stays so, look which program writes config.yaml.",
)
ACCOUNT_UNKNOWN = row(
    "KP-CONF-210",
    Kind.INVALID_REQUEST,
    Severity.ERROR,
    404,
    Retry.NO,
    "There is no such account",
    "The configuration names no account with this id.",
    "`korproxy account list` names those there are.",
)
ACCOUNT_EXISTS = row(
    "KP-CONF-211",
    Kind.INVALID_REQUEST,
    Severity.ERROR,
    409,
    Retry.NO,
    "There is such an account already",
    "The configuration has an account with this id.",
    "Choose another id with --id, or reconnect the account that is there with --replace.",
)
PROFILE_UNKNOWN = row(
    "KP-CONF-220",
    Kind.INVALID_REQUEST,
    Severity.WARNING,
    404,
    Retry.NO,
    "There is no such profile",
    "The request or command names a profile that the configuration does not have.",
    "`korproxy profile list` names those there are.",
)
GROUP_UNKNOWN = row(
    "KP-CONF-221",
    Kind.INVALID_REQUEST,
    Severity.WARNING,
    404,
    Retry.NO,
    "There is no such group",
    "The configuration has no group of accounts with this id.",
    "`korproxy group list` names those there are.",
)
RULE_UNKNOWN = row(
    "KP-CONF-222",
    Kind.INVALID_REQUEST,
    Severity.WARNING,
    404,
    Retry.NO,
    "There is no such rule",
    "The profile has no rule with this name.",
    "`korproxy rule list` names those there are.",
)
LOCAL_KEY_UNKNOWN = row(
    "KP-CONF-223",
    Kind.INVALID_REQUEST,
    Severity.WARNING,
    404,
    Retry.NO,
    "There is no such local key",
    "The configuration has no local key with this id.",
    "`korproxy key list` names those there are.",
)
NAME_TAKEN = row(
    "KP-CONF-224",
    Kind.INVALID_REQUEST,
    Severity.WARNING,
    409,
    Retry.NO,
    "This name is taken",
    "There is another one with this id or name, whatever its case.",
    "Choose another name, or edit the one that is there.",
)
STILL_NEEDED = row(
    "KP-CONF-225",
    Kind.INVALID_REQUEST,
    Severity.WARNING,
    409,
    Retry.NO,
    "It is still needed",
    "What shall be removed is in use, or always there.",
    "See what is named; change that first.",
)
EXCHANGE_UNKNOWN = row(
    "KP-CONF-226",
    Kind.INVALID_REQUEST,
    Severity.WARNING,
    404,
    Retry.NO,
    "There is no such exchange",
    "Nothing is recorded under this request id; old exchanges are forgotten.",
    "Take the id from X-KorProxy-Request-Id of a newer reply.",
)
EDITOR_MISSING = row(
    "KP-CONF-227",
    Kind.INVALID_REQUEST,
    Severity.WARNING,
    503,
    Retry.NO,
    "The editor could not be used",
    "$VISUAL or $EDITOR names no program that can be started, or it ended with an error; nothing was changed.",
    "Set $EDITOR to your editor, such as `nano` or `code --wait`.",
    "Or edit the file that `korproxy config path` prints; it is checked when it is saved.",
)
