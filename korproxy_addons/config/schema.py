"""Every setting there is: `config.yaml` as frozen models."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from korproxy_addons.config.admin import AdminSettings
from korproxy_addons.config.conversations import ConversationSettings
from korproxy_addons.config.fields import (
    Dialect,
    FrozenMap,
    HeaderText,
    ModelName,
    Name,
    Seconds,
    Settings,
    Sha256,
    Text,
    Url,
)
from korproxy_addons.config.habits import Thinking
from korproxy_addons.config.limits import KeyLimits, QuotaRule, RunawaySettings
from korproxy_addons.config.logins import LoginSettings
from korproxy_addons.config.logs import Logging
from korproxy_addons.config.profiles import (
    DEFAULT_GROUP,
    DEFAULT_ID,
    DEFAULT_PROFILE,
    GroupConfig,
    Profile,
    SafeMode,
    Tokens,
)
from korproxy_addons.config.recording import RecordingSettings
from korproxy_addons.config.secret_ref import SecretRefField
from korproxy_addons.config.spending import OverageSettings
from korproxy_addons.config.telemetry import TelemetrySettings
from korproxy_addons.config.tray import TraySettings
from korproxy_addons.config.updates import UpdateSettings
from korproxy_addons.config.usage import UsageSettings


def _no_lists(value: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: tuple(it) if isinstance(it, list) else it for name, it in value.items()}


type HabitSettings = Annotated[FrozenMap[Any], BeforeValidator(_no_lists)]
"""Fields of `habits.Habits` by name; `checks.py` holds that they fit."""


class Listen(Settings):
    """Where the gateway listens."""

    port: int = Field(default=1337, ge=0, le=65_535)
    """TCP port; 0 takes a free one."""
    hosts: tuple[Text, ...] = Field(default=("127.0.0.1", "::1"), min_length=1)
    """IP addresses. Others than loopback need local_keys.required."""


class LocalKey(Settings):
    """A key that tools present to KorProxy."""

    id: Name
    """Name of the key, for logs and the dashboard."""
    secret: SecretRefField | None = None
    """Where the key lies: env:NAME, file:PATH or vault:NAME."""
    sha256: Sha256 | None = None
    """In place of secret: the key's SHA-256, as `korproxy key add` writes it."""
    profile: Name | None = None
    """Id of the profile for requests with this key."""
    limits: KeyLimits = KeyLimits()
    """What requests with this key may do."""


class LocalKeys(Settings):
    """Who may use the gateway."""

    required: bool = False
    """Refuse requests without one of the keys below."""
    keys: tuple[LocalKey, ...] = ()
    """The keys."""


class Limits(Settings):
    """How much the gateway takes from a client."""

    body_bytes: int = Field(default=64 * 1024 * 1024, ge=1024, le=2**31)
    """Largest request body, decompressed."""
    header_bytes: int = Field(default=64 * 1024, ge=1024, le=2**20)
    """All header lines of a request together."""
    header_count: int = Field(default=128, ge=8, le=4096)
    """Header lines of a request."""
    json_depth: int = Field(default=200, ge=16, le=900)
    """Deepest nesting of a request body."""
    drain_s: float = Field(default=30.0, ge=0, le=3600, allow_inf_nan=False)
    """How long a stop waits for requests in flight."""


class ToolPatience(Settings):
    """How long a tool waits before it gives up and asks again."""

    first_byte_s: Seconds
    """Until a reply begins."""
    idle_s: Seconds | None = None
    """Between two pieces of it; by default as first_byte_s."""


class Timeouts(Settings):
    """How long a provider may take, at most; never longer than the tool that asks would wait."""

    connect_s: Seconds = 10.0
    """To a connection, TLS included."""
    first_byte_s: Seconds = 240.0
    """From the request sent to the first byte of the reply."""
    idle_s: Seconds = 240.0
    """Between two pieces of a reply."""
    hold_share: float = Field(default=0.25, gt=0, le=1, allow_inf_nan=False)
    """Share of a tool's patience for which a stream's head is held back, so that an error can still have a status of its
    own; then the stream begins with keep-alives, and other accounts are tried behind them."""
    keep_alive_s: Seconds = 15.0
    """Between two keep-alives of a stream that is silent."""
    tools: FrozenMap[ToolPatience] = Field(default_factory=dict, validate_default=True)
    """Patience of tools, such as claude-code, in place of what is known of them."""


class Urls(Settings):
    """Addresses in place of the provider's own: a mirror, a corporate gateway, a simulator."""

    base: Url | None = None
    """Where requests go, as base_url."""
    auth: Url | None = None
    """Where a login is opened in the browser."""
    token: Url | None = None
    """Where tokens are exchanged and refreshed."""
    device: Url | None = None
    """Where a login by device code begins."""
    profile: Url | None = None
    """Where a login's owner is asked for."""
    discovery: Url | None = None
    """Where a login's provider describes itself; without it, nothing is checked by the keys of a token endpoint of your own."""
    quota: Url | None = None
    """Where the used quota is asked for."""


class ModelEntry(Settings):
    """A model that a provider serves; a bare text is its id."""

    id: ModelName
    """Name as the provider knows it."""
    display_name: Text | None = None
    """Name for people."""
    context_tokens: int | None = Field(default=None, ge=1)
    """Size of its context window."""
    max_output_tokens: int | None = Field(default=None, ge=1)
    """Most tokens in one reply."""
    thinking: Thinking = Field(default=Thinking.UNKNOWN, strict=False)
    """How the model is told to think."""
    efforts: tuple[Text, ...] = Field(default=(), strict=False)
    """Effort words that it knows, weakest first."""

    @model_validator(mode="before")
    @classmethod
    def _id_alone(cls, value: Any) -> Any:
        return {"id": value} if isinstance(value, str) else value


class AccessOverride(Settings):
    """What is different for one way into a built-in provider."""

    base_url: Url | None = None
    """Short for urls.base."""
    urls: Urls = Urls()
    """Addresses that stand in for the provider's own."""
    models: tuple[ModelEntry, ...] | None = None
    """Models in place of the built-in list."""
    habits: HabitSettings = Field(default_factory=dict, validate_default=True)
    """What the upstream accepts, where it differs from the built-in knowledge."""
    login: LoginSettings = LoginSettings()
    """What the provider's sign-in needs."""


class ProviderConfig(AccessOverride):
    """
    A provider. Under the id of a built-in one: what is different.

    Under any other id: a user-added one.
    """

    name: Text | None = None
    """Name for people."""
    dialect: Dialect | None = None
    """API that a user-added provider speaks."""
    auth: str | None = Field(
        default=None,
        pattern=r"^(bearer|x-api-key|x-goog-api-key|none|header:[A-Za-z0-9-]{1,60})$",
    )
    """Where a user-added provider wants its key; by default as its dialect has it."""
    local: bool = False
    """The provider is on this machine or network: http:// and private addresses are allowed."""
    ca_file: Text | None = None
    """PEM file with the certificates to trust for it, relative to the KorProxy folder."""
    proxy: Url | None = None
    """HTTP proxy on the way to it."""
    headers: FrozenMap[HeaderText] = Field(default_factory=dict, validate_default=True)
    """Headers that each request to it carries; no secrets."""
    query: FrozenMap[Text] = Field(default_factory=dict, validate_default=True)
    """Query parameters that each request to it carries, such as api-version; no secrets."""
    list_models: bool = True
    """Ask a user-added provider for its model list."""
    accesses: FrozenMap[AccessOverride] = Field(default_factory=dict, validate_default=True)
    """For a built-in provider: what is different for one access only."""


class AccountConfig(Settings):
    """One credential at one provider."""

    id: Name
    """Name of the account; unique."""
    provider: Name
    """Id of its provider."""
    access: Name | None = None
    """Way in, such as api-key; by default the provider's first."""
    label: Text | None = None
    """Name for people; by default the id."""
    secret: SecretRefField | None = None
    """Where the key or login lies: env:NAME, file:PATH, vault:NAME, or cli:TOOL for an official tool's own login."""
    disabled: bool = False
    """Keep the account, but do not use it."""
    consent: bool = False
    """The person has read the provider's terms for this login and wants it used."""
    models: tuple[ModelName, ...] | None = None
    """Use the account for these models only."""
    project: Text | None = None
    """Google Cloud project (Gemini Code Assist)."""
    account_id: HeaderText | None = None
    """ChatGPT account id (Codex by ChatGPT login)."""
    organization: HeaderText | None = None
    """OpenAI organization id (Codex by key)."""
    openai_project: HeaderText | None = None
    """OpenAI project id (Codex by key)."""
    region: Name | None = None
    """Region of the key (Qwen)."""
    overage: OverageSettings = OverageSettings()
    """Paid use beyond the account's plan; none by default."""
    base_url: Url | None = None
    """Short for urls.base."""
    urls: Urls = Urls()
    """Addresses for this account only."""

    @property
    def shown_as(self) -> str:
        """The name that people and the X-KorProxy-Account header are given."""
        return self.label or self.id


class Config(Settings):
    """
    The whole configuration.

    What pydantic cannot say about one field alone (a provider that does not exist, an id given
    twice) is checked by `parse.parse_config`, which is how a file becomes a Config.
    """

    version: Literal[1] = 1
    """Version of this file's format."""
    listen: Listen = Listen()
    """Where the gateway listens."""
    admin: AdminSettings = AdminSettings()
    """The launcher's page and its API."""
    local_keys: LocalKeys = LocalKeys()
    """Who may use the gateway."""
    limits: Limits = Limits()
    """How much the gateway takes from a client."""
    timeouts: Timeouts = Field(default_factory=Timeouts)
    """How long a provider may take."""
    allow_degradation: bool = False
    """Go on, and say so, where a request cannot be expressed fully for the chosen provider."""
    allow_plain_secrets: bool = False
    """Allow secrets written into this file as plain:SECRET."""
    providers: FrozenMap[ProviderConfig] = Field(default_factory=dict, validate_default=True)
    """User-added providers, and what is different for built-in ones."""
    accounts: tuple[AccountConfig, ...] = ()
    """The accounts, in the order in which they are used."""
    aliases: FrozenMap[ModelName] = Field(default_factory=dict, validate_default=True)
    """Other names for models: name to model, provider/model or another such name."""
    active_profile: Name = DEFAULT_ID
    """Id of the profile for requests that name none."""
    profiles: tuple[Profile, ...] = ()
    """The profiles; one with the id default is there even if it is not named."""
    groups: tuple[GroupConfig, ...] = ()
    """Groups of accounts; one with the id default, with all accounts, is there even if it is not named."""
    safe_mode: SafeMode = SafeMode()
    """One switch that sends all requests to one fallback."""
    long_context_tokens: Tokens = 100_000
    """From about so many tokens of prompt on, a request is of the kind long-context."""
    project_files: bool = True
    """A file .korproxy in a project's folder may name the profile for the tools that run there."""
    quota_rules: tuple[QuotaRule, ...] = ()
    """Limits on what is asked for, by account, group, profile, tool, key or project."""
    runaway: RunawaySettings = RunawaySettings()
    """When a client that repeats itself is stopped."""
    usage: UsageSettings = Field(default_factory=UsageSettings)
    """What is kept of finished requests, and what tokens are worth."""
    conversations: ConversationSettings = ConversationSettings()
    """What is kept for previous_response_id where the provider keeps nothing."""
    recording: RecordingSettings = RecordingSettings()
    """How much is kept while exchanges are recorded."""
    logging: Logging = Field(default_factory=Logging)
    """What is logged, and for how long."""
    telemetry: TelemetrySettings = TelemetrySettings()
    """Crash reports: off until you turn them on."""
    tray: TraySettings = TraySettings()
    """The icon in the tray."""
    updates: UpdateSettings = UpdateSettings()
    """Where a newer version is looked for."""

    def account(self, account_id: str) -> AccountConfig | None:
        """The account with this id, if there is one."""
        return next((it for it in self.accounts if it.id == account_id), None)

    def profile(self, profile_id: str) -> Profile | None:
        """The profile with this id, if there is one."""
        found = next((it for it in self.profiles if it.id == profile_id), None)
        return found or (DEFAULT_PROFILE if profile_id == DEFAULT_ID else None)

    def group(self, group_id: str) -> GroupConfig | None:
        """The group with this id, if there is one."""
        found = next((it for it in self.groups if it.id == group_id), None)
        return found or (DEFAULT_GROUP if group_id == DEFAULT_ID else None)

    def provider(self, provider_id: str) -> ProviderConfig:
        """What the file says about a provider; nothing special if it does not name it."""
        return self.providers.get(provider_id) or ProviderConfig()

    def enabled_accounts(self) -> tuple[AccountConfig, ...]:
        """The accounts that may be used, in their order."""
        return tuple(it for it in self.accounts if not it.disabled)
