"""What a provider's authorization server wants: addresses, client id, scopes, redirect, its own rules."""

from dataclasses import dataclass, replace
from enum import StrEnum
from urllib.parse import urlsplit

from korproxy_addons.config.schema import Urls

__all__ = ["BodyStyle", "DeviceStyle", "LoginSpec"]


class BodyStyle(StrEnum):
    """How a token endpoint wants its fields."""

    FORM = "form"
    JSON = "json"


class DeviceStyle(StrEnum):
    """How a device login is spoken."""

    STANDARD = "standard"
    """RFC 8628, with PKCE."""
    CHATGPT = "chatgpt"
    """A user code and a poll of their own, then a code to exchange."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginSpec:
    """
    How a person signs in to one access, and how the login is kept alive.

    Attributes:
        client_id: As the provider publishes it.
        token_url: Where codes are exchanged and tokens refreshed.
        auth_url: Page that asks for permission; "": there is no login in the browser.
        device_url: Where a device login begins (for DeviceStyle.CHATGPT the folder of both
            endpoints); "": there is none.
        device_style: How it is spoken.
        profile_url: Where the login's owner, or its key, is asked for; "": nowhere.
        discovery_url: Where the provider describes itself (OpenID Connect Discovery), its keys among all else; "": an id_token's
            signature is not looked at, as it comes from the token endpoint itself.
        scopes: What is asked for.
        required_scopes: Without one of these the login is of no use.
        redirect_field: Query parameter of the page that names the callback.
        auth_params: Further query parameters of the page.
        token_params: Further fields of every call to the token endpoint.
        exchange_body, refresh_body: How the token endpoint wants its fields.
        pkce: The page is given an S256 challenge.
        sends_state: The exchange carries the state too.
        redirect_host: Loopback name as registered: `localhost` or `127.0.0.1`.
        redirect_ports: Registered ports, the first one preferred; empty: any free one.
        redirect_path: Path of the callback, exactly.
        manual_redirect: Page of the provider that shows the code for pasting; "": there is none.
        needs_client_secret: The token endpoint wants a client secret, which the settings give.
        basic_auth: Client id and secret stand in an Authorization: Basic header too.
        issues_client_id: The callback brings a client id of its own, used from then on.
        issuer: `iss` that an id_token must have; "": not looked at.
        fixed_deadline: The end of the whole grant, told once, does not move with a refresh.
        renews_within_s: The provider's own tool renews tokens that are older than this; None: it goes by their end alone.
        partial_refresh: A field that a refresh leaves out is unchanged, the access token too.
        dead_codes: Error codes of a refresh that end the login.
        dead_statuses: HTTP statuses of a refresh that end the login, whatever the code.
        api_key: Inference wants the key in the profile's reply, not the access token.
        resource_hosts: Domains that a `resource_url` in a reply may lie in.
    """

    client_id: str
    token_url: str
    auth_url: str = ""
    device_url: str = ""
    device_style: DeviceStyle = DeviceStyle.STANDARD
    profile_url: str = ""
    discovery_url: str = ""
    scopes: tuple[str, ...] = ()
    required_scopes: tuple[str, ...] = ()
    redirect_field: str = "redirect_uri"
    auth_params: tuple[tuple[str, str], ...] = (("response_type", "code"),)
    token_params: tuple[tuple[str, str], ...] = ()
    exchange_body: BodyStyle = BodyStyle.FORM
    refresh_body: BodyStyle = BodyStyle.FORM
    pkce: bool = True
    sends_state: bool = False
    redirect_host: str = "127.0.0.1"
    redirect_ports: tuple[int, ...] = ()
    redirect_path: str = "/callback"
    manual_redirect: str = ""
    needs_client_secret: bool = False
    basic_auth: bool = False
    issues_client_id: bool = False
    issuer: str = ""
    fixed_deadline: bool = False
    renews_within_s: float | None = None
    partial_refresh: bool = False
    dead_codes: frozenset[str] = frozenset({"invalid_grant"})
    dead_statuses: frozenset[int] = frozenset()
    api_key: bool = False
    resource_hosts: tuple[str, ...] = ()

    def at(self, urls: Urls) -> "LoginSpec":
        """The same login at the addresses that a configuration puts in place of the provider's."""
        return replace(
            self,
            token_url=urls.token or self.token_url,
            auth_url=(urls.auth or self.auth_url) if self.auth_url else "",
            device_url=(urls.device or self.device_url) if self.device_url else "",
            profile_url=(urls.profile or self.profile_url) if self.profile_url else "",
            discovery_url=self._discovery(urls) if self.discovery_url else "",
        )

    @property
    def hosts(self) -> frozenset[str]:
        """Hosts that this login speaks to."""
        urls = (
            self.token_url,
            self.auth_url,
            self.device_url,
            self.profile_url,
            self.discovery_url,
        )
        return frozenset(urlsplit(it).hostname or "" for it in urls if it)

    def _discovery(self, urls: Urls) -> str:
        # Another token endpoint signs with keys of its own: the provider's would fit none of its tokens.
        return urls.discovery or ("" if urls.token else self.discovery_url)
