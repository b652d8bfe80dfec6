"""A hash of the code behind a metric or an analysis: part of its keys, so that changed code never brings back numbers of the code before.

What is hashed: the module that defines the class or function, and all modules that it imports, directly or through others, anywhere in a
file, as far as they belong to its own top-level package or to another package that registers metrics (whose analyses it may use); the
package initialisers on their way; the other files beside all these (fitted numbers, tables); and the modules of SeedBench that decide
numbers. Comments, docstrings and formatting do not count. Nothing is imported for it: imports are read from the source.

What is not seen: modules imported by a computed name, and packages of others such as numpy or torch. For those ``version`` is raised.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
import sys
import uuid
from collections.abc import Callable, Hashable, Iterator
from importlib.metadata import entry_points
from pathlib import Path

#: What decodes and resamples, breaks ties, and brings results back from the cache decides numbers; what stores and reports them does not.
DECIDES_NUMBERS = ("seedbench.clips.clip", "seedbench.store.codec", "seedbench.clips.media", "seedbench.ties")
#: The package whose core is not hashed beyond DECIDES_NUMBERS.
OURS = "seedbench"
#: How the digest of code without a file begins.
WITHOUT_SOURCE = "without-source-"
#: Endings of files beside a module that it does not read numbers from.
NO_DATA = {".py", ".pyc", ".pyi", ".md"}


def code_digest(kind: type | Callable[..., object]) -> str:
    """A hash of the code behind a class or function, the same wherever it is installed under one version of Python; worked out once in a
    process, when the code is loaded.

    Code that lies in no file of its own name (``__main__``, a notebook, a zip) has no digest to compare: it gets another one in every
    process, so that nothing computed by it is ever taken over.
    """
    return _digest_of(kind, kind.__module__)


def is_unchanged(kind: type | Callable[..., object], digest: str) -> bool:
    """Whether the files behind a class or function are still those that ``digest`` was worked out from."""
    return _source_of(kind.__module__) is not None and _digest_now(kind.__module__) == digest


@functools.cache
def _digest_of(kind: Hashable, module: str) -> str:
    if _source_of(module) is None:
        return f"{WITHOUT_SOURCE}{uuid.uuid4().hex}"
    return _digest_now(module)


def _digest_now(module: str) -> str:
    parts = [f"{name}\n{_file_digest(path)}" for name, path in sorted(_closure(module).items())]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _closure(module: str) -> dict[str, Path]:
    """The files by name that decide what a module computes."""
    found: dict[str, Path] = {}
    waiting = [module, *DECIDES_NUMBERS]
    own = {_package_of(module)} | _metric_packages()
    while waiting:
        name = waiting.pop()
        path = _source_of(name)
        if name in found or path is None or name == OURS:
            continue
        found[name] = path
        found.update(_beside(name, path))
        waiting.append(name.rpartition(".")[0])
        if name not in DECIDES_NUMBERS:
            waiting += [one for one in _imports_of(path, name) if _package_of(one) in own or _is_neighbour(one, module)]
    return found


def _package_of(module: str) -> str:
    """The package a module belongs to: the top-level one; within SeedBench the folder of plug-ins (``seedbench.metrics``), if it is one."""
    top, *inner = module.split(".")
    return f"{top}.{inner[0]}" if top == OURS and inner and inner[0] in _plugin_folders() else top


@functools.cache
def _plugin_folders() -> frozenset[str]:
    """The folders of SeedBench that register metrics."""
    entries = [entry.module.split(".") for entry in entry_points(group="seedbench.metrics")]
    return frozenset(parts[1] for parts in entries if parts[0] == OURS and len(parts) > 1)


@functools.cache
def _metric_packages() -> frozenset[str]:
    """Packages that register metrics: their shared analyses may be used by each other's metrics."""
    return frozenset(_package_of(entry.module) for entry in entry_points(group="seedbench.metrics"))


@functools.cache
def _places_of(top: str) -> tuple[tuple[Path, ...], Path | None]:
    """The folders of a top-level package, and its file where it is a plain module: as imported, else as it would be found on the path."""
    module = sys.modules.get(top)
    spec = module.__spec__ if module is not None else importlib.util.find_spec(top)
    if top == "__main__" or spec is None:
        return (), None
    folders = tuple(place for place in map(Path, spec.submodule_search_locations or ()) if place.is_dir())
    file = Path(spec.origin) if spec.origin and spec.submodule_search_locations is None else None
    return folders, file if file is not None and file.suffix == ".py" and file.is_file() else None


def _source_of(name: str) -> Path | None:
    """The source file of a module by its dotted name, found without importing it; None for a name that is no module (an attribute)."""
    top, *inner = name.split(".")
    folders, file = _places_of(top) if top else ((), None)
    if file is not None:
        return None if inner else file
    for folder in folders:
        place = folder.joinpath(*inner)
        for path in (place / "__init__.py", *([place.with_name(f"{place.name}.py")] if inner else [])):
            if path.is_file():
                return path
    return None


def _is_neighbour(name: str, module: str) -> bool:
    """Whether a module is a plain file beside another that is one: loose files of one author have no package to name them by."""
    mine, other = _source_of(module), _source_of(name.split(".")[0])
    return "." not in module and mine is not None and other is not None and other.name != "__init__.py" and mine.parent == other.parent


def _beside(name: str, path: Path) -> Iterator[tuple[str, Path]]:
    """Files beside a module of a package that are no Python: what it may read its numbers from. Weights have hashes of their own."""
    if _package_of(name) == OURS or ("." not in name and path.name != "__init__.py"):
        return
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for file in path.parent.iterdir():
        if file.is_file() and file.suffix not in NO_DATA and file.name not in {"weights.toml", "py.typed"} and file.name[0] != ".":
            yield f"{package}/{file.name}", file


def _imports_of(path: Path, module: str) -> list[str]:
    """Dotted names that a file imports, each with what it takes from there (which may be a module or not)."""
    return list(_parsed(path, *_state(path)).imports_in(module, is_package=path.name == "__init__.py"))


def _file_digest(path: Path) -> str:
    """A hash of what a file says: of code what it does, of any other file its bytes."""
    if path.suffix != ".py":
        return _bytes_digest(path, *_state(path))
    return _parsed(path, *_state(path)).digest


def _state(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_mtime_ns, stat.st_size


@functools.lru_cache(maxsize=1024)
def _bytes_digest(path: Path, mtime_ns: int, size: int) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class _Parsed:
    """One source file: the hash of its code, and its imports."""

    def __init__(self, text: str) -> None:
        tree = ast.parse(text)
        self._imports: list[tuple[int, str, tuple[str, ...]]] = []
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                self._imports += [(0, alias.name, ()) for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                self._imports.append((node.level, node.module or "", tuple(alias.name for alias in node.names)))
            elif isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                node.body = _without_docstring(node.body)
        self.digest = hashlib.sha256(ast.dump(tree).encode()).hexdigest()

    def imports_in(self, module: str, *, is_package: bool) -> Iterator[str]:
        """The dotted names imported if this is the source of ``module``."""
        package = module.split(".") if is_package else module.split(".")[:-1]
        for level, name, attributes in self._imports:
            base = ".".join([*package[: len(package) - level + 1], *([name] if name else [])]) if level else name
            yield base
            yield from (f"{base}.{attribute}" for attribute in attributes)


@functools.lru_cache(maxsize=1024)
def _parsed(path: Path, mtime_ns: int, size: int) -> _Parsed:
    return _Parsed(path.read_text(encoding="utf-8"))


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    """Statements without strings that stand by themselves: docstrings of modules, classes, functions and of what stands before them."""
    alone = (one.value if isinstance(one, ast.Expr) else None for one in body)
    return [one for one, value in zip(body, alone, strict=True) if not (isinstance(value, ast.Constant) and isinstance(value.value, str))]
