"""
What launcher and gateway say to each other over the gateway's stdin and stdout: one JSON object per line.

The pipe is the only way to steer a running gateway: it needs no port, no key, and its end tells the gateway that its launcher is
gone. An unknown message is passed over, so that the two may differ by a version while one replaces the other.
"""

from typing import Any

from msgspec import DecodeError, Struct, json

LONGEST_LINE_BYTES = 1024 * 1024
"""A longer line is not one of ours."""


class _Command(Struct, frozen=True, tag_field="do", rename="kebab"):
    """Launcher to gateway."""


class Drain(_Command, frozen=True, tag="drain"):
    """Refuse what is new, finish what is in flight, then end."""


class Retire(_Command, frozen=True, tag="retire"):
    """A successor listens already: take no new connection, serve what comes on the old ones, then end."""


class Stop(_Command, frozen=True, tag="stop"):
    """End now."""


class Reload(_Command, frozen=True, tag="reload"):
    """Look at the config now."""


class Pause(_Command, frozen=True, tag="pause"):
    """Finish what is in flight; answer what is new with an error that says so."""


class Resume(_Command, frozen=True, tag="resume"):
    """Serve again."""


class Wake(_Command, frozen=True, tag="wake"):
    """The machine slept, or its network changed: connections that idle upstream are dead, tokens may have run out."""


class Restarted(_Command, frozen=True, tag="restarted"):
    """
    How often the launcher has put one gateway in another's place since it began, for the gateway's metrics.

    Attributes:
        counts: By reason, one of `metric_names.RESTART_REASONS`.
    """

    counts: dict[str, int]


class Ask(_Command, frozen=True, tag="ask"):
    """
    A question; the answer bears the same `id`.

    Attributes:
        id: Chosen by the launcher.
        what: Name of the question: `stats`, `reset-account`, `explain`.
        about: What the question needs to be answered.
    """

    id: int
    what: str
    about: dict[str, Any] = {}


type Command = Drain | Retire | Stop | Reload | Pause | Resume | Wake | Restarted | Ask


class _Report(Struct, frozen=True, tag_field="event", rename="kebab"):
    """Gateway to launcher."""


class Ready(_Report, frozen=True, tag="ready"):
    """
    The gateway listens.

    Attributes:
        port: TCP port.
        hosts: Addresses.
        pid: Its process.
        version: Its version.
        instance: Random name of this run, which its health page bears too.
    """

    port: int
    hosts: tuple[str, ...]
    pid: int
    version: str
    instance: str


class Draining(_Report, frozen=True, tag="draining"):
    """
    The gateway ends as soon as nothing is in flight.

    Attributes:
        in_flight: Requests still to be finished.
    """

    in_flight: int


class ConfigRead(_Report, frozen=True, tag="config"):
    """
    The config was read anew.

    Attributes:
        problems: Why it is not in force; empty if it is.
    """

    problems: tuple[str, ...] = ()


class Notice(_Report, frozen=True, tag="notice"):
    """
    Something the person should know.

    Attributes:
        code: KP code, or "" where nothing is wrong.
        account: The account's label, or "".
        text: One sentence, without secrets and without content.
        title: What has happened, in a few words; "" where the text is all there is.
    """

    code: str
    account: str
    text: str
    title: str = ""


class Network(_Report, frozen=True, tag="network"):
    """
    Whether any provider can be reached; told when it changes.

    Attributes:
        offline: None can.
    """

    offline: bool


class Answer(_Report, frozen=True, tag="answer"):
    """
    The answer to an `Ask`.

    Attributes:
        id: That of the question.
        value: What was asked for; None if it failed.
        error: Why there is no value.
    """

    id: int
    value: Any = None
    error: str = ""


type Report = Ready | Draining | ConfigRead | Notice | Network | Answer

_COMMAND: json.Decoder[Command] = json.Decoder(Command)
_REPORT: json.Decoder[Report] = json.Decoder(Report)
_ENCODER = json.Encoder()


def encode_line(message: Command | Report) -> bytes:
    """A message as its line."""
    return _ENCODER.encode(message) + b"\n"


def decode_command(line: bytes) -> Command | None:
    """The command in a line; None if it is none that is known."""
    return _decoded(_COMMAND, line)


def decode_report(line: bytes) -> Report | None:
    """The report in a line; None if it is none that is known."""
    return _decoded(_REPORT, line)


def _decoded[Message](decoder: "json.Decoder[Message]", line: bytes) -> Message | None:
    try:
        return decoder.decode(line)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return None
