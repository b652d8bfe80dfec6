"""Model weights: listed (:mod:`seedbench.plugins.weights_lists`), fetched on request, verified whenever they are loaded.

Files live under ``$SEEDBENCH_WEIGHTS``, by default ``~/.cache/seedbench/weights``. ``installed.json`` there records the hash of each
file the user supplied, so that a file exchanged behind our back is noticed.
"""

from __future__ import annotations

import base64
import fnmatch
import importlib.metadata
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from seedbench.errors import ClipError, StorageError, UnknownNameError, WeightsAbsentError, WeightsError
from seedbench.files.atomic import atomic_write, move_aside
from seedbench.files.hashing import file_sha256
from seedbench.files.locks import FileLocks
from seedbench.plugins.weights_lists import Weights, lists

ABSENT = "absent"
UNREADABLE = "unreadable"
_PIP_S = 1800.0


def folder() -> Path:
    """Where weights are kept."""
    return Path(os.environ.get("SEEDBENCH_WEIGHTS") or Path.home() / ".cache" / "seedbench" / "weights")


def all_weights() -> Mapping[str, Weights]:
    """All entries of all lists by name: ours, and those that installed packages bring along."""
    return lists().weights


def find_entry(name: str) -> Weights:
    """The entry called ``name``. Raises UnknownNameError."""
    try:
        return all_weights()[name]
    except KeyError:
        raise UnknownNameError(f"there are no weights called {name!r}; known: {', '.join(sorted(all_weights()))}") from None


def _place(entry: Weights) -> Path:
    if entry.source["kind"] == "package":
        spec = importlib.util.find_spec(entry.source["package"])
        if spec is None or not spec.submodule_search_locations:
            raise WeightsAbsentError(f"weights {entry.name!r} come with the package {entry.source['package']}, which is not installed")
        return Path(next(iter(spec.submodule_search_locations))) / entry.source["member"]
    return folder() / entry.name / entry.file


def _digest(path: Path) -> str:
    try:
        return file_sha256(path)
    except ClipError as error:
        raise WeightsError(f"the weights {error}") from error


def _installed() -> dict[str, str]:
    """The hashes of the files that the user supplied, by name. Raises WeightsError where they cannot be read."""
    record = folder() / "installed.json"
    try:
        return dict(json.loads(record.read_text())) if record.exists() else {}
    except (OSError, ValueError, TypeError) as error:
        raise WeightsError(
            f"{record} cannot be read ({error}): remove it, and add your files again with `seedbench weights add`"
        ) from error


def _expected(entry: Weights) -> str | None:
    return entry.sha256 or _installed().get(entry.name)


def _note_installed(name: str, sha256: str) -> None:
    """Record the hash of a file that the user supplied; of processes that do so at once, one waits for the other. Raises WeightsError."""
    record = folder() / "installed.json"
    try:
        folder().mkdir(parents=True, exist_ok=True)
        with FileLocks(folder() / "locks").hold("installed.json", wait=lambda _holder: None):
            try:
                known = _installed()
            except WeightsError:  # damaged: of the other files the hash is lost, and each of them says so when it is used
                known = {}
            move_aside(record, folder())
            with atomic_write(record) as partial:
                partial.write_text(json.dumps({**known, name: sha256}, indent=1, sort_keys=True))
    except (OSError, StorageError) as error:
        raise WeightsError(f"{record} cannot be written ({error}); set SEEDBENCH_WEIGHTS to a folder that can") from error


def available(name: str) -> bool:
    """Whether the file is there (its hash is checked by :func:`path`)."""
    try:
        return _place(find_entry(name)).exists()
    except WeightsError:
        return False


def path(name: str) -> Path:
    """The verified file. Raises WeightsError, with the command that mends it, when it is absent or has another hash."""
    entry = find_entry(name)
    place = _place(entry)
    if not place.exists():
        kind = entry.source["kind"]
        mend = f"seedbench weights add {name} PATH" if kind == "user" else f"seedbench weights fetch {name}"
        raise WeightsAbsentError(f"weights {name!r} are not installed; run: {mend}")
    _check(entry, place, _expected(entry))
    return place


def package_file(distribution: str, member: str) -> Path:
    """A file that an installed distribution brings along, checked against the hash in the distribution's own record.

    ``member`` is the end of its path. Raises WeightsError where it is missing, or is not what was installed.
    """
    again = f"install it again: pip install --force-reinstall {distribution}"
    try:
        listed = importlib.metadata.files(distribution) or []
    except importlib.metadata.PackageNotFoundError as error:
        raise WeightsAbsentError(f"{distribution} is not installed: pip install {distribution}") from error
    for one in listed:
        if one.as_posix().endswith(member):
            place = Path(str(one.locate()))
            if not place.exists():
                break
            found = base64.urlsafe_b64encode(bytes.fromhex(_digest(place))).decode().rstrip("=")
            if one.hash is not None and one.hash.mode == "sha256" and one.hash.value != found:
                raise WeightsError(f"{place.name} of {distribution} is damaged; {again}")
            return place
    raise WeightsAbsentError(f"{member} of {distribution} is missing; {again}")


def _check(entry: Weights, place: Path, expected: str | None) -> None:
    found = _digest(place)
    if expected is None and entry.source["kind"] == "user":
        raise WeightsError(f"the hash of {place} is not known; add it (again) with `seedbench weights add {entry.name} PATH`")
    if found != expected:
        again = f"run: seedbench weights fetch {entry.name}"
        if entry.source["kind"] == "user":
            again = f"add it again with `seedbench weights add {entry.name} PATH`"
        elif entry.source["kind"] == "package":
            again = f"install the package {entry.source['package']} again"
        raise WeightsError(f"{place} has sha256 {found[:12]}..., expected {str(expected)[:12]}...: {again}")


def sha256_of(name: str) -> str:
    """sha256 of what is installed under ``name``, ``"absent"`` or ``"unreadable"``: part of the keys of what was computed with it."""
    entry = find_entry(name)
    try:
        return _digest(_place(entry)) if available(name) else ABSENT
    except WeightsError:  # said by path() to whoever needs them
        return UNREADABLE


def strip_folders(words: str) -> str:
    """Words on weights without the folders of this machine: they go into reports that are handed on."""
    folders = {folder()}
    for entry in all_weights().values():
        with suppress(WeightsError):  # a package that is not installed has no folder
            folders.add(_place(entry).parent)
    for one in sorted(map(str, folders), key=len, reverse=True):
        words = words.replace(f"{one}{os.sep}", "")
    return words


def verify(name: str) -> str:
    """``ok``, ``absent`` or what is wrong, in words."""
    if not available(name):
        return ABSENT
    try:
        path(name)
    except WeightsError as error:
        return str(error)
    return "ok"


def fetch(name: str) -> Path:
    """Get the file from its source and verify it; returns at once when it is already there and right. Raises WeightsError."""
    entry = find_entry(name)
    kind = entry.source["kind"]
    if kind == "user":
        raise WeightsError(f"weights {name!r} cannot be fetched: supply {entry.source['help']} with `seedbench weights add {name} PATH`")
    if kind == "package" or verify(name) == "ok":
        return path(name)
    with tempfile.TemporaryDirectory() as scratch:
        found = _download(entry, Path(scratch)) if kind == "url" else _from_archive(entry, Path(scratch))
        _check(entry, found, entry.sha256)
        _install(found, _place(entry))
    return path(name)


def add(name: str, file: Path, *, accept_other: bool = False) -> Path:
    """Copy a file of the user's into the weights folder and record its hash.

    Refuses a file whose hash differs from the published one unless ``accept_other``. Raises WeightsError.
    """
    entry = find_entry(name)
    if entry.source["kind"] == "package":
        raise WeightsError(f"weights {name!r} come with the package {entry.source['package']}; install that instead")
    if not file.is_file():
        raise WeightsError(f"{file}: there is no such file")
    found = _digest(file)
    right = found == entry.sha256 if entry.sha256 else found.startswith(entry.sha256_start) and found.endswith(entry.sha256_end)
    if not right and (entry.sha256 or not accept_other):
        published = entry.sha256 or f"{entry.sha256_start}...{entry.sha256_end}"
        raise WeightsError(f"{file} has sha256 {found}, the published file has {published}; pass --accept-other if it is meant")
    _note_installed(name, found)  # first: a file that lies there is one whose hash is known, to other processes too
    _install(file, _place(entry))
    return path(name)


def _install(file: Path, place: Path) -> None:
    try:
        move_aside(place, folder())
        with atomic_write(place) as partial:
            shutil.copyfile(file, partial)
    except OSError as error:
        raise WeightsError(f"{place} cannot be written ({error.strerror}); set SEEDBENCH_WEIGHTS to a folder that can") from error


def _download(entry: Weights, scratch: Path) -> Path:
    target = scratch / entry.file
    url = entry.source["url"]
    if not url.startswith(("https://", "http://127.0.0.1", "file://")):
        raise WeightsError(f"weights {entry.name!r}: {url} is not an https address")
    try:
        with urllib.request.urlopen(url, timeout=60) as reply, target.open("wb") as out:  # noqa: S310
            shutil.copyfileobj(reply, out)
    except (urllib.error.URLError, OSError) as error:
        raise WeightsError(f"weights {entry.name!r} could not be fetched from {url} ({error})") from error
    return target


def _from_archive(entry: Weights, scratch: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check"]
    command += ["--no-input", "--dest", str(scratch), entry.source["requirement"]]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_PIP_S)
    except subprocess.TimeoutExpired as error:
        raise WeightsError(f"weights {entry.name!r}: pip did not download {entry.source['requirement']} in {_PIP_S:.0f} s") from error
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["pip gave no reason"])[-1]
        raise WeightsError(f"weights {entry.name!r}: pip could not download {entry.source['requirement']} ({reason})")
    archive = next(file for file in sorted(scratch.iterdir()) if file.suffix in {".whl", ".gz", ".zip"})
    target = scratch / entry.file
    member = entry.source["member"]
    opened: zipfile.ZipFile | tarfile.TarFile
    if archive.suffix == ".gz":
        with tarfile.open(archive) as opened:
            name = _member([item.name for item in opened.getmembers()], member, archive)
            stream = opened.extractfile(name)
            if stream is None:
                raise WeightsError(f"{archive.name} holds {member} as something that is no file")
            with stream, target.open("wb") as out:
                shutil.copyfileobj(stream, out)
    else:
        with zipfile.ZipFile(archive) as opened:
            name = _member(opened.namelist(), member, archive)
            with opened.open(name) as stream, target.open("wb") as out:
                shutil.copyfileobj(stream, out)
    return target


def _member(names: list[str], member: str, archive: Path) -> str:
    for name in names:
        if name == member or fnmatch.fnmatch(name, f"*/{member}"):
            return name
    raise WeightsError(f"{archive.name} holds no {member}")
