"""Where a base URL leads."""

import pytest

from korproxy_addons.presets.base import Form, Role, variable
from launcher.gateway_look import Look, Who
from launcher.tools.judging import Judgement, Leads, is_this_machine, judged
from launcher.tools.told import Told
from support.tool_machine import ADDRESS, NOBODY, PORT

LOOKS = {
    5000: Look(Who.STRANGER, name="ollama (process 12)"),
    8317: Look(Who.STRANGER, name="old (process 13)"),
    6000: Look(Who.OTHER_FOLDER),
    7000: Look(Who.STRANGER),
}


def judge(url: str, form: Form = Form.ROOT) -> Judgement:
    told = Told(variable(Role.BASE, "B", form=form), url, "B")
    return judged(told, ADDRESS, lambda port: LOOKS.get(port, NOBODY))


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "[::1]", "LOCALHOST", "127.0.0.2", "0.0.0.0"]
)
@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/v1",
        "/v1/",
        "/v1beta",
        "/p/work",
        "/p/office/v1",
        "/openai/",
        "/v1/chat/completions",
    ],
)
def test_every_base_url_that_the_gateway_takes_leads_here(host: str, path: str) -> None:
    assert judge(f"http://{host}:{PORT}{path}").leads is Leads.HERE


def test_another_form_is_taken_but_said() -> None:
    assert judge(f"http://localhost:{PORT}/v1").detail == (
        f"B is http://localhost:{PORT}/v1 (no path is usual; KorProxy takes this, too)."
    )
    assert judge(f"http://localhost:{PORT}", Form.V1).detail.endswith(
        "(/v1 is usual; KorProxy takes this, too)."
    )
    assert (
        judge(f"http://localhost:{PORT}/v1", Form.V1).detail == f"B is http://localhost:{PORT}/v1."
    )


@pytest.mark.parametrize(
    ("url", "leads", "words"),
    [
        ("http://localhost:9", Leads.WRONG, f"where nothing listens; KorProxy listens on port {PORT}."),
        ("http://localhost:8317/v1", Leads.WRONG, "the port of KorProxy's earlier desktop app), where old (process 13)"),
        ("http://localhost:1337", Leads.WRONG, "(KorProxy's usual port), where nothing listens"),
        ("http://localhost:1338", Leads.WRONG, f"KorProxy's own page; tools are served at port {PORT}."),
        ("http://localhost:6000", Leads.WRONG, f"another KorProxy; this one's listens on port {PORT}."),
        ("http://localhost:5000/v1", Leads.ELSEWHERE, "where ollama (process 12) listens, not KorProxy."),
        ("http://localhost:7000/v1", Leads.ELSEWHERE, "where another program listens"),
        ("http://localhost", Leads.WRONG, "nothing listens"),
        ("https://api.example.com/v1", Leads.ELSEWHERE, "which is not KorProxy on this machine."),
        (f"https://localhost:{PORT}", Leads.WRONG, "speaks http:// on this machine."),
        (f"http://localhost:{PORT}/api", Leads.WRONG, "serves nothing below /api."),
        (f"http://localhost:{PORT}/p/office/api", Leads.WRONG, "serves nothing below /api."),
        (f"localhost:{PORT}", Leads.WRONG, "no URL that begins with http://."),
        ("http://localhost:port", Leads.WRONG, "is no URL."),
        ("ftp://localhost", Leads.WRONG, "no URL that begins with http://."),
    ],
)  # fmt: skip
def test_what_leads_elsewhere_is_told(url: str, leads: Leads, words: str) -> None:
    found = judge(url)
    assert found.leads is leads
    assert words in found.detail
    assert found.expected == ADDRESS.root


def test_what_it_should_be_has_the_tools_own_form() -> None:
    assert judge("http://localhost:9", Form.V1).expected == f"{ADDRESS.root}/v1"


def test_what_is_secret_in_a_url_is_not_told() -> None:
    assert "canary" not in judge("http://localhost:9/v1?key=canary").detail
    assert "canary" not in judge("http://canary:canary@localhost:9/v1").detail


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("localhost", True),
        ("x.localhost", True),
        ("::1", True),
        ("10.0.0.1", False),
        ("localhost.example", False),
    ],
)
def test_the_names_of_this_machine(host: str, own: bool) -> None:
    assert is_this_machine(host) is own
