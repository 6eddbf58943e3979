"""`GET` and `DELETE /v1/responses/{id}` for answers that are kept here."""

from korproxy_addons.errors import catalogue
from support.talks import Talk


def test_an_answer_can_be_looked_at_again() -> None:
    talk = Talk()
    said = talk.say("one").json
    found = talk.get(said["id"])
    assert (found.status, found.json) == (200, said)
    assert found.headers["content-type"] == "application/json"


def test_its_input_is_all_that_led_to_it_the_newest_first() -> None:
    talk = Talk()
    first = talk.say("one").json["id"]
    second = talk.say("two", first).json["id"]
    listed = talk.get(f"{second}/input_items").json
    texts = [item["content"][0]["text"] for item in listed["data"]]
    assert texts == ["two", "Answer 0", "one"]
    assert len(talk.get(f"{first}/input_items").json["data"]) == 1


def test_a_deleted_answer_is_gone() -> None:
    talk = Talk()
    first = talk.say("one").json["id"]
    assert talk.get(first, method="DELETE").json == {
        "id": first,
        "object": "response",
        "deleted": True,
    }
    assert talk.get(first).status == 404
    assert talk.say("two", first).status == 400


def test_an_unknown_answer_is_not_found_in_openai_s_words() -> None:
    talk = Talk()
    for path, method in (
        ("resp_x", "GET"),
        ("resp_x/input_items", "GET"),
        ("resp_x", "DELETE"),
    ):
        found = talk.get(path, method=method)
        assert found.status == 404
        assert found.headers["x-korproxy-error"] == catalogue.STORED_RESPONSE_NOT_FOUND.code
        assert "Response with id 'resp_x' not found" in found.json["error"]["message"]
