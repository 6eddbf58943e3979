"""Why a request goes where it goes: asked of the running gateway, else of its own program, which alone can read a request."""

import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from launcher.api_client import launcher_of
from launcher.gateway_command import explain_command

ANSWER_S = 60.0
REQUEST_BYTES = 64 * 1024 * 1024

_OWN_ID = re.compile(r"kp[0-9a-f]{28}")


def explain_route(home: Path, question: Mapping[str, Any]) -> dict[str, Any]:
    """
    Where a request would go now, and why.

    Args:
        home: The KorProxy folder.
        question: Fields of the gateway's `explain_query.Query`; without what is not said.
    Returns:
        Fields of the gateway's `explaining.Explanation`.
    Raises:
        KorProxyError: What is wrong with the question or the configuration; INTERNAL: the program failed.
    """
    live = _of_the_running(home, question)
    if live is not None:
        return live
    # Its folder is not this one's business, and a module of that name in it must not be taken for ours.
    done = subprocess.run(
        explain_command(home),
        input=json.dumps(question).encode(),
        capture_output=True,
        timeout=ANSWER_S,
        check=False,
        env={**os.environ, "PYTHONSAFEPATH": "1"},
    )
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise KorProxyError(catalogue.INTERNAL, last[:300]) from None
    failed = answer.get("error")
    if isinstance(failed, dict):
        raise KorProxyError(catalogue.CATALOGUE[failed["code"]], failed["detail"])
    return answer


def _of_the_running(home: Path, question: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the running gateway says, which knows the providers' own lists; None where none can be asked."""
    launcher = launcher_of(home)
    if launcher is None:
        return None
    try:
        said: dict[str, Any] = launcher.post("routing/explain", dict(question))
    except KorProxyError as error:
        if error.spec in (catalogue.NOT_RUNNING, catalogue.LAUNCHER_UNREACHABLE):
            return None
        raise
    return said


def saved_request(path: Path) -> str:
    """
    The text of a saved request.

    Raises:
        KorProxyError: FIELD_INVALID, it cannot be read, is too large, or is no text.
    """
    try:
        with path.open("rb") as file:
            content = file.read(REQUEST_BYTES + 1)
        if len(content) > REQUEST_BYTES:
            raise KorProxyError(catalogue.FIELD_INVALID, f"{path}: more than {REQUEST_BYTES} bytes")
        return content.decode()
    except OSError as error:
        raise KorProxyError(catalogue.FIELD_INVALID, f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise KorProxyError(catalogue.FIELD_INVALID, f"{path}: it is no text") from None


def looks_like_an_id(word: str) -> bool:
    """Whether a word is a request id of the gateway's making, rather than a model's name."""
    return _OWN_ID.fullmatch(word) is not None
