"""Replies on the wire, where no fault is named."""

import socket
from urllib.parse import urlsplit

from launcher.simulator import SimulatorThread
from support.simulator_client import send


def test_head_has_no_body_and_the_connection_goes_on(sim: SimulatorThread) -> None:
    parts = urlsplit(sim.base_url)
    with socket.create_connection((parts.hostname, parts.port or 80), timeout=10) as client:
        for _ in range(2):
            client.sendall(b"HEAD /claude/v1/models HTTP/1.1\r\nhost: x\r\n\r\n")
            reply = client.recv(65_536)
            assert reply.startswith(b"HTTP/1.1 401")
            assert reply.endswith(b"\r\n\r\n")
    entries = sim.wait(lambda entries: len(entries) == 2 and entries[1].finished)
    assert [entry.sent_bytes for entry in entries] == [0, 0]


def test_what_was_sent_is_counted(sim: SimulatorThread) -> None:
    reply = send("GET", f"{sim.base_url}/claude/v1/models")
    (entry,) = sim.wait(lambda entries: entries[0].finished)
    assert (entry.status, entry.sent_bytes) == (401, len(reply.body))
    assert entry.message.startswith('{"type":"error"')
    assert reply.headers["date"] == "Wed, 18 Nov 2026 11:06:40 GMT"
