from launcher.simulator.contracts.pages import code_page, consent_page, device_page, page, redirect

NASTY = "'><script>"


def test_what_is_shown_is_text() -> None:
    for reply in (
        page(NASTY, "body"),
        consent_page(NASTY, NASTY, [NASTY], [NASTY]),
        device_page(NASTY, NASTY, [NASTY]),
        code_page(NASTY, NASTY),
    ):
        assert b"<script>" not in reply.body
        assert reply.content_type == "text/html; charset=utf-8"


def test_a_redirect_leads_there() -> None:
    reply = redirect("http://localhost:1/callback?code=c")
    assert (reply.status, reply.headers) == (
        302,
        [("location", "http://localhost:1/callback?code=c")],
    )
