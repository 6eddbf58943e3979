"""A machine that goes offline under real processes: it is said, nothing is restarted, and it ends by itself."""

import json
import os
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from korproxy_addons.errors import catalogue
from support.asking import ask, question
from support.gateway import free_port
from support.kept import Launched
from support.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(os.name != "posix", reason="POSIX signals")]

AWAY = """providers:
  away: {dialect: openai-chat, base_url: "https://provider.invalid/v1", auth: none}
"""
HERE = """providers:
  here: {dialect: openai-chat, base_url: "http://127.0.0.1:9/v1", auth: none, local: true}
"""


def write(home: Path, port: int, providers: str) -> None:
    aside = home / "aside"
    aside.write_text(f"version: 1\nlisten: {{port: {port}, hosts: [127.0.0.1]}}\n{providers}")
    aside.chmod(0o600)
    aside.replace(home / "config.yaml")


def health(launched: Launched) -> dict[str, Any]:
    with urllib.request.urlopen(f"{launched.url}/_korproxy/health") as reply:
        found: dict[str, Any] = json.load(reply)
    return found


def test_offline_is_a_badge_and_no_reason_to_restart_anything(tmp_path: Path) -> None:
    """The name of its only provider does not resolve (RFC 6761 reserves `.invalid` for that)."""
    port = free_port()
    write(tmp_path, port, AWAY)
    with Launched(tmp_path) as launched:
        first = launched.wait_for("healthy")
        assert not first["offline"]
        for _ in range(3):
            answer = ask(launched.url, question("openai-chat", "away/m", "hello"))
            assert answer.headers["x-korproxy-error"] == catalogue.DNS_FAILED.code
        until(lambda: launched.status["offline"])
        assert health(launched)["offline"]
        assert launched.status["state"] == "healthy"
        assert (launched.status["pid"], launched.status["restarts"]) == (first["pid"], 0)
        until(lambda: any("No provider can be reached" in it for it in launched.errors))
        # Nobody far away is needed any more: the next knock finds that all is well.
        write(tmp_path, port, HERE)
        until(lambda: not launched.status["offline"])
        assert not health(launched)["offline"]
        assert launched.status["pid"] == first["pid"]
