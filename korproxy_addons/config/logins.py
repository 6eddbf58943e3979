"""What a person can say about how a provider's sign-in is spoken."""

from korproxy_addons.config.fields import Settings
from korproxy_addons.config.secret_ref import SecretRefField


class LoginSettings(Settings):
    """What a provider's sign-in needs and KorProxy does not ship."""

    client_secret: SecretRefField | None = None
    """Where the client secret of the provider's own tool lies: env:NAME, file:PATH or vault:NAME."""
