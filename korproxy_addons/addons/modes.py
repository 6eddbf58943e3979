"""Where the gateway listens, in mitmproxy's words."""

from korproxy_addons.config.schema import Listen

# Nothing is ever sent there: the upstream leg is ours. The name cannot resolve (RFC 6761), so that even a stream that
# slipped past our layer would find no way out.
NOWHERE = "http://korproxy.invalid"


def gateway_modes(listen: Listen) -> list[str]:
    """One reverse-proxy mode per address; IPv6 addresses stand without brackets."""
    return [f"reverse:{NOWHERE}@{host}:{listen.port}" for host in listen.hosts]
