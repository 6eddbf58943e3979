"""Where the values of a YAML text stand in it."""

import io

from ruamel.yaml import YAML
from ruamel.yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode


def compose(text: str) -> Node:
    """The nodes of a text that `yaml_tree.read_yaml` could read and that is not empty."""
    yaml = YAML(typ="rt", pure=True)
    yaml.composer.warn_double_anchors = False
    root: Node = yaml.compose(io.StringIO(text))
    return root


def entry_or_none(node: Node, key: str) -> tuple[Node, Node] | None:
    """Key and value of a mapping's entry; None if there is none, or no mapping."""
    if not isinstance(node, MappingNode):
        return None
    return next((it for it in node.value if str(it[0].value) == key), None)


def entry(node: Node, key: str) -> tuple[Node, Node]:
    """
    Key and value of a mapping's entry.

    Raises:
        KeyError: There is none.
    """
    found = entry_or_none(node, key)
    if found is None:
        raise KeyError(key)
    return found


def is_flow(node: Node) -> bool:
    """Whether a mapping or list is written in brackets."""
    return isinstance(node, CollectionNode) and bool(node.flow_style)


def content_end(text: str, node: Node) -> int:
    """Where a node's own text ends; comments and empty lines behind it are not its own."""
    start: int = node.start_mark.index
    end: int = node.end_mark.index
    if isinstance(node, ScalarNode):
        return start + len(text[start:end].rstrip())
    if is_flow(node) or not node.value:
        return end
    last = node.value[-1]
    return content_end(text, last[1] if isinstance(node, MappingNode) else last)
