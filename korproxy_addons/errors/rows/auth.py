"""
AUTH, 001-099: keys and logins. 004 and 005 belong to the management API.

What only a person can cure is 400, kind invalid_request: measured with the released Claude Code, Codex and Gemini CLI in November
2026, it is the one status that all three take as final and whose text all three show. At 503 Codex tries five times and Gemini CLI
for more than a minute; a 401 would log the tool's own user out.
"""

from korproxy_addons.errors.kinds import Kind, Retry, Severity, row

LOCAL_KEY_REFUSED = row(
    "KP-AUTH-001",
    Kind.AUTHENTICATION,
    Severity.ERROR,
    401,
    Retry.NO,
    "KorProxy does not accept this local key",
    "The request carried no local key, or one that is not in the configuration.",
    "Put one of the keys listed under local_keys in config.yaml into the tool's API-key setting"
    " or into the X-KorProxy-Key header.",
)
TOKEN_EXPIRED = row(
    "KP-AUTH-002",
    Kind.INTERNAL,
    Severity.WARNING,
    503,
    Retry.REFRESH,
    "The account's session has expired",
    "The access token is past its end and no new one could be had yet.",
    "Reconnect the account.",
)
OAUTH_FAILED = row(
    "KP-AUTH-003",
    Kind.INVALID_REQUEST,
    Severity.ERROR,
    400,
    Retry.NEXT_ACCOUNT,
    "The account's sign-in failed",
    "The provider refused the login or its renewal.",
    "Reconnect the account, or use an API key.",
)
ACCOUNT_REJECTED = row(
    "KP-AUTH-006",
    Kind.INVALID_REQUEST,
    Severity.ERROR,
    400,
    Retry.NEXT_ACCOUNT,
    "The provider refused the account's credential",
    "Upstream answered that the key or token KorProxy sent is not valid for it.",
    "Check the account's key or token in config.yaml, and that it belongs to the host in use.",
)
SECRET_UNAVAILABLE = row(
    "KP-AUTH-007",
    Kind.INVALID_REQUEST,
    Severity.ERROR,
    400,
    Retry.NEXT_ACCOUNT,
    "The account's secret cannot be read",
    "The environment variable is not set, the file cannot be read, or the place is empty.",
    "Set the variable or write the file that the account's secret names, then try again.",
)
CREDENTIAL_HOST_MISMATCH = row(
    "KP-AUTH-008",
    Kind.INTERNAL,
    Severity.CRITICAL,
    500,
    Retry.NO,
    "A credential was held back",
    "The request was about to go to a host that this credential does not belong to.",
    "Correct the provider's base_url or the account's provider in config.yaml.",
)
ACCOUNT_ACTION_NEEDED = row(
    "KP-AUTH-009",
    Kind.INVALID_REQUEST,
    Severity.ERROR,
    400,
    Retry.NEXT_ACCOUNT,
    "The provider wants something confirmed first",
    "The provider asks the account's owner to validate the account or to accept something.",
    "Open the page that the provider names, confirm, then try again.",
)
PROJECT_REQUIRED = row(
    "KP-AUTH-010",
    Kind.INVALID_REQUEST,
    Severity.ERROR,
    400,
    Retry.NEXT_ACCOUNT,
    "The account needs a Google Cloud project",
    "Code Assist licences are bound to a project; neither account nor provider named one.",
    "Set project on the account in config.yaml.",
)
CONSENT_NEEDED = row(
    "KP-AUTH-011",
    Kind.INVALID_REQUEST,
    Severity.WARNING,
    400,
    Retry.NEXT_ACCOUNT,
    "This login needs your consent first",
    "The provider's terms limit this login; KorProxy uses it only after the person agreed.",
    "Read the provider's terms, then set consent: true on the account, or use an API key.",
)
LOGIN_FOR_OTHER_TOOL = row(
    "KP-AUTH-012",
    Kind.INVALID_REQUEST,
    Severity.WARNING,
    400,
    Retry.NEXT_ACCOUNT,
    "This login is for the vendor's own tool only",
    "The provider's terms bind the subscription login to its own tool, and another tool asked.",
    "Use that vendor's own tool through KorProxy, or add an account with an API key.",
)
