"""The variables of the earlier apps still mean something, and the same."""

import os
from pathlib import Path

import pytest

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from launcher.api_client import launcher_of
from launcher.autostart import own_command
from launcher.legacy_names import management_key, named_launcher, own_program
from launcher.single_instance import Reach, SingleInstance
from launcher.supervisor.port_holder import Run, save_run

OWN = Reach(os.getpid(), "http://127.0.0.1:1338", "run-key")
KEY = "a-key-of-ones-own"


def test_the_program_that_calls_itself_may_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert own_program({}) == []
    assert own_program({"KORPROXY_CLI": "/opt/kor/korproxy"}) == ["/opt/kor/korproxy"]
    monkeypatch.setenv("KORPROXY_CLI", "/opt/kor/korproxy")
    assert own_command("tray") == ["/opt/kor/korproxy", "tray"]


@pytest.mark.skipif(os.name == "nt", reason="a shell's quotes, not those of Windows")
def test_a_program_of_several_words_is_split_as_a_shell_does() -> None:
    assert own_program({"KORPROXY_CLI": "uv run 'kor proxy'"}) == ["uv", "run", "kor proxy"]


def test_a_quote_that_does_not_end_is_part_of_a_name() -> None:
    assert own_program({"KORPROXY_CLI": "/opt/it's/korproxy"}) == ["/opt/it's/korproxy"]


def test_a_key_is_what_stands_there() -> None:
    assert management_key({}) == ""
    assert management_key({"KORPROXY_MANAGEMENT_KEY": f" {KEY} "}) == KEY


@pytest.mark.parametrize(
    ("url", "root"),
    [
        ("http://localhost:1440", "http://localhost:1440"),
        ("http://127.0.0.1:1440/", "http://127.0.0.1:1440"),
        ("http://[::1]:1440/api", "http://[::1]:1440"),
        ("localhost:1440", "http://localhost:1440"),
    ],
)
def test_another_launcher_may_be_named(url: str, root: str, tmp_path: Path) -> None:
    environ = {"KORPROXY_URL": url, "KORPROXY_MANAGEMENT_KEY": KEY}
    assert named_launcher(tmp_path, environ) == Reach(0, root, KEY)


def test_without_an_address_it_is_the_folder_s_own(tmp_path: Path) -> None:
    assert named_launcher(tmp_path, {}) is None


@pytest.mark.parametrize("port", [1338, 1337])
def test_the_address_of_the_folder_s_own_gateway_or_page_is_its_launcher(
    port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scripts name the gateway's address, which was the only one there was: the key of the run is known then."""
    monkeypatch.setenv("KORPROXY_URL", f"http://localhost:{port}")
    with SingleInstance(tmp_path) as instance:
        instance.say(OWN)
        save_run(tmp_path, Run(7, 1337, "run-1"))
        found = launcher_of(tmp_path)
    assert found is not None
    assert found._reach == OWN


def test_one_that_does_not_answer_is_named_by_its_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KORPROXY_URL", "http://localhost:1")
    api = launcher_of(tmp_path)
    assert api is not None
    with pytest.raises(KorProxyError, match="http://localhost:1 does not answer"):
        api.get("status")


@pytest.mark.parametrize(
    "url", ["https://localhost:1", "http://example.com:1338", "http://[::1", "http://localhost:x"]
)
def test_what_is_no_address_of_this_machine_is_refused(url: str, tmp_path: Path) -> None:
    """A key must not go anywhere else."""
    with pytest.raises(KorProxyError, match="KORPROXY_URL") as found:
        named_launcher(tmp_path, {"KORPROXY_URL": url})
    assert found.value.spec is catalogue.CONFIG_INVALID
