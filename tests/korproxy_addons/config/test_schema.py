"""The models: frozen, with defaults, and a JSON Schema."""

import json

import pytest
from pydantic import ValidationError

from korproxy_addons.config.parse import parse_config
from korproxy_addons.config.schema import AccountConfig, Config, ProviderConfig


def test_defaults_are_usable() -> None:
    config = Config()
    assert config.listen.port == 1337
    assert config.listen.hosts == ("127.0.0.1", "::1")
    assert config.limits.body_bytes == 64 * 1024 * 1024
    assert not config.local_keys.required
    assert config.accounts == ()


def test_nothing_in_it_can_be_changed() -> None:
    config = parse_config(b"aliases: {fast: gemini/x}\nlogging: {components: {upstream: debug}}\n")
    with pytest.raises(ValidationError):
        setattr(config, "version", 1)  # noqa: B010 - mypy knows that it cannot be set
    with pytest.raises(ValidationError):
        setattr(config.listen, "port", 1)  # noqa: B010
    for mapping in (config.aliases, config.providers, config.logging.components):
        with pytest.raises(TypeError):
            mapping["x"] = "y"  # type: ignore[index]


def test_lookups() -> None:
    config = parse_config(
        b"accounts:\n"
        b"  - {id: a, provider: claude, secret: env:A, label: Work}\n"
        b"  - {id: b, provider: ollama, disabled: true}\n"
        b"providers: {ollama: {dialect: openai-chat, base_url: https://x.example}}\n"
    )
    assert [it.id for it in config.enabled_accounts()] == ["a"]
    account = config.account("b")
    assert account is not None
    assert account.shown_as == "b"
    assert config.accounts[0].shown_as == "Work"
    assert config.account("c") is None
    assert config.provider("ollama").dialect == "openai-chat"
    assert config.provider("claude") == ProviderConfig()


def test_a_bare_text_is_a_models_id() -> None:
    config = parse_config(
        b"providers: {o: {dialect: gemini, base_url: https://x.example,"
        b" models: [m1, {id: m2, thinking: effort, efforts: [low], max_output_tokens: 5}]}}"
    )
    models = config.providers["o"].models
    assert models is not None
    assert [it.id for it in models] == ["m1", "m2"]
    assert models[1].max_output_tokens == 5


def test_plain_secrets_show_in_no_dump_or_repr() -> None:
    config = parse_config(
        b"allow_plain_secrets: true\naccounts: [{id: a, provider: claude, secret: plain:canary}]\n"
    )
    assert "canary" not in f"{config!r}{config}{config.model_dump()}{config.model_dump_json()}"


def test_json_schema_describes_every_setting() -> None:
    schema = Config.model_json_schema()
    json.dumps(schema)
    for model in (schema, *schema["$defs"].values()):
        for name, field in model.get("properties", {}).items():
            assert field.get("description") or "$ref" in field, name


def test_text_is_not_bent_into_numbers() -> None:
    with pytest.raises(ValidationError):
        AccountConfig(id=7, provider="claude")  # type: ignore[arg-type]
