"""Names that a person chose, out of a configuration: each gets its pseudonym, and what is nobody's name stays."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from korproxy_addons.config.schema import Config
from korproxy_addons.config.store import FILE_NAME, upstream_hosts
from korproxy_addons.config.yaml_tree import read_yaml
from korproxy_addons.presets import PRESETS
from korproxy_addons.providers import PROVIDERS
from korproxy_addons.recording.pseudonyms import Pseudonyms

# Names that say nothing of who uses them.
PUBLIC_PROVIDERS = frozenset(
    (
        "openrouter", "ollama", "lmstudio", "lm-studio", "deepseek", "glm", "zai", "kimi", "moonshot", "azure", "groq",
        "mistral", "together", "fireworks", "xai", "cerebras", "vllm", "llamacpp", "llama-cpp", "litellm", "local",
    )
)  # fmt: skip

PUBLIC_DOMAINS = (
    "openai.com", "chatgpt.com", "anthropic.com", "claude.ai", "googleapis.com", "google.com", "aliyuncs.com", "qwen.ai",
    "iflow.cn", "openrouter.ai", "deepseek.com", "moonshot.ai", "moonshot.cn", "z.ai", "bigmodel.cn", "mistral.ai",
    "groq.com", "together.xyz", "fireworks.ai", "x.ai", "cerebras.ai", "localhost",
)  # fmt: skip

NOBODYS_NAMES = frozenset(
    (
        "root", "user", "users", "admin", "test", "guest", "ubuntu", "debian", "fedora", "runner", "vagrant", "docker",
        "python", "python3", "node", "curl", "wget", "go", "java", "deno", "bun", "ruby", "php", "rust", "electron", "code",
        "localhost", "local", "default", "Default", "korproxy", "gateway", "launcher", "mitmproxy", "system",
    )
)  # fmt: skip
"""Users that systems make, programs that run other people's, and words that stand all over the place."""


def kept_names(config: Config) -> set[str]:
    """Names that are nobody's: providers, ways in, dialects, and what KorProxy makes up of them."""
    kept = {*NOBODYS_NAMES, *PUBLIC_PROVIDERS, *PRESETS}
    for provider in PROVIDERS.values():
        kept |= {provider.id, provider.name}
        kept |= {access.id for access in provider.accesses}
        kept |= {f"{provider.id}-{access.id}" for access in provider.accesses}
    made = {it.id for it in config.accounts if _is_made_up(it.id, kept)}
    return kept | made


def name_config(pseudonyms: Pseudonyms, config: Config) -> None:
    """Give every name in the configuration that a person chose its pseudonym, in the file's order."""
    for account in config.accounts:
        names = [account.id, account.label or "", account.account_id or ""]
        names += [account.organization or "", account.openai_project or "", account.project or ""]
        pseudonyms.add("account", *filter(None, names))
    for provider_id, provider in config.providers.items():
        pseudonyms.add("provider", provider_id, *filter(None, [provider.name]))
    for profile in config.profiles:
        pseudonyms.add("profile", profile.id, *filter(None, [profile.name]))
        patterns = [*profile.projects, *(it for rule in profile.rules for it in rule.when.project)]
        for pattern in patterns:
            pseudonyms.add("project", pattern)
        for rule in profile.rules:
            pseudonyms.add("rule", rule.name)
    for group in config.groups:
        pseudonyms.add("group", group.id, *filter(None, [group.name]))
    for quota_rule in config.quota_rules:
        pseudonyms.add("project", *filter(None, [quota_rule.project]))
    for key in config.local_keys.keys:
        pseudonyms.add("key", key.id)
    for netloc in sorted(upstream_hosts(config)):
        host = urlsplit(f"//{netloc}").hostname or ""
        if not is_public_host(host):
            pseudonyms.add("host", host)


def is_public_host(host: str) -> bool:
    """Whether a host's name says nothing of who uses it: a known provider's, or an address without a name."""
    if not host.strip("0123456789.") or ":" in host:
        return True
    return any(host == it or host.endswith(f".{it}") for it in PUBLIC_DOMAINS)


def raw_config(home: Path) -> dict[str, Any]:
    """What the file says though it cannot be used, as far as it is YAML."""
    try:
        data = read_yaml((home / FILE_NAME).read_bytes(), FILE_NAME).data
    except OSError:
        return {}
    return data if isinstance(data, dict) else {}


def raw_entries(raw: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Entries of the lists in which people name things, with what they are."""
    keys = raw.get("local_keys")
    lists = {
        "account": raw.get("accounts"),
        "profile": raw.get("profiles"),
        "group": raw.get("groups"),
        "key": keys.get("keys") if isinstance(keys, dict) else None,
    }
    for kind, entries in lists.items():
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict):
                yield kind, entry


def name_raw(pseudonyms: Pseudonyms, raw: Mapping[str, Any]) -> None:
    """The same for a configuration that cannot be used."""
    for kind, entry in raw_entries(raw):
        names = [entry.get(it) for it in ("id", "label", "name")]
        pseudonyms.add(kind, *(it for it in names if isinstance(it, str)))
    providers = raw.get("providers")
    for name in providers if isinstance(providers, dict) else ():
        pseudonyms.add("provider", str(name))


def raw_kept(raw: Mapping[str, Any]) -> set[str]:
    """Names in one that cannot be used which KorProxy made up itself."""
    ids = {str(entry.get("id", "")) for _, entry in raw_entries(raw)}
    known = kept_names(Config())
    return {it for it in ids if _is_made_up(it, known)}


def _is_made_up(name: str, kept: set[str]) -> bool:
    stem, _, number = name.rpartition("-")
    return name in kept or (number.isdigit() and stem in kept)
