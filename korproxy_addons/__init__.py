"""KorProxy's gateway process, and the core it shares with the launcher; the version stands here only."""

__version__ = "0.1.0"
