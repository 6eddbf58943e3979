"""Whether this session would show a tray icon at all: asked before anything is drawn."""

import sys

WATCHER = "org.kde.StatusNotifierWatcher"
_PATH = "/StatusNotifierWatcher"
TIMEOUT_S = 3.0


def has_tray_host() -> bool:
    """
    Whether something would show the icon.

    On Linux a panel registers itself with the session's watcher of status icons; macOS and Windows always have a place.
    """
    if sys.platform != "linux":
        return True
    try:
        return _registered()
    except Exception:  # noqa: BLE001 - no bus, no watcher, no library: in each case nothing would show
        return False


def _registered() -> bool:
    from jeepney import DBusAddress, Properties  # noqa: PLC0415 - Linux alone has it
    from jeepney.io.blocking import open_dbus_connection  # noqa: PLC0415

    address = DBusAddress(_PATH, bus_name=WATCHER, interface=WATCHER)
    with open_dbus_connection(bus="SESSION") as connection:
        question = Properties(address).get("IsStatusNotifierHostRegistered")
        reply = connection.send_and_get_reply(question, timeout=TIMEOUT_S)
    (_, registered) = reply.body[0]
    return bool(registered)
