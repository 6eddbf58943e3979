import pytest

from korproxy_addons.recording.patterns import is_plain, looks_secret
from korproxy_addons.recording.spans import without

VALUE = "Ab3dEf6hIj9lMn2p"
LOOKS_SECRET = [
    f"sk-{VALUE}", f"ya29.{VALUE}", f"1//{VALUE}", f"AIza{VALUE}", f"AQ.{VALUE}", f"GOCSPX-{VALUE}", f"rt_{VALUE}",
    f"ghp_{VALUE}", f"github_pat_{VALUE}", f"glpat-{VALUE}", f"xoxb-{VALUE}", "AKIAABCDEFGHIJKL", f"hf_{VALUE}",
    f"gsk_{VALUE}", f"xai-{VALUE}", f"pplx-{VALUE}", f"npm_{VALUE}", f"sk_live_{VALUE}", f"kp-local-{VALUE}",
    f"eyJ{VALUE}.{VALUE}.{VALUE}",
]  # fmt: skip


def clean(text: str) -> str:
    return without(text, looks_secret(text))


@pytest.mark.parametrize("secret", LOOKS_SECRET)
def test_a_secret_is_known_by_how_it_begins(secret: str) -> None:
    """Alone, in a sentence, and behind a line break that is still escaped; not in the middle of a word."""
    assert clean(secret) == "[redacted]"
    assert clean(f"with {secret}, they say") == "with [redacted], they say"
    assert clean(f"a\\n{secret}") == "a\\n[redacted]"
    assert clean(f"x{secret}")[:1] == "x"
    assert not is_plain(f"with {secret}, they say")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY----- x", "[redacted] x"),
        ("-----BEGIN EC PRIVATE KEY-----\nabc", "[redacted]"),
        ("-----BEGIN CERTIFICATE-----\nabc", "-----BEGIN CERTIFICATE-----\nabc"),
        ("Authorization: bEaReR abcdefgh", "Authorization: bEaReR [redacted]"),
        ("a bearer Abc123", "a bearer [redacted]"),
        ("a basic understanding", "a basic understanding"),
        ("Basic read-only access", "Basic read-only access"),
        ("forbearer Abc1234", "forbearer Abc1234"),
        ("GET /x?KEY=v&n=1&token=w#f", "GET /x?KEY=[redacted]&n=1&token=[redacted]"),
        ("monkey=banana", "monkey=banana"),
        ("export DB_PASSWORD=hunter2hunter2", "export DB_PASSWORD=[redacted]"),
        ("API_TOKEN='abcdefgh1'", "API_TOKEN='[redacted]'"),
        ("API_TOKEN=$(cat token)", "API_TOKEN=$(cat token)"),
        ("TOKEN=<your token>", "TOKEN=<your token>"),
        ('say {"refresh_token": "abcdefgh"} there', 'say {"refresh_token": "[redacted]"} there'),
        (r'{\"apiKey\":\"abcdefgh\"}', r'{\"apiKey\":\"[redacted]\"}'),
        ("password = 'correct-horse'", "password = '[redacted]'"),
        ("password: 'type it again'", "password: 'type it again'"),
        ("password = read_it()", "password = read_it()"),
        ("by a@b.example.org.", "by [e-mail]."),
        ("git@github.com:x/y", "[e-mail]:x/y"),
        ("@decorator and a @ b and a@b", "@decorator and a @ b and a@b"),
        ("İstanbul password='hunter2hunter'", "İstanbul password='[redacted]'"),
    ],
)  # fmt: skip
def test_a_secret_is_known_by_what_stands_before_it(text: str, left: str) -> None:
    assert clean(text) == left
    if left != text:
        assert not is_plain(text)


@pytest.mark.parametrize("text", ["short", "an ordinary line of some log", "tokens: 12, cached: 3"])
def test_most_texts_need_no_closer_look(text: str) -> None:
    assert is_plain(text)


def test_a_short_address_is_no_plain_text() -> None:
    assert not is_plain("a@b.de")
