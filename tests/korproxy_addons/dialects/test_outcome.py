import pytest

from korproxy_addons.dialects.model import FinishReason, Usage, settled_finish


@pytest.mark.parametrize("finish", list(FinishReason))
@pytest.mark.parametrize("called", [True, False])
def test_calls_decide_between_stop_and_tool_calls_only(finish: FinishReason, called: bool) -> None:
    """T105, T106, T107: a limit or filter stays what it is, with calls too."""
    found = settled_finish(finish, called=called)
    if finish in {FinishReason.STOP, FinishReason.TOOL_CALLS}:
        assert found is (FinishReason.TOOL_CALLS if called else FinishReason.STOP)
    else:
        assert found is finish


def test_the_sums_of_a_usage() -> None:
    """T95: the uncached input is never below 0, whatever an upstream states."""
    usage = Usage(input_tokens=100, cached_tokens=60, cache_write_tokens=30, output_tokens=7)
    assert (usage.total_tokens, usage.uncached_tokens) == (107, 10)
    assert Usage(input_tokens=5, cached_tokens=6).uncached_tokens == 0
