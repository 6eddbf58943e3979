"""What a Gemini model's name says about it."""

import re
from typing import Final

_GENERATION: Final = re.compile(r"gemini-(\d{1,3})(?:\.\d+)?(?:-|$)")

_GEMINI_3: Final = 3


def generation_of(model: str) -> int | None:
    """The number of the generation ("gemini-2.5-pro": 2); None for names without one."""
    found = _GENERATION.search(model.lower())
    return int(found[1]) if found else None


def before_gemini_3(model: str) -> bool:
    """Whether it is a Gemini that takes neither its own tools nor a JSON format beside functions (T33, T132)."""
    generation = generation_of(model)
    return generation is not None and generation < _GEMINI_3
