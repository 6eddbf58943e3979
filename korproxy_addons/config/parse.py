"""A file's bytes to a Config, or to every problem in them."""

import json
import types
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from korproxy_addons.config.checks import check_relations
from korproxy_addons.config.problems import ConfigProblems, KeyPath
from korproxy_addons.config.schema import Config
from korproxy_addons.config.values import near, shown
from korproxy_addons.config.yaml_tree import YamlTree, read_yaml
from korproxy_addons.errors.catalogue import CONFIG_INVALID, CONFIG_MISSING_FIELD, CONFIG_SCHEMA

SIZE_LIMIT_BYTES = 1024 * 1024

_SECRET_KEYS = frozenset({"secret", "client_secret", "headers", "query", "proxy"})
_MISSPELT = frozenset({"api_key", "apikey", "key", "token", "password", "access_token"})


def parse_config(content: bytes, file: str = "config.yaml") -> Config:
    """
    The configuration that a file's bytes hold; an empty file holds the defaults.

    Args:
        content: The file's bytes.
        file: Its path, for the problems.
    Raises:
        ConfigProblems: Every problem found, each with line and column. Nothing else is raised.
    """
    if len(content) > SIZE_LIMIT_BYTES:
        tree = YamlTree(file)
        tree.complain((), f"at most {SIZE_LIMIT_BYTES} bytes", f"{len(content)} bytes")
        raise ConfigProblems(tree.problems)
    tree = read_yaml(content, file)
    if tree.data is None and not tree.problems:
        return Config()
    if not tree.problems and not isinstance(tree.data, dict):
        tree.complain((), "a mapping of settings", shown(tree.data))
    if isinstance(tree.data, dict):
        # A section with nothing in it, such as a bare `accounts:`, is an absent one.
        tree.data = {key: value for key, value in tree.data.items() if value is not None}
    else:
        raise ConfigProblems(tree.problems)
    spec = CONFIG_INVALID if tree.problems else None
    # Through JSON, because pydantic's strict mode takes lists for tuples only there.
    config: Config | None = None
    try:
        config = Config.model_validate_json(json.dumps(tree.data))
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False)
        for detail in details:
            _complain(tree, detail)
        missing = all(it["type"] == "missing" for it in details)
        spec = spec or (CONFIG_MISSING_FIELD if missing else CONFIG_SCHEMA)
    check_relations(tree)
    if config is None or tree.problems:
        raise ConfigProblems(tree.problems, spec or CONFIG_INVALID)
    return config


def _complain(tree: YamlTree, detail: ErrorDetails) -> None:
    path: KeyPath = detail["loc"]
    last = str(path[-1]) if path else ""
    match detail["type"]:
        case "extra_forbidden":
            fields = _fields_at(path[:-1])
            hint = near(last, fields) or (
                " (did you mean 'secret'?)" if "secret" in fields and last in _MISSPELT else ""
            )
            expected = f"one of {', '.join(fields)}{hint}"
            tree.complain(path, expected, f"the unknown key {shown(last)}", key=True)
        case "missing":
            tree.complain(path[:-1], f"the key {last}", "nothing", key=True)
        case _:
            secret = any(step in _SECRET_KEYS for step in path)
            found = "something else" if secret else shown(_value_at(tree.data, path))
            tree.complain(path, _expectation(detail["msg"]), found)


def _expectation(message: str) -> str:
    for start in ("Input should be ", "Value error, "):
        message = message.removeprefix(start)
    return message[:1].lower() + message[1:]


def _value_at(data: Any, path: KeyPath) -> Any:
    for step in path:
        if isinstance(data, str):  # one text where a list may stand
            return data
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return data
    return data


def _fields_at(path: KeyPath) -> list[str]:
    """Names of the settings that the mapping at a path may hold."""
    kind: Any = Config
    for step in path:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            kind = _without_none(kind.model_fields[str(step)].annotation)
        else:  # FrozenMap[Model] or tuple[Model, ...]
            kind = _without_none(get_args(kind)[0])
    return list(kind.model_fields)


def _without_none(kind: Any) -> Any:
    if isinstance(kind, types.UnionType):
        return next(it for it in get_args(kind) if it is not types.NoneType)
    return kind
