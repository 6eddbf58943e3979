import pytest
from msgspec import Raw

from korproxy_addons.dialects.anthropic_messages.answer import Answer
from korproxy_addons.dialects.anthropic_messages.wire import WireDelta, WireStopDetails
from korproxy_addons.dialects.events import MessageEnd, MessageStart, PartEnd, StreamFailed
from korproxy_addons.dialects.model import FinishReason
from korproxy_addons.errors.exceptions import KorProxyError
from support.anthropic_wire import decode_context


@pytest.fixture
def answer() -> Answer:
    return Answer(decode_context())


def test_it_begins_once(answer: Answer) -> None:
    assert answer.begin(None) == [MessageStart()]
    assert answer.begin(None) == []


def test_the_end_of_a_part_waits_for_what_follows(answer: Answer) -> None:
    block = answer.block(Raw(b'{"type":"text","text":""}'))
    assert answer.close(block) == []
    assert answer.settle(cut=True) == [PartEnd(complete=False)]
    assert answer.settle() == []


def test_t114_a_pause_is_no_end_of_its_own(answer: Answer) -> None:
    answer.stop(WireDelta(stop_reason="pause_turn"))
    assert answer.end()[-1] == MessageEnd(FinishReason.PAUSE)


def test_the_reason_of_a_refusal_is_told(answer: Answer) -> None:
    details = WireStopDetails("cyber", "Not this.")
    answer.stop(WireDelta(stop_reason="refusal", stop_details=details))
    assert answer.end()[-1] == MessageEnd(
        FinishReason.REFUSAL, reason="cyber", explanation="Not this."
    )


def test_the_last_stop_reason_counts(answer: Answer) -> None:
    answer.stop(WireDelta(stop_reason="end_turn"))
    answer.stop(WireDelta(stop_reason="stop_sequence", stop_sequence="END"))
    answer.stop(WireDelta())
    assert answer.end()[-1] == MessageEnd(FinishReason.STOP_SEQUENCE, stop_sequence="END")


def test_t106_the_blocks_decide_between_stop_and_tools(answer: Answer) -> None:
    answer.stop(WireDelta(stop_reason="tool_use"))
    assert answer.end()[-1] == MessageEnd(FinishReason.STOP)
    calling = Answer(decode_context())
    calling.block(Raw(b'{"type":"tool_use","id":"a","name":"go"}'))
    calling.stop(WireDelta(stop_reason="end_turn"))
    assert calling.end()[-1] == MessageEnd(FinishReason.TOOL_CALLS)


def test_calls_without_ids_get_different_ones(answer: Answer) -> None:
    raw = Raw(b'{"type":"tool_use","name":"go"}')
    assert answer.block(raw).start() != answer.block(raw).start()


def test_arguments_without_a_call_are_refused(answer: Answer) -> None:
    with pytest.raises(KorProxyError):
        answer.implied(WireDelta(partial_json="{"))


def test_a_reported_error_ends_it(answer: Answer) -> None:
    (failed,) = answer.failed(Raw(b'{"type":"api_error","message":"no"}'))
    assert isinstance(failed, StreamFailed)
    assert answer.over
