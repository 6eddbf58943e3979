"""Which simulated host stands for which real one, and what to write in a configuration."""

from dataclasses import dataclass

from launcher.simulator.contracts.base import Contract
from launcher.simulator.contracts.chatgpt import ChatGPT
from launcher.simulator.contracts.claude import Claude
from launcher.simulator.contracts.code_assist import CodeAssist
from launcher.simulator.contracts.compatible import Compatible
from launcher.simulator.contracts.gemini import Gemini
from launcher.simulator.contracts.iflow import IFlow
from launcher.simulator.contracts.openai import OpenAI
from launcher.simulator.contracts.qwen import Qwen
from launcher.simulator.contracts.tokens import Tokens

REAL_HOSTS = {
    "claude": "https://api.anthropic.com",
    "claude-auth": "https://platform.claude.com",
    "claude-web": "https://claude.ai",
    "openai": "https://api.openai.com",
    "openai-auth": "https://auth.openai.com",
    "chatgpt": "https://chatgpt.com",
    "gemini": "https://generativelanguage.googleapis.com",
    "code-assist": "https://cloudcode-pa.googleapis.com",
    "google-auth": "https://oauth2.googleapis.com",
    "google-accounts": "https://accounts.google.com",
    "qwen": "https://dashscope-intl.aliyuncs.com",
    "qwen-coding": "https://coding-intl.dashscope.aliyuncs.com",
    "qwen-token-plan": "https://token-plan.ap-southeast-1.maas.aliyuncs.com",
    "qwen-portal": "https://portal.qwen.ai",
    "qwen-auth": "https://chat.qwen.ai",
    "iflow": "https://apis.iflow.cn",
    "iflow-auth": "https://iflow.cn",
}
"""First path segment on the simulator → the real origin it stands for; `compat-*` stand for nobody's."""


@dataclass(frozen=True)
class Access:
    """
    One way in, as paths below the simulator's origin.

    Args:
        host: Stands for the real origin.
        base: Where the API begins: the origin with the path a vendor documents as the base URL.
        token: The token endpoint, or `""`.
        quota: The usage endpoint, or `""`.
        auth: The page on which a person signs in, or `""`.
        device: Where a login by device code begins, or `""`.
        profile: Where the login's owner is asked for, or `""`.
        discovery: Where the authorization server describes itself, or `""`.
        dialect: What generation speaks there.
        secret: A credential that works.
        model: A model it serves.
        account_id: The account's id where a request must name it (`ChatGPT-Account-Id`), or the project.
    """

    provider: str
    access: str
    host: str
    base: str
    dialect: str
    secret: str
    model: str
    token: str = ""
    quota: str = ""
    auth: str = ""
    device: str = ""
    profile: str = ""
    discovery: str = ""
    account_id: str = ""


def contracts() -> dict[str, Contract]:
    """A contract for every host."""
    every: tuple[Contract, ...] = (
        Claude(),
        OpenAI(),
        ChatGPT(),
        Gemini(),
        CodeAssist(),
        Qwen(),
        IFlow(),
        Compatible(),
        Tokens(),
    )
    return {host: contract for contract in every for host in contract.hosts}
