"""Any external program as a generator: an argument template, never a shell.

Each argument is filled in by itself, so a prompt with quotes, ``$(...)`` or line breaks arrives as the one argument it is.
The program tells how it went by its exit code: 0 with a file at ``{out}``, :data:`REFUSED` when it declines the prompt, anything
else an outage.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path
from typing import IO, Any, ClassVar

from seedbench.clip import file_sha256
from seedbench.errors import SeedBenchError
from seedbench.generator import Capabilities, Generation, Generator, Request
from seedbench.prompt import Prompt
from seedbench.references import ReferenceLimits, render

REFUSED = 10
PLACEHOLDERS = ("prompt", "prompt_file", "seed", "out", "facts", "width", "height", "fps", "duration", "references")
_HOLE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")
_TAIL_BYTES = 2000
_GRACE_S = 3.0
_HASHED_BYTES = 10_000_000


class Command(Generator):
    """Runs a program once a clip.

    ``argv``: the program and its arguments, a list, or a string split once with the rules of ``shlex``. Placeholders:
    ``{prompt}`` the text, ``{prompt_file}`` a JSON file of the whole prompt, ``{out}`` where to write the clip,
    ``{seed} {width} {height} {fps} {duration}``, ``{references}`` (an argument of its own: one argument a reference file, in order),
    ``{facts}`` a JSON file the program may write (``seed_used``, ``cost_usd``, anything else). ``{{`` and ``}}`` are braces.
    ``reference_syntax`` maps a kind to the service's spelling of a mention, e.g. ``{"image": "[Image{number}]"}``.
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
    ) -> None:
        self.argv = _template(argv)
        self.timeout_s = float(timeout_s)
        self.suffix = suffix if suffix.startswith(".") else f".{suffix}"
        self.reference_syntax = dict(reference_syntax or {})
        self.version = version
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
        """The content of the scripts and small files the template names, so that a changed script is another cell."""
        files = [Path(argument) for argument in self.argv[1:] if "{" not in argument]
        return {str(file): file_sha256(file) for file in files if file.is_file() and file.stat().st_size <= _HASHED_BYTES}

    def generate(self, request: Request, directory: Path) -> Generation:
        """Run the program and read its exit code. Whatever it leaves running in its process group is ended at the time limit."""
        directory = directory.absolute()
        out, facts_file = directory / f"clip{self.suffix}", directory / "facts.json"
        argv = fill(self.argv, self._values(request, directory, out, facts_file))
        start = time.monotonic()
        with tempfile.TemporaryFile() as stderr:
            try:
                code = _run(argv, stderr, self.timeout_s)
            except (OSError, ValueError) as error:
                return Generation(status="failed", reason=f"{argv[0]} could not be started: {error}")
            latency_s = time.monotonic() - start
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


def _run(argv: Sequence[str], stderr: IO[bytes], timeout_s: float) -> int | None:
    """The exit code, or None when the time was up. The program leads a process group, all of which is ended with it at the limit."""
    with subprocess.Popen(
        list(argv), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr, start_new_session=True
    ) as process:
        try:
            return process.wait(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            return None
        finally:
            if process.poll() is None:
                _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask the whole group to stop, then make it."""
    os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=_GRACE_S)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


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
