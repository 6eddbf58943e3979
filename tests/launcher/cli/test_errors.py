import json
from pathlib import Path

import pytest

from korproxy_addons.errors.catalogue import CATALOGUE, EXCHANGE_UNKNOWN, NO_ACCOUNT
from launcher.cli import run
from launcher.cli.errors import RETRIES, by_number, docs_place, find, nearest
from support.asking import ask, question
from support.gateway import SimulatedGateway


@pytest.mark.parametrize(
    "written", [NO_ACCOUNT.code, NO_ACCOUNT.code.lower(), NO_ACCOUNT.code[3:], NO_ACCOUNT.code[-3:]]
)
def test_a_code_is_found_however_it_is_written(written: str) -> None:
    assert find(written) is NO_ACCOUNT


@pytest.mark.parametrize("written", ["", "-", "1", "KP", "KP-AUTH-", "01"])
def test_a_piece_of_a_code_is_none(written: str) -> None:
    assert find(written) is None


def test_all_of_them_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["errors", "--json"]) == 0
    codes = [row["code"] for row in json.loads(capsys.readouterr().out)["errors"]]
    assert sorted(codes) == sorted(CATALOGUE)
    assert codes == [spec.code for spec in by_number()]
    assert [int(code[-3:]) for code in codes] == sorted(int(code[-3:]) for code in codes)
    assert run(["errors"]) == 0
    shown = capsys.readouterr().out
    assert all(code in shown for code in CATALOGUE)


def test_one_with_all_its_steps(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("errors", "explain"):
        assert run([command, NO_ACCOUNT.code]) == 0
        shown = " ".join(capsys.readouterr().out.split())
        assert NO_ACCOUNT.title in shown
        assert NO_ACCOUNT.cause in shown
        assert all(f"{n}. {step}" in shown for n, step in enumerate(NO_ACCOUNT.remedy, start=1))
        assert f"HTTP {NO_ACCOUNT.status}" in shown
        assert RETRIES[NO_ACCOUNT.retry] in shown
        assert docs_place(NO_ACCOUNT) in shown
        assert run([command, NO_ACCOUNT.code, "--json"]) == 0
        said = json.loads(capsys.readouterr().out)
        assert said["status"] == NO_ACCOUNT.status
        assert {"code", "title", "cause", "remedy", "severity", "retry", "docs"} <= said.keys()


@pytest.mark.parametrize("command", ["errors", "explain"])
def test_an_unknown_one_names_its_neighbours(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([command, "KP-AUTH-999"]) == 2
    assert "KP-AUTH-0" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("wrong", "near"),
    [
        ("KP-AUTH-099", "KP-AUTH-0"),
        ("auth-2", "KP-AUTH-00"),
        ("KP-NET-300", "KP-NET-301"),
        ("KP-ATH-001", "KP-AUTH-001"),
        ("KP-SYS-99999999999999999999", "KP-SYS-5"),
        ("KP-SYS-²", "KP-SYS-5"),
    ],
)
def test_what_a_wrong_code_may_have_meant(wrong: str, near: str) -> None:
    found = nearest(wrong)
    assert 1 <= len(found) <= 3
    assert found[0].startswith(near)
    assert set(found) <= CATALOGUE.keys()


def test_nothing_like_a_code_has_no_neighbours(capsys: pytest.CaptureFixture[str]) -> None:
    assert nearest("qqqqqqqqqq") == []
    assert run(["errors", "qqqqqqqqqq"]) == 2
    assert "Near" not in capsys.readouterr().err


def test_a_correlation_id_is_told_as_its_request(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that nobody knows is said to be none, as an error of its own."""
    assert run(["explain", "kp0193abcdef0123", "--home", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith(EXCHANGE_UNKNOWN.code)


@pytest.mark.e2e
def test_what_became_of_a_request_is_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with SimulatedGateway(tmp_path) as running:
        asked = question("openai-chat", "no-such-model")
        reply = ask(running.url, asked, **{"x-request-id": "abcd-1234"})
        code = reply.headers["x-korproxy-error"]
        running.gateway.stop()
    assert run(["explain", "abcd-1234", "--home", str(tmp_path)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert code in shown
    assert CATALOGUE[code].remedy[0] in shown
    assert run(["explain", "abcd-1234", "--home", str(tmp_path), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["request"]["request_id"], said["error"]["code"]) == ("abcd-1234", code)
