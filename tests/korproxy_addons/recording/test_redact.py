import base64
import json
import time
from collections.abc import Iterator
from threading import Thread
from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import SecretStr

from korproxy_addons.recording.redact import MASK, SHORTEST_SECRET, Redactor

SECRETS = [
    "sk-ant-api03-AbCdEfGh_12345678",
    "sk-proj-abcdefgh",
    "ya29.a0AfB_byC-abcdefgh",
    "1//0gabcdefgh-ijkl",
    "AIzaSyA-abcdefgh_123",
    "AQ.Ab8RN6abcdefgh",
    "rt_abcdefgh.ijkl",
    "ghp_abcdefgh12345678",
    "gho_abcdefgh12345678",
    "kp-local-abcdefgh12",
    "eyJhbGciOiJI.eyJzdWIiOiIx.SflKxwRJSMeK",
    "eyJhbGciOiJI.eyJzdWIiOiIx",
]
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabc=\n-----END RSA PRIVATE KEY-----"


def test_who_learns_meanwhile_is_not_overwritten() -> None:
    redactor = Redactor()

    def secrets() -> Iterator[SecretStr]:
        redactor.learn([SecretStr("meanwhile another")])
        yield SecretStr("first of two")

    redactor.learn(secrets())
    assert redactor.text("first of two, meanwhile another") == f"{MASK}, {MASK}"


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    "text", ["{}", "key={} and more", '{{"a": "{}"}}', "({})", "a\\n{}", "{},{}"]
)
def test_what_looks_like_a_secret_goes_out(secret: str, text: str) -> None:
    shown = Redactor().text(text.format(secret, secret))
    assert secret not in shown
    assert secret[-6:] not in shown
    assert MASK in shown


@pytest.mark.parametrize(
    "text",
    [
        "the disk-usage-report of task-management",
        "a risk-averse-strategy",
        "http://localhost:1337/v1/messages",
        "model claude-opus-5 by claude-work",
        "kp018f2b3c4d5e6f708192a3b4c5d6e7f8",
        "attempt failed",
        "basic use of a bearer",
    ],
)
def test_ordinary_words_stay(text: str) -> None:
    assert Redactor().text(text) == text


def test_an_ordinary_line_passes_the_quick_look() -> None:
    assert Redactor().clean('{"ts": 1.5, "event": "exchange finished", "model": "claude-opus-5"}')


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Bearer abc.def-123", "Authorization: Bearer [redacted]"),
        ("BASIC dXNlcjpwYXNz", "BASIC [redacted]"),
        ("GET /v1beta/models?key=secret&alt=sse", "GET /v1beta/models?key=[redacted]&alt=sse"),
        (
            "/cb?code=abc&state=1&access_token=x",
            "/cb?code=[redacted]&state=1&access_token=[redacted]",
        ),
        ("mail to jane.doe+x@mail.example.org now", "mail to [e-mail] now"),
    ],
)
def test_what_stands_where_secrets_stand_goes_out(text: str, shown: str) -> None:
    assert Redactor().text(text) == shown


def test_a_private_key_goes_out_whole_or_cut_off() -> None:
    assert Redactor().text(f"before {PEM} after") == f"before {MASK} after"
    assert "MIIEow" not in Redactor().text(PEM[:60])


secrets = st.text(
    st.characters(min_codepoint=33, max_codepoint=126), min_size=SHORTEST_SECRET, max_size=40
)


@given(secrets, st.text(max_size=20), st.text(max_size=20))
def test_a_learned_secret_never_survives(secret: str, before: str, after: str) -> None:
    """Nor as JSON or a URL spells it, whatever stands around it."""
    assume(secret not in MASK)
    redactor = Redactor()
    redactor.learn([SecretStr(secret)])
    for spelled in (secret, json.dumps(secret)[1:-1], quote(secret, safe="")):
        shown = redactor.text(before + spelled + after)
        assert shown.count(spelled) <= (before + after).count(spelled)
        assert MASK in shown or "[e-mail]" in shown


@given(
    st.lists(st.text("ab", min_size=8, max_size=14), min_size=2, max_size=4),
    st.text("ab", max_size=40),
)
def test_of_secrets_that_overlap_no_end_is_left(known: list[str], text: str) -> None:
    """`abcdefgh` in `abcdefgh12345678` must not leave the `12345678`."""
    redactor = Redactor()
    redactor.learn(map(SecretStr, known))
    covered = set[int]()
    for secret in known:
        for start in range(len(text)):
            if text.startswith(secret, start):
                covered |= set(range(start, start + len(secret)))
    kept = "".join(letter for place, letter in enumerate(text) if place not in covered)
    assert redactor.text(text).replace(MASK, "") == kept


def test_a_short_secret_is_not_learned() -> None:
    """It would match ordinary words."""
    redactor = Redactor()
    redactor.learn([SecretStr("a" * (SHORTEST_SECRET - 1))])
    assert redactor.text("a" * 20) == "a" * 20


def test_what_was_learned_stays_learned() -> None:
    redactor = Redactor()
    redactor.learn([SecretStr("first-one")])
    redactor.learn([SecretStr("second-one")])
    assert redactor.text("first-one second-one") == f"{MASK} {MASK}"


@pytest.mark.parametrize(
    "text", ["a" * 200_000, "a." * 100_000, "sk-" * 60_000, "eyJ" * 60_000, "a@" * 90_000]
)
def test_a_long_text_takes_time_in_proportion(text: str) -> None:
    """Nobody may stop the gateway by what they have it log."""
    started = time.thread_time()
    Redactor().text(text)
    assert time.thread_time() - started < 2.0


def test_learning_does_not_disturb_a_thread_that_redacts() -> None:
    """The log is written by a thread of its own."""
    redactor = Redactor()
    failures: list[BaseException] = []

    def redact() -> None:
        try:
            for _ in range(2000):
                redactor.text("nothing in here")
        except BaseException as error:  # noqa: BLE001 - shown below
            failures.append(error)

    thread = Thread(target=redact)
    thread.start()
    number = 0
    while thread.is_alive() and number < 2000:
        redactor.learn([SecretStr(f"secret-number-{number}")])
        number += 1
    thread.join()
    assert failures == []


def test_bytes_lose_the_secrets_in_use_and_nothing_else() -> None:
    """A provider's error goes to a client as it came, but for a key that it repeats."""
    redactor = Redactor()
    redactor.learn([SecretStr("one-secret-in-use"), SecretStr("use-and-another")])
    body = 'é \x00 sk-looks-like-a-key-0123 a@b.example one-secret-in-use {"k":"'.encode() + b"\xff"
    assert redactor.without_known(body) == body.replace(b"one-secret-in-use", b"[redacted]")
    assert redactor.without_known(b"one-secret-in-use-and-another") == b"[redacted]"
    clean = b"nothing in here"
    assert redactor.without_known(clean) is clean


SECRET = "canary-known-secret-41b2"


@pytest.fixture
def redactor() -> Redactor:
    made = Redactor()
    made.learn([SecretStr(SECRET)])
    return made


def test_the_user_s_folder_goes_out_where_one_is_given() -> None:
    made = Redactor("/srv/jane/")
    assert made.text("in /srv/jane/work and /srv/janet") == "in ~/work and /srv/janet"
    assert not made.clean("in /srv/jane/work")
    assert Redactor().clean("in /srv/jane/work")


def test_one_that_knows_more_leaves_the_other_as_it_is(redactor: Redactor) -> None:
    other = redactor.with_secrets(["another-one-99", "short"])
    text = f"{SECRET} another-one-99 short"
    assert other.text(text) == f"{MASK} {MASK} short"
    assert redactor.text(text) == f"{MASK} another-one-99 short"


@pytest.mark.parametrize(
    "spelled",
    [
        'a"b/c\\d<e>&f-ü', 'a\\"b/c\\\\d<e>&f-ü', 'a\\"b/c\\\\d<e>&f-\\u00fc', 'a\\"b\\/c\\\\d<e>&f-\\u00fc',
        'a\\"b/c\\\\d\\u003ce\\u003e\\u0026f-\\u00fc', 'a\\\\\\"b/c\\\\\\\\d<e>&f-\\\\u00fc',
        "a%22b%2Fc%5Cd%3Ce%3E%26f-%C3%BC", "a%22b/c%5Cd%3Ce%3E%26f-%C3%BC",
    ],
)  # fmt: skip
def test_a_secret_is_known_in_every_spelling(spelled: str) -> None:
    """As JSON writers of several kinds escape it, once and twice, and as URLs do."""
    made = Redactor().with_secrets(['a"b/c\\d<e>&f-ü'])
    assert made.text(f"<{spelled}>") == f"<{MASK}>"


@pytest.mark.parametrize(
    "secret", ["canary-secret-one-7", "canary-secret-two-77", "canary-secret-3"]
)
@pytest.mark.parametrize("behind", ["", "\n", "=and more"])
def test_a_secret_in_base64_is_no_secret_any_more(secret: str, behind: str) -> None:
    """As a file of settings may hold it; at most its last two letters are left."""
    packed = base64.b64encode((secret + behind).encode()).decode()
    clean = Redactor().with_secrets([secret]).text(f"value: {packed}")
    assert clean.startswith(f"value: {MASK}")
    rest = clean.removeprefix(f"value: {MASK}")
    assert secret[-3:] not in base64.b64decode(rest).decode()


def test_headers_are_shown_by_a_list(redactor: Redactor) -> None:
    """What is on it, as it is; credentials not at all; of all others a hash by which equals are known."""
    shown = redactor.headers(
        [
            ("Content-Type", "application/json"),
            ("X-Request-Id", "req_011CSHoEeqs5C35K2UUqR7Fy"),
            ("x-ratelimit-remaining-tokens", "12"),
            ("Authorization", "Bearer whatever"),
            ("Set-Cookie", "a=b"),
            ("X-Odd", "value"),
            ("x-odd-too", "value"),
            ("x-empty", ""),
            ("User-Agent", f"tool/{SECRET}"),
            ("http-referer", "https://app.example/x?q=what#f"),
        ]
    )
    assert shown == (
        ("Content-Type", "application/json"),
        ("X-Request-Id", "req_011CSHoEeqs5C35K2UUqR7Fy"),
        ("x-ratelimit-remaining-tokens", "12"),
        ("Authorization", MASK),
        ("Set-Cookie", MASK),
        ("X-Odd", "sha256:cd42404d"),
        ("x-odd-too", "sha256:cd42404d"),
        ("x-empty", ""),
        ("User-Agent", f"tool/{MASK}"),
        ("http-referer", f"https://app.example/x?q={MASK}"),
    )


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://u:p@h.example:8/v1/m?alt=sse&beta=true&key=k", "https://h.example:8/v1/m?alt=sse&beta=true&key=[redacted]"),
        ("/v1beta/models/gemini-3:streamGenerateContent?alt=sse", "/v1beta/models/gemini-3:streamGenerateContent?alt=sse"),
        ("/x?flag&empty=&new=1#part", "/x?flag&empty=&new=[redacted]"),
        (f"/{SECRET}/x", f"/{MASK}/x"),
        ("http://[broken", MASK),
    ],
)  # fmt: skip
def test_a_url_keeps_its_way_and_loses_its_values(redactor: Redactor, url: str, shown: str) -> None:
    assert redactor.url(url) == shown


def test_a_json_value_is_cleaned_as_a_copy(redactor: Redactor) -> None:
    value = {"a": [SECRET, 1, None], "password": "x"}
    assert redactor.json(value) == {"a": [MASK, 1, None], "password": MASK}
    assert value["a"] == [SECRET, 1, None]


@pytest.mark.parametrize(
    ("text", "content_type", "shown"),
    [
        (f'{{"a":"{SECRET}"}}', "application/json", f'{{"a":"{MASK}"}}'),
        (f'data: {{"a":"{SECRET}"}}\n\n', "text/event-stream; charset=utf-8", f'data: {{"a":"{MASK}"}}\n\n'),
        (f'data: {{"a":"{SECRET}"}}\n\n', "", f'data: {{"a":"{MASK}"}}\n\n'),
        ("code=abc", "application/x-www-form-urlencoded", f"code={MASK}"),
        (f"plain {SECRET}", "text/plain", f"plain {MASK}"),
        (f"plain {SECRET[:12]}", "text/plain", f"plain {MASK}"),
    ],
)  # fmt: skip
def test_a_body_is_read_as_what_it_is(
    redactor: Redactor, text: str, content_type: str, shown: str
) -> None:
    assert redactor.body(text, content_type) == shown
    assert redactor.body_masked(text, content_type) == (shown, 1)


def test_a_spelling_that_no_reading_meets_goes_out_all_the_same(redactor: Redactor) -> None:
    """A number of so many digits, say, that is a secret."""
    made = redactor.with_secrets(["123456789012"])
    assert "123456789012" not in made.body('{"n": 123456789012}')


def test_secrets_of_a_long_text_are_found_at_every_place() -> None:
    """It is searched in windows: also where two of them meet."""
    filler = "word " * 30_000
    secret = "sk-" + "a1" * 300
    for place in (0, 65_000, 65_536, 81_000, len(filler)):
        text = f"{filler[:place]} {secret} {filler[place:]}"
        assert secret[:40] not in Redactor().text(text)


def test_the_beginning_of_a_secret_at_the_end_of_a_text_is_found(redactor: Redactor) -> None:
    assert [it.start for it in redactor.begun("x canary-known")] == [2]
    assert list(redactor.begun("x canar")) == []
    assert list(redactor.begun("x canary-unknown")) == []
    assert [it.start for it in redactor.begun("canary-kcanary-known-se")] == [8]
