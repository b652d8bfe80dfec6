"""Dataclasses of arrays to bytes and back, without pickle: a JSON tree beside the arrays of an ``.npz``."""

from __future__ import annotations

import importlib
import io
import json
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np


def pack(value: Any) -> bytes:
    """Encode dataclasses, arrays, numbers, strings, None, bytes-free lists, tuples and string-keyed dicts.

    >>> unpack(pack({"a": (1, 2.5, None), "b": np.arange(3)}))["b"]
    array([0, 1, 2])
    """
    arrays: list[np.ndarray] = []
    tree = _encode(value, arrays)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, tree=np.frombuffer(json.dumps(tree).encode(), np.uint8), **{f"a{i}": a for i, a in enumerate(arrays)})  # type: ignore[arg-type]
    return buffer.getvalue()


def unpack(data: bytes) -> Any:
    """The value that :func:`pack` encoded."""
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        tree = json.loads(archive["tree"].tobytes())
        return _decode(tree, archive)


def _encode(value: Any, arrays: list[np.ndarray]) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else {"float": repr(value)}
    if isinstance(value, np.ndarray):
        if value.dtype == object:
            raise TypeError("arrays of objects cannot be stored")
        arrays.append(value)
        return {"array": len(arrays) - 1}
    if isinstance(value, list):
        return [_encode(item, arrays) for item in value]
    if isinstance(value, tuple):
        return {"tuple": [_encode(item, arrays) for item in value]}
    if isinstance(value, dict):
        return {"dict": [[key, _encode(item, arrays)] for key, item in value.items()]}
    if is_dataclass(value) and not isinstance(value, type):
        kind = type(value)
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
    module, _, name = tree["class"].partition(":")
    kind: Any = importlib.import_module(module)
    for part in name.split("."):
        kind = getattr(kind, part)
    if not (isinstance(kind, type) and is_dataclass(kind)):
        raise TypeError(f"{tree['class']} is not a dataclass")
    return kind(**{key: _decode(item, archive) for key, item in tree["fields"].items()})
