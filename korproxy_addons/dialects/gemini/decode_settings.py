"""`generationConfig` to limits, sampling, reasoning and the form of the answer."""

from typing import Any, Final

import msgspec
from msgspec import Raw

from korproxy_addons.dialects.gemini.decode_contents import decode_at
from korproxy_addons.dialects.gemini.decode_tools import fields_at, text_at, texts_at
from korproxy_addons.dialects.gemini.google_schema import json_schema
from korproxy_addons.dialects.gemini.wire import Fields
from korproxy_addons.dialects.model import (
    FormatKind,
    OutputFormat,
    Reasoning,
    Sampling,
    ThinkingMode,
)

PATH: Final = "generationConfig"
_JSON: Final = "application/json"
_PLAIN: Final = "text/plain"

# What has a meaning in the model; everything else is native.
_KNOWN: Final = frozenset(
    {
        "candidateCount", "frequencyPenalty", "logprobs", "maxOutputTokens", "presencePenalty",
        "responseLogprobs", "responseModalities", "seed", "stopSequences", "temperature",
        "thinkingConfig", "topK", "topP",
    }
)  # fmt: skip
_FORMAT: Final = ("responseMimeType", "responseJsonSchema", "_responseJsonSchema", "responseSchema")

_NUMBER: Final = msgspec.json.Decoder(float)
_INTEGER: Final = msgspec.json.Decoder(int, strict=False)  # `10.0` and "10" are whole numbers, too
_TRUTH: Final = msgspec.json.Decoder(bool)


class Settings(msgspec.Struct, frozen=True):
    """What `generationConfig` says, in the words of `ChatRequest`."""

    max_output_tokens: int | None = None
    stop: tuple[str, ...] = ()
    sampling: Sampling = Sampling()
    reasoning: Reasoning | None = None
    output: OutputFormat | None = None
    choices: int = 1
    logprobs: int | None = None
    modalities: tuple[str, ...] = ()
    native: Fields = {}


def decode_settings(raw: Raw | None) -> Settings:
    """
    The settings of one request.

    Raises:
        KorProxyError: FIELD_INVALID, with the path of the field.
    """
    if raw is None:
        return Settings()
    fields = fields_at(raw, PATH)
    output, used = _output(fields)
    logprobs = None
    if _value(_TRUTH, fields, "responseLogprobs"):
        logprobs = _integer(fields, "logprobs") or 0
    return Settings(
        max_output_tokens=_integer(fields, "maxOutputTokens"),
        stop=texts_at(fields, "stopSequences", PATH),
        sampling=Sampling(
            temperature=_value(_NUMBER, fields, "temperature"),
            top_p=_value(_NUMBER, fields, "topP"),
            top_k=_integer(fields, "topK"),
            seed=_integer(fields, "seed"),
            presence_penalty=_value(_NUMBER, fields, "presencePenalty"),
            frequency_penalty=_value(_NUMBER, fields, "frequencyPenalty"),
        ),
        reasoning=_reasoning(fields),
        output=output,
        choices=max(1, _integer(fields, "candidateCount") or 1),
        logprobs=logprobs,
        modalities=tuple(word.lower() for word in texts_at(fields, "responseModalities", PATH)),
        native={
            f"{PATH}.{name}": value
            for name, value in fields.items()
            if name not in _KNOWN and name not in used
        },
    )


def _output(fields: Fields) -> tuple[OutputFormat | None, tuple[str, ...]]:
    """The answer's form, and the fields that say it; forms that only Google knows stay native."""
    mime = text_at(fields, "responseMimeType", PATH)
    plain = fields.get("responseJsonSchema") or fields.get("_responseJsonSchema")
    google = fields.get("responseSchema")
    if mime == _PLAIN and plain is None and google is None:
        return None, _FORMAT
    if mime not in {"", _JSON}:
        return None, ()
    schema = plain if plain is not None or google is None else json_schema(google)
    if schema is not None:
        return OutputFormat(FormatKind.SCHEMA, schema), _FORMAT
    return (OutputFormat(FormatKind.JSON), _FORMAT) if mime else (None, ())


def _reasoning(fields: Fields) -> Reasoning | None:
    raw = fields.get("thinkingConfig")
    if raw is None:
        return None
    path = f"{PATH}.thinkingConfig"
    config = fields_at(raw, path)
    show = _value(_TRUTH, config, "includeThoughts", path)
    level = text_at(config, "thinkingLevel", path).lower().removeprefix("thinking_level_")
    budget = _value(_INTEGER, config, "thinkingBudget", path)
    if level == "unspecified":
        level = ""
    if budget is None:
        return Reasoning(effort=level, show=show) if level or show is not None else None
    if budget == 0:
        return Reasoning(ThinkingMode.DISABLED, effort=level, show=show)
    if budget < 0:
        return Reasoning(ThinkingMode.ADAPTIVE, effort=level, show=show)
    return Reasoning(ThinkingMode.BUDGET, effort=level, budget_tokens=budget, show=show)


def _integer(fields: Fields, name: str) -> int | None:
    return _value(_INTEGER, fields, name)


def _value[T](
    decoder: msgspec.json.Decoder[T], fields: Fields, name: str, path: str = PATH
) -> T | None:
    raw: Any = fields.get(name)
    return None if raw is None else decode_at(decoder, raw, f"{path}.{name}")
