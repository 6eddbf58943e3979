"""PROV, 100-199: what providers answer."""

from korproxy_addons.errors.kinds import Kind, Retry, Severity, row

UPSTREAM_UNAVAILABLE = row(
    "KP-PROV-101",
    Kind.INTERNAL,
    Severity.ERROR,
    502,
    Retry.SAME_ACCOUNT,
    "The provider is unavailable",
    "The provider answered with a server error.",
    "Try again in a few minutes.",
)
UPSTREAM_INVALID_REPLY = row(
    "KP-PROV-102",
    Kind.INTERNAL,
    Severity.ERROR,
    502,
    Retry.SAME_ACCOUNT,
    "The provider sent a reply that cannot be read",
    "The bytes are not the HTTP, JSON or event stream that the provider's contract promises.",
    "Try again; if it stays, check the provider's base_url in config.yaml.",
)
MODEL_UNSUPPORTED = row(
    "KP-PROV-103",
    Kind.NOT_FOUND,
    Severity.WARNING,
    404,
    Retry.NO,
    "The account does not serve this model",
    "Upstream knows no such model, has retired it, or the plan does not include it.",
    "Choose a model from this account's list.",
)
UPSTREAM_ERROR = row(
    "KP-PROV-104",
    Kind.INTERNAL,
    Severity.ERROR,
    502,
    Retry.SAME_ACCOUNT,
    "The provider reported an error",
    "Upstream answered with an error that no more exact rule describes.",
    "Try again; the provider's own words are in the message.",
)
UPSTREAM_OVERLOADED = row(
    "KP-PROV-105",
    Kind.OVERLOADED,
    Severity.WARNING,
    503,
    Retry.SAME_ACCOUNT,
    "The provider is overloaded",
    "Upstream has no capacity for this request at the moment.",
    "Try again in a moment, or choose another model.",
)
POLICY_REFUSED = row(
    "KP-PROV-106",
    Kind.PERMISSION,
    Severity.ERROR,
    403,
    Retry.NO,
    "The provider's rules do not allow this use",
    "Upstream refuses this credential for this tool, plan or region.",
    "Use the vendor's own tool through KorProxy, or add an account with an API key.",
)
BILLING_REQUIRED = row(
    "KP-PROV-107",
    Kind.BILLING,
    Severity.ERROR,
    402,
    Retry.NEXT_ACCOUNT,
    "The provider wants payment",
    "The account is out of credit, in arrears, or its plan does not cover the request.",
    "Settle the balance at the provider, or use another account.",
)
ROUTE_RETIRED = row(
    "KP-PROV-108",
    Kind.INVALID_REQUEST,
    Severity.ERROR,
    400,
    Retry.NEXT_ACCOUNT,
    "The provider has ended this way in",
    "The login route or the service behind this account no longer exists.",
    "Use what is named in its place; `korproxy providers` lists every way in.",
)
STREAM_CUT = row(
    "KP-PROV-109",
    Kind.INTERNAL,
    Severity.ERROR,
    502,
    Retry.SAME_ACCOUNT,
    "The provider's reply broke off",
    "The stream ended without its last event.",
    "Send the request again.",
)
REQUEST_REJECTED = row(
    "KP-PROV-110",
    Kind.INVALID_REQUEST,
    Severity.WARNING,
    400,
    Retry.NO,
    "The provider rejected the request",
    "Upstream validated the request and refused it; another account would refuse it too.",
    "Correct what the provider names.",
)
CONTENT_REFUSED = row(
    "KP-PROV-111",
    Kind.INVALID_REQUEST,
    Severity.WARNING,
    400,
    Retry.NO,
    "The provider's content filter refused the request",
    "Upstream's safety check stopped the prompt.",
    "Change the prompt.",
)
CONTEXT_TOO_LONG = row(
    "KP-PROV-112",
    Kind.INVALID_REQUEST,
    Severity.WARNING,
    400,
    Retry.NO,
    "The conversation is too long for this model",
    "Input, or input plus requested output, exceeds the model's context window.",
    "Shorten or compact the conversation, or choose a model with a larger context.",
)
EXTRA_USAGE_REQUIRED = row(
    "KP-PROV-113",
    Kind.BILLING,
    Severity.WARNING,
    402,
    Retry.NO,
    "The provider would bill this as extra usage",
    "The plan does not cover this request; KorProxy stays within plan limits by default.",
    "Use an API-key account for it, or allow extra usage at the provider.",
)
EDGE_CHALLENGE = row(
    "KP-PROV-114",
    Kind.INTERNAL,
    Severity.ERROR,
    502,
    Retry.NO,
    "The provider's network edge blocked the request",
    "A web page came back in place of an API reply: it says nothing about the account.",
    "Check VPN and proxy, then try again later.",
)
REQUEST_TOO_LARGE = row(
    "KP-PROV-115",
    Kind.TOO_LARGE,
    Severity.WARNING,
    413,
    Retry.NO,
    "The request is too large for the provider",
    "Upstream's limit for the size of a request is smaller than this one.",
    "Send less: fewer or smaller files and images.",
)
