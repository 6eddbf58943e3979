"""The Gemini dialect; see `base.Dialect`."""

from typing import Final

from korproxy_addons.dialects.base import Dialect
from korproxy_addons.dialects.gemini.dialect import Gemini

DIALECT: Final[Dialect] = Gemini()
