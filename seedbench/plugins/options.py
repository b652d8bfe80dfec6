"""Options of generators, read from what was typed as the types that the generator's constructor declares.

An option declared as text (``str``, a path, a sequence of texts) arrives as the text that was typed: ``version=1.10`` stays ``1.10``. All
else is read as YAML with JSON's scalars, so that no text turns into a date, an octal number or a truth value by its looks.
"""

from __future__ import annotations

import inspect
import json
import re
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import yaml

from seedbench.errors import SeedBenchError
from seedbench.plugins import registry

_NONE = type(None)
_WORDS = {"yes": True, "no": False, "on": True, "off": False, "true": True, "false": False}
_SCALARS = {int: "a whole number", float: "a number", bool: "true or false", _NONE: "null"}


class _JsonScalars(yaml.SafeLoader):
    """YAML whose plain scalars are JSON's: ``010``, ``0x10``, ``1:30``, ``2024-01-01``, ``yes``, ``1_000`` are texts, ``1e3`` a number."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - the name and shape are PyYAML's


for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    ("float", r"[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
):
    _JsonScalars.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first))


@dataclass(frozen=True)
class Declared:
    """What a constructor declares for one option: the types at the leaves of its annotation, and whether it may be a scalar by itself
    (``scalar``), a sequence or mapping (``nested``)."""

    leaves: frozenset[Any]
    scalar: bool = True
    nested: bool = False

    @property
    def is_text(self) -> bool:
        """Whether every scalar of it is text."""
        return bool(self.leaves - {_NONE}) and self.leaves <= {str, Path, _NONE}


_ANYTHING = Declared(frozenset({Any}))


def declared(name: str) -> dict[str, Declared]:
    """What the generator registered as ``name`` declares for each of its options; empty where nobody registered it or nothing is declared.

    Raises PluginError for a generator that cannot be loaded.
    """
    if name not in registry.entries("generators"):
        return {}
    kind = registry.load("generators", name)
    try:
        hints = get_type_hints(kind.__init__)
    except NameError:  # an annotation that exists for type checkers only says nothing here
        return {}
    named = {key for key, one in inspect.signature(kind.__init__).parameters.items() if one.kind is not inspect.Parameter.VAR_KEYWORD}
    return {key: _leaves(hint) for key, hint in hints.items() if key in named}


def _leaves(hint: Any) -> Declared:
    origin, inner = get_origin(hint), [one for one in get_args(hint) if one is not Ellipsis]
    if origin is Literal:
        return Declared(frozenset(type(one) for one in inner))
    if origin is None:
        return Declared(frozenset({hint}), scalar=hint is not _NONE)
    below = [_leaves(one) for one in inner]
    leaves: frozenset[Any] = frozenset().union(*(one.leaves for one in below))
    if origin in (Union, types.UnionType):
        return Declared(leaves, any(one.scalar for one in below), any(one.nested for one in below))
    return Declared(leaves, False, True)


def parse_options(generator: str, name: str, given: Mapping[str, str]) -> dict[str, Any]:
    """Options typed as ``key=value``, each a text, as values; ``generator`` is what was typed, for errors. Raises SeedBenchError."""
    known = declared(name)
    return {key: _from_word(generator, key, text.strip(), known.get(key, _ANYTHING)) for key, text in given.items()}


def _from_word(generator: str, key: str, text: str, what: Declared) -> Any:
    whole = text[:1] in ('"', "'") or (text[:1] in ("[", "{") and what.nested)
    if what.is_text and what.scalar and not whole:
        return text
    try:
        node = yaml.compose(text, Loader=_JsonScalars)
    except yaml.YAMLError as error:
        if what.is_text and what.scalar:  # a command that begins with a quoted word is no quoted text
            return text
        raise SeedBenchError(f"generator {generator!r}: the value of {key!r} cannot be read") from error
    inner = node.value.strip() if isinstance(node, yaml.ScalarNode) else ""
    if what.nested and inner[:1] in ("[", "{") and not (what.is_text and what.scalar):  # a list is quoted for the sake of its commas
        return _from_word(generator, key, inner, what)
    return _value(generator, key, node, what)


def read_generator_file(path: Path) -> dict[str, Any]:
    """A YAML file with ``label``, ``name`` and ``options``: label and name as texts, options as declared. Raises SeedBenchError."""
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=_JsonScalars)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SeedBenchError(f"the generator file {path} cannot be read ({error})") from error
    top = _members(node)
    options = top.get("options")
    is_null = options is None or _is_null(options)
    if "name" not in top or set(top) - {"label", "name", "options"} or not (is_null or isinstance(options, yaml.MappingNode)):
        raise SeedBenchError(f"the generator file {path} needs `name`, and may have `label` and `options` (key: value)")
    name = str(_text(top["name"]))
    known = declared(name)
    read = {key: _value(str(path), key, one, known.get(key, _ANYTHING)) for key, one in _members(options).items()}
    return {"label": str(_text(top.get("label", top["name"]))), "name": name, "options": read}


def _members(node: yaml.Node | None) -> dict[str, yaml.Node]:
    return {str(key.value): value for key, value in node.value} if isinstance(node, yaml.MappingNode) else {}


def _value(generator: str, key: str, node: yaml.Node | None, what: Declared) -> Any:
    """A node as a value of the declared type."""
    if node is None or (what.is_text and _NONE in what.leaves and _is_null(node)):
        return None
    if what.is_text:
        found = _text(node)
    else:
        loader = _JsonScalars("")
        try:
            found = loader.construct_document(node)
        except yaml.YAMLError as error:
            raise SeedBenchError(f"generator {generator!r}: the value of {key!r} cannot be read") from error
        finally:
            loader.dispose()
    if isinstance(found, str) and bool in what.leaves:
        found = _WORDS.get(found.lower(), found)
    _check(generator, key, found, what)
    return found


def _check(generator: str, key: str, found: Any, what: Declared) -> None:
    """Refuse what the option cannot be, in a sentence."""
    if not what.scalar and not isinstance(found, list | dict) and not (found is None and _NONE in what.leaves):
        raise SeedBenchError(f'generator {generator!r}: {key} takes a list, in double quotes on one line: {key}="[{found}]"')
    if what.leaves <= set(_SCALARS) and not what.nested:
        wanted = tuple(what.leaves | ({int} if float in what.leaves else set()))
        if not isinstance(found, wanted) or (isinstance(found, bool) and bool not in wanted):
            words = " or ".join(words for kind, words in _SCALARS.items() if kind in what.leaves)
            raise SeedBenchError(f"generator {generator!r}: {key} takes {words}, not {found!r}")
    try:
        json.dumps(found)
    except TypeError as error:
        raise SeedBenchError(f"generator {generator!r}: {key} holds what no JSON can: write it in quotes as text") from error


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _text(node: yaml.Node) -> Any:
    """A node with every scalar as it was written."""
    if isinstance(node, yaml.SequenceNode):
        return [_text(one) for one in node.value]
    if isinstance(node, yaml.MappingNode):
        return {str(key.value): _text(one) for key, one in node.value}
    return node.value


def upgrade_options(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Options that an earlier version read by their looks (``version=2`` as the number 2), as they are read now."""
    return _texts_changed(name, options, lambda value: str(value) if _is_number(value) else value)


def downgrade_options(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of :func:`upgrade_options`: texts that look like numbers as numbers, where writing these gives the same texts."""

    def number(value: Any) -> Any:
        try:
            read = yaml.safe_load(value) if isinstance(value, str) else value
        except (yaml.YAMLError, ValueError):
            return value
        return read if _is_number(read) and str(read) == value else value

    return _texts_changed(name, options, number)


def _texts_changed(name: str, options: Mapping[str, Any], change: Callable[[Any], Any]) -> dict[str, Any]:
    """The options with each scalar of those declared as text changed."""

    def within(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: within(one) for key, one in value.items()}
        return [within(one) for one in value] if isinstance(value, list) else change(value)

    known = declared(name)
    return {key: within(value) if known.get(key, _ANYTHING).is_text else value for key, value in options.items()}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
