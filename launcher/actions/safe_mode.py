"""Safe mode: one switch that sends all requests to one fallback."""

from dataclasses import dataclass
from pathlib import Path

from korproxy_addons.config.document import Document
from korproxy_addons.config.edit import edit_config
from korproxy_addons.config.schema import Config
from korproxy_addons.config.store import ConfigStore
from launcher.actions import entries
from launcher.actions.groups import known_group


@dataclass(frozen=True, slots=True)
class SafeModeView:
    """Whether it is on, and where all requests go then; None: the model that the tool named, all accounts."""

    enabled: bool
    model: str | None
    group: str | None


def safe_mode(home: Path) -> SafeModeView:
    """
    How the switch stands.

    Raises:
        ConfigProblems: The configuration cannot be used.
    """
    return _view(ConfigStore(home).load())


def turn_on(home: Path, *, model: str | None = None, group: str | None = None) -> SafeModeView:
    """
    Send everything to one fallback from now on.

    Args:
        home: The KorProxy folder.
        model: The model to ask for; None with a group: the one that the tool named; None without: as last time.
        group: Id or name of the group to send all to; None as for the model.
    Raises:
        KorProxyError: GROUP_UNKNOWN; what `edit_config` raises, such as that there is no fallback.
    """
    group_id = known_group(ConfigStore(home).load(), group).id if group is not None else None

    def change(document: Document) -> None:
        if model is not None or group_id is not None:
            entries.change(document, ("safe_mode",), {"model": model, "group": group_id})
        document.set(("safe_mode", "enabled"), True)

    return _view(edit_config(home, change))


def turn_off(home: Path) -> SafeModeView:
    """
    Let the rules decide again; the fallback is remembered.

    Raises:
        What `edit_config` raises.
    """

    def change(document: Document) -> None:
        if document.value(("safe_mode", "enabled")):
            document.set(("safe_mode", "enabled"), False)

    return _view(edit_config(home, change))


def _view(config: Config) -> SafeModeView:
    found = config.safe_mode
    return SafeModeView(found.enabled, found.model, found.group)
