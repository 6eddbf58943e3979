"""The format of an HTTP archive, version 1.2: which fields must stand where, and of what type they are."""

import re
from typing import Any

TEXT, NUMBER, WHOLE = (str,), (int, float), (int,)
_TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$")
PAIR = {"name": TEXT, "value": TEXT}
FORMAT: dict[str, Any] = {
    "version": TEXT,
    "creator": {"name": TEXT, "version": TEXT},
    "pages?": [{"startedDateTime": "time", "id": TEXT, "title": TEXT, "pageTimings": {}}],
    "entries": [
        {
            "pageref?": TEXT,
            "startedDateTime": "time",
            "time": NUMBER,
            "request": {
                "method": TEXT,
                "url": "url",
                "httpVersion": TEXT,
                "cookies": [{"name": TEXT, "value": TEXT}],
                "headers": [PAIR],
                "queryString": [PAIR],
                "postData?": {"mimeType": TEXT, "params": [PAIR], "text": TEXT},
                "headersSize": WHOLE,
                "bodySize": WHOLE,
            },
            "response": {
                "status": WHOLE,
                "statusText": TEXT,
                "httpVersion": TEXT,
                "cookies": [{"name": TEXT, "value": TEXT}],
                "headers": [PAIR],
                "content": {"size": WHOLE, "mimeType": TEXT, "text?": TEXT, "encoding?": TEXT},
                "redirectURL": TEXT,
                "headersSize": WHOLE,
                "bodySize": WHOLE,
            },
            "cache": {},
            "timings": {
                "blocked?": NUMBER,
                "dns?": NUMBER,
                "connect?": NUMBER,
                "ssl?": NUMBER,
                "send": NUMBER,
                "wait": NUMBER,
                "receive": NUMBER,
            },
        }
    ],
}


def faults(archive: Any) -> list[str]:
    """What of an archive is not as the format says; own fields may stand everywhere if they begin with `_`."""
    if not isinstance(archive, dict) or set(archive) != {"log"}:
        return ["an archive is an object with `log` alone"]
    found = list(_faults("log", archive["log"], FORMAT))
    if found:
        return found
    pages = {page["id"] for page in archive["log"]["pages"]}
    for place, entry in enumerate(archive["log"]["entries"]):
        timings = entry["timings"]
        if min(timings[it] for it in ("send", "wait", "receive")) < 0:
            found.append(f"entries[{place}]: a time that is needed is below 0")
        if abs(entry["time"] - sum(it for it in timings.values() if it > 0)) > 0.01:
            found.append(f"entries[{place}]: time is not the sum of its timings")
        if entry["pageref"] not in pages:
            found.append(f"entries[{place}]: no such page")
    return found


def _faults(path: str, value: Any, wanted: Any) -> list[str]:
    match wanted:
        case "time":
            return [] if _TIME.match(str(value)) else [path]
        case "url":
            return [] if "://" in str(value) else [path]
        case tuple():
            return [] if type(value) in wanted else [f"{path}: {value!r}"]
        case [item]:
            if not isinstance(value, list):
                return [path]
            return [
                it
                for place, one in enumerate(value)
                for it in _faults(f"{path}[{place}]", one, item)
            ]
        case _:
            return _object_faults(path, value, wanted)


def _object_faults(path: str, value: Any, wanted: dict[str, Any]) -> list[str]:
    if not isinstance(value, dict):
        return [path]
    names = {name.removesuffix("?"): inner for name, inner in wanted.items()}
    missing = [
        f"{path}.{name} is missing"
        for name in wanted
        if not name.endswith("?") and name not in value
    ]
    unknown = [
        f"{path}.{name} is unknown"
        for name in value
        if name not in names and name != "comment" and not name.startswith("_")
    ]
    inner = [
        it
        for name, one in value.items()
        if name in names
        for it in _faults(f"{path}.{name}", one, names[name])
    ]
    return [*missing, *unknown, *inner]
