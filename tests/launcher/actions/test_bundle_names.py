"""Names that a person chose, and names that are nobody's."""

from pathlib import Path

import pytest

from korproxy_addons.config.parse import parse_config
from korproxy_addons.config.schema import Config
from korproxy_addons.recording.pseudonyms import Pseudonyms
from launcher.actions.bundle_names import (
    is_public_host,
    kept_names,
    name_config,
    name_raw,
    raw_config,
    raw_entries,
    raw_kept,
)


def config_of(text: str) -> Config:
    return parse_config(text.encode(), "config.yaml")


def test_names_of_a_configuration_have_pseudonyms_words_of_korproxys_own_stay() -> None:
    given = config_of(
        """
        version: 1
        providers:
          acme-llm: {dialect: openai-chat, base_url: https://llm.acme.example/v1, models: [m]}
          openrouter: {dialect: openai-chat, base_url: https://openrouter.ai/api/v1, models: [m]}
        accounts:
          - {id: codex-api-key-2, provider: codex, secret: env:A, label: Jane's}
          - {id: jane, provider: codex, secret: env:B, organization: org-acme}
          - {id: router, provider: openrouter, secret: env:C}
        profiles:
          - id: client-work
            name: For the client
            projects: [~/acme/*]
            rules: [{name: acme-first, when: {model: [x]}, group: [best]}]
        groups:
          - {id: best, accounts: [jane]}
        local_keys:
          keys: [{id: laptop, secret: env:D}]
        """
    )
    names = Pseudonyms(kept_names(given))
    name_config(names, given)
    said = names.text(
        "codex codex-api-key-2 Jane's jane org-acme router acme-llm openrouter client-work ~/acme/* acme-first best laptop"
        " llm.acme.example openrouter.ai"
    )
    assert said == (
        "codex codex-api-key-2 codex-api-key-2 account-1 account-1 account-2 provider-1 openrouter profile-1 project-1"
        " rule-1 group-1 key-1 host-1 openrouter.ai"
    )


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("api.openai.com", True),
        ("openrouter.ai", True),
        ("127.0.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("notopenai.com", False),
        ("llm.acme.example", False),
        ("acme.openai.azure.com", False),
    ],
)
def test_hosts_that_say_who_somebody_is(host: str, *, expected: bool) -> None:
    assert is_public_host(host) is expected


def test_of_a_file_that_cannot_be_used_the_names_are_known_as_far_as_it_is_yaml(
    tmp_path: Path,
) -> None:
    (tmp_path / "config.yaml").write_text(
        """
        zebra: 1
        providers: {acme-llm: {}}
        accounts: [{id: jane, label: Jane's}, {id: codex-api-key-3}, 5]
        profiles: none
        groups: [{id: best, name: The best}]
        local_keys: {keys: [{id: laptop}]}
        """
    )
    raw = raw_config(tmp_path)
    assert len(list(raw_entries(raw))) == 4
    assert raw_kept(raw) == {"codex-api-key-3"}
    names = Pseudonyms(raw_kept(raw))
    name_raw(names, raw)
    assert names.table() == (
        ("account-1", "jane, Jane's"),
        ("group-1", "best, The best"),
        ("key-1", "laptop"),
        ("provider-1", "acme-llm"),
    )


@pytest.mark.parametrize("content", [b"- a", b"", b"\xff: ["])
def test_a_file_that_is_no_mapping_names_nothing(tmp_path: Path, content: bytes) -> None:
    assert raw_config(tmp_path) == {}
    (tmp_path / "config.yaml").write_bytes(content)
    assert list(raw_entries(raw_config(tmp_path))) == []
