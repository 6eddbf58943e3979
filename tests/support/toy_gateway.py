"""
A gateway in a few lines, for tests of who keeps it: it listens, says so, answers for its health, and obeys.

Its first argument says how it fails: `fine`, `crash`, `config`, `mute` (never ready), `deaf` (ready, but does not answer),
`busy` (a drain does not end it: something is always in flight).
"""

import json
import os
import socket
import sys
import threading
from typing import TextIO


def say(line: str, stream: TextIO = sys.stdout) -> None:
    """Write a line, at once."""
    stream.write(line + "\n")
    stream.flush()


def main() -> None:
    """Run until told to end."""
    how, *rest = sys.argv[1:]
    if how in ("crash", "config"):
        say(f"it is made to {how}", sys.stderr)
        sys.exit(78 if how == "config" else 1)
    descriptor = int(rest[rest.index("--listen-fd") + 1])
    listener = socket.socket(fileno=descriptor)
    instance = f"toy-{os.getpid()}"
    if how in ("fine", "busy"):
        threading.Thread(target=answer, args=(listener, instance), daemon=True).start()
    if how != "mute":
        port = listener.getsockname()[1]
        ready = {
            "event": "ready", "port": port, "hosts": ["127.0.0.1"], "pid": os.getpid(),
            "version": "0", "instance": instance,
        }  # fmt: skip
        say(json.dumps(ready))
    for line in sys.stdin:
        command = json.loads(line)
        say(f"told {command['do']}", sys.stderr)
        if command["do"] in ("drain", "retire", "stop") and how != "busy":
            return
        if command["do"] in ("pause", "resume"):
            say(json.dumps({"event": "network", "offline": command["do"] == "pause"}))
        if command["do"] == "reload":
            say('{"event":"config","problems":["line 3: port"]}')
        if command["do"] == "ask":
            known = command["what"] == "stats"
            reply = {"value": {"about": command["about"]}} if known else {"error": "no idea"}
            say(json.dumps({"event": "answer", "id": command["id"], **reply}))


def answer(listener: socket.socket, instance: str) -> None:
    """Answer every connection with the health page."""
    listener.setblocking(True)
    health = {
        "status": "ok", "version": "0", "instance": instance, "started_at": 1, "uptime_s": 1, "in_flight": 0,
        "draining": False, "accounts_configured": 0, "config_problems": [], "accounts": [],
    }  # fmt: skip
    reply = b"HTTP/1.1 200 OK\r\n\r\n" + json.dumps(health).encode()
    while True:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(reply)


if __name__ == "__main__":
    main()
