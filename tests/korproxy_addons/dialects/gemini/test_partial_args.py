import json
from typing import Any

import msgspec
import pytest

from korproxy_addons.dialects.gemini.partial_args import PartialArgs
from korproxy_addons.dialects.gemini.wire import PartialArg
from korproxy_addons.errors.exceptions import KorProxyError


def built(*pieces: dict[str, Any]) -> PartialArgs:
    args = PartialArgs()
    for piece in pieces:
        args.add(
            msgspec.convert(piece, PartialArg) if "numberValue" not in piece else number(piece)
        )
    return args


def number(piece: dict[str, Any]) -> PartialArg:
    return msgspec.json.decode(json.dumps(piece), type=PartialArg)


def test_pieces_of_one_text_are_joined() -> None:
    args = built(
        {"jsonPath": "$.path", "stringValue": "a", "willContinue": True},
        {"jsonPath": "$.path", "stringValue": "b.py", "willContinue": True},
        {"jsonPath": "$.path", "stringValue": ""},
    )
    assert json.loads(args.text()) == {"path": "ab.py"}
    assert not args.unfinished


def test_a_text_that_goes_on_is_unfinished() -> None:
    assert built({"jsonPath": "$.a", "stringValue": "x", "willContinue": True}).unfinished


def test_values_of_all_kinds_in_their_places() -> None:
    args = built(
        {"jsonPath": "$.list[0].name", "stringValue": "one"},
        {"jsonPath": "$.list[1].name", "stringValue": "two"},
        {"jsonPath": "$['a key']", "boolValue": True},
        {"jsonPath": '$["it"]', "boolValue": False},
        {"jsonPath": "$.nothing"},
        {"jsonPath": "$.again[0]", "boolValue": True},
        {"jsonPath": "$.again[0]", "boolValue": False},
        {"jsonPath": "$.again[0].deep", "stringValue": "x"},
    )
    assert json.loads(args.text()) == {
        "list": [{"name": "one"}, {"name": "two"}],
        "a key": True,
        "it": False,
        "nothing": None,
        "again": [{"deep": "x"}],
    }


def test_t179_a_number_keeps_its_digits() -> None:
    args = PartialArgs()
    text = b'{"jsonPath":"$.n","numberValue":12345678901234567890.10}'
    args.add(msgspec.json.decode(text, type=PartialArg))
    assert args.text() == '{"n":12345678901234567890.10}'


@pytest.mark.parametrize(
    "path", ["", "$", "$.a[", "$.a[7]", "$.list.name", "$.list.name.deep", "$" + ".a" * 200]
)
def test_a_path_that_leads_nowhere(path: str) -> None:
    args = built({"jsonPath": "$.list[0]", "stringValue": "x"})
    with pytest.raises(KorProxyError) as refused:
        args.add(PartialArg(json_path=path, string_value="x"))
    assert refused.value.spec.code == "KP-PROV-102"


def test_no_arguments_are_an_empty_object() -> None:
    """T50"""
    assert PartialArgs().text() == "{}"
