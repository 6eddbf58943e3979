"""The client without a socket, against the server's end of the same library."""

from wsproto import ConnectionType
from wsproto.connection import Connection
from wsproto.events import CloseConnection, Message, Ping, TextMessage

from support.socket_client import SocketClient, opening


def test_what_either_side_says_the_other_reads() -> None:
    client, server = SocketClient(), Connection(ConnectionType.SERVER)
    server.receive_data(client.message({"type": "one"}))
    (heard,) = server.events()
    assert isinstance(heard, Message)
    assert heard.data == '{"type": "one"}'
    begun = server.send(TextMessage(data='{"type":', message_finished=False))
    ended = server.send(TextMessage(data='"two"}'))
    assert client.read(begun + ended + server.send(Ping())) == [{"type": "two"}]
    assert (client.kinds, client.pings) == (["two"], 1)
    client.read(server.send(CloseConnection(code=1012, reason="later")))
    assert client.close == (1012, "later")


def test_the_opening_is_one_head() -> None:
    head = opening("127.0.0.1:1337", "authorization: Bearer x")
    assert head.endswith(b"authorization: Bearer x\r\n\r\n")
    assert head.count(b"\r\n\r\n") == 1
