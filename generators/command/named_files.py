"""The files and folders that a program's arguments name, and the hash of their content."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from seedbench.errors import SeedBenchError
from seedbench.files.hashing import file_sha256
from seedbench.generators.command.template import placeholders_in

_SEPARATOR, _SHORT_OPTION = re.compile(r"[=@,:]"), re.compile(r"-[A-Za-z].")


def named_paths(arguments: Sequence[str]) -> list[Path]:
    """The files and folders that arguments name: a whole argument, what follows ``=``, ``@``, ``,``, ``:`` or a short option's letter,
    or a word of a shell line.

    Args:
        arguments: those of a template. A word with a placeholder differs from cell to cell and is skipped.

    Returns:
        The paths that exist, each once, in the order of the arguments, without ``.``, ``..`` and paths that end in them.
    """
    paths: dict[Path, None] = {}
    for argument in arguments:
        for word in _words(argument):
            if placeholders_in([word]):
                continue
            for part in _possible_paths(word.replace("{{", "{").replace("}}", "}")):
                path = Path(part)
                if part and path.name not in ("", "..") and os.path.exists(path):
                    paths[path] = None
    return list(paths)


def _words(argument: str) -> list[str]:
    """An argument, and the words in it if it is a line for a shell."""
    try:
        return list(dict.fromkeys([argument, *shlex.split(argument)])) if any(letter.isspace() for letter in argument) else [argument]
    except ValueError:  # quotes that do not close: not a line for a shell
        return [argument]


def _possible_paths(word: str) -> list[str]:
    """The parts of a word that may be a path: all of it, and what follows a separator or a short option, to the end or the next separator.

    >>> _possible_paths("--config=a=1.yaml")
    ['--config=a=1.yaml', '--config', 'a=1.yaml', 'a', '1.yaml']
    >>> _possible_paths("-cfile")
    ['-cfile', 'file']
    """
    starts = [0, *(match.end() for match in _SEPARATOR.finditer(word)), *([2] if _SHORT_OPTION.match(word) else [])]
    return list(dict.fromkeys(part for start in starts for part in (word[start:], _SEPARATOR.split(word[start:])[0])))


def content_of(path: Path) -> str:
    """The sha256 of a file, or of a folder's files with their names; a file that has not changed is read once a process.

    Returns:
        64 hexadecimal digits; for a file that this process may run and not read, its size and time of change in words.

    Raises:
        SeedBenchError: there is no such file or folder, or it cannot be read.
    """
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file())
        listed = "".join(f"{file.relative_to(path).as_posix()}\0{content_of(file)}\n" for file in files)
        return hashlib.sha256(listed.encode("utf-8", "surrogateescape")).hexdigest()
    if not path.exists():
        raise SeedBenchError(f"{path}: there is no such file or folder (the command generator hashes it as part of each cell's key)")
    if not os.access(path, os.R_OK):  # the permission to run a program does not include the permission to read it
        state = path.stat()
        return f"unread, {state.st_size} bytes of {state.st_mtime_ns}"
    return file_sha256(path)
