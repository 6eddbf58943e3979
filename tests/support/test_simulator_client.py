"""The client of the simulator's tests."""

from support.simulator_client import Received


def test_payloads_are_read_whatever_the_line_ends() -> None:
    body = b'event: a\ndata: {"n": 1}\n\ndata:{"n": 2}\r\n\r\ndata: [DONE]\n\n'
    assert Received(200, {}, body).payloads() == [{"n": 1}, {"n": 2}]


def test_the_message_is_found_in_every_envelope() -> None:
    bodies = [
        b'{"error": {"message": "a"}}',
        b'{"detail": "a"}',
        b'{"status": "434", "msg": "a"}',
        b'{"error": "invalid_grant", "error_description": "a"}',
    ]
    assert [Received(400, {}, body).message for body in bodies] == ["a"] * 4
