"""The arguments of a program with placeholders in braces: checked once, filled in for each clip."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

from seedbench.errors import SeedBenchError

PLACEHOLDERS = ("prompt", "prompt_file", "seed", "out", "facts", "width", "height", "fps", "duration", "references")
_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")


def checked_template(argv: str | Sequence[str]) -> tuple[str, ...]:
    """The words of a template, checked.

    Args:
        argv: the program and its arguments; a string is split into words with the rules of ``shlex``.

    Raises:
        SeedBenchError: there is no such program, a placeholder is unknown, or ``{out}`` or the prompt is missing.
    """
    try:
        words = tuple(shlex.split(argv)) if isinstance(argv, str) else tuple(str(word) for word in argv)
    except ValueError as error:
        raise SeedBenchError(f"argv {argv!r} cannot be split into arguments: {error}") from error
    if not words:
        raise SeedBenchError("argv is empty: give the program and its arguments")
    for word in words:
        for name in placeholders_in([word]):
            if name not in PLACEHOLDERS:
                closest = get_close_matches(name, PLACEHOLDERS, n=1)
                meant = f"did you mean {{{closest[0]}}}?" if closest else f"known: {', '.join(f'{{{known}}}' for known in PLACEHOLDERS)}"
                raise SeedBenchError(f"argv: unknown placeholder {{{name}}}; {meant} (write {{{{ for a brace)")
            if name == "references" and word != "{references}":
                raise SeedBenchError(f"argv: {{references}} must be an argument of its own, not part of {word!r}")
    used = placeholders_in(words)
    if "out" not in used:
        raise SeedBenchError("argv never says where to write the clip: add {out}")
    if not used & {"prompt", "prompt_file"}:
        raise SeedBenchError("argv never passes the prompt: add {prompt} or {prompt_file}")
    if placeholders_in(words[:1]):
        raise SeedBenchError(f"argv must start with a program, not with {words[0]!r}")
    if shutil.which(words[0]) is None:
        raise SeedBenchError(f"there is no program {words[0]!r} that can be run (looked on PATH, and from {Path.cwd()})")
    return words


def placeholders_in(words: Sequence[str]) -> set[str]:
    """The names of the placeholders in words; ``{{`` and ``}}`` are braces and start none."""
    return {match[1] for word in words for match in _PLACEHOLDER.finditer(word) if match[1] is not None}


def fill(template: Sequence[str], values: Mapping[str, str | list[str]]) -> list[str]:
    """The arguments of a template with its placeholders filled in, in one pass: braces in a value are never read as a placeholder.

    >>> fill(["gen", "--text={prompt}", "{references}"], {"prompt": "{seed} $(x)", "references": ["a.png", "b.png"]})
    ['gen', '--text={seed} $(x)', 'a.png', 'b.png']
    """
    argv: list[str] = []
    for argument in template:
        if argument == "{references}":
            argv.extend(values["references"])
        else:
            argv.append(_PLACEHOLDER.sub(lambda match: match[0][0] if match[1] is None else str(values[match[1]]), argument))
    return argv
