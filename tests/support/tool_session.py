"""A session of two turns with each real coding tool: parallel calls, a picture, an error, thinking; whatever serves it."""

import json
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from support.coding_tool import LOCAL_KEY, Ran, Workplace
from support.needs import needs_coding_tool

THOUGHT = "I look at both."
AGAIN = "The second turn is done."
PICTURE = "picture.png"

_CODEX = """
model = "{model}"
model_provider = "korproxy"
model_reasoning_effort = "high"
model_reasoning_summary = "auto"
[model_providers.korproxy]
name = "KorProxy"
base_url = "{url}/v1"
env_key = "KORPROXY_KEY"
wire_api = "responses"
supports_websockets = {sockets}
"""
_GEMINI = {
    "privacy": {"usageStatisticsEnabled": False},
    "telemetry": {"enabled": False},
    "general": {"enableAutoUpdate": False, "enableAutoUpdateNotification": False},
}


@dataclass(frozen=True)
class SessionTool:
    """
    How one tool is told what to do.

    Attributes:
        program: Its name.
        first: Arguments of the first turn, for a model and the picture's path.
        second: Arguments of a later turn of the same session.
        environment: For the gateway's URL.
        calls: The tool it runs commands with, the argument of that, the tool it looks at pictures with, and that argument.
        its_own: Words of lines that it prints about itself.
        prepare: Writes its settings, for a model and the gateway's URL.
    """

    program: str
    first: Callable[[str, str], list[str]]
    second: Callable[[str], list[str]]
    environment: Callable[[str], dict[str, str]]
    calls: tuple[str, str, str, str]
    its_own: tuple[str, ...]
    prepare: Callable[[Workplace, str, str], None]


def _claude(model: str) -> list[str]:
    return ["-p", "--model", model, "--effort", "high", "--allowedTools", "Bash", "Read"]


def _codex(place: Workplace, model: str, url: str, *, sockets: bool) -> None:
    text = _CODEX.format(model=model, url=url, sockets=str(sockets).lower())
    place.write(".codex/config.toml", text)


def _codex_over(*, sockets: bool) -> SessionTool:
    free = ["--sandbox", "danger-full-access"]
    return SessionTool(
        "codex",
        lambda _, picture: ["exec", "--skip-git-repo-check", *free, "-i", picture, "-"],
        lambda _: ["exec", *free, "resume", "--last", "--skip-git-repo-check", "-"],
        lambda _: {"KORPROXY_KEY": LOCAL_KEY},
        ("exec_command", "cmd", "view_image", "path"),
        # It knows no foreign models, looks for a sandbox, and prints what the failing command said.
        ("bubblewrap", "Model metadata for", "absent.txt"),
        lambda place, model, url: _codex(place, model, url, sockets=sockets),
    )


def _gemini(auth: str, environment: Callable[[str], dict[str, str]]) -> SessionTool:
    settings = {**_GEMINI, "security": {"auth": {"selectedType": auth}}}
    return SessionTool(
        "gemini",
        lambda model, _: ["-m", model, "--approval-mode", "yolo"],
        lambda model: ["-m", model, "--approval-mode", "yolo", "--resume", "latest"],
        lambda url: {**environment(url), "GEMINI_CLI_TRUST_WORKSPACE": "true"},
        ("run_shell_command", "command", "read_file", "file_path"),
        # No ripgrep beside it, a slip in the timing of its start, and the failing command.
        ("Ripgrep is not available", "[STARTUP]", "absent.txt"),
        lambda place, _, __: place.write(".gemini/settings.json", json.dumps(settings)),
    )


TOOLS = {
    "claude": SessionTool(
        "claude",
        lambda model, _: _claude(model),
        lambda model: [*_claude(model), "--continue"],
        lambda url: {
            "ANTHROPIC_BASE_URL": url,
            "ANTHROPIC_API_KEY": LOCAL_KEY,
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        },
        ("Bash", "command", "Read", "file_path"),
        # It knows no foreign models, and the answer quotes what the failing command said.
        ("recognize the model", "unrecognized_model", "absent.txt", "Exit code 1"),
        lambda *_: None,
    ),
    "codex": _codex_over(sockets=False),
    "codex-socket": _codex_over(sockets=True),
    "gemini": _gemini(
        "gemini-api-key", lambda url: {"GEMINI_API_KEY": LOCAL_KEY, "GOOGLE_GEMINI_BASE_URL": url}
    ),
    # Its Google login, whose backend we are then; the token is shown to nobody but us.
    "gemini-login": _gemini(
        "oauth-personal",
        lambda url: {
            "CODE_ASSIST_ENDPOINT": url,
            "GOOGLE_GENAI_USE_GCA": "true",
            "GOOGLE_CLOUD_ACCESS_TOKEN": LOCAL_KEY,
        },
    ),
}


def run_session(name: str, place: Workplace, model: str, url: str) -> tuple[Ran, Ran]:
    """
    Both turns: the first calls three tools at once (one fails, one looks at a picture), the second asks once more.

    Args:
        name: One of `TOOLS`.
        place: Has a `note.txt` in its project folder.
        model: As the tool is to ask for it.
        url: The gateway's root.
    """
    tool, program = TOOLS[name], needs_coding_tool(TOOLS[name].program)
    picture = place.project / PICTURE
    picture.write_bytes(picture_bytes())
    tool.prepare(place, model, url)
    shell, command, look, path = tool.calls
    described = {"description": "Reads a file."} if tool.program == "claude" else {}
    wanted = [
        (shell, {command: "cat note.txt", **described}),
        (shell, {command: "cat absent.txt", **described}),
        (look, {path: str(picture)}),
    ]
    calls = "".join(f" [[sim tool={it} args={json.dumps(args)}]]" for it, args in wanted)
    prompt = f"Look. [[sim thinking={json.dumps(THOUGHT)}]]{calls}"
    environment = tool.environment(url)
    first = place.run(program, tool.first(model, str(picture)), prompt, environment)
    again = f"And now? [[sim thinking text={json.dumps(AGAIN)}]]"
    return first, place.run(program, tool.second(model), again, environment)


def picture_bytes() -> bytes:
    """A red PNG of 24 by 24 dots."""
    row = b"\0" + b"\xff\0\0" * 24
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", 24, 24, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(row * 24)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
