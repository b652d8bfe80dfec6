"""Any external program as a generator: an argument template, never a shell.

Each argument is filled in by itself, so a prompt with quotes, ``$(...)`` or line breaks arrives as one argument.
The program reports its result by its exit code: 0 with a file at ``{out}`` is success, :data:`REFUSED` declines the prompt, anything
else is an outage.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, ClassVar

from seedbench.files.hashing import file_sha256
from seedbench.generators.command.named_files import content_of, named_paths
from seedbench.generators.command.options import durations, limits_of, positive_seconds, sizes_of, suffix_of, syntax_of, tasks_of
from seedbench.generators.command.template import checked_template, fill, placeholders_in
from seedbench.plugins.generator import Capabilities, Generation, Generator, Request
from seedbench.processes.programs import run_program
from seedbench.suites.prompt import MAX_DURATION_S, Prompt
from seedbench.suites.references import render

REFUSED = 10
_TAIL_BYTES = 2000
_HASHED_BYTES = 10_000_000


class Command(Generator):
    """Runs a program once for each clip.

    Args:
        argv: the program and its arguments, a list, or a string that is split once with the rules of ``shlex``. Placeholders:
            ``{prompt}`` the text, ``{prompt_file}`` a JSON file of the whole prompt, ``{out}`` where to write the clip,
            ``{seed} {width} {height} {fps} {duration}``, ``{references}`` (an argument of its own: one argument for each reference file,
            in order), ``{facts}`` a JSON file that the program may write (``seed_used``, ``cost_usd``, anything else).
            ``{{`` and ``}}`` are braces.
        timeout_s: how long the program may take for a clip, in seconds.
        suffix: the ending of ``{out}``.
        reference_syntax: how the program spells a mention of each kind of reference, e.g. ``{"image": "[Image{number}]"}``.
        version: part of each cell's key; change it when the program changes in a way that no hashed file shows.
        identity_files: the files and folders whose content decides the clips, instead of the files that ``argv`` names.

    The other options declare what the program takes (see :class:`Capabilities`).

    Raises:
        SeedBenchError: the template cannot work, or an option has a value that it cannot have.
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
        max_duration_s: float = MAX_DURATION_S,
        sizes: Sequence[Sequence[int]] = (),
        audio: bool = True,
        references: bool | Mapping[str, Any] = True,
        reference_syntax: Mapping[str, str] | None = None,
        deterministic: bool = False,
        version: str = "",
        identity_files: Sequence[str] | None = None,
    ) -> None:
        self.argv = checked_template(argv)
        self.timeout_s = positive_seconds("timeout_s", timeout_s)
        self.suffix = suffix_of(suffix)
        self.reference_syntax = syntax_of(reference_syntax)
        self.version = version
        self.identity_files = None if identity_files is None else tuple(str(name) for name in identity_files)
        self._takes_seeds = "seed" in placeholders_in(self.argv)
        shortest_s, longest_s = durations(min_duration_s, max_duration_s)
        self._capabilities = Capabilities(
            tasks=tasks_of(tasks),
            min_duration_s=shortest_s,
            max_duration_s=longest_s,
            sizes=sizes_of(sizes),
            audio=audio,
            references=limits_of(references),
            seeds=self._takes_seeds,
            deterministic=deterministic,
        )

    def capabilities(self) -> Capabilities:
        """What the options declare; ``seeds`` is True if the template has ``{seed}``."""
        return self._capabilities

    def identity(self, prompt: Prompt, seed: int) -> Mapping[str, Any]:
        """The hashes of the program and of ``identity_files``, or, where these are not given, of the files that the template names."""
        named = self._named_files() if self.identity_files is None else [Path(name) for name in self.identity_files]
        return {"program": content_of(self._program()), "files": {str(path): content_of(path) for path in named}}

    def earlier_identities(self, prompt: Prompt, seed: int) -> Sequence[Mapping[str, Any]]:
        """The hashes of the small files that are arguments of their own: earlier versions hashed these and not the program."""
        files = [Path(argument) for argument in self.argv[1:] if "{" not in argument]
        return ({str(file): file_sha256(file) for file in files if file.is_file() and file.stat().st_size <= _HASHED_BYTES},)

    def remarks(self, prompts: Sequence[Prompt], seeds: Sequence[int]) -> list[str]:
        """A warning about folders that the template names: their content is not part of a cell's key."""
        if self.identity_files is not None:
            return []
        folders = [str(path) for path in named_paths(self.argv[1:]) if path.is_dir()]
        if not folders:
            return []
        noun = "folders" if len(folders) > 1 else "folder"
        hint = "change version= when their content changes, or name the files and folders that decide the clips in identity_files="
        return [f"{Path(self.argv[0]).name}: argv names the {noun} {', '.join(folders)}, whose content is not hashed; {hint}."]

    def _program(self) -> Path:
        return Path(shutil.which(self.argv[0]) or self.argv[0]).resolve()

    def _named_files(self) -> list[Path]:
        return [path for path in named_paths(self.argv[1:]) if path.is_file()]

    def generate(self, request: Request, directory: Path) -> Generation:
        """Run the program and read its exit code. Processes that it started and left running are ended with it."""
        directory = directory.absolute()
        out, facts_file = directory / f"clip{self.suffix}", directory / "facts.json"
        argv = fill(self.argv, self._values(request, directory, out, facts_file))
        with tempfile.TemporaryFile() as stderr:
            try:
                code, latency_s = run_program(argv, stderr, self.timeout_s)
            except (OSError, ValueError) as error:
                return Generation(status="failed", reason=f"{argv[0]} could not be started: {error}")
            stderr_end = _tail(stderr)
        if code is None:
            reason = f"no clip after {self.timeout_s:g} s: stopped{stderr_end}"
            return Generation(status="failed", reason=reason, latency_s=latency_s)
        if code == REFUSED:
            return Generation(status="refused", reason=f"declined{stderr_end}", latency_s=latency_s)
        if code != 0:
            cause = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
            return Generation(status="failed", reason=f"{cause}{stderr_end}", latency_s=latency_s)
        if not out.is_file() or out.stat().st_size == 0:
            return Generation(status="failed", reason=f"exit code 0, but nothing at {{out}} ({out.name}){stderr_end}", latency_s=latency_s)
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
            return Generation(
                status="failed", reason=f"the program wrote a {{facts}} file that cannot be used: {error}", latency_s=latency_s
            )

    def _values(self, request: Request, directory: Path, out: Path, facts_file: Path) -> dict[str, str | list[str]]:
        """The value of each placeholder. Writes the prompt file if the template names it."""
        prompt = request.prompt
        root = (request.root or Path()).absolute()
        fields_of_prompt = prompt.model_dump(mode="json")
        for reference in fields_of_prompt["references"]:
            reference["path"] = str(root / reference["path"])
        prompt_file = directory / "prompt.json"
        if "prompt_file" in placeholders_in(self.argv):
            prompt_file.write_text(json.dumps(fields_of_prompt, ensure_ascii=False, indent=1), encoding="utf-8")
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
            "references": [reference["path"] for reference in fields_of_prompt["references"]],
        }


def _tail(stream: IO[bytes]) -> str:
    """The end of the error output, as the end of a sentence; empty if there was none."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - _TAIL_BYTES))
    words = " ".join(stream.read().decode("utf-8", errors="replace").split())
    if not words:
        return ""
    return f": {'...' if size > _TAIL_BYTES else ''}{words}"


def _facts(file: Path) -> dict[str, Any]:
    """The facts that the program wrote; empty if it wrote none."""
    if not file.is_file():
        return {}
    facts = json.loads(file.read_text(encoding="utf-8"))
    if not isinstance(facts, dict):
        raise ValueError("it must be a JSON object")
    return facts
