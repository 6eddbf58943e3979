import base64
import hashlib
import re

from launcher.login.pages import HEADERS, page


def test_what_a_provider_says_is_text_and_not_html() -> None:
    shown = page("<b>title</b>", "<script>alert(1)</script>", good=False)
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
    assert "<b>" not in shown


def test_the_page_s_own_style_is_all_that_it_may_load() -> None:
    style = re.search(r"<style>(.*?)</style>", page("t", "x", good=True))
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = HEADERS["content-security-policy"]
    assert f"style-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")
    assert HEADERS["referrer-policy"] == "no-referrer"
    assert HEADERS["cache-control"] == "no-store"


def test_good_and_bad_look_different() -> None:
    assert "✓" in page("t", "x", good=True)
    assert "✕" in page("t", "x", good=False)
