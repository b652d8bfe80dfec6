"""Installing model weights: fetching them from their source, and adding files of the user's."""

from __future__ import annotations

import fnmatch
import json
import logging
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.error
import urllib.request
import zipfile
from pathlib import Path
from typing import IO

from seedbench.errors import StorageError, WeightsError
from seedbench.files.atomic import atomic_write, move_aside
from seedbench.files.locks import FileLocks, Holder
from seedbench.plugins.weights import added_hashes, check, find_entry, folder, location, path, sha256_of_file, verify
from seedbench.plugins.weights_lists import Weights

_LOG = logging.getLogger(__name__)
_DOWNLOAD_S = 60.0
_PIP_S = 1800.0


def fetch(name: str) -> Path:
    """Get the file of weights from its source and verify it, unless it is installed and right already.

    Args:
        name: the name of the weights.

    Returns:
        The installed file.

    Raises:
        UnknownNameError: no list names these weights.
        WeightsError: only the user can supply the file, or it cannot be fetched, has another hash, or cannot be written.
    """
    entry = find_entry(name)
    kind = entry.source["kind"]
    if kind == "user":
        raise WeightsError(f"weights {name!r} cannot be fetched: supply {entry.source['help']} with `seedbench weights add {name} PATH`")
    if kind == "package" or verify(name) == "ok":
        return path(name)
    with tempfile.TemporaryDirectory() as scratch:
        file = _download(entry, Path(scratch)) if kind == "url" else _from_archive(entry, Path(scratch))
        check(entry, file, entry.sha256)
        _install(file, location(entry))
    return path(name)


def add(name: str, file: Path, *, accept_other: bool = False) -> Path:
    """Copy a file of the user's into the folder of weights, and record its hash.

    Args:
        name: the name of the weights.
        file: the user's file; it is only read.
        accept_other: take a file whose hash is not the published one, where the hash is not published in full.

    Returns:
        The installed file.

    Raises:
        UnknownNameError: no list names these weights.
        WeightsError: there is no such file, its hash is not the published one, or it cannot be copied.
    """
    entry = find_entry(name)
    if entry.source["kind"] == "package":
        raise WeightsError(f"weights {name!r} are a file of the package {entry.source['package']}; install that instead")
    if not file.is_file():
        raise WeightsError(f"{file}: there is no such file")
    sha256 = sha256_of_file(file)
    is_right = sha256 == entry.sha256 if entry.sha256 else sha256.startswith(entry.sha256_start) and sha256.endswith(entry.sha256_end)
    if not is_right and (entry.sha256 or not accept_other):
        published = entry.sha256 or f"{entry.sha256_start}...{entry.sha256_end}"
        advice = "" if entry.sha256 else "; pass --accept-other if this is the file you mean"
        raise WeightsError(f"{file} has sha256 {sha256}, the published file has {published}{advice}")
    _record_hash(name, sha256)  # first, so that other processes never find a file whose hash is not known
    _install(file, location(entry))
    return path(name)


def _record_hash(name: str, sha256: str) -> None:
    """Record the hash of a file that the user added. Processes that do so at once wait for each other. Raises WeightsError."""
    record = folder() / "installed.json"
    try:
        folder().mkdir(parents=True, exist_ok=True)
        with FileLocks(folder() / "locks").hold("installed.json", wait=_log_wait):
            try:
                known = added_hashes()
            except WeightsError:  # damaged: the hashes of the other files are lost, and using one of these says so
                known = {}
            move_aside(record, folder())
            with atomic_write(record) as partial:
                partial.write_text(json.dumps({**known, name: sha256}, indent=1, sort_keys=True))
    except (OSError, StorageError) as error:
        raise WeightsError(f"{record} cannot be written ({error}); set SEEDBENCH_WEIGHTS to a folder that can be written") from error


def _log_wait(holder: Holder) -> None:
    _LOG.warning("waiting for %s, which adds weights", holder)


def _install(file: Path, target: Path) -> None:
    try:
        move_aside(target, folder())
        with atomic_write(target) as partial:
            shutil.copyfile(file, partial)
    except OSError as error:
        reason = error.strerror or error
        raise WeightsError(
            f"{file.name} cannot be copied to {target} ({reason}); set SEEDBENCH_WEIGHTS to a folder that can be written"
        ) from error


def _download(entry: Weights, scratch: Path) -> Path:
    target = scratch / entry.file
    url = entry.source["url"]
    if not url.startswith(("https://", "http://127.0.0.1", "file://")):
        raise WeightsError(f"weights {entry.name!r}: {url} is not an https address")
    try:
        with urllib.request.urlopen(url, timeout=_DOWNLOAD_S) as reply, target.open("wb") as out:  # noqa: S310
            shutil.copyfileobj(reply, out)
    except (urllib.error.URLError, OSError) as error:
        raise WeightsError(f"weights {entry.name!r} could not be fetched from {url} ({error})") from error
    return target


def _from_archive(entry: Weights, scratch: Path) -> Path:
    """The file that is a member of a package archive, which pip downloads."""
    requirement, member = entry.source["requirement"], entry.source["member"]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check"]
    command += ["--no-input", "--dest", str(scratch), requirement]
    try:
        pip = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_PIP_S)
    except subprocess.TimeoutExpired as error:
        raise WeightsError(f"weights {entry.name!r}: pip did not download {requirement} in {_PIP_S:.0f} s") from error
    if pip.returncode != 0:
        reason = (pip.stderr.strip().splitlines() or ["pip gave no reason"])[-1]
        raise WeightsError(f"weights {entry.name!r}: pip could not download {requirement} ({reason})")
    archives = [file for file in sorted(scratch.iterdir()) if file.suffix in {".whl", ".gz", ".zip"}]
    if not archives:
        raise WeightsError(f"weights {entry.name!r}: pip downloaded no archive of {requirement}")
    target = scratch / entry.file
    try:
        _extract(archives[0], member, target)
    except (OSError, zipfile.BadZipFile, tarfile.TarError) as error:
        raise WeightsError(f"weights {entry.name!r}: {member} cannot be extracted from {archives[0].name} ({error})") from error
    return target


def _extract(archive: Path, member: str, target: Path) -> None:
    """Write one member of a .tar.gz or a zip archive to ``target``."""
    if archive.suffix == ".gz":
        with tarfile.open(archive) as tar:
            stream = tar.extractfile(_full_name([info.name for info in tar.getmembers()], member, archive))
            if stream is None:
                raise WeightsError(f"{member} in {archive.name} is not a file")
            _write(stream, target)
    else:
        with zipfile.ZipFile(archive) as packed:
            _write(packed.open(_full_name(packed.namelist(), member, archive)), target)


def _write(stream: IO[bytes], target: Path) -> None:
    with stream, target.open("wb") as out:
        shutil.copyfileobj(stream, out)


def _full_name(names: list[str], member: str, archive: Path) -> str:
    for name in names:
        if name == member or fnmatch.fnmatch(name, f"*/{member}"):
            return name
    raise WeightsError(f"{archive.name} has no member {member}")
