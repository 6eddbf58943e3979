"""How deep a JSON text nests, without parsing it: C-speed passes over its brackets only."""

from itertools import accumulate

_KEPT = b'{}[]"'
_DROPPED = bytes(byte for byte in range(256) if byte not in _KEPT)
# One kind of bracket is enough, and a pass then peels one level exactly.
_SAME = bytes.maketrans(b"[]", b"{}")
# As signed bytes, an opening bracket is one step down and a closing one a step up again.
_STEPS = bytes.maketrans(b"{}", b"\x01\xff")
# Peeling costs one pass per level, counting one step of Python per bracket: above this, counting wins in the worst case.
PEELED_BYTES = 32 * 1024


def deeper_than(text: bytes, limit: int) -> bool:
    """
    Whether arrays and objects in `text` nest deeper than `limit`.

    Brackets in strings do not count, brackets that are never closed do. For other text that is no JSON the answer is of
    no use, and harmless. Cost: a few passes to keep only brackets, then time linear in their number.
    """
    if text.count(b"[") + text.count(b"{") <= limit:
        return False
    # Escapes first, pairs of backslashes before escaped quotes: what then is a quote opens or closes a string.
    bare = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    kept = bare.translate(_SAME, _DROPPED)
    brackets = b"".join(kept.split(b'"')[::2])
    if len(brackets) <= PEELED_BYTES:
        return _peeled_deeper_than(brackets, limit)
    return max(accumulate(memoryview(brackets.translate(_STEPS)).cast("b")), default=0) > limit


def _peeled_deeper_than(brackets: bytes, limit: int) -> bool:
    """Take the innermost brackets off, again and again: each pass is one level of every branch."""
    left = brackets
    for level in range(limit):
        peeled = left.replace(b"{}", b"")
        if not peeled:
            return False
        if len(peeled) == len(left):
            return level + left.count(b"{") > limit
        left = peeled
    return left.count(b"{") > 0
