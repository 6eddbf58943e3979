import pytest

from korproxy_addons.dialects.model import FinishReason as Finish
from korproxy_addons.dialects.openai_responses.outcome import decoded_finish, encoded_finish


@pytest.mark.parametrize(
    ("status", "reason", "called", "refused", "finish"),
    [
        ("completed", "", False, False, Finish.STOP),
        ("complete", "", False, False, Finish.STOP),
        ("", "", False, False, Finish.STOP),
        ("completed", "", True, False, Finish.TOOL_CALLS),
        ("completed", "", False, True, Finish.REFUSAL),
        ("completed", "", True, True, Finish.TOOL_CALLS),
        ("incomplete", "max_output_tokens", True, False, Finish.LENGTH),
        ("incomplete", "content_filter", False, False, Finish.CONTENT_FILTER),
        ("incomplete", "", False, False, Finish.LENGTH),
    ],
)
def test_why_an_answer_ended(
    status: str, reason: str, called: bool, refused: bool, finish: Finish
) -> None:
    """T107, T110: calls decide; incomplete is an end like others, and no error."""
    assert decoded_finish(status, reason, called=called, refused=refused) is finish


@pytest.mark.parametrize(
    ("finish", "refused", "ending"),
    [
        (Finish.STOP, False, ("completed", None)),
        (Finish.STOP_SEQUENCE, False, ("completed", None)),
        (Finish.TOOL_CALLS, False, ("completed", None)),
        (Finish.PAUSE, False, ("completed", None)),
        (Finish.LENGTH, False, ("incomplete", "max_output_tokens")),
        (Finish.CONTEXT_LENGTH, False, ("incomplete", "max_output_tokens")),
        (Finish.CONTENT_FILTER, False, ("incomplete", "content_filter")),
        (Finish.REFUSAL, False, ("incomplete", "content_filter")),
        (Finish.REFUSAL, True, ("completed", None)),
    ],
)
def test_how_an_end_is_said(finish: Finish, refused: bool, ending: tuple[str, str | None]) -> None:
    """T110, T177: cut or filtered is never `completed`, a refusal that can be read is."""
    assert encoded_finish(finish, refused=refused) == ending
