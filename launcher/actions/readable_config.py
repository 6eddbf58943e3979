"""The configuration for those that only look: nothing is written, and a broken one is no reason not to look."""

from pathlib import Path

from korproxy_addons.config.problems import ConfigProblems
from korproxy_addons.config.schema import Config
from korproxy_addons.config.store import FILE_NAME, ConfigStore


def readable_config(home: Path) -> Config:
    """The configuration of a KorProxy folder; else the last one that could be used, else the default one."""
    if not (home / FILE_NAME).exists():
        return Config()
    try:
        return ConfigStore(home).load_last_good()
    except ConfigProblems:
        return Config()
