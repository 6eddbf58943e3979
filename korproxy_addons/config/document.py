"""
A configuration file's text under edit: each change touches its own lines only.

Comments, order, quotes and spacing of all the rest stay as the person wrote them. Every change is
checked by reading the text again: it must hold exactly what was meant, or nothing is changed.
"""

import copy
from collections.abc import Mapping
from typing import Any

from ruamel.yaml.nodes import Node, ScalarNode

from korproxy_addons.config.problems import ConfigProblem, ConfigProblems, KeyPath, dotted
from korproxy_addons.config.yaml_nodes import compose, content_end, entry, entry_or_none, is_flow
from korproxy_addons.config.yaml_tree import read_yaml
from korproxy_addons.config.yaml_write import STEP, block_lines, flow


class Document:
    """
    The text.

    Args:
        text: The file's content.
        file: Its path, for problems.
    Raises:
        ConfigProblems: It is no YAML that a configuration could be.
    """

    def __init__(self, text: str, file: str = "config.yaml") -> None:
        self._file = file
        self.text = text
        self.data = self._read(text)

    def value(self, path: KeyPath) -> Any:
        """The plain value at a path; None if nothing stands there."""
        found: Any = self.data
        for step in path:
            try:
                found = found[step]
            except (KeyError, IndexError, TypeError):
                return None
        return found

    def find(self, path: KeyPath, key: str, wanted: str) -> int | None:
        """The place in a list of the first mapping whose `key` is `wanted`."""
        items = self.value(path)
        for index, item in enumerate(items if isinstance(items, list) else ()):
            if isinstance(item, dict) and item.get(key) == wanted:
                return index
        return None

    def set(self, path: KeyPath, value: Any) -> None:
        """
        Put a value at a path; mappings on the way that are not there are made.

        Raises:
            ConfigProblems: The place is written in a way that cannot be edited safely.
        """
        parent, step = path[:-1], path[-1]
        if isinstance(step, str) and not self.value(parent) and parent:
            self.set(parent, {step: value})
            return
        after = copy.deepcopy(self.data if isinstance(self.data, dict) else {})
        _at(after, parent)[step] = copy.deepcopy(value)
        self._commit(self._with_value(path, value), after, path)

    def insert(self, path: KeyPath, value: Any, index: int | None = None) -> None:
        """
        Put a value into a list, at its end for None.

        Raises:
            ConfigProblems: The place is written in a way that cannot be edited safely.
        """
        items = self.value(path)
        if not items:
            self.set(path, [value])
            return
        index = len(items) if index is None else min(index, len(items))
        after = copy.deepcopy(self.data)
        _at(after, path).insert(index, copy.deepcopy(value))
        node = self._nodes(path)[-1]
        if self._flow_root(path) is not None:
            self._commit(self._reflowed(path, after), after, path)
            return
        column = node.start_mark.column
        lines = block_lines([value], column)
        if index == 0:
            at = self._line_start(self._dash(node, 0))
            text = self.text[:at] + self._joined(lines) + self._newline + self.text[at:]
        else:
            text = self._after_line(content_end(self.text, node.value[index - 1]), lines)
        self._commit(text, after, path)

    def remove(self, path: KeyPath) -> None:
        """
        Take a value out, with the lines that it stands on; comment lines stay.

        Raises:
            KeyError: Nothing stands there.
            ConfigProblems: The place is written in a way that cannot be edited safely.
        """
        after = copy.deepcopy(self.data)
        try:
            del _at(after, path[:-1])[path[-1]]
        except (IndexError, TypeError) as error:
            raise KeyError(dotted(path)) from error
        parent = path[:-1]
        if self._flow_root(parent) is not None:
            text = self._reflowed(parent, after)
        elif not _at(after, parent) and parent:
            text = self._with_value(parent, None if len(parent) == 1 else _at(after, parent))
        else:
            text = self._without(path)
        self._commit(text, after, path)

    def _commit(self, text: str, after: Any, path: KeyPath) -> None:
        try:
            data = self._read(text)
        except ConfigProblems:
            data = None
        if _sections(data) != _sections(after):
            line, column = read_yaml(self.text.encode(), self._file).place(path)
            expected = "lines that can be edited safely; please make this change by hand"
            problem = ConfigProblem(
                self._file, line, column, dotted(path), expected, "an unusual way of writing"
            )
            raise ConfigProblems([problem])
        self.text, self.data = text, data

    def _read(self, text: str) -> Any:
        tree = read_yaml(text.encode(), self._file)
        if tree.problems:
            raise ConfigProblems(tree.problems)
        return tree.data

    # ------------------------------------------------------------------------------- places

    def _nodes(self, path: KeyPath) -> list[Node]:
        """The nodes from the root to a path."""
        node = compose(self.text)
        found = [node]
        for step in path:
            node = node.value[step] if isinstance(step, int) else entry(node, step)[1]
            found.append(node)
        return found

    def _flow_root(self, path: KeyPath) -> int | None:
        """How deep on the way to a path the first one in brackets stands; None: all are blocks."""
        for depth, node in enumerate(self._nodes(path)):
            if is_flow(node):
                return depth
        return None

    @property
    def _newline(self) -> str:
        return "\r\n" if "\r\n" in self.text else "\n"

    def _joined(self, lines: list[str]) -> str:
        return self._newline.join(lines)

    def _line_start(self, index: int) -> int:
        return self.text.rfind("\n", 0, index) + 1

    def _line_end(self, index: int) -> int:
        """Where the line of an index ends, before its line break."""
        end = self.text.find("\n", index)
        if end < 0:
            return len(self.text)
        return end - 1 if end > index and self.text[end - 1] == "\r" else end

    def _after_line(self, index: int, lines: list[str]) -> str:
        end = self._line_end(index)
        return self.text[:end] + self._newline + self._joined(lines) + self.text[end:]

    def _dash(self, node: Node, index: int) -> int:
        """Where the dash of a list's entry stands."""
        before: int = node.start_mark.index
        if index:
            before = self._line_end(content_end(self.text, node.value[index - 1]))
        start: int = node.value[index].start_mark.index
        dash: int = self.text.rfind("-", before, max(start, before + 1))
        while dash > before and self.text[self._line_start(dash) : dash].strip():
            dash = self.text.rfind("-", before, dash)
        return max(dash, before)

    # ------------------------------------------------------------------------------ changes

    def _with_value(self, path: KeyPath, value: Any) -> str:
        """The text with a value put at a path whose parent is there."""
        parent, step = path[:-1], path[-1]
        if self.data is None:
            added = self._joined(block_lines({step: value}, 0))
            text = self.text
            head = text if not text or text.endswith("\n") else text + self._newline
            return head + added + self._newline
        if self._flow_root(parent) is not None:
            after = copy.deepcopy(self.data)
            _at(after, parent)[step] = value
            return self._reflowed(parent, after)
        node = self._nodes(parent)[-1]
        if isinstance(step, int):
            old = node.value[step]
            start, column = old.start_mark.index, node.start_mark.column
            lines = block_lines([value], column)
            new = self._joined(lines)[column + STEP :]
            return self.text[:start] + new + self.text[content_end(self.text, old) :]
        found = entry_or_none(node, step)
        if found is None and not parent:
            # At the end of the file: what stands behind the last section may be its comments.
            head = self.text if self.text.endswith("\n") else self.text + self._newline
            return head + self._joined(block_lines({step: value}, 0)) + self._newline
        if found is None:
            lines = block_lines({step: value}, node.start_mark.column)
            return self._after_line(content_end(self.text, node), lines)
        return self._replaced(found[0], found[1], value, node.start_mark.column)

    def _replaced(self, key: Node, old: Node, value: Any, column: int) -> str:
        text = self.text
        colon = text.index(":", key.end_mark.index) + 1
        start, end = old.start_mark.index, content_end(text, old)
        lines = block_lines({"": value}, column)
        head = lines[0].partition(":")[2] if value is not None else ""
        if isinstance(old, ScalarNode) or is_flow(old):
            if start == end:  # nothing stands there yet
                start = end = colon
            else:
                start = colon
            text = text[:start] + head + text[end:]
        else:
            begin = self._line_start(start)
            past = self._line_end(end)
            gap = text[colon:begin] if begin > colon else ""
            tail = text[past:].removeprefix(self._newline) if begin > colon else text[past:]
            text = text[:colon] + head + gap + tail
        if len(lines) == 1:
            return text
        return self._spliced(text, colon, lines[1:])

    def _spliced(self, text: str, index: int, lines: list[str]) -> str:
        """`text` with lines after the line of an index."""
        end = text.find("\n", index)
        end = len(text) if end < 0 else end - (1 if text[end - 1] == "\r" else 0)
        return text[:end] + self._newline + self._joined(lines) + text[end:]

    def _without(self, path: KeyPath) -> str:
        *_, parent, node = self._nodes(path)
        step = path[-1]
        end = self._line_end(content_end(self.text, node))
        if isinstance(step, int):
            dash = self._dash(parent, step)
            start = self._line_start(dash)
            if self.text[start:dash].strip():
                # The first of a list within a list, behind the dash of that: the next one takes its place.
                return self.text[:dash] + self.text[self._dash(parent, step + 1) :]
        else:
            key = entry(parent, step)[0]
            start = self._line_start(key.start_mark.index)
            if self.text[start : key.start_mark.index].strip():
                # The first key behind a dash: the next one takes its place.
                following = parent.value[1][0].start_mark.index
                return self.text[: key.start_mark.index] + self.text[following:]
        return self.text[:start] + self.text[end:].removeprefix(self._newline)

    def _reflowed(self, path: KeyPath, after: Any) -> str:
        """The text with the outermost brackets around a path written anew."""
        depth = self._flow_root(path) or 0
        node = self._nodes(path)[depth]
        start, end = node.start_mark.index, node.end_mark.index
        written = flow(_at(after, path[:depth]))
        if "#" in self.text[start:end] and "\n" in self.text[start:end]:
            return ""  # a comment in there would be lost
        return self.text[:start] + written + self.text[end:]


def _at(data: Any, path: KeyPath) -> Any:
    for step in path:
        data = data[step]
    return data


def _sections(data: Any) -> Any:
    """A file's content; a section with nothing in it is an absent one."""
    if not isinstance(data, Mapping):
        return {}
    return {key: value for key, value in data.items() if value not in (None, [], {})}
