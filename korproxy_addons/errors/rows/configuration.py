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
