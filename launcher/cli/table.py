"""
Every command of `korproxy`: the file that has it, and its line in `korproxy --help`.

Plain data, so that a list of all commands loads none of them. A new command is a file with a `register(app)`, and its line here;
a line fits into 80 columns, so nothing of it is ever cut off. A command without a line is not listed: a word of the earlier apps.
"""

from typing import NamedTuple


class Row(NamedTuple):
    """
    A name that may stand after `korproxy`.

    Attributes:
        module: File below launcher/cli that registers it, maybe with others.
        name: The name.
        line: What it does, in a few words; "" where it is not listed.
    """

    module: str
    name: str
    line: str


COMMANDS = (
    Row("tray", "tray", "Run with an icon in the tray, else in the foreground"),
    Row("run_command", "run", "Run in the foreground; the gateway is brought back"),
    Row("lifecycle", "status", "Say how the gateway is; exit code 1 unless it runs"),
    Row("lifecycle", "start", "Start in the background, and wait until it serves"),
    Row("lifecycle", "stop", "Finish what is in flight, then end"),
    Row("lifecycle", "restart", "Replace the gateway by a fresh one; no request is lost"),
    Row("lifecycle", "pause", "Refuse new requests, with an error that says so"),
    Row("lifecycle", "resume", "Serve again after a pause"),
    Row("lifecycle", "open", "Open KorProxy's page in the browser"),
    Row("logs", "logs", "The log: show, follow, filter, export, set its levels"),
    Row("inspect", "inspect", "Watch requests and replies as they pass, in the browser"),
    Row("autostart", "autostart", "Start KorProxy, with its tray, when you log in"),
    Row("autostart", "service", "Keep KorProxy running from login on, without a tray"),
    Row("engine", "engine", "Run the gateway alone, kept by nobody"),
    Row("account", "account", "Accounts: connect, list, test, switch on and off"),
    Row("profile", "profile", "Profiles: sets of routing rules, one of them in force"),
    Row("group", "group", "Groups: accounts that stand in for each other"),
    Row("rule", "rule", "Rules: which requests go where"),
    Row("route", "route", "Explain why a request goes where it goes"),
    Row("safe_mode", "safe-mode", "One switch that sends all requests to one fallback"),
    Row("key", "key", "Local keys: one per tool or project, with its limits"),
    Row("demo", "demo", "Try every road against simulated providers"),
    Row("simulator", "simulator", "Run the simulated providers until Ctrl-C"),
    Row("config", "config", "The configuration: show, edit, check, take elsewhere"),
    Row("providers", "providers", "The providers, the ways into each, where each stands"),
    Row("providers", "provider", ""),
    Row("requests", "requests", "What was asked lately: list, filter, search, one in full"),
    Row("usage", "usage", "What was used and how it went; export it, forget it"),
    Row("quota", "quota", "What is left of the accounts, and when it resets"),
    Row("metrics", "metrics", "Print the metrics, and what Prometheus and Grafana need"),
    Row("record", "record", "Keep what passes, secrets taken out; off by default"),
    Row("diff", "diff", "What a client sent beside what was sent on, and the replies"),
    Row("replay", "replay", "Send a recorded request again, and compare the answers"),
    Row("vault", "vault", "The vault, where logins and keys lie encrypted"),
    Row("doctor", "doctor", "Say what is wrong now, and what a tool keeps or loses"),
    Row("self_test", "self-test", "Check the installation, from its files to a full round"),
    Row("update", "update", "Find out whether there is a newer version"),
    Row("debug_bundle", "debug-bundle", "Gather what somebody needs who is to help"),
    Row("telemetry", "telemetry", "Crash reports: kept here, sent only if you want that"),
    Row("errors", "explain", "Explain an error code, or what became of a request"),
    Row("errors", "errors", "List the error codes, or explain one"),
    Row("version", "version", "Print the versions of KorProxy and what it runs on"),
)
"""In the order of `korproxy --help`."""
