"""A hash of the code of a metric or an analysis. It is part of their keys, so that changed code never uses numbers of the old code.

These files are hashed:

- the module that defines the class or function;
- all modules that it imports, directly or through others, anywhere in a file, if they belong to its own top-level package or to another
  package that registers metrics (whose analyses it may use), with the ``__init__.py`` files of their packages;
- other files in the same folders (fitted numbers, tables);
- the modules of SeedBench that decide numbers.

Comments, docstrings and formatting do not count. Imports are read from the source; nothing is imported for it.

Not seen are modules imported by a computed name, and other packages such as numpy or torch. For those, ``version`` is raised.
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

#: The modules of SeedBench that decide numbers: they decode and resample, choose among ties, read results from the cache, and say how the
#: bodies of well-known events move.
DECIDES_NUMBERS = (
    "seedbench.clips.clip",
    "seedbench.clips.cropping",
    "seedbench.clips.display",
    "seedbench.clips.media_file",
    "seedbench.clips.pictures",
    "seedbench.clips.probing",
    "seedbench.clips.repeats",
    "seedbench.clips.sound",
    "seedbench.clips.streams",
    "seedbench.clips.timeline",
    "seedbench.clips.writing",
    "seedbench.store.codec",
    "seedbench.suites.event_kinds",
    "seedbench.ties",
)
#: The package of which only DECIDES_NUMBERS is hashed, plug-ins apart.
OURS = "seedbench"
#: The first letters of the digest of code that has no file.
WITHOUT_SOURCE = "without-source-"
#: Suffixes of files from which no module reads numbers.
NO_DATA = {".py", ".pyc", ".pyi", ".md"}


def code_digest(kind: type | Callable[..., object]) -> str:
    """A hash of the code of a class or function: the same on every machine with the same version of Python.

    It is computed once in a process, so call it when the code is loaded. Code that has no source file of its own (``__main__``, a
    notebook, a zip) gets another digest in every process: nothing that it computed is used again.

    Args:
        kind: the class or function. All files that decide what its module computes are hashed, not this object alone.

    Returns:
        64 hexadecimal digits of sha256, or :data:`WITHOUT_SOURCE` and 32 digits for code without a source file.
    """
    return _digest_of(kind, kind.__module__)


def is_unchanged(kind: type | Callable[..., object], digest: str) -> bool:
    """Whether the files of a class or function are still those that a digest was computed from.

    Args:
        kind: the class or function.
        digest: what :func:`code_digest` returned for it.

    Returns:
        False for changed files, and for code without a source file.
    """
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
    """The files that decide what a module computes, by name."""
    files: dict[str, Path] = {}
    waiting = [module, *DECIDES_NUMBERS]
    own = {_package_of(module)} | _metric_packages()
    while waiting:
        name = waiting.pop()
        path = _source_of(name)
        if name in files or path is None or name == OURS:
            continue
        files[name] = path
        files.update(_data_files(name, path))
        waiting.append(name.rpartition(".")[0])
        if name not in DECIDES_NUMBERS:
            waiting += [imported for imported in _imports_of(path, name) if _package_of(imported) in own or _is_neighbour(imported, module)]
    return files


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
def _locations_of(top: str) -> tuple[tuple[Path, ...], Path | None]:
    """The folders of a top-level package, or the file of a plain module: as imported, or as it would be imported."""
    module = sys.modules.get(top)
    spec = module.__spec__ if module is not None else importlib.util.find_spec(top)
    if top == "__main__" or spec is None:
        return (), None
    folders = tuple(folder for folder in map(Path, spec.submodule_search_locations or ()) if folder.is_dir())
    file = Path(spec.origin) if spec.origin and spec.submodule_search_locations is None else None
    return folders, file if file is not None and file.suffix == ".py" and file.is_file() else None


def _source_of(name: str) -> Path | None:
    """The source file of a module, found without importing it; None for a dotted name that is not a module (an attribute)."""
    top, *inner = name.split(".")
    folders, file = _locations_of(top) if top else ((), None)
    if file is not None:
        return None if inner else file
    for folder in folders:
        base = folder.joinpath(*inner)
        for path in (base / "__init__.py", *([base.with_name(f"{base.name}.py")] if inner else [])):
            if path.is_file():
                return path
    return None


def _is_neighbour(name: str, module: str) -> bool:
    """Whether two modules are plain files in one folder: such files belong together, though no package says so."""
    mine, other = _source_of(module), _source_of(name.split(".")[0])
    return "." not in module and mine is not None and other is not None and other.name != "__init__.py" and mine.parent == other.parent


def _data_files(name: str, path: Path) -> Iterator[tuple[str, Path]]:
    """The files in the folder of a package's module that are not Python: it may read numbers from them. Weights have their own hashes."""
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
    """A hash of a file: of Python source its code, of any other file its bytes."""
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
    """Statements without those that are only a string: docstrings of modules, classes, functions and variables."""
    values = (statement.value if isinstance(statement, ast.Expr) else None for statement in body)
    is_text = (isinstance(value, ast.Constant) and isinstance(value.value, str) for value in values)
    return [statement for statement, text in zip(body, is_text, strict=True) if not text]
