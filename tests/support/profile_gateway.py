"""A running gateway with profiles, rules and groups over the simulator's accounts."""

from typing import Any

from support.asking import Question, Response, ask, question
from support.gateway import SimulatedGateway

MODEL = "sim-large"
"""Served by four accounts, one per dialect; the config has them in the order of DIALECTS in `support.asking`."""

GROUPS: list[dict[str, Any]] = [
    {"id": "chat", "accounts": ["sim-chat"]},
    {"id": "responses", "accounts": ["sim-responses"]},
    {"id": "anthropic", "accounts": ["sim-anthropic"]},
    {"id": "gemini", "accounts": ["sim-gemini"]},
]


def served_by(reply: Response) -> tuple[int, str, list[str]]:
    """Status, the account's id, and the reasons of the way; those of the account have tests of their own."""
    label = reply.headers.get("x-korproxy-account", "")
    return (
        reply.status,
        label.removeprefix("simulated "),
        reasons(reply.headers.get("x-korproxy-why")),
    )


def reasons(why: str | None) -> list[str]:
    """What X-KorProxy-Why says of routing."""
    words = (why or "").split(", ")
    of_account = ("", "sticky", "only-account")
    return [it for it in words if it not in of_account and not it.startswith("moved:")]


def asked(running: SimulatedGateway, what: Question | None = None, **headers: str) -> Response:
    """Ask for the model that all serve, in the chat dialect unless said otherwise."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return ask(running.url, what or question("openai-chat", MODEL), **fields)
