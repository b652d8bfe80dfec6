"""Model weights: where their files are, and whether they are the right ones. They are verified whenever they are opened.

Lists name all weights (:mod:`seedbench.plugins.weights_lists`); :mod:`seedbench.plugins.weights_install` installs them. The files lie under
``$SEEDBENCH_WEIGHTS``, by default ``~/.cache/seedbench/weights``. ``installed.json`` there holds the hashes of the files that the user
added, so that a later change of such a file is noticed.
"""

from __future__ import annotations

import base64
import importlib.metadata
import importlib.util
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from seedbench.errors import ClipError, UnknownNameError, WeightsAbsentError, WeightsError
from seedbench.files.hashing import file_sha256
from seedbench.plugins.weights_lists import Weights, lists

ABSENT = "absent"
UNREADABLE = "unreadable"


def folder() -> Path:
    """The folder of all weights."""
    return Path(os.environ.get("SEEDBENCH_WEIGHTS") or Path.home() / ".cache" / "seedbench" / "weights")


def all_weights() -> Mapping[str, Weights]:
    """The entries of all lists, by name: SeedBench's own, and those of installed packages."""
    return lists().weights


def find_entry(name: str) -> Weights:
    """The entry of a list of weights.

    Args:
        name: the name of the weights.

    Returns:
        What the list says of them.

    Raises:
        UnknownNameError: no list names them.
    """
    try:
        return all_weights()[name]
    except KeyError:
        raise UnknownNameError(f"there are no weights called {name!r}; known: {', '.join(sorted(all_weights()))}") from None


def available(name: str) -> bool:
    """Whether the file of weights exists. Its hash is checked by :func:`path`.

    Args:
        name: their name in a list of weights.

    Returns:
        False where the file, or the package that contains it, is missing.

    Raises:
        UnknownNameError: no list names them.
    """
    try:
        return location(find_entry(name)).exists()
    except WeightsError:
        return False


def path(name: str) -> Path:
    """The file of weights, verified.

    Args:
        name: their name in a list of weights.

    Returns:
        The path of the file. Its hash is the one expected.

    Raises:
        UnknownNameError: no list names them.
        WeightsAbsentError: they are not installed; the message has the command that installs them.
        WeightsError: the file has another hash than expected, or cannot be read.
    """
    entry = find_entry(name)
    file = location(entry)
    if not file.exists():
        kind = entry.source["kind"]
        command = f"seedbench weights add {name} PATH" if kind == "user" else f"seedbench weights fetch {name}"
        raise WeightsAbsentError(f"weights {name!r} are not installed; run: {command}")
    check(entry, file, entry.sha256 or added_hashes().get(name))
    return file


def package_file(distribution: str, member: str) -> Path:
    """A file of an installed distribution, verified against the hash in the distribution's own record.

    Args:
        distribution: its name, as pip knows it.
        member: the end of the file's path in it.

    Returns:
        The path of the first file that ends so. A file whose hash the record does not have is not verified.

    Raises:
        WeightsAbsentError: the distribution or the file is missing.
        WeightsError: the file is not the one that was installed, or cannot be read.
    """
    reinstall = f"install it again: pip install --force-reinstall {distribution}"
    try:
        members = importlib.metadata.files(distribution) or []
    except importlib.metadata.PackageNotFoundError as error:
        raise WeightsAbsentError(f"{distribution} is not installed: pip install {distribution}") from error
    for listed in members:
        if listed.as_posix().endswith(member):
            file = Path(str(listed.locate()))
            if not file.exists():
                break
            digest = base64.urlsafe_b64encode(bytes.fromhex(sha256_of_file(file))).decode().rstrip("=")
            if listed.hash is not None and listed.hash.mode == "sha256" and listed.hash.value != digest:
                raise WeightsError(f"{file.name} of {distribution} is damaged; {reinstall}")
            return file
    raise WeightsAbsentError(f"{member} of {distribution} is missing; {reinstall}")


def sha256_of(name: str) -> str:
    """The hash of the installed file: part of the keys of all results computed with these weights.

    Args:
        name: their name in a list of weights.

    Returns:
        64 hexadecimal digits, :data:`ABSENT` or :data:`UNREADABLE`.

    Raises:
        UnknownNameError: no list names them.
    """
    entry = find_entry(name)
    try:
        return sha256_of_file(location(entry)) if available(name) else ABSENT
    except WeightsError:  # path() raises it where the weights are opened
        return UNREADABLE


def verify(name: str) -> str:
    """Whether weights are installed and right.

    Args:
        name: their name in a list of weights.

    Returns:
        ``ok``, ``absent``, or what is wrong with the file, as a sentence.

    Raises:
        UnknownNameError: no list names them.
    """
    if not available(name):
        return ABSENT
    try:
        path(name)
    except WeightsError as error:
        return str(error)
    return "ok"


def strip_folders(message: str) -> str:
    """A message about weights without the names of this machine's folders: reports that contain it are given to others.

    Args:
        message: the text of an error.

    Returns:
        The text with file names in place of paths in folders of weights.
    """
    folders = {folder()}
    for entry in all_weights().values():
        with suppress(WeightsError):  # a package that is not installed has no folder
            folders.add(location(entry).parent)
    for name in sorted(map(str, folders), key=len, reverse=True):
        message = message.replace(f"{name}{os.sep}", "")
    return message


def location(entry: Weights) -> Path:
    """The path of an entry's file, whether it exists or not. Raises WeightsAbsentError where its package is not installed."""
    if entry.source["kind"] == "package":
        spec = importlib.util.find_spec(entry.source["package"])
        if spec is None or not spec.submodule_search_locations:
            raise WeightsAbsentError(f"weights {entry.name!r} are a file of the package {entry.source['package']}, which is not installed")
        return Path(next(iter(spec.submodule_search_locations))) / entry.source["member"]
    return folder() / entry.name / entry.file


def added_hashes() -> dict[str, str]:
    """The hashes of the files that the user added, by name. Raises WeightsError where they cannot be read."""
    record = folder() / "installed.json"
    try:
        return dict(json.loads(record.read_text())) if record.exists() else {}
    except (OSError, ValueError, TypeError) as error:
        raise WeightsError(
            f"{record} cannot be read ({error}): remove it, and add your files again with `seedbench weights add`"
        ) from error


def check(entry: Weights, file: Path, expected: str | None) -> None:
    """Raise WeightsError unless ``file`` has the sha256 ``expected``; None: its hash is not known."""
    sha256 = sha256_of_file(file)
    if expected is None and entry.source["kind"] == "user":
        raise WeightsError(f"the hash of {file} is not known; add it (again) with `seedbench weights add {entry.name} PATH`")
    if sha256 != expected:
        advice = f"run: seedbench weights fetch {entry.name}"
        if entry.source["kind"] == "user":
            advice = f"add it again with `seedbench weights add {entry.name} PATH`"
        elif entry.source["kind"] == "package":
            advice = f"install the package {entry.source['package']} again"
        raise WeightsError(f"{file} has sha256 {sha256[:12]}..., expected {str(expected)[:12]}...: {advice}")


def sha256_of_file(file: Path) -> str:
    """As :func:`seedbench.files.hashing.file_sha256`; raises WeightsError."""
    try:
        return file_sha256(file)
    except ClipError as error:
        raise WeightsError(f"the weights {error}") from error
