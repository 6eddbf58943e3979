"""
The program behind `korproxy route explain`: one question on stdin as JSON, one answer on stdout.

The question is a `gateway.explain_query.Query`; what the answer is made from are the configuration and what the gateway
has kept in its database. Nothing is sent anywhere, and nothing is changed.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from korproxy_addons.config.problems import ConfigProblems
from korproxy_addons.config.store import ConfigStore, default_home
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.explain_query import Known, Query, answer
from korproxy_addons.gateway.explaining import Explanation
from korproxy_addons.io.kept_state import KeptState
from korproxy_addons.io.workspace import project_at
from korproxy_addons.providers.resolve import resolve_accounts

EXIT_CONFIG = 78  # EX_CONFIG


def explain(home: Path, query: Query, now: float) -> Explanation:
    """
    Why a request would go where it would go now, by the configuration and state of a KorProxy folder.

    Args:
        home: The folder.
        query: Which request.
        now: Unix seconds.
    Raises:
        ConfigProblems: The configuration cannot be used.
        KorProxyError: As `explain_query.answer`.
    """
    config = ConfigStore(home).load()
    if query.project:
        project = project_at(Path(query.project), Path.home())
        query = replace(query, project=project.folder, project_word=project.profile_word)
    with KeptState(home) as kept:
        known = Known(
            config=config,
            accounts={it.id: it for it in resolve_accounts(config, home)},
            fleet=kept.fleet(),
            read=kept.rows,
            home=str(Path.home()),
            now=now,
        )
        return answer(query, known)


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Answer one question.

    Returns:
        0; 1 for a question that cannot be answered, 78 for a configuration that cannot be used: both as
        `{"error": …}`.
    """
    parser = argparse.ArgumentParser(prog="korproxy route explain", description=__doc__)
    parser.add_argument("--home", type=Path, default=default_home(), help="the KorProxy folder")
    home = parser.parse_args(arguments).home
    try:
        query = msgspec.json.decode(sys.stdin.buffer.read(), type=Query)
        found: Any = explain(home, query, time.time())
        code = 0
    except ConfigProblems as error:
        found, code = _failure(error), EXIT_CONFIG
    except KorProxyError as error:
        found, code = _failure(error), 1
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        found, code = _failure(KorProxyError(catalogue.FIELD_INVALID, str(error))), 1
    sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
    return code


def _failure(error: KorProxyError) -> dict[str, Any]:
    return {"error": {"code": error.spec.code, "detail": error.detail}}
