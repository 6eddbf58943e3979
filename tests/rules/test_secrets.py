"""A canary for each secret and for each word of a conversation, and all the places where none of them may turn up."""

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from support import config_file
from support.adjusted import AdjustedGateway
from support.asking import Question, Response, ask, question, send
from support.gateway import GatewayProcess, SimulatedGateway, StockMitmdump
from support.listener import Answer, Listener
from support.planted import CANARY as EXCEPTION_TEXT

pytestmark = pytest.mark.e2e

ACCOUNT_FILE = "canary-account-secret-in-a-file-90a1"
ACCOUNT_ENV = "canary-account-secret-in-the-environment-90a2"
LOCAL_KEY = "canary-local-key-of-the-config-90a3"
CLIENT_KEYS = {
    "authorization": "canary-client-key-as-bearer-91a1",
    "x-api-key": "canary-client-key-as-x-api-key-91a2",
    "x-goog-api-key": "canary-client-key-as-goog-91a3",
    "cookie": "canary-client-cookie-91a4",
    "x-secret-of-the-tool": "canary-client-header-91a5",
}
QUERY_KEY = "canary-client-key-in-the-query-91a6"
PROMPT = "canary-prompt-of-the-user-92a1"
SYSTEM = "canary-system-text-92a2"
TOOL = "canary_tool_name_92a3"
REPLY = "canary-reply-of-the-model-92a4"
ERROR = "canary-error-text-of-the-provider-92a5"
# What a tool may send as an id: long and with odd characters in it; it must not be taken for one.
ODD_ID = "canary-correlation\tid 93a1 \u00e9"
ID = "canary-correlation-id-93a2"

SECRETS = {
    "account file": ACCOUNT_FILE,
    "account environment": ACCOUNT_ENV,
    "local key": LOCAL_KEY,
    **{f"client {name}": key for name, key in CLIENT_KEYS.items()},
    "client query": QUERY_KEY,
}
CONVERSATION = {
    "prompt": PROMPT, "system": SYSTEM, "tool": TOOL, "reply": REPLY, "provider's error": ERROR,
}  # fmt: skip
ENV_NAME = "KORPROXY_TEST_SECRET"


class LeakyGateway(GatewayProcess):
    """One in which reading an upstream's reply for one provider raises, with the reply's text in the exception."""

    def __init__(self, home: Path) -> None:
        place = "korproxy_addons.gateway.upstream_error:upstream_error_reply"
        command = [
            sys.executable, "-m", "support.planted", place, "--home", str(home), "--port", "0",
            "--ready-json",
        ]  # fmt: skip
        super().__init__(home, command, {"PYTHONPATH": str(Path(__file__).parents[1]), ENV_NAME: ACCOUNT_ENV})


@dataclass
class Run:
    """
    Everything a run has left behind.

    Attributes:
        kept: Place to text: logs, pages, the process as the system shows it, files of its folder.
        replies: What clients were told by us, in other words than a provider's.
        heard: What the providers were sent.
    """

    kept: dict[str, str] = field(default_factory=dict)
    replies: list[Response] = field(default_factory=list)
    heard: str = ""
    answered: list[Response] = field(default_factory=list)
    log: list[dict[str, Any]] = field(default_factory=list)
