"""Google's Gemini API, as Google and the servers that copy it speak it."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from korproxy_addons.providers import google_errors
from korproxy_addons.providers.base import AccessSpec, AccountFacts, Operation, Outgoing
from korproxy_addons.providers.bodies import decode_fields, encode, fields_or_none, plain, raw
from korproxy_addons.providers.error_words import Words
from korproxy_addons.providers.failure import Failure

GEMINI = "gemini"

_VERBS = {
    Operation.GENERATE: "generateContent",
    Operation.COUNT_TOKENS: "countTokens",
    Operation.EMBEDDINGS: "embedContent",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class GoogleAccess(AccessSpec):
    """Errors as Google words them."""

    def judge(
        self, words: Words, status: int, headers: Mapping[str, str], *, model: str, now: float
    ) -> Failure:
        if status in google_errors.LIMIT_STATUSES and not words.html:
            return google_errors.read_limit(words, status, headers, now)
        return super().judge(words, status, headers, model=model, now=now)


@dataclass(frozen=True, kw_only=True, eq=False)
class GeminiAccess(GoogleAccess):
    """
    The Gemini API: the model stands in the path, and mostly nowhere else.

    Attributes:
        version: First part of its paths.
        listed: It can be asked for its models.
    """

    version: str = "v1beta"
    listed: bool = True

    def path(
        self,
        operation: Operation,
        model: str,
        *,
        stream: bool = False,
        dialect: str = "",
        client_query: str = "",
    ) -> str | None:
        del client_query  # `alt` is ours to choose, and `key` never goes on
        if dialect not in {"", GEMINI}:
            return None
        if operation is Operation.MODELS:
            return f"/{self.version}/models?pageSize=1000" if self.listed else None
        verb = _VERBS.get(operation)
        if verb is None:
            return None
        if operation is Operation.GENERATE and stream:
            verb = "streamGenerateContent?alt=sse"
        return f"/{self.version}/models/{quote(model.removeprefix('models/'), safe='')}:{verb}"

    @property
    def lists_models(self) -> bool:
        return self.listed

    def prepare(self, body: bytes, outgoing: Outgoing, account: AccountFacts) -> bytes:
        del account
        if outgoing.client_model == outgoing.model:
            return body
        fields = decode_fields(body)
        name = f"models/{outgoing.model.removeprefix('models/')}"
        changed = False
        if "model" in fields and plain(fields["model"]) != name:
            fields["model"] = raw(name)
            changed = True
        # countTokens of a whole request names the model a second time.
        inner = fields_or_none(fields.get("generateContentRequest", raw(None)))
        if inner is not None and "model" in inner and plain(inner["model"]) != name:
            inner["model"] = raw(name)
            fields["generateContentRequest"] = raw(inner)
            changed = True
        return encode(fields) if changed else body
