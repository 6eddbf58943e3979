"""The one exception KorProxy raises on purpose."""

from korproxy_addons.errors.kinds import ErrorSpec

_DETAIL_LIMIT = 600


class KorProxyError(Exception):
    """
    A failure that has a row in the catalogue.

    Args:
        spec: The row.
        detail: What was met this time: names and numbers, never a secret, never prompt text.
        retry_after_s: Seconds until a new try makes sense, where that is known.
        param: The request field at fault, as the client wrote it.
        status: HTTP status, where this occurrence needs another one than the row's.
    """

    def __init__(
        self,
        spec: ErrorSpec,
        detail: str = "",
        *,
        retry_after_s: float | None = None,
        param: str | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(spec.code, detail)
        self.spec = spec
        self.detail = detail
        self.retry_after_s = retry_after_s
        self.param = param
        self.status = spec.status if status is None else status

    def __str__(self) -> str:
        return f"{self.spec.code} {self.spec.title}" + (f": {self.detail}" if self.detail else "")

    def message(self) -> str:
        """What a client is shown: title, detail and remedy in one line; never the cause."""
        detail = " ".join(self.detail.split())
        if len(detail) > _DETAIL_LIMIT:
            detail = detail[:_DETAIL_LIMIT] + "…"
        head = f"{self.spec.title}: {_sentence(detail)}" if detail else f"{self.spec.title}."
        return " ".join((head, *self.spec.remedy, f"[{self.spec.code}]"))


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?", "…")) else text + "."
