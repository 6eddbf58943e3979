"""Every component that logs is known by its name, so that its level can be set."""

import ast
import re

from korproxy_addons.config.logs import COMPONENTS
from korproxy_addons.io.log_writer import LOST_COMPONENT
from korproxy_addons.io.logs import ROOT
from support.sources import python_files, text, tree

OURS = tuple(
    name
    for name in python_files("korproxy_addons", "launcher")
    if not name.startswith("launcher/simulator/")
)


def test_each_component_is_in_the_list_and_the_list_has_no_other() -> None:
    logger = re.compile(rf"getLogger\(\"{ROOT}\.([^\"]+)\"\)")
    found = {it for name in OURS for it in logger.findall(text(name))}
    found.add(LOST_COMPONENT.removeprefix(f"{ROOT}."))
    assert found == set(COMPONENTS), "COMPONENTS of config/logs.py says what each logs"


def test_an_event_is_a_constant() -> None:
    """What varies is a field: a text that is put together may quote anything."""
    call = re.compile(r"log\.(debug|info|warning|error|exception|critical)")
    made = [
        f"{name}:{node.lineno}"
        for name in OURS
        for node in ast.walk(tree(name))
        if isinstance(node, ast.Call)
        and call.fullmatch(ast.unparse(node.func))
        and not (len(node.args) == 1 and _is_fixed(node.args[0]))
    ]
    assert made == []


def _is_fixed(event: ast.expr) -> bool:
    """A constant, one of two, or a name for one."""
    if isinstance(event, ast.IfExp):
        return _is_fixed(event.body) and _is_fixed(event.orelse)
    return isinstance(event, ast.Constant | ast.Name)
