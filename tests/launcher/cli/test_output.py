import json

import pytest

from korproxy_addons.errors.catalogue import NO_ACCOUNT
from korproxy_addons.errors.exceptions import KorProxyError
from launcher.cli.output import print_failure, show

ERROR = KorProxyError(NO_ACCOUNT, detail="none for [bold]gpt-5[/bold]; none at all")


def test_one_result_two_forms(capsys: pytest.CaptureFixture[str]) -> None:
    """Text is printed as it is: square brackets are no markup."""
    show({"a": 1}, lambda console: console.print("[bold]text[/bold] 12"), as_json=False)
    assert capsys.readouterr().out == "[bold]text[/bold] 12\n"
    show({"a": 1}, lambda _console: pytest.fail("no text was asked for"), as_json=True)
    assert json.loads(capsys.readouterr().out) == {"a": 1}


def test_a_person_reads_what_to_do_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    print_failure(ERROR, as_json=False)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines() == [
        f"{NO_ACCOUNT.code} {NO_ACCOUNT.title}",
        "  none for [bold]gpt-5[/bold]",
        "  none at all",
        *(f"  > {step}" for step in NO_ACCOUNT.remedy),
    ]


def test_a_script_reads_one_object_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    print_failure(ERROR, as_json=True)
    shown = capsys.readouterr()
    assert shown.err == ""
    error = json.loads(shown.out)["error"]
    assert (error["code"], error["detail"]) == (NO_ACCOUNT.code, ERROR.detail)
    assert error["remedy"] == list(NO_ACCOUNT.remedy)
