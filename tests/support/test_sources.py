import ast

from support.sources import calls, files, imports, python_files, text

CODE = """
import a.b, c
from d import e as f
if TYPE_CHECKING:
    import hidden
def g():
    from h.i import j
    open(x).read()
    self.path.read_text()
"""


def test_imports_at_any_depth_by_their_full_names() -> None:
    found = [name for _line, name in imports(ast.parse(CODE))]
    assert sorted(found) == ["a.b", "c", "d.e", "h.i.j"]


def test_calls_by_what_is_called() -> None:
    found = [name for _line, name in calls(ast.parse(CODE))]
    assert sorted(found) == ["open", "open(x).read", "self.path.read_text"]


def test_only_what_people_wrote_is_listed() -> None:
    assert "tests/support/sources.py" in files()
    assert ".ci/run" in files()
    assert not [name for name in files() if name.startswith((".venv", ".git/", ".tools"))]
    assert not [name for name in files() if "__pycache__" in name]
    assert all(name.startswith("packaging/") for name in python_files("packaging"))


def test_a_binary_file_has_no_text() -> None:
    assert text("LICENSE").startswith("MIT License")
