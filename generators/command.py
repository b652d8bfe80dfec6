"""Any external program as a generator: an argument template, never a shell.

Each argument is filled in by itself, so a prompt with quotes, ``$(...)`` or line breaks arrives as the one argument it is.
The program tells how it went by its exit code: 0 with a file at ``{out}``, :data:`REFUSED` when it declines the prompt, anything
else an outage.
"""

from __future__ import annotations

import functools
import hashlib
import json
import math
import os
import re
import shlex
import shutil
import signal
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path
from typing import IO, Any, ClassVar

from seedbench.errors import SeedBenchError
from seedbench.files.hashing import file_sha256
from seedbench.plugins.generator import Capabilities, Generation, Generator, Request
from seedbench.processes.programs import run_program
from seedbench.suites.prompt import Prompt
from seedbench.suites.references import ReferenceLimits, render

REFUSED = 10
PLACEHOLDERS = ("prompt", "prompt_file", "seed", "out", "facts", "width", "height", "fps", "duration", "references")
_HOLE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")
_SEPARATOR, _SHORT_OPTION = re.compile(r"[=@,:]"), re.compile(r"-[A-Za-z].")
_TAIL_BYTES = 2000
_HASHED_BYTES = 10_000_000


class Command(Generator):
    """Runs a program once a clip.

    ``argv``: the program and its arguments, a list, or a string split once with the rules of ``shlex``. Placeholders:
    ``{prompt}`` the text, ``{prompt_file}`` a JSON file of the whole prompt, ``{out}`` where to write the clip,
    ``{seed} {width} {height} {fps} {duration}``, ``{references}`` (an argument of its own: one argument a reference file, in order),
    ``{facts}`` a JSON file the program may write (``seed_used``, ``cost_usd``, anything else). ``{{`` and ``}}`` are braces.
    ``reference_syntax`` maps a kind to the service's spelling of a mention, e.g. ``{"image": "[Image{number}]"}``.
    ``identity_files``: the files and folders whose content decides the clips, instead of the files that ``argv`` names.
    The rest states what it takes, for the plan. Raises SeedBenchError for a template that cannot work.
    """

    name: ClassVar[str] = "command"

    def __init__(
        self,
        *,
        argv: str | Sequence[str],
        timeout_s: float = 600.0,
        suffix: str = ".mp4",
        tasks: Sequence[str] = (),
        min_duration_s: float = 0.1,
        max_duration_s: float = 60.0,
        sizes: Sequence[Sequence[int]] = (),
        audio: bool = True,
        references: bool | Mapping[str, Any] = True,
        reference_syntax: Mapping[str, str] | None = None,
        deterministic: bool = False,
        version: str = "",
        identity_files: Sequence[str] | None = None,
    ) -> None:
        self.argv = _template(argv)
        self.timeout_s = float(timeout_s)
        self.suffix = suffix if suffix.startswith(".") else f".{suffix}"
        self.reference_syntax = dict(reference_syntax or {})
        self.version = version
        self.identity_files = None if identity_files is None else tuple(str(name) for name in identity_files)
        self._takes_seeds = "seed" in _holes(self.argv)
        self._capabilities = Capabilities(
            tasks=frozenset(tasks),
            min_duration_s=float(min_duration_s),
            max_duration_s=float(max_duration_s),
            sizes=frozenset((int(width), int(height)) for width, height in sizes),
            audio=audio,
            references=_limits(references),
            seeds=self._takes_seeds,
            deterministic=deterministic,
        )

    def capabilities(self) -> Capabilities:
        """As declared in the options; ``seeds`` says whether the template passes one."""
        return self._capabilities

    def identity(self, prompt: Prompt, seed: int) -> Mapping[str, Any]:
        """The content of the program, and of the files that the template names (or of ``identity_files`` instead of these)."""
        named = self._named_files() if self.identity_files is None else [Path(name) for name in self.identity_files]
        return {"program": content_of(self._program()), "files": {str(path): content_of(path) for path in named}}

    def earlier_identities(self, prompt: Prompt, seed: int) -> Sequence[Mapping[str, Any]]:
        """The content of the small files that are arguments of their own: all that was seen before the program itself was."""
        files = [Path(argument) for argument in self.argv[1:] if "{" not in argument]
        return ({str(file): file_sha256(file) for file in files if file.is_file() and file.stat().st_size <= _HASHED_BYTES},)

    def remarks(self, prompts: Sequence[Prompt], seeds: Sequence[int]) -> list[str]:
        """Folders that the template names, whose content nobody sees."""
        if self.identity_files is not None:
            return []
        folders = [str(path) for path in named_paths(self.argv[1:]) if path.is_dir()]
        what = "folders" if len(folders) > 1 else "folder"
        hint = "change version= when their content changes, or name what decides the clips in identity_files="
        return (
            [f"{Path(self.argv[0]).name}: argv names the {what} {', '.join(folders)}, whose content is not looked into; {hint}."]
            if folders
            else []
        )

    def _program(self) -> Path:
        return Path(shutil.which(self.argv[0]) or self.argv[0]).resolve()

    def _named_files(self) -> list[Path]:
        return [path for path in named_paths(self.argv[1:]) if path.is_file()]

    def generate(self, request: Request, directory: Path) -> Generation:
        """Run the program and read its exit code. Whatever it has started and left running is ended with it, however it ends."""
        directory = directory.absolute()
        out, facts_file = directory / f"clip{self.suffix}", directory / "facts.json"
        argv = fill(self.argv, self._values(request, directory, out, facts_file))
        with tempfile.TemporaryFile() as stderr:
            try:
                code, latency_s = run_program(argv, stderr, self.timeout_s)
            except (OSError, ValueError) as error:
                return Generation(status="failed", reason=f"{argv[0]} could not be started: {error}")
            said = _tail(stderr)
        if code is None:
            reason = f"no clip after {self.timeout_s:g} s: ended{said}"
            return Generation(status="failed", reason=reason, latency_s=latency_s)
        if code == REFUSED:
            return Generation(status="refused", reason=f"declined{said}", latency_s=latency_s)
        if code != 0:
            how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
            return Generation(status="failed", reason=f"{how}{said}", latency_s=latency_s)
        if not out.is_file() or out.stat().st_size == 0:
            return Generation(status="failed", reason=f"exit code 0, but nothing at {{out}} ({out.name}){said}", latency_s=latency_s)
        try:
            facts = _facts(facts_file)
            cost = facts.pop("cost_usd", None)
            if cost is not None and not math.isfinite(float(cost)):
                raise ValueError(f"cost_usd {cost}")
            seed_used = facts.pop("seed_used", request.seed if self._takes_seeds else None)
            return Generation(
                status="succeeded",
                file=out,
                seed_used=None if seed_used is None else int(seed_used),
                cost_usd=None if cost is None else float(cost),
                latency_s=latency_s,
                facts=facts,
            )
        except (ValueError, TypeError) as error:
            return Generation(status="failed", reason=f"what the program wrote to {{facts}} is not usable: {error}", latency_s=latency_s)

    def _values(self, request: Request, directory: Path, out: Path, facts_file: Path) -> dict[str, str | list[str]]:
        """What stands in for each placeholder; writes the prompt file."""
        prompt = request.prompt
        root = (request.root or Path()).absolute()
        whole = prompt.model_dump(mode="json")
        for reference in whole["references"]:
            reference["path"] = str(root / reference["path"])
        prompt_file = directory / "prompt.json"
        if "prompt_file" in _holes(self.argv):
            prompt_file.write_text(json.dumps(whole, ensure_ascii=False, indent=1), encoding="utf-8")
        return {
            "prompt": render(prompt.text, self.reference_syntax),
            "prompt_file": str(prompt_file),
            "seed": str(request.seed),
            "out": str(out),
            "facts": str(facts_file),
            "width": str(request.width),
            "height": str(request.height),
            "fps": str(request.fps),
            "duration": f"{prompt.duration_s:g}",
            "references": [reference["path"] for reference in whole["references"]],
        }


def named_paths(arguments: Sequence[str]) -> list[Path]:
    """The files and folders that arguments name: whole, after ``=``, ``@`` or a short option's letter, or as a word of a shell line.

    Args:
        arguments: those of a template; a word with a placeholder differs from cell to cell and names nothing.

    Returns:
        The paths that exist, each once, in the order of the arguments; ``.`` and ``..`` and paths that end in them are none.
    """
    found: dict[Path, None] = {}
    for argument in arguments:
        for word in _words(argument):
            if _holes([word]):
                continue
            for part in _parts(word.replace("{{", "{").replace("}}", "}")):
                path = Path(part)
                if part and path.name not in ("", "..") and os.path.exists(path):
                    found[path] = None
    return list(found)


def _words(argument: str) -> list[str]:
    """An argument, and where it is a line for a shell the words of it too."""
    try:
        return list(dict.fromkeys([argument, *shlex.split(argument)])) if any(letter.isspace() for letter in argument) else [argument]
    except ValueError:  # quotes that do not close: no line for a shell
        return [argument]


def _parts(word: str) -> list[str]:
    """What in a word may be a path: all of it, what follows a separator or a short option, to the end or to the next separator.

    >>> _parts("--config=a=1.yaml")
    ['--config=a=1.yaml', '--config', 'a=1.yaml', 'a', '1.yaml']
    >>> _parts("-cfile")
    ['-cfile', 'file']
    """
    starts = [0, *(match.end() for match in _SEPARATOR.finditer(word)), *([2] if _SHORT_OPTION.match(word) else [])]
    return list(dict.fromkeys(part for start in starts for part in (word[start:], _SEPARATOR.split(word[start:])[0])))


@functools.lru_cache(maxsize=4096)
def _sha256(path: Path, size: int, changed_ns: int) -> str:
    return file_sha256(path)


def content_of(path: Path) -> str:
    """The sha256 of a file, or of a folder's files with their names; hashed once as long as sizes and times stay as they are.

    Raises:
        SeedBenchError: there is no such file or folder, or it cannot be read.
    """
    if path.is_dir():
        below = sorted(file for file in path.rglob("*") if file.is_file())
        listed = "".join(f"{file.relative_to(path).as_posix()}\0{content_of(file)}\n" for file in below)
        return hashlib.sha256(listed.encode("utf-8", "surrogateescape")).hexdigest()
    if not path.exists():
        raise SeedBenchError(f"{path}: there is no such file or folder (it decides what the command generator makes)")
    facts = path.stat()
    if not os.access(path, os.R_OK):  # a program may be run by who cannot read it
        return f"unread, {facts.st_size} bytes of {facts.st_mtime_ns}"
    return _sha256(path, facts.st_size, facts.st_mtime_ns)


def fill(template: Sequence[str], values: Mapping[str, str | list[str]]) -> list[str]:
    """The template with its placeholders filled in, in one pass: what a value holds is never read as a placeholder.

    >>> fill(["gen", "--text={prompt}", "{references}"], {"prompt": "{seed} $(x)", "references": ["a.png", "b.png"]})
    ['gen', '--text={seed} $(x)', 'a.png', 'b.png']
    """
    argv: list[str] = []
    for argument in template:
        if argument == "{references}":
            argv.extend(values["references"])
        else:
            argv.append(_HOLE.sub(lambda match: match[0][0] if match[1] is None else str(values[match[1]]), argument))
    return argv


def _template(argv: str | Sequence[str]) -> tuple[str, ...]:
    """The checked template. Raises SeedBenchError saying what is missing or unknown in it."""
    try:
        words = tuple(shlex.split(argv)) if isinstance(argv, str) else tuple(str(word) for word in argv)
    except ValueError as error:
        raise SeedBenchError(f"argv {argv!r} cannot be split into arguments: {error}") from error
    if not words:
        raise SeedBenchError("argv is empty: give the program and its arguments")
    for word in words:
        for name in _holes([word]):
            if name not in PLACEHOLDERS:
                near = get_close_matches(name, PLACEHOLDERS, n=1)
                meant = f"did you mean {{{near[0]}}}?" if near else f"known: {', '.join(f'{{{item}}}' for item in PLACEHOLDERS)}"
                raise SeedBenchError(f"argv: unknown placeholder {{{name}}}; {meant} (write {{{{ for a brace)")
            if name == "references" and word != "{references}":
                raise SeedBenchError(f"argv: {{references}} must be an argument of its own, not part of {word!r}")
    used = _holes(words)
    if "out" not in used:
        raise SeedBenchError("argv never says where to write the clip: add {out}")
    if not used & {"prompt", "prompt_file"}:
        raise SeedBenchError("argv never passes the prompt: add {prompt} or {prompt_file}")
    if _holes(words[:1]):
        raise SeedBenchError(f"argv must start with a program, not with {words[0]!r}")
    if shutil.which(words[0]) is None:
        raise SeedBenchError(f"there is no program {words[0]!r} that can be run (looked on PATH, and from {Path.cwd()})")
    return words


def _holes(words: Sequence[str]) -> set[str]:
    return {match[1] for word in words for match in _HOLE.finditer(word) if match[1] is not None}


def _limits(references: bool | Mapping[str, Any]) -> ReferenceLimits | None:
    if isinstance(references, bool):
        return ReferenceLimits() if references else None
    known = [item.name for item in fields(ReferenceLimits)]
    for key in references:
        if key not in known:
            raise SeedBenchError(f"references: no limit is called {key!r}; known: {', '.join(known)}")
    given: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in references.items()}
    return ReferenceLimits(**given)


def _tail(stream: IO[bytes]) -> str:
    """The last words of the error stream as the end of a sentence, or nothing."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - _TAIL_BYTES))
    words = " ".join(stream.read().decode("utf-8", errors="replace").split())
    if not words:
        return ""
    return f": {'...' if size > _TAIL_BYTES else ''}{words}"


def _facts(file: Path) -> dict[str, Any]:
    """What the program told of itself; empty when it wrote nothing."""
    if not file.is_file():
        return {}
    facts = json.loads(file.read_text(encoding="utf-8"))
    if not isinstance(facts, dict):
        raise ValueError("it must be a JSON object")
    return facts
