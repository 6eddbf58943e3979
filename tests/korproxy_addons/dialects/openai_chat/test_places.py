from korproxy_addons.dialects.model import RefusalPart, TextPart, ThinkingPart, ToolCallPart
from korproxy_addons.dialects.openai_chat.places import Places


def test_thoughts_right_behind_each_other_are_kept_apart() -> None:
    places = Places()
    assert places.open(ThinkingPart("")) == ""
    places.thinking = 3
    places.thought_last = True
    separator = places.open(ThinkingPart(""))
    assert separator == "\n\n"
    places.separated(separator)
    assert (places.start, places.thinking) == (5, 5)


def test_other_parts_keep_thoughts_apart_by_themselves() -> None:
    places = Places()
    places.thought_last = True
    assert places.open(TextPart("")) == ""
    assert places.open(ThinkingPart("")) == ""


def test_t52_calls_are_counted_apart_from_other_parts() -> None:
    places = Places()
    for part in (TextPart(""), ToolCallPart("x", "f"), RefusalPart(""), ToolCallPart("y", "g")):
        places.open(part)
    assert (places.calls, places.refused) == (2, True)


def test_a_part_begins_where_its_field_ends() -> None:
    places = Places()
    places.content, places.thinking = 7, 4
    places.open(TextPart(""))
    assert places.start == 7
    places.open(ThinkingPart(""))
    assert places.start == 4
