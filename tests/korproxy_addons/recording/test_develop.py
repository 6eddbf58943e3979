import base64
import json
from typing import Any

import pytest
from pydantic import SecretStr

from korproxy_addons.recording.develop import (
    CODED_NOTE,
    CUT_NOTE,
    REPLACED_NOTE,
    SHAPES_NOTE,
    Caught,
    CaughtTry,
    developed,
)
from korproxy_addons.recording.record import (
    RecordedAttempt,
    RecordedMessage,
    Recording,
    encode_recording,
)
from korproxy_addons.recording.redact import MASK, Redactor

JSON = (("content-type", "application/json"),)
KNOWN = "canary-account-secret-61a1"


def known(**changed: Any) -> Recording:
    fields: dict[str, Any] = {
        "id": "kp1", "request_id": "request-1", "started_at": 1.0, "mode": "content", "request": RecordedMessage(),
    }  # fmt: skip
    return Recording(**(fields | changed))


def redactor() -> Redactor:
    made = Redactor()
    made.learn([SecretStr(KNOWN)])
    return made


def asked(
    body: bytes | None = b"{}", url: str = "http://h/v1/x", *headers: tuple[str, str], **words: Any
) -> Caught:
    return Caught(method="POST", url=url, headers=(*JSON, *headers), body=body, **words)


def alone(caught: Caught, **changed: Any) -> RecordedMessage:
    return developed(known(**changed), caught, (), None, redactor()).request


def test_a_message_is_kept_without_its_secrets() -> None:
    body = json.dumps({"key": f"so {KNOWN}"}).encode()
    message = alone(asked(body, "http://h/v1/x?key=abc", ("Authorization", "Bearer abc")))
    assert message == RecordedMessage(
        method="POST",
        url=f"http://h/v1/x?key={MASK}",
        headers=(*JSON, ("Authorization", MASK)),
        body=json.dumps({"key": f"so {MASK}"}),
        masked=1,
        shape=message.shape,
    )
    assert message.shape is not None
    assert (message.shape.kind, message.shape.bytes, message.shape.skeleton) == (
        "json",
        len(body),
        None,
    )


SHOWN = {
    "a bearer's": asked(b"", "/", ("authorization", "Bearer canary-shown-secret-61a2")),
    "a bare one": asked(b"", "/", ("X-Api-Key", "canary-shown-secret-61a2")),
    "a header of another name": asked(b"", "/", ("x-their-secret-token", "canary-shown-secret-61a2")),
    "a password": asked(b"", "/", ("proxy-authorization", "Basic " + base64.b64encode(b"u:canary-shown-secret-61a2").decode())),
    "a cookie": asked(b"", "/", ("Cookie", "a=b; session=canary-shown-secret-61a2")),
    "a parameter": asked(b"", "/x?a=b&key=canary-shown-secret-61a2"),
}  # fmt: skip


@pytest.mark.parametrize("place", SHOWN)
def test_a_credential_that_is_shown_once_is_nowhere(place: str) -> None:
    """Wherever it was shown, by whom: no other message of the exchange says it."""
    body = json.dumps({"error": "there is no key canary-shown-secret-61a2"}).encode()
    told = Caught(status=401, headers=JSON, body=body)
    attempt = RecordedAttempt(
        number=1, account="a", label="a", provider="p", access="x", dialect="d", model="m"
    )
    for request, sent in ((SHOWN[place], asked()), (asked(), SHOWN[place])):
        made = developed(known(), request, [CaughtTry(attempt, sent, told)], told, redactor())
        assert "61a2" not in encode_recording(made).decode()
        assert made.reply is not None
        assert made.reply.body == json.dumps({"error": f"there is no key {MASK}"})


@pytest.mark.parametrize(
    "value",
    [
        "Bearer not-needed",
        "Bearer korproxy-local-key",
        "Basic !!!",
        "Basic " + base64.b64encode(b"\xff").decode(),
        "dummy",
    ],
)
def test_a_placeholder_is_not_taken_out_of_what_is_said(value: str) -> None:
    """A tool's user writes any word there; it must not become a hole in every text."""
    word = value.rpartition(" ")[2]
    body = json.dumps({"text": f"use {word} as key"}).encode()
    assert alone(asked(body, "/", ("authorization", value))).body == body.decode()


def test_shapes_keep_nothing_that_was_said() -> None:
    message = alone(asked(b'{"model": "canary-61a3"}'), mode="shapes")
    assert (message.body, message.note) == (None, SHAPES_NOTE)
    assert message.shape is not None
    assert message.shape.skeleton == {"model": "text 11"}


def test_what_could_not_be_unpacked_is_not_kept() -> None:
    message = alone(asked(None))
    assert (message.body, message.shape, message.note) == (None, None, CODED_NOTE)


def test_an_empty_body_is_no_body() -> None:
    message = alone(asked(b""))
    assert message.body is None
    assert message.shape is not None
    assert message.shape.kind == "empty"


def test_a_body_that_was_cut_says_so() -> None:
    """It ends with a whole letter, and not within a secret."""
    message = alone(asked("é".encode()[:1], cut_bytes=99))
    assert (message.body, message.cut_bytes, message.note) == ("", 99, CUT_NOTE)
    assert message.shape is not None
    assert (message.shape.bytes, message.shape.sha256_8) == (100, "")
    message = alone(asked(f'{{"a": "{KNOWN[:15]}'.encode(), cut_bytes=9))
    assert message.body == f'{{"a": "{MASK}'


def test_a_body_that_broke_off_says_so() -> None:
    message = alone(asked(b"abc\xc3", ended=False))
    assert (message.body, message.ended) == ("abc", False)


def test_what_is_nearly_text_is_read_as_far_as_it_is() -> None:
    message = alone(asked(b"abc \xff def"))
    assert (message.body, message.note) == ("abc \ufffd def", REPLACED_NOTE)
    assert alone(asked("abc \ufffd".encode())).note == ""


def test_what_is_no_text_is_kept_as_it_is() -> None:
    data = b"\0\xff" + KNOWN.encode() + b"\0"
    message = alone(asked(data))
    assert message.base64
    assert base64.b64decode(message.body or "") == b"\0\xff[redacted]\0"


def test_what_is_known_of_the_exchange_is_clean_too() -> None:
    """Models, labels and reasons may be anybody's words; a correlation id stays what it is."""
    attempt = RecordedAttempt(
        number=1,
        account="a",
        label=f"key {KNOWN}",
        provider="p",
        access="x",
        dialect="d",
        model=f"m-{KNOWN}",
        code=f"no_{KNOWN}",
    )
    made = developed(
        known(
            request_id="sk-looks-like-a-key-1234", requested_model=f"m-{KNOWN}", why=(KNOWN,),
            losses=("a@b.example",), code=f"no_{KNOWN}",
        ),
        asked(),
        [CaughtTry(attempt, None, None)],
        None,
        redactor(),
    )  # fmt: skip
    assert made.request_id == "sk-looks-like-a-key-1234"
    assert (made.requested_model, made.why, made.losses) == (f"m-{MASK}", (MASK,), ("[e-mail]",))
    assert (made.attempts[0].label, made.attempts[0].request, made.reply) == (
        f"key {MASK}",
        None,
        None,
    )
    assert KNOWN not in encode_recording(made).decode()
    assert developed(known(request_id=KNOWN), asked(), (), None, redactor()).request_id == MASK


def test_a_broken_url_does_not_stop_it() -> None:
    assert alone(asked(b"", "http://[x")).url == MASK


def test_nothing_of_what_was_caught_is_in_its_repr() -> None:
    shown = repr(asked(b"canary", "/?key=canary", ("cookie", "canary")))
    assert "canary" not in shown
