"""YAML files written by people: parsed strictly, with the line number of every value."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import yaml

Location = Sequence[int | str]


class YamlError(Exception):
    """The file is not valid YAML; ``line`` counts from 1 (None: the error belongs to no line)."""

    def __init__(self, line: int | None, message: str) -> None:
        super().__init__(message)
        self.line = line


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Only ``true`` and ``false`` are booleans; ``no``, ``on``, ``12:30``, ``007`` and dates stay text."""


_FLOAT = r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
_LITERALS = (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    ("float", _FLOAT, "-+.0123456789"),
)
_REPLACED = (":bool", ":int", ":float", ":timestamp")
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(_REPLACED)]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _name, _pattern, _firsts in _LITERALS:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", re.compile(f"^(?:{_pattern})$"), list(_firsts))
_PLAIN = ("null", "bool", "int", "float", "str", "seq", "map")
_Loader.yaml_constructors = {
    tag: build for tag, build in yaml.SafeLoader.yaml_constructors.items() if tag is None or tag.rpartition(":")[2] in _PLAIN
}


class Document:
    """One parsed YAML file: ``data`` is plain Python, :meth:`line` finds a value in the file."""

    def __init__(self, text: str) -> None:
        """Parse a text. Raises YamlError for bad syntax, a repeated key, several documents, or tags that are not plain data."""
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            if node is not None:
                _refuse_repeated_keys(node, set())
            self._node = node
            self.data: Any = None if node is None else loader.construct_document(node)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            message = " ".join(part for part in (error.context, error.problem) if part)
            raise YamlError(None if mark is None else mark.line + 1, f"not valid YAML: {message}") from error
        except (yaml.YAMLError, ValueError, LookupError, RecursionError) as error:
            lines = str(error).splitlines() or [type(error).__name__]
            raise YamlError(None, f"not valid YAML: {lines[0]}") from error
        finally:
            loader.dispose()

    def line(self, location: Location) -> int:
        """The line (from 1) of the value at a path of keys and positions, or of the deepest part of the path that exists.

        >>> Document("a:\\n  - b: 1\\n    c: 2\\n").line(["a", 0, "c"])
        3
        """
        node = self._node
        line = 1 if node is None else node.start_mark.line + 1
        for step in location:
            if isinstance(node, yaml.MappingNode):
                matches = [(key, value) for key, value in node.value if isinstance(key, yaml.ScalarNode) and key.value == str(step)]
                if not matches:
                    break
                key, node = matches[-1]
                line = key.start_mark.line + 1
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
                line = node.start_mark.line + 1
            else:
                break
        return line


def parse(raw: bytes) -> Document:
    """Parse the bytes of a YAML file, which must be UTF-8 (a byte order mark is allowed). Raises YamlError."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise YamlError(raw[: error.start].count(b"\n") + 1, "not UTF-8 text") from error
    return Document(text)


def _refuse_repeated_keys(node: yaml.Node, seen: set[int]) -> None:
    """YAML forbids a key twice in one mapping; the parser would silently keep the last."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for element in node.value:
            _refuse_repeated_keys(element, seen)
    elif isinstance(node, yaml.MappingNode):
        keys: set[str] = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in keys and key.value != "<<":
                    raise YamlError(key.start_mark.line + 1, f"the key {key.value!r} is given twice")
                keys.add(key.value)
            _refuse_repeated_keys(value, seen)
