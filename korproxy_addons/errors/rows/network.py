"""NET, 300-399: the way to the provider."""

from korproxy_addons.errors.kinds import Kind, Retry, Severity, row

CONNECT_REFUSED = row(
    "KP-NET-301",
    Kind.INTERNAL,
    Severity.ERROR,
    503,
    Retry.SAME_ACCOUNT,
    "The provider's address refuses connections",
    "Nothing listens there, or a firewall says no.",
    "Check the internet connection, the base_url and any firewall.",
)
CONNECT_TIMEOUT = row(
    "KP-NET-302",
    Kind.TIMEOUT,
    Severity.WARNING,
    503,
    Retry.SAME_ACCOUNT,
    "The provider could not be reached in time",
    "No connection came about within timeouts.connect_s.",
    "Check the internet connection, VPN and proxy.",
)
DNS_FAILED = row(
    "KP-NET-303",
    Kind.INTERNAL,
    Severity.ERROR,
    503,
    Retry.SAME_ACCOUNT,
    "The provider's name cannot be resolved",
    "DNS has no address for the host, or no DNS server answered.",
    "Check the internet connection and the spelling of base_url.",
)
TLS_FAILED = row(
    "KP-NET-304",
    Kind.INTERNAL,
    Severity.ERROR,
    502,
    Retry.NO,
    "No secure connection to the provider",
    "Its certificate is not trusted here, has expired, or is for another host.",
    "If your company inspects traffic, name its certificate in ca_file; check the clock.",
)
CONNECTION_LOST = row(
    "KP-NET-305",
    Kind.INTERNAL,
    Severity.ERROR,
    502,
    Retry.SAME_ACCOUNT,
    "The connection to the provider broke",
    "The provider or something between closed the connection before the reply was whole.",
    "Send the request again.",
)
ADDRESS_BLOCKED = row(
    "KP-NET-306",
    Kind.INTERNAL,
    Severity.ERROR,
    502,
    Retry.NO,
    "The provider's address is not allowed",
    "The host has a loopback, link-local or private address; the provider is not marked local.",
    "If the service runs on your machine or network, set local: true on the provider.",
)
LOOP = row(
    "KP-NET-307",
    Kind.INTERNAL,
    Severity.ERROR,
    508,
    Retry.NO,
    "The request would come back to KorProxy itself",
    "A provider's base_url is one of KorProxy's own addresses.",
    "Correct the provider's base_url in config.yaml.",
)
FIRST_BYTE_TIMEOUT = row(
    "KP-NET-308",
    Kind.TIMEOUT,
    Severity.WARNING,
    504,
    Retry.SAME_ACCOUNT,
    "The provider did not begin to answer in time",
    "No byte of the reply came within timeouts.first_byte_s.",
    "Try again, or raise timeouts.first_byte_s.",
)
OFFLINE = row(
    "KP-NET-310",
    Kind.INTERNAL,
    Severity.WARNING,
    503,
    Retry.NO,
    "No provider can be reached",
    "Connections to every provider fail, one after the other: the machine is offline, or DNS, a VPN or a proxy is.",
    "Check the internet connection, VPN and proxy; KorProxy goes on by itself as soon as one answers.",
)
IDLE_TIMEOUT = row(
    "KP-NET-309",
    Kind.TIMEOUT,
    Severity.WARNING,
    504,
    Retry.NEXT_ACCOUNT,
    "The provider stopped in the middle of its answer",
    "No byte of the reply came within timeouts.idle_s.",
    "Send the request again, or raise timeouts.idle_s.",
)
