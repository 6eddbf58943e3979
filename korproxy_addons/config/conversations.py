"""What is kept of conversations for clients that rely on the service's memory."""

from typing import Literal

from pydantic import Field

from korproxy_addons.config.fields import Settings


class ConversationSettings(Settings):
    """Answers kept for previous_response_id where the provider keeps none; with their content."""

    keep: Literal["memory", "disk", "off"] = "memory"
    """Where: memory (gone with the process), disk (korproxy.db in the KorProxy folder) or off."""
    max_answers: int = Field(default=1_000, ge=1, le=100_000)
    """Most answers that are kept; the longest unused go first."""
    max_megabytes: int = Field(default=64, ge=1, le=4_096)
    """Most megabytes of them."""
    max_hours: int = Field(default=24, ge=1, le=720)
    """Hours after its last use for which an answer is kept."""
