"""Dataclasses of arrays to bytes and back, without pickle: a JSON tree beside the arrays of an ``.npz``."""

from __future__ import annotations

import importlib
import io
import json
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np


class UndecodableError(ValueError):
    """Bytes that :func:`pack` did not write, that were changed since, or whose dataclass no longer exists or has other fields."""


#: What numpy, zipfile, zlib, json and dataclasses raise for damaged bytes.
_DECODING_ERRORS = (
    *(ValueError, TypeError, LookupError, AttributeError, ImportError, EOFError, OSError, RecursionError, NotImplementedError),
    *(zipfile.BadZipFile, zlib.error),
)


def pack(value: Any) -> bytes:
    """Encode dataclasses, arrays, numbers, strings, None, lists, tuples and dicts with strings as keys, nested as deep as needed.

    Args:
        value: the value. Subclasses of these types (named tuples, enumerations) and bytes are not encoded, since they would not come back
            as they are.

    Returns:
        An ``.npz`` archive without pickled objects.

    Raises:
        TypeError: a part has another type, a dict has other keys, an array holds objects, or a dataclass cannot be imported by its name or
            made from its fields.

    >>> unpack(pack({"a": (1, 2.5, None), "b": np.arange(3)}))["b"]
    array([0, 1, 2])
    """
    arrays: list[np.ndarray] = []
    tree = _encode(value, arrays)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, tree=np.frombuffer(json.dumps(tree).encode(), np.uint8), **{f"a{i}": a for i, a in enumerate(arrays)})  # type: ignore[arg-type]
    return buffer.getvalue()


def unpack(data: bytes) -> Any:
    """The value that :func:`pack` encoded.

    Args:
        data: what :func:`pack` returned.

    Returns:
        An equal value, of the same types. Scalars of numpy come back as Python's.

    Raises:
        UndecodableError: the bytes are others or damaged, or a dataclass in them has changed since.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            tree = json.loads(archive["tree"].tobytes())
            return _decode(tree, archive)
    except _DECODING_ERRORS as error:
        raise UndecodableError(f"these {len(data)} bytes are not a packed value ({type(error).__name__}: {error})") from error


@contextmanager
def open_npz(file: Path) -> Iterator[Any]:
    """Open the arrays of an ``.npz`` that came with a package.

    Args:
        file: the archive.

    Yields:
        The arrays by name, open until the end of the block.

    Raises:
        UndecodableError: the file cannot be read or is damaged; also for such an error of the block itself.
    """
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            yield archive
    except _DECODING_ERRORS as error:
        raise UndecodableError(f"{file.name} is damaged, or belongs to another version: install the package again ({error})") from error


def _encode(value: Any, arrays: list[np.ndarray]) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float:
        return value if np.isfinite(value) else {"float": repr(value)}
    if isinstance(value, np.ndarray):
        if value.dtype == object:
            raise TypeError("arrays of objects cannot be stored")
        arrays.append(value)
        return {"array": len(arrays) - 1}
    if type(value) is list:
        return [_encode(item, arrays) for item in value]
    if type(value) is tuple:
        return {"tuple": [_encode(item, arrays) for item in value]}
    if type(value) is dict:
        if not all(type(key) is str for key in value):
            raise TypeError("a dict whose keys are not all strings cannot be stored")
        return {"dict": [[key, _encode(item, arrays)] for key, item in value.items()]}
    if is_dataclass(value) and not isinstance(value, type):
        kind = type(value)
        if _importable(f"{kind.__module__}:{kind.__qualname__}") is not kind or not all(item.init for item in fields(kind)):
            raise TypeError(f"{kind.__qualname__} cannot be stored: it must be importable by its name and made from its fields")
        content = {item.name: _encode(getattr(value, item.name), arrays) for item in fields(value)}
        return {"class": f"{kind.__module__}:{kind.__qualname__}", "fields": content}
    raise TypeError(f"a {type(value).__name__} cannot be stored as an analysis")


def _decode(tree: Any, archive: Any) -> Any:
    if isinstance(tree, list):
        return [_decode(item, archive) for item in tree]
    if not isinstance(tree, dict):
        return tree
    if "float" in tree:
        return float(tree["float"])
    if "array" in tree:
        return archive[f"a{tree['array']}"]
    if "tuple" in tree:
        return tuple(_decode(item, archive) for item in tree["tuple"])
    if "dict" in tree:
        return {key: _decode(item, archive) for key, item in tree["dict"]}
    kind = _importable(tree["class"])
    if not (isinstance(kind, type) and is_dataclass(kind)):
        raise TypeError(f"{tree['class']} is not a dataclass")
    return kind(**{key: _decode(item, archive) for key, item in tree["fields"].items()})


def _importable(address: str) -> Any:
    """The object at ``module:name``; None if there is none."""
    module, _, name = address.partition(":")
    value: Any = importlib.import_module(module)
    for part in name.split("."):
        value = getattr(value, part, None)
    return value
