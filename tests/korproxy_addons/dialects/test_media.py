from base64 import b64encode

import pytest

from korproxy_addons.dialects.media import (
    audio_format,
    audio_mime,
    data_url,
    document_text,
    file_name,
    kind_of,
    media_from_url,
    mime_of,
    sniffed_mime,
)
from korproxy_addons.dialects.model import MediaKind, MediaPart

PNG = b64encode(b"\x89PNG\r\n\x1a\n" + bytes(20)).decode()


@pytest.mark.parametrize(
    ("url", "mime", "content"),
    [
        (f"data:image/png;base64,{PNG}", "image/png", PNG),
        (f"data:IMAGE/PNG;charset=utf-8;base64,{PNG}", "image/png", PNG),
        (f"data:;base64,{PNG}", "image/png", PNG),
        (f"data:base64,{PNG}", "image/png", PNG),
        ("data:image/gif;base64,aa,bb", "image/gif", "aa,bb"),
        ("data:image/gif;base64,aa%3D%3D", "image/gif", "aa=="),
        ("data:image/gif;base64,aa\naa", "image/gif", "aaaa"),
        ("data:image/svg+xml,%3Csvg%3E", "image/svg+xml", b64encode(b"<svg>").decode()),
    ],
)
def test_data_urls_are_split_at_the_first_comma(url: str, mime: str, content: str) -> None:
    """T124."""
    part = media_from_url(url, MediaKind.IMAGE, detail="low")
    assert MediaPart(MediaKind.IMAGE, mime=mime, base64=content, detail="low") == part


def test_other_urls_stay_urls() -> None:
    part = media_from_url("https://example.test/a,b.png", MediaKind.IMAGE)
    assert MediaPart(MediaKind.IMAGE, url="https://example.test/a,b.png") == part
    assert data_url(part) == "https://example.test/a,b.png"


def test_the_kind_follows_the_type() -> None:
    assert (
        MediaKind.DOCUMENT is media_from_url("data:application/pdf;base64,aa", MediaKind.IMAGE).kind
    )
    assert MediaKind.VIDEO is kind_of("video/mp4", MediaKind.IMAGE)
    assert MediaKind.IMAGE is kind_of("", MediaKind.IMAGE)


def test_content_becomes_a_data_url_with_a_type() -> None:
    """T126: bare base64 is refused by OpenAI."""
    assert f"data:image/png;base64,{PNG}" == data_url(MediaPart(MediaKind.IMAGE, base64=PNG))
    assert data_url(MediaPart(MediaKind.DOCUMENT, text="hi")) == "data:text/plain;base64,aGk="
    with pytest.raises(ValueError, match="no content"):
        data_url(MediaPart(MediaKind.IMAGE, file_id="f"))


@pytest.mark.parametrize(
    ("head", "mime"),
    [
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"RIFF1234WEBPVP8 ", "image/webp"),
        (b"RIFF1234WAVEfmt ", "audio/wav"),
        (b"RIFF1234????", ""),
        (b"%PDF-1.7", "application/pdf"),
        (b"0000ftypisom", "video/mp4"),
        (b"who knows", ""),
    ],
)
def test_types_are_sniffed(head: bytes, mime: str) -> None:
    assert mime == sniffed_mime(b64encode(head + bytes(99)).decode())


def test_content_that_is_no_base64_has_no_type() -> None:
    assert sniffed_mime("\u00e9\u00e9\u00e9\u00e9") == ""
    assert mime_of(MediaPart(MediaKind.IMAGE, base64="????")) == "image/png"


def test_audio_formats_and_types() -> None:
    """T127."""
    assert tuple(map(audio_mime, ("mp3", "WAV", "x9"))) == ("audio/mpeg", "audio/wav", "audio/x9")
    assert tuple(map(audio_format, ("audio/mp3", "audio/x-wav", "audio/x9"))) == ("mp3", "wav", "")


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (MediaPart(MediaKind.DOCUMENT, text="Hi"), "Hi"),
        (MediaPart(MediaKind.DOCUMENT, "text/markdown", base64="R3LDvMOfZQ=="), "Grüße"),
        (MediaPart(MediaKind.DOCUMENT, "application/json", base64="e30="), "{}"),
        (MediaPart(MediaKind.DOCUMENT, "text/plain", base64="/w=="), ""),
        (MediaPart(MediaKind.DOCUMENT, "text/plain", base64="!"), ""),
        (MediaPart(MediaKind.DOCUMENT, "application/pdf", base64="JVBERi0="), ""),
        (MediaPart(MediaKind.DOCUMENT, "text/plain", url="https://a.example/t"), ""),
        (MediaPart(MediaKind.IMAGE, "text/plain", base64="SGk="), ""),
    ],
)
def test_t126_a_document_that_is_text_has_words(part: MediaPart, words: str) -> None:
    assert document_text(part) == words


def test_a_file_always_has_the_same_name() -> None:
    assert file_name(MediaPart(MediaKind.DOCUMENT, base64="aa", name="a.pdf")) == "a.pdf"
    assert file_name(MediaPart(MediaKind.DOCUMENT, base64="aa")) == "document.pdf"
    assert file_name(MediaPart(MediaKind.IMAGE, base64=PNG)) == "image.png"
