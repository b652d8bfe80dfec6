"""Options of generators: texts that were typed, read as the types that the generator's constructor declares.

An option declared as text (``str``, a path, a sequence of texts) arrives as the text that was typed: ``version=1.10`` stays ``1.10``. All
else is read as YAML with JSON's scalars: no text becomes a date, an octal number or a boolean.
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
class OptionType:
    """The declared type of one option.

    Attributes:
        leaves: the scalar types in its annotation; ``Any`` where nothing is declared.
        scalar: whether the value may be a scalar.
        nested: whether the value may be a sequence or a mapping.
    """

    leaves: frozenset[Any]
    scalar: bool = True
    nested: bool = False

    @property
    def is_text(self) -> bool:
        """Whether all its scalars are text."""
        return bool(self.leaves - {_NONE}) and self.leaves <= {str, Path, _NONE}


_ANYTHING = OptionType(frozenset({Any}))


def declared_options(name: str) -> dict[str, OptionType]:
    """The declared types of a generator's options.

    Args:
        name: the registered name of a generator.

    Returns:
        The types by option; empty for an unknown generator, and where nothing is declared.

    Raises:
        PluginError: the generator cannot be loaded.
    """
    if name not in registry.entries("generators"):
        return {}
    kind = registry.load("generators", name)
    try:
        hints = get_type_hints(kind.__init__)
    except NameError:  # an annotation that only type checkers can resolve
        return {}
    parameters = inspect.signature(kind.__init__).parameters
    named = {key for key, parameter in parameters.items() if parameter.kind is not inspect.Parameter.VAR_KEYWORD}
    return {key: _leaves(hint) for key, hint in hints.items() if key in named}


def _leaves(hint: Any) -> OptionType:
    origin, inner = get_origin(hint), [argument for argument in get_args(hint) if argument is not Ellipsis]
    if origin is Literal:
        return OptionType(frozenset(type(value) for value in inner))
    if origin is None:
        return OptionType(frozenset({hint}), scalar=hint is not _NONE)
    parts = [_leaves(argument) for argument in inner]
    leaves: frozenset[Any] = frozenset().union(*(part.leaves for part in parts))
    if origin in (Union, types.UnionType):
        return OptionType(leaves, any(part.scalar for part in parts), any(part.nested for part in parts))
    return OptionType(leaves, False, True)


def parse_options(generator: str, name: str, given: Mapping[str, str]) -> dict[str, Any]:
    """Options that were typed as ``key=value``, as values of their declared types.

    Args:
        generator: what was typed, for error messages.
        name: the registered name of the generator.
        given: the texts of the values, by option.

    Returns:
        The values by option, in the same order. Options that the generator does not declare are read as YAML.

    Raises:
        SeedBenchError: a text is not a value of the declared type.
        PluginError: the generator cannot be loaded.
    """
    known = declared_options(name)
    return {key: _parse_option(generator, key, text.strip(), known.get(key, _ANYTHING)) for key, text in given.items()}


def _parse_option(generator: str, key: str, text: str, expected: OptionType) -> Any:
    is_quoted = text[:1] in ('"', "'") or (text[:1] in ("[", "{") and expected.nested)
    if expected.is_text and expected.scalar and not is_quoted:
        return text
    try:
        node = yaml.compose(text, Loader=_JsonScalars)
    except yaml.YAMLError as error:
        if expected.is_text and expected.scalar:  # a command that begins with a quoted word
            return text
        raise SeedBenchError(f"generator {generator!r}: the value of {key!r} cannot be read as YAML") from error
    inner = node.value.strip() if isinstance(node, yaml.ScalarNode) else ""
    is_list_in_quotes = expected.nested and inner[:1] in ("[", "{")  # in quotes because of its commas
    if is_list_in_quotes and not (expected.is_text and expected.scalar):
        return _parse_option(generator, key, inner, expected)
    return _value(generator, key, node, expected)


def read_generator_file(path: Path) -> dict[str, Any]:
    """Read a generator with its options from a YAML file.

    Args:
        path: a file with ``name``, and optionally ``label`` and ``options`` (key: value).

    Returns:
        ``label`` and ``name`` as texts, ``options`` as values of their declared types. The label is the name where none is given.

    Raises:
        SeedBenchError: the file cannot be read or has other keys, or a value does not have its declared type.
        PluginError: the generator cannot be loaded.
    """
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
    known = declared_options(name)
    read = {key: _value(str(path), key, value, known.get(key, _ANYTHING)) for key, value in _members(options).items()}
    return {"label": str(_text(top.get("label", top["name"]))), "name": name, "options": read}


def _members(node: yaml.Node | None) -> dict[str, yaml.Node]:
    return {str(key.value): value for key, value in node.value} if isinstance(node, yaml.MappingNode) else {}


def _value(generator: str, key: str, node: yaml.Node | None, expected: OptionType) -> Any:
    """A node as a value of the declared type."""
    if node is None or (expected.is_text and _NONE in expected.leaves and _is_null(node)):
        return None
    if expected.is_text:
        value = _text(node)
    else:
        loader = _JsonScalars("")
        try:
            value = loader.construct_document(node)
        except yaml.YAMLError as error:
            raise SeedBenchError(f"generator {generator!r}: the value of {key!r} cannot be read as YAML") from error
        finally:
            loader.dispose()
    if isinstance(value, str) and bool in expected.leaves:
        value = _WORDS.get(value.lower(), value)
    _check(generator, key, value, expected)
    return value


def _check(generator: str, key: str, value: Any, expected: OptionType) -> None:
    """Raise SeedBenchError for a value that the option cannot have."""
    if not expected.scalar and not isinstance(value, list | dict) and not (value is None and _NONE in expected.leaves):
        raise SeedBenchError(f'generator {generator!r}: {key} takes a list, in double quotes on one line: {key}="[{value}]"')
    if expected.leaves <= set(_SCALARS) and not expected.nested:
        wanted = tuple(expected.leaves | ({int} if float in expected.leaves else set()))
        if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
            words = " or ".join(words for kind, words in _SCALARS.items() if kind in expected.leaves)
            raise SeedBenchError(f"generator {generator!r}: {key} takes {words}, not {value!r}")
    try:
        json.dumps(value)
    except TypeError as error:
        raise SeedBenchError(f"generator {generator!r}: {key} has a value that JSON cannot store: put it in quotes, as text") from error


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _text(node: yaml.Node) -> Any:
    """A node with every scalar as it was written."""
    if isinstance(node, yaml.SequenceNode):
        return [_text(element) for element in node.value]
    if isinstance(node, yaml.MappingNode):
        return {str(key.value): _text(value) for key, value in node.value}
    return node.value


def upgrade_options(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Options that an earlier version stored, as this version reads them: numbers where text is declared (``version=2``) become text.

    Args:
        name: the registered name of the generator.
        options: the options as stored.

    Returns:
        A changed copy.

    Raises:
        PluginError: the generator cannot be loaded.
    """
    return _texts_changed(name, options, lambda value: str(value) if _is_number(value) else value)


def downgrade_options(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of :func:`upgrade_options`: texts become numbers where the number, written, is the same text.

    Args:
        name: the registered name of the generator.
        options: the options as this version reads them.

    Returns:
        A changed copy, as earlier versions stored it.

    Raises:
        PluginError: the generator cannot be loaded.
    """

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
            return {key: within(member) for key, member in value.items()}
        return [within(member) for member in value] if isinstance(value, list) else change(value)

    known = declared_options(name)
    return {key: within(value) if known.get(key, _ANYTHING).is_text else value for key, value in options.items()}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
