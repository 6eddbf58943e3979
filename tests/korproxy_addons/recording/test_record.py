import msgspec
import pytest
from msgspec import structs

from korproxy_addons.recording.record import (
    FORMAT,
    UnreadableRecordingError,
    decode_brief,
    decode_recording,
    encode_recording,
)
from support.recordings import recording


def test_what_is_written_is_read() -> None:
    made = recording()
    assert decode_recording(encode_recording(made)) == made
    assert encode_recording(made).count(b"\n") == 1


def test_half_a_letter_costs_itself_alone() -> None:
    made = recording(tool="a\udcff", code="KP-PROV-103")
    found = decode_recording(encode_recording(made))
    assert found == structs.replace(made, tool="a?")


def test_a_brief_is_the_same_without_what_was_said() -> None:
    made = recording(code="KP-PROV-103", over_socket=True)
    brief = decode_brief(encode_recording(made))
    same = (
        "id",
        "request_id",
        "started_at",
        "mode",
        "tool",
        "requested_model",
        "streamed",
        "over_socket",
        "code",
        "total_ms",
    )
    assert [getattr(brief, it) for it in same] == [getattr(made, it) for it in same]
    assert (brief.status, brief.answered_by) == (200, "codex/gpt-6")
    assert [it.label for it in brief.attempts] == ["First", "Second"]


def test_a_brief_of_what_nobody_answered() -> None:
    brief = decode_brief(encode_recording(recording(attempts=(), reply=None)))
    assert (brief.status, brief.answered_by) == (None, "")


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"id": 1}', b"\xff", b"null"])
def test_what_is_no_recording_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableRecordingError):
        decode_recording(data)
    with pytest.raises(UnreadableRecordingError):
        decode_brief(data)


def test_a_newer_format_is_not_misread_and_a_newer_field_is_passed_over() -> None:
    made = recording()
    newer = encode_recording(structs.replace(made, format=FORMAT + 1))
    with pytest.raises(UnreadableRecordingError, match="format 2"):
        decode_recording(newer)
    fields = msgspec.json.decode(encode_recording(made))
    assert fields["format"] == FORMAT
    assert decode_recording(msgspec.json.encode(fields | {"what_comes_later": 1})) == made
