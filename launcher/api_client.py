"""What the command line uses: the API of the running launcher of a folder."""

import http.client
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from launcher.legacy_names import named_launcher
from launcher.single_instance import Reach, running_launcher

TIMEOUT_S = 30.0


class ApiClient:
    """
    Speaks with one launcher.

    Args:
        reach: How it is reached.
    """

    def __init__(self, reach: Reach) -> None:
        self._reach = reach

    def get(self, path: str, **query: str) -> Any:
        """
        The value at a path below `/api/v1/`.

        Raises:
            KorProxyError: what the launcher says, or LAUNCHER_UNREACHABLE.
        """
        return self._call("GET", path + (f"?{urlencode(query)}" if query else ""), None)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """
        What a verb says.

        Raises:
            KorProxyError: as for `get`.
        """
        return self._call("POST", path, json.dumps(body).encode())

    def _call(self, method: str, path: str, body: bytes | None) -> Any:
        parts = urlsplit(self._reach.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_S)
        headers = {"authorization": f"Bearer {self._reach.key}", "content-type": "application/json"}
        try:
            connection.request(method, f"/api/v1/{path}", body, headers)
            reply = connection.getresponse()
            said = json.loads(reply.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            who = f"process {self._reach.pid}" if self._reach.pid else self._reach.url
            raise KorProxyError(catalogue.LAUNCHER_UNREACHABLE, f"{who} does not answer") from error
        finally:
            connection.close()
        if reply.status >= 400:
            found = said.get("error", {})
            spec = catalogue.CATALOGUE.get(found.get("code", ""), catalogue.INTERNAL)
            raise KorProxyError(spec, found.get("detail", ""))
        return said


def launcher_of(home: Path) -> ApiClient | None:
    """
    The running launcher of a folder, or the one that KORPROXY_URL names; None if none runs, or it cannot be spoken to yet.

    Raises:
        KorProxyError: as `named_launcher`.
    """
    reach = named_launcher(home) or running_launcher(home)
    return ApiClient(reach) if reach is not None and reach.url else None
