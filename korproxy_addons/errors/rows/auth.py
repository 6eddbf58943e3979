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
    "Put a local key into the tool's API-key setting, or into the X-KorProxy-Key header;"
    " `korproxy key add NAME` makes one.",
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
MANAGEMENT_FORBIDDEN = row(
    "KP-AUTH-004",
    Kind.PERMISSION,
    Severity.WARNING,
    403,
    Retry.NO,
    "This is not allowed from here",
    "A request to the management API that changes something did not come from KorProxy's own page or command line.",
    "Use the page that `korproxy open` shows, or the command line.",
)
MANAGEMENT_KEY_REFUSED = row(
    "KP-AUTH-005",
    Kind.AUTHENTICATION,
    Severity.WARNING,
    401,
    Retry.NO,
    "The management API wants its key",
    "The request carried no session and no management key, or one of an earlier run.",
    "Open the page with `korproxy open`, or use the command line.",
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
LOGIN_CANCELLED = row(
    "KP-AUTH-020",
    Kind.INVALID_REQUEST,
    Severity.WARNING,
    400,
    Retry.NO,
    "The sign-in was not finished",
    "The person denied it, stopped it, or did not finish it in time.",
    "Try again when you are ready.",
)
LOGIN_SCOPE_DENIED = row(
    "KP-AUTH-021",
    Kind.INVALID_REQUEST,
    Severity.ERROR,
    400,
    Retry.NEXT_ACCOUNT,
    "Required permissions were not granted",
    "The provider granted less than the account's way in needs, so no request would be served.",
    "Reconnect the account, and allow everything that the provider's page asks for.",
)
LOGIN_NOT_OFFERED = row(
    "KP-AUTH-022",
    Kind.INVALID_REQUEST,
    Severity.ERROR,
    400,
    Retry.NO,
    "There is no such sign-in here",
    "The access is used by key, by the tool's own login, or not by the way that was asked for.",
    "`korproxy providers` lists the ways into each provider; `--key` adds an account by key.",
)
KEY_UNUSABLE = row(
    "KP-AUTH-024",
    Kind.INVALID_REQUEST,
    Severity.ERROR,
    400,
    Retry.NO,
    "This cannot be a key",
    "What was typed or piped in is empty, or more than one word of plain characters.",
    "Copy the key again, whole and alone; then type it at the prompt, or pipe it in.",
)
LOGIN_PORT_TAKEN = row(
    "KP-AUTH-025",
    Kind.INVALID_REQUEST,
    Severity.ERROR,
    400,
    Retry.NO,
    "The sign-in's port is in use",
    "The provider leads back to registered ports only, and another program listens on them.",
    "End the program that holds the port, then try again.",
    "Or sign in with --paste, or with --device where the provider has it.",
)
CLIENT_SECRET_MISSING = row(
    "KP-AUTH-023",
    Kind.INVALID_REQUEST,
    Severity.ERROR,
    400,
    Retry.NEXT_ACCOUNT,
    "The sign-in needs a client secret",
    "The provider's token endpoint wants a client secret, which KorProxy does not ship.",
    "Put it where `login.client_secret` of the access points in config.yaml; the README says"
    " where the provider's own tool has it.",
)
VAULT_LOCKED = row(
    "KP-AUTH-030",
    Kind.INVALID_REQUEST,
    Severity.ERROR,
    400,
    Retry.NEXT_ACCOUNT,
    "The vault is locked",
    "The keyring that holds the vault's key did not open, or the vault's passphrase was not given.",
    "Unlock the system's keyring, or give the passphrase, then try again.",
    "`korproxy vault status` says what is lacking.",
)
VAULT_KEY_MISSING = row(
    "KP-AUTH-031",
    Kind.INVALID_REQUEST,
    Severity.ERROR,
    400,
    Retry.NEXT_ACCOUNT,
    "The vault's key is not on this machine",
    "The file came from another machine or user, or the keyring was reset. Without its key it cannot be read.",
    "Bring the key back, or run `korproxy vault reset`, which keeps the old file as vault.bin.orphan,"
    " and sign in again.",
)
VAULT_KEY_REFUSED = row(
    "KP-AUTH-032",
    Kind.INVALID_REQUEST,
    Severity.ERROR,
    400,
    Retry.NEXT_ACCOUNT,
    "This is not the vault's key",
    "The key file or the passphrase is another one than the vault was written with.",
    "Give the key or the passphrase that the vault was written with.",
)
VAULT_DAMAGED = row(
    "KP-AUTH-033",
    Kind.INVALID_REQUEST,
    Severity.CRITICAL,
    400,
    Retry.NEXT_ACCOUNT,
    "The vault's file is damaged",
    "Its checksum or its seal does not fit: it was cut short, or changed by something else than KorProxy.",
    "Run `korproxy vault restore` to go back to the save before the last one;"
    " a login that was renewed since must be made again.",
)
VAULT_UNUSABLE = row(
    "KP-AUTH-034",
    Kind.INVALID_REQUEST,
    Severity.ERROR,
    400,
    Retry.NEXT_ACCOUNT,
    "The vault's file cannot be read or written",
    "The disk is full, the folder is read-only, the file is not the user's own, or another process holds its lock.",
    "Cure what is named, then try again; the file is as it was.",
)
VAULT_NO_KEY_STORE = row(
    "KP-AUTH-035",
    Kind.INVALID_REQUEST,
    Severity.ERROR,
    400,
    Retry.NO,
    "There is no place for the vault's key",
    "This session has no keyring that KorProxy trusts, and neither a key file nor a passphrase was given.",
    "Start the system's keyring; or name a file for the key in KORPROXY_VAULT_KEY_FILE; or give a passphrase,"
    " typed in a terminal or in the file that KORPROXY_VAULT_PASSPHRASE_FILE names.",
)
CLI_LOGIN_MISSING = row(
    "KP-AUTH-040",
    Kind.INVALID_REQUEST,
    Severity.ERROR,
    400,
    Retry.NEXT_ACCOUNT,
    "The official tool is not signed in here",
    "The place where the tool keeps its login has none, or one that KorProxy does not read.",
    "Run the tool that is named once and sign in there.",
)
CLI_LOGIN_EXPIRED = row(
    "KP-AUTH-041",
    Kind.INVALID_REQUEST,
    Severity.WARNING,
    400,
    Retry.NEXT_ACCOUNT,
    "The official tool's login has run out",
    "The login belongs to the tool, which alone renews it; KorProxy only reads it.",
    "Run the tool that is named once: it renews its login, and KorProxy picks that up.",
)
LOGIN_NOT_RENEWED = row(
    "KP-AUTH-013",
    Kind.INTERNAL,
    Severity.WARNING,
    503,
    Retry.NEXT_ACCOUNT,
    "The account's sign-in could not be renewed just now",
    "Its token has run out, and the provider's token endpoint did not answer with a new one; the sign-in itself is kept.",
    "KorProxy tries again by itself; check your internet connection, or wait a few minutes.",
)
