"""
A Responses body as a backend without memory wants it: the ChatGPT backend, plans shared by SIWC.

Both keep nothing (`store:false`), always stream, know no role `system` in `input`, and take
reasoning back only in encrypted form and without the ids of items they never stored
(`providers.md` 3b).
"""

from dataclasses import dataclass

import msgspec

from korproxy_addons.errors.catalogue import CANNOT_TRANSLATE
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.providers.bodies import (
    Fields,
    decode_fields,
    decode_items,
    encode,
    fields_or_none,
    plain,
    raw,
)
from korproxy_addons.providers.outgoing import Operation, Outgoing

ENCRYPTED = "reasoning.encrypted_content"
INSTRUCTIONS = "Follow the conversation."
"""Sent where the client gave nothing that could stand as instructions and the backend refuses a request without any."""

# Without these the request would mean something else; leaving them out silently would lie.
_MEANINGFUL = ("previous_response_id", "conversation", "prompt")


@dataclass(frozen=True, slots=True)
class BackendRules:
    """
    How one such backend differs.

    Attributes:
        refused: Top-level fields that it answers with 400.
        wants_instructions: `instructions` must be there; else developer messages will do.
        keeps_tier: Values of `service_tier` that it takes; None: all.
        tools_as_item: Function tools must come in an `additional_tools` item of the input.
    """

    refused: frozenset[str]
    wants_instructions: bool = True
    keeps_tier: frozenset[str] | None = None
    tools_as_item: bool = False


def backend_body(body: bytes, outgoing: Outgoing, rules: BackendRules) -> bytes:
    """
    The body with what the backend demands, and without what it refuses.

    What was left out is appended to `outgoing.losses`.

    Raises:
        KorProxyError: NOT_JSON; CANNOT_TRANSLATE for a field without which the request would mean
            something else.
    """
    fields = decode_fields(body)
    before = dict(fields)
    fields["model"] = _same_or(fields.get("model"), outgoing.model)
    for name in _MEANINGFUL:
        if name in rules.refused and plain(fields.get(name)) is not None:
            detail = f"{name}: this account's backend remembers nothing; send the whole input"
            raise KorProxyError(CANNOT_TRANSLATE, detail, param=name)
    if plain(fields.get("background")) is True and "background" in rules.refused:
        raise KorProxyError(CANNOT_TRANSLATE, "background: true", param="background")
    for name in sorted(rules.refused.intersection(fields)):
        if bytes(fields.pop(name)) not in {b"null", b"false", b"[]", b"{}"}:
            outgoing.losses.append(name)
    _fit_tier(fields, outgoing, rules)
    _fit_input(fields)
    if outgoing.operation is Operation.GENERATE:
        _fit_generate(fields, outgoing, rules)
    return body if fields == before else encode(fields)


def _fit_generate(fields: Fields, outgoing: Outgoing, rules: BackendRules) -> None:
    fields["store"] = _same_or(fields.get("store"), value=False)
    fields["stream"] = _same_or(fields.get("stream"), value=True)
    given = plain(fields.get("instructions"))
    if rules.wants_instructions and not (isinstance(given, str) and given.strip()):
        fields["instructions"] = raw(_lifted_instructions(fields) or INSTRUCTIONS)
    if rules.tools_as_item:
        _move_functions(fields)
    include = plain(fields.get("include"))
    wanted = include if isinstance(include, list) else []
    if ENCRYPTED not in wanted:
        fields["include"] = raw([*wanted, ENCRYPTED])
    if outgoing.session_id and plain(fields.get("prompt_cache_key")) is None:
        fields["prompt_cache_key"] = raw(outgoing.session_id)


def _lifted_instructions(fields: Fields) -> str:
    """
    The text of a developer message that begins the input, taken out of it; "" if there is none.

    Newer clients send their instructions there. They keep their place at the head of the prompt, and nothing is said that the
    client did not say.
    """
    items = decode_items(fields.get("input", msgspec.Raw(b"null")))
    message = fields_or_none(items[0]) if items else None
    if not items or message is None or plain(message.get("role")) not in {"developer", "system"}:
        return ""
    content = plain(message.get("content"))
    parts = [{"text": content}] if isinstance(content, str) else content
    if not isinstance(parts, list):
        return ""
    texts = [str(it.get("text") or "") if isinstance(it, dict) else "" for it in parts]
    if not texts or not all(text.strip() for text in texts):
        return ""
    fields["input"] = raw(items[1:])
    return "\n\n".join(texts)


def _move_functions(fields: Fields) -> None:
    """Function tools into an item before all others, where the start of the prompt stays the same from turn to turn."""
    tools = decode_items(fields.get("tools", msgspec.Raw(b"null"))) or []
    functions = [it for it in tools if plain((fields_or_none(it) or {}).get("type")) == "function"]
    items = decode_items(fields.get("input", msgspec.Raw(b"null")))
    if not functions or items is None:
        return
    item = {"type": "additional_tools", "role": "developer", "tools": functions}
    fields["input"] = raw([item, *items])
    others = [it for it in tools if it not in functions]
    if others:
        fields["tools"] = raw(others)
    else:
        del fields["tools"]


def _fit_tier(fields: Fields, outgoing: Outgoing, rules: BackendRules) -> None:
    tier = plain(fields.get("service_tier"))
    if tier is None or rules.keeps_tier is None or tier in rules.keeps_tier:
        return
    del fields["service_tier"]
    if tier not in {"auto", "default"}:
        outgoing.losses.append("service_tier")


def _fit_input(fields: Fields) -> None:
    given = fields.get("input")
    if given is None:
        return
    text = plain(given) if bytes(given)[:1] == b'"' else None
    if isinstance(text, str):
        content = [{"type": "input_text", "text": text}]
        fields["input"] = raw([{"type": "message", "role": "user", "content": content}])
        return
    items = decode_items(given)
    if items is None:
        return
    kept: list[msgspec.Raw] = []
    changed = False
    for item in items:
        fitted = _fit_item(item)
        changed = changed or fitted is not item
        if fitted is not None:
            kept.append(fitted)
    if changed:
        fields["input"] = raw(kept)


def _fit_item(item: msgspec.Raw) -> msgspec.Raw | None:
    """The item, the same object if nothing is to be changed; None if it must not be sent."""
    fields = fields_or_none(item)
    if fields is None:
        return item
    kind, role = plain(fields.get("type")), plain(fields.get("role"))
    if kind == "item_reference":
        detail = "input: a reference to a stored item; this account's backend stores none"
        raise KorProxyError(CANNOT_TRANSLATE, detail, param="input")
    if kind == "reasoning" and not plain(fields.get("encrypted_content")):
        # Its summary is for people; without the encrypted form the backend cannot use it.
        return None
    # Ids of items that were never stored: the backend would look for them and fail.
    changed = fields.pop("id", None) is not None
    if role == "system" and kind in {None, "message"}:
        fields["role"] = raw("developer")
        changed = True
    return raw(fields) if changed else item


def _same_or(current: msgspec.Raw | None, value: object) -> msgspec.Raw:
    """The field as it stands if it says `value` already, so that its bytes do not change."""
    return current if current is not None and plain(current) == value else raw(value)
