import json

import pytest

from korproxy_addons.errors.catalogue import CATALOGUE, NO_ACCOUNT
from launcher.cli import run
from launcher.cli.errors import by_number, find


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
    assert run(["errors", NO_ACCOUNT.code]) == 0
    shown = capsys.readouterr().out
    assert NO_ACCOUNT.title in shown
    assert NO_ACCOUNT.cause in shown
    assert all(f"{n}. {step}" in shown for n, step in enumerate(NO_ACCOUNT.remedy, start=1))
    assert run(["errors", NO_ACCOUNT.code, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["status"] == NO_ACCOUNT.status


def test_an_unknown_one_names_its_neighbours(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["errors", "KP-AUTH-999"]) == 2
    assert "KP-AUTH-0" in " ".join(capsys.readouterr().err.split())
