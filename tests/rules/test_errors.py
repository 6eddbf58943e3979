"""What fails is told by a row of the catalogue: everywhere, by one code each, and by no other way."""

import ast
import re
from collections.abc import Iterator

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.catalogue import CATALOGUE
from korproxy_addons.errors.kinds import ErrorSpec
from support.sources import files, python_files, text, tree

OURS = tuple(
    name
    for name in python_files("korproxy_addons", "launcher")
    if not name.startswith(("launcher/simulator/", "launcher/demo/"))
)
ROWS = tuple(name for name in OURS if name.startswith("korproxy_addons/errors/rows/"))
ROAD = tuple(
    name
    for name in OURS
    if name.startswith(
        tuple(
            f"korproxy_addons/{it}"
            for it in (
                "accounts/", "addons/", "auth/", "dialects/", "gateway/", "io/upstream", "providers/", "routing/",
            )
        )
    )
)  # fmt: skip
"""The files that a request passes: what is raised there is told to a client."""

FAMILY = {
    "KorProxyError": "the error itself",
    "ConfigProblems": "one with the places in a file",
    "LoginError": "one with the state of a sign-in",
    "UnservedError": "one with the rule that led nowhere",
}
INNER = {
    "AttemptFailedError": "carries a Failure, which names its row",
    "BadCodingError": "gateway/coding.py itself tells it by a row",
    "ClientGoneError": "nobody is left to be told",
    "GrammarError": "a stream that breaks the order ends by a row",
    "HiddenFailureError": "an answer that is an error: becomes an AttemptFailedError",
    "IgnoredAnswer": "a page that was called by somebody else; the sign-in goes on waiting",
    "ProjectNeededError": "routing asks again, with the project",
    "TransformFailedError": "a stream that cannot be translated ends by a row",
    "aiohttp.InvalidURL": "io/upstream.py itself tells it by a row",
    "korproxy_addons/addons/modes.py:OSError": "no address can be listened on: the start ends",
    "korproxy_addons/dialects/media.py:ValueError": "what is no data URL; the caller tells it by a row",
    "korproxy_addons/dialects/openai_chat/parts.py:TypeError": "a part that no type checker would let pass",
    "korproxy_addons/dialects/openai_responses/slots.py:NotImplementedError": "is written by each subclass",
    "korproxy_addons/gateway/planning.py:next": "picks one of the errors that accounts refuse with",
    "korproxy_addons/gateway/quick_start.py:AttributeError": "what Python asks of a module's __getattr__",
    "korproxy_addons/providers/base.py:KeyError": "a mapping without that key",
    "korproxy_addons/providers/base.py:NotImplementedError": "is written by each provider",
}
"""What is raised on the road and is no error of the family, and why nobody is ever told of it as it is."""


def rows() -> Iterator[tuple[str, str]]:
    """File and code of each row, from the source."""
    for name in ROWS:
        for node in ast.walk(tree(name)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "row":
                assert isinstance(node.args[0], ast.Constant)
                yield name, str(node.args[0].value)


def test_every_row_has_a_code_of_its_own_and_is_in_the_catalogue() -> None:
    """Two rows with one code would be one, and the other forgotten."""
    codes = [code for _, code in rows()]
    assert len(codes) > 80
    assert sorted(codes) == sorted(CATALOGUE)
    exported = {value.code for value in vars(catalogue).values() if isinstance(value, ErrorSpec)}
    assert exported == set(codes)
    assert [it for it in CATALOGUE.values() if name_of(it) not in catalogue.__all__] == []


def name_of(spec: ErrorSpec) -> str:
    return next(name for name, value in vars(catalogue).items() if value is spec)


def test_rows_are_made_in_the_catalogue_alone() -> None:
    """So that, as the types say, whatever is handed to an error as its row is one of these."""
    made = [
        f"{name}:{node.lineno}"
        for name in OURS
        if name not in ROWS
        for node in ast.walk(tree(name))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("ErrorSpec", "row", "kinds.row")
    ]
    assert made == ["korproxy_addons/errors/kinds.py:" + it.rpartition(":")[2] for it in made]
    assert len(made) == 1


def test_every_row_is_used() -> None:
    """A code that nothing raises is a promise that nobody keeps."""
    words = {word for name in OURS if "/errors/" not in name for word in _names(tree(name))}
    assert [name_of(it) for it in CATALOGUE.values() if name_of(it) not in words] == []


def _names(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.alias):
            yield node.name


def test_every_code_that_is_written_somewhere_is_in_the_catalogue() -> None:
    """In code, pages, guides and settings."""
    code = re.compile(r"\bKP-[A-Z]+-[0-9]{3}\b")
    written = (".py", ".js", ".html", ".md", ".yaml", ".json")
    found = [
        f"{name}: {it}"
        for name in files()
        if name.endswith(written) and not name.startswith("tests/")
        for it in code.findall(text(name))
        if it not in CATALOGUE
    ]
    assert found == []


def test_what_is_raised_on_a_requests_road_is_told_by_a_row() -> None:
    makers = makers_of_errors()
    strange = [
        f"{name}:{node.lineno}: {ast.unparse(node)}"
        for name in ROAD
        for node in ast.walk(tree(name))
        if isinstance(node, ast.Raise) and not _is_told(name, node.exc, makers)
    ]
    assert strange == [], "raise an error of the catalogue, or say in INNER why nobody is told"


def test_what_needs_no_row_is_still_raised() -> None:
    raised = {
        key
        for name in ROAD
        for node in ast.walk(tree(name))
        if isinstance(node, ast.Raise) and node.exc is not None
        for key in (_class_of(node.exc), f"{name}:{_class_of(node.exc)}")
    }
    by_function = {"AttemptFailedError"}  # made by functions that say so
    assert [it for it in INNER if it not in raised | by_function] == []


def makers_of_errors() -> set[str]:
    """Functions that say in their annotation that they return an error of the family: `name`, and `file:name` of a method."""
    returned: dict[str, set[str]] = {}
    for name in OURS:
        for node in ast.walk(tree(name)):
            if (
                isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
                and node.returns is not None
            ):
                kind = ast.unparse(node.returns).strip("'\"")
                for key in (node.name, f"{name}:{node.name}"):
                    returned.setdefault(key, set()).add(kind)
    known = {*FAMILY, "AttemptFailedError"}
    return {name for name, kinds in returned.items() if kinds <= known}


def _is_told(name: str, raised: ast.expr | None, makers: set[str]) -> bool:
    if raised is None:
        return True  # what was caught is raised again
    kind = _class_of(raised)
    last = kind.rpartition(".")[2]
    if not isinstance(raised, ast.Call) and last.islower():
        return True  # so it is, or it was put by: mypy knows what it is, and its maker is looked at
    if kind in FAMILY or kind in INNER or f"{name}:{kind}" in INNER:
        return True
    return f"{name}:{last}" in makers or (not kind.startswith("self.") and last in makers)


def _class_of(raised: ast.expr) -> str:
    return ast.unparse(raised.func if isinstance(raised, ast.Call) else raised)
