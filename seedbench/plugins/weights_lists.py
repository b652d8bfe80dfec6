"""Lists of model weights: SeedBench's own ``weights.toml``, and those of other packages.

A package registers its list under the entry point group ``seedbench.weights``; the value of the entry is the package that contains the file
``weights.toml``. The package is not imported for it. A list with a mistake is left out as a whole, with a warning, and the metrics of that
package that use weights are refused for the same reason.
"""

from __future__ import annotations

import functools
import importlib.util
import re
import tomllib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from seedbench.errors import WeightsError

OURS = "seedbench"
FILE_NAME = "weights.toml"
_SOURCES = {"wheel": ("requirement", "member"), "package": ("package", "member"), "url": ("url",), "user": ("help",)}
_TEXTS = ("file", "licence", "used_by")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Weights:
    """One entry of a list.

    Attributes:
        name: unique among all lists.
        file: the name of the file, without a folder.
        sha256: its hash; None for a file of the user's whose hash is not published in full.
        sha256_start, sha256_end: the published first and last digits where ``sha256`` is None; else "".
        size: in bytes; 0: not known.
        licence: of the weights.
        used_by: what uses them, in words.
        source: ``kind`` (``url``, ``wheel``, ``package``, ``user``), and what that kind needs.
        package: the package of the list.
    """

    name: str
    file: str
    sha256: str | None
    sha256_start: str
    sha256_end: str
    size: int
    licence: str
    used_by: str
    source: Mapping[str, str]
    package: str = OURS


@dataclass(frozen=True)
class Lists:
    """The lists of SeedBench and of all installed packages.

    Attributes:
        weights: all entries, by name.
        refused: why a list was left out as a whole, by package.
    """

    weights: Mapping[str, Weights]
    refused: Mapping[str, str]


@functools.cache
def lists() -> Lists:
    """Read all lists, SeedBench's own first. A list that is left out is a warning."""
    known = read(Path(__file__).parents[1] / FILE_NAME, OURS)
    refused: dict[str, str] = {}
    for entry in entry_points(group="seedbench.weights"):
        package = entry.dist.name if entry.dist is not None else entry.name
        try:
            added = read(_list_file(entry), package)
            if taken := sorted(added.keys() & known.keys()):
                raise WeightsError(f"{taken[0]!r} is listed by {known[taken[0]].package} already; give it another name")
        except WeightsError as error:
            refused[package] = f"the weights of the package {package} are left out: {error}"
            warnings.warn(refused[package], stacklevel=2)
            continue
        known.update(added)
    return Lists(known, refused)


def _list_file(entry: EntryPoint) -> Path:
    """The file of the list that an entry point names. Raises WeightsError."""
    try:
        spec = importlib.util.find_spec(entry.value)
    except (ImportError, ValueError) as error:
        raise WeightsError(f"the entry point {entry.name!r} names {entry.value}, which cannot be found ({error})") from error
    if spec is None or not spec.submodule_search_locations:
        raise WeightsError(
            f"the entry point {entry.name!r} names {entry.value}, which is not a package; name the package that contains {FILE_NAME}"
        )
    return Path(next(iter(spec.submodule_search_locations))) / FILE_NAME


def read(path: Path, package: str) -> dict[str, Weights]:
    """Read one list of weights.

    Args:
        path: a ``weights.toml``.
        package: the package that the list belongs to.

    Returns:
        The entries by name.

    Raises:
        WeightsError: the file cannot be read, or has a mistake; the message names the first one.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise WeightsError(f"{path} cannot be read ({error})") from error
    for name, entry in table.items():
        if problem := _problem(name, entry):
            raise WeightsError(f"{path}: [{name}] {problem}")
    return {
        name: Weights(
            name=name,
            file=entry["file"],
            sha256=entry.get("sha256"),
            sha256_start=entry.get("sha256_start", ""),
            sha256_end=entry.get("sha256_end", ""),
            size=entry["size"],
            licence=entry["licence"],
            used_by=entry["used_by"],
            source=entry["source"],
            package=package,
        )
        for name, entry in table.items()
    }


def _problem(name: str, entry: Any) -> str:
    """What is wrong with one entry, as the end of a sentence; "" if nothing. Name and file become a path, so neither may lead elsewhere."""
    if not _NAME.fullmatch(name):
        return "has a name with other characters than letters, digits, dots, dashes and underscores"
    if not isinstance(entry, dict) or not all(isinstance(entry.get(key), str) for key in _TEXTS):
        return f"needs {', '.join(_TEXTS)} as text"
    if not _NAME.fullmatch(entry["file"]):
        return f"has the file {entry['file']!r}, where a plain file name is needed"
    if type(entry.get("size")) is not int or entry["size"] < 0:
        return "needs size, in bytes (0: unknown)"
    source = entry.get("source")
    if not isinstance(source, dict) or (needed := _SOURCES.get(source.get("kind", ""))) is None:
        return f"needs source.kind, one of {', '.join(_SOURCES)}"
    if not all(isinstance(source.get(key), str) for key in needed):
        return f"needs {' and '.join(f'source.{key}' for key in needed)} as text"
    sha256 = entry.get("sha256")
    if not (sha256 is None and source["kind"] == "user") and not (isinstance(sha256, str) and _SHA256.fullmatch(sha256)):
        return "needs sha256, 64 hexadecimal digits"
    if not all(isinstance(entry.get(key, ""), str) for key in ("sha256_start", "sha256_end")):
        return "needs sha256_start and sha256_end as text"
    return ""
