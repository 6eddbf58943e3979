"""
A panel for tests: owns the session's watcher of status icons and its notifications, and drives the menu over D-Bus.

Runs under `dbus-run-session`, beside the program it watches. Reads one JSON command per line from stdin, answers one JSON line,
`{"value": …}` or `{"error": TEXT}`:
`{"do": "wait-icon"}`, `{"do": "layout"}`, `{"do": "click", "label": TEXT}`, `{"do": "notes"}`, `{"do": "title"}`, `{"do": "icon"}`.
"""

import json
import sys
import threading
from typing import Any

import gi

gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # noqa: E402 - its version is chosen first

WATCHER = """
<node><interface name="org.kde.StatusNotifierWatcher">
<method name="RegisterStatusNotifierItem"><arg type="s" direction="in"/></method>
<method name="RegisterStatusNotifierHost"><arg type="s" direction="in"/></method>
<property name="RegisteredStatusNotifierItems" type="as" access="read"/>
<property name="IsStatusNotifierHostRegistered" type="b" access="read"/>
<property name="ProtocolVersion" type="i" access="read"/>
</interface></node>
"""
NOTES = """
<node><interface name="org.freedesktop.Notifications">
<method name="Notify"><arg type="s" direction="in"/><arg type="u" direction="in"/><arg type="s" direction="in"/>
<arg type="s" direction="in"/><arg type="s" direction="in"/><arg type="as" direction="in"/>
<arg type="a{sv}" direction="in"/><arg type="i" direction="in"/><arg type="u" direction="out"/></method>
<method name="CloseNotification"><arg type="u" direction="in"/></method>
<method name="GetCapabilities"><arg type="as" direction="out"/></method>
<method name="GetServerInformation"><arg type="s" direction="out"/><arg type="s" direction="out"/>
<arg type="s" direction="out"/><arg type="s" direction="out"/></method>
</interface></node>
"""
ITEM = "org.kde.StatusNotifierItem"
MENU = "com.canonical.dbusmenu"
TIMEOUT_MS = 20_000
# libdbusmenu's words for an id of a menu that is no more.
UNKNOWN_ITEM = "does not refer to a menu item"


class Panel:
    """What a desktop does with an icon."""

    def __init__(self) -> None:
        self.bus = Gio.bus_get_sync(Gio.BusType.SESSION, None)
        self.items: list[tuple[str, str]] = []
        self.came = threading.Event()
        self.notes: list[list[str]] = []
        for xml, path, name, method in (
            (WATCHER, "/StatusNotifierWatcher", "org.kde.StatusNotifierWatcher", self._watch),
            (NOTES, "/org/freedesktop/Notifications", "org.freedesktop.Notifications", self._note),
        ):
            info = Gio.DBusNodeInfo.new_for_xml(xml).interfaces[0]
            self.bus.register_object(path, info, method, self._property, None)
            Gio.bus_own_name_on_connection(self.bus, name, Gio.BusNameOwnerFlags.NONE, None, None)

    def _watch(
        self,
        _bus: Any,
        sender: str,
        _path: str,
        _interface: str,
        _method: str,
        given: Any,
        call: Any,
    ) -> None:
        if _method == "RegisterStatusNotifierItem":
            (path,) = given.unpack()
            self.items.append((sender, path if path.startswith("/") else "/StatusNotifierItem"))
            self.came.set()
        call.return_value(None)

    def _note(
        self,
        _bus: Any,
        _sender: str,
        _path: str,
        _interface: str,
        method: str,
        given: Any,
        call: Any,
    ) -> None:
        if method == "Notify":
            words = given.unpack()
            self.notes.append([words[3], words[4]])
            call.return_value(GLib.Variant("(u)", (len(self.notes),)))
        elif method == "GetCapabilities":
            call.return_value(GLib.Variant("(as)", (["body"],)))
        elif method == "GetServerInformation":
            call.return_value(GLib.Variant("(ssss)", ("test", "test", "1", "1.2")))
        else:
            call.return_value(None)

    def _property(self, _bus: Any, _sender: str, _path: str, _interface: str, name: str) -> Any:
        if name == "IsStatusNotifierHostRegistered":
            return GLib.Variant("b", True)
        if name == "ProtocolVersion":
            return GLib.Variant("i", 0)
        return GLib.Variant("as", [sender for sender, _ in self.items])

    def call(self, path: str, interface: str, method: str, given: Any) -> Any:
        """A call to the newest icon."""
        sender, _ = self.items[-1]
        reply = self.bus.call_sync(
            sender, path, interface, method, given, None, 0, TIMEOUT_MS, None
        )
        return reply.unpack()

    def property(self, name: str) -> Any:
        """A property of the newest icon."""
        _, path = self.items[-1]
        given = GLib.Variant("(ss)", (ITEM, name))
        return self.call(path, "org.freedesktop.DBus.Properties", "Get", given)[0]

    def layout(self) -> list[dict[str, Any]]:
        """The menu as nested lists of labels, marks and ids."""
        given = GLib.Variant("(iias)", (0, -1, []))
        _, root = self.call(self.property("Menu"), MENU, "GetLayout", given)
        return [_item(it) for it in root[2]]

    def click(self, label: str) -> bool:
        """Choose the item whose text begins so; False: there is none, or its menu was replaced before it was told."""
        found = next((it for it in _flat(self.layout()) if it["label"].startswith(label)), None)
        if found is None:
            return False
        given = GLib.Variant("(isvu)", (found["id"], "clicked", GLib.Variant("i", 0), 0))
        try:
            self.call(self.property("Menu"), MENU, "Event", given)
        except GLib.Error as error:
            # An item that went with its menu has heard nothing.
            if UNKNOWN_ITEM in error.message:
                return False
            raise
        return True


def _item(node: Any) -> dict[str, Any]:
    number, properties, children = node
    return {
        "id": number,
        "label": str(properties.get("label", "")).replace("__", "_"),
        "enabled": bool(properties.get("enabled", True)),
        "checked": properties.get("toggle-state") if "toggle-type" in properties else None,
        "items": [_item(it) for it in children],
    }


def _flat(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [found for it in items for found in (it, *_flat(it["items"]))]


def main() -> None:
    """Obey stdin until it ends."""
    panel = Panel()
    loop = GLib.MainLoop()
    threading.Thread(target=loop.run, daemon=True).start()
    sys.stdout.write('"up"\n')
    sys.stdout.flush()
    for line in sys.stdin:
        try:
            answer = {"value": _obeyed(panel, json.loads(line))}
        except GLib.Error as error:
            answer = {"error": error.message}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _obeyed(panel: Panel, command: dict[str, Any]) -> Any:
    match command["do"]:
        case "wait-icon":
            return panel.came.wait(30)
        case "layout":
            return panel.layout()
        case "click":
            return panel.click(command["label"])
        case "notes":
            return panel.notes
        case "title":
            return panel.property("Title")
        case _:
            return panel.property("IconName")


if __name__ == "__main__":
    main()
