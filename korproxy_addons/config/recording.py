"""How much is kept while `korproxy record` is on."""

from pydantic import Field

from korproxy_addons.config.fields import Settings


class RecordingSettings(Settings):
    """What may be kept of exchanges that are recorded; nothing is recorded until `korproxy record on`."""

    max_exchanges: int = Field(default=500, ge=1, le=10_000)
    """Most exchanges that are kept; the oldest go first."""
    max_megabytes: int = Field(default=256, ge=1, le=10_240)
    """Most megabytes that they take on the disk; the oldest go first."""
    body_megabytes: int = Field(default=4, ge=1, le=16)
    """What of each body is kept, from its beginning."""
