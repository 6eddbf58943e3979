from korproxy_addons.dialects import dialect
from korproxy_addons.dialects.events import ReplyError
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.kinds import Kind
from korproxy_addons.gateway.side_reply import SideReply
from korproxy_addons.providers.outgoing import Operation
from support.answers import CHAT, GEMINI, MESSAGES


def side(client: str, upstream: str, operation: Operation) -> SideReply:
    return SideReply(dialect(client), dialect(upstream), operation)


def test_what_crosses_nothing_passes_as_it_comes() -> None:
    for client, operation in ((CHAT, Operation.EMBEDDINGS), (MESSAGES, Operation.COUNT_TOKENS)):
        reply = side(client, client, operation)
        assert (reply.feed(b'{"a":'), reply.feed(b"1}"), reply.close()) == (b'{"a":', b"1}", b"")
        assert (reply.over, reply.error) == (True, None)


def test_a_count_is_put_into_the_clients_words() -> None:
    for client, upstream, theirs, ours in (
        (MESSAGES, GEMINI, b'{"totalTokens": 12}', b'{"input_tokens":12}'),
        (GEMINI, MESSAGES, b'{"input_tokens": 12}', b'{"totalTokens":12}'),
    ):
        reply = side(client, upstream, Operation.COUNT_TOKENS)
        assert reply.feed(theirs[:5]) == reply.feed(theirs[5:]) == b""
        assert reply.close() == ours
        assert reply.error is None


def test_an_answer_without_a_number_is_an_error_and_no_made_up_count() -> None:
    reply = side(MESSAGES, GEMINI, Operation.COUNT_TOKENS)
    reply.feed(b'{"unexpected": true}')
    assert reply.close() == b""
    assert reply.error is not None
    assert reply.error.code == catalogue.UPSTREAM_INVALID_REPLY.code


def test_what_breaks_off_has_no_words_for_it() -> None:
    reply = side(CHAT, CHAT, Operation.EMBEDDINGS)
    error = ReplyError(Kind.INTERNAL, "cut")
    assert (reply.fail(error), reply.over, reply.error) == (b"", True, error)
    assert reply.keep_alive() == b""
