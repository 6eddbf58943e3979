"""Bodies as data: Gemini."""

from typing import Any

from launcher.simulator.wire.gemini_shape import CODE_ASSIST_REQUEST, REQUEST, SCHEMA
from launcher.simulator.wire.shape import check


def test_names_of_properties_are_free_and_names_of_keywords_are_not() -> None:
    inner: dict[str, Any] = {"type": "STRING"}
    schema = {
        "type": "OBJECT",
        "properties": {"$schema": inner, "const": {"type": "ARRAY", "items": inner}},
    }
    assert list(check(schema, SCHEMA)) == []
    inner["const"] = 1
    assert [p.path[-1] for p in check(schema, SCHEMA)] == ["const", "const"]


def test_code_assist_alone_knows_a_session() -> None:
    body = {"contents": [{"parts": [{"text": "x"}]}], "sessionId": "s"}
    assert list(check(body, CODE_ASSIST_REQUEST)) == []
    assert [p.kind for p in check(body, REQUEST)] == ["extra"]
