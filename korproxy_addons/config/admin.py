"""Settings of the launcher's own listener."""

from pydantic import Field

from korproxy_addons.config.fields import Settings


class AdminSettings(Settings):
    """The launcher's page and its API; on loopback only."""

    port: int = Field(default=1338, ge=0, le=65_535)
    """TCP port; 0 takes a free one."""
