"""What a Gemini model's name says about it."""

import re
from typing import Final

_GENERATION: Final = re.compile(r"gemini-(\d{1,3})(?:\.\d+)?(?:-|$)")


def generation_of(model: str) -> int | None:
    """The number of the generation ("gemini-2.5-pro": 2); None for names without one."""
    found = _GENERATION.search(model.lower())
    return int(found[1]) if found else None
