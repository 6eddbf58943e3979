"""`korproxy metrics`: a page for Prometheus, a configuration for it, a dashboard for Grafana."""

import json
from pathlib import Path

import pytest

from korproxy_addons.errors.catalogue import NOT_RUNNING
from korproxy_addons.usage.metrics import Metrics
from launcher.actions import metrics as actions
from launcher.cli import run


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """A gateway's page, and the keys it was asked for with."""
    keys: list[str | None] = []
    text = Metrics("9.9").exposition().decode()

    def page(_home: Path, key: str | None) -> str:
        keys.append(key)
        return text

    monkeypatch.setattr(actions, "page", page)
    return keys


def test_the_page_is_printed_byte_for_byte(
    page: list[str | None], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However narrow the terminal; with the key that the environment has."""
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setenv("KORPROXY_KEY", "kp-local-1")
    assert run(["metrics"]) == 0
    assert capsys.readouterr().out == Metrics("9.9").exposition().decode()
    assert page == ["kp-local-1"]


def test_scripts_get_numbers(page: list[str | None], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["metrics", "--json"]) == 0
    found = {it["name"]: it for it in json.loads(capsys.readouterr().out)["metrics"]}
    (info,) = found["korproxy_build_info"]["samples"]
    assert (info["labels"]["version"], info["value"]) == ("9.9", 1.0)
    assert found["korproxy_inflight"]["kind"] == "gauge"


def test_the_dashboard_is_json_with_and_without_asking(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["--json"]):
        assert run(["metrics", "--grafana", *arguments]) == 0
        assert json.loads(capsys.readouterr().out)["uid"] == "korproxy"


def test_the_configuration_is_printed_without_a_gateway(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tmp_path.chmod(0o700)
    config = tmp_path / "config.yaml"
    config.write_text("version: 1\nlisten: {port: 4711}\n")
    config.chmod(0o600)
    assert run(["metrics", "--scrape", "--home", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert 'targets: ["127.0.0.1:4711"]' in text
    assert run(["metrics", "--scrape", "--json", "--home", str(tmp_path)]) == 0
    assert json.loads(capsys.readouterr().out) == {"prometheus.yml": text}


def test_without_a_gateway_there_are_no_metrics(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tmp_path.chmod(0o700)
    config = tmp_path / "config.yaml"
    config.write_text("version: 1\nlisten: {port: 1}\n")
    config.chmod(0o600)
    assert run(["metrics", "--home", str(tmp_path)]) == 1
    assert NOT_RUNNING.code in capsys.readouterr().err


def test_one_thing_at_a_time(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["metrics", "--grafana", "--scrape"]) == 2
    assert "--grafana" in capsys.readouterr().err
