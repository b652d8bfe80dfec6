"""Finding suites, and reading one from YAML, with errors that name the file, the line, the prompt, and what is allowed."""

from __future__ import annotations

import dataclasses
import hashlib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from seedbench.errors import SuiteError, UnknownNameError, did_you_mean
from seedbench.files import strict_yaml
from seedbench.files.validation_messages import explain_problem, explain_with_field, field_path
from seedbench.suites.earlier_form import advice, earlier_location, from_earlier, is_earlier, today_location
from seedbench.suites.prompt import Prompt
from seedbench.suites.prompt_files import SUFFIXES as PROMPT_SUFFIXES
from seedbench.suites.prompt_files import read_prompt_file
from seedbench.suites.references import ReferenceLimits, mentions, normalise, reference_problems
from seedbench.suites.suite import Suite

FILE_NAME = "suite.yaml"


_SHOWN_ERRORS = 5


class _Lines:
    """Finds the line of a prompt's value, by the prompt's id and the place of the value in today's form."""

    def __init__(self, document: strict_yaml.Document) -> None:
        self.document = document
        self.positions = {prompt["id"]: position for position, prompt in enumerate(document.data["prompts"])}

    def __call__(self, prompt_id: str, location: Sequence[int | str]) -> int:
        position = self.positions[prompt_id]
        prompt = self.document.data["prompts"][position]
        inside = earlier_location(prompt, tuple(location)) if is_earlier(prompt) else location
        return self.document.line(["prompts", position, *inside])


class _Header(BaseModel):
    """The keys of a suite file. Prompts are validated one by one, so that an error can name its prompt."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    title: str
    version: str
    description: str = ""
    licence: str = ""
    reference_limits: dict[str, Any] = Field(default_factory=dict)
    prompts: list[Any] = Field(min_length=1)


class _Problems:
    """Collects what is wrong with one file, each with its line, and raises it in one go."""

    def __init__(self, path: Path, document: strict_yaml.Document) -> None:
        self.path = path
        self.document = document
        self.found: list[tuple[int, str]] = []

    def add(self, location: strict_yaml.Location, sentence: str) -> None:
        self.found.append((self.document.line(location), sentence))

    def add_invalid(self, error: ValidationError, model: type[BaseModel], location: strict_yaml.Location, prefix: str) -> None:
        """Every complaint of pydantic about the value at ``location``."""
        for details in error.errors(include_url=False):
            self.add([*location, *details["loc"]], f"{prefix}{explain_with_field(details, model)}")

    def stop(self) -> None:
        """Raise SuiteError if anything was found: the first few, one a line, in the file's order."""
        if not self.found:
            return
        ordered = sorted(dict.fromkeys(self.found))
        lines = [f"{self.path}:{line}: {sentence}" for line, sentence in ordered[:_SHOWN_ERRORS]]
        if len(ordered) > _SHOWN_ERRORS:
            lines.append(f"... and {len(ordered) - _SHOWN_ERRORS} more")
        raise SuiteError("\n".join(lines))


def suites_directory() -> Path:
    """Where the shipped suites lie: a folder of the package, which is a link to ``datasets/`` in a checkout.

    Returns:
        The folder; each suite is a folder in it with a ``suite.yaml``.

    Raises:
        SuiteError: The installation has no suites.
    """
    folder = Path(str(resources.files("seedbench"))) / "datasets"
    if any(folder.glob(f"*/{FILE_NAME}")):
        return folder
    raise SuiteError(f"there are no suites in {folder}: give the path of a suite.yaml instead of a name, or install SeedBench again")


def list_suites() -> dict[str, Path]:
    """The shipped suites.

    Returns:
        The paths of their ``suite.yaml`` by name, sorted by name.

    Raises:
        SuiteError: The installation has no suites.
    """
    return {path.parent.name: path for path in sorted(suites_directory().glob(f"*/{FILE_NAME}"))}


def find_suite(path_or_name: str | Path) -> Path:
    """Find the file of a suite.

    Args:
        path_or_name: The name of a shipped suite, a folder, or a path. A name wins over a folder of that name: write ``./quick`` for the
            folder.

    Returns:
        The path of an existing file.

    Raises:
        SuiteError: There is no such file.
        UnknownNameError: No shipped suite has that name.
    """
    given = str(path_or_name)
    path = Path(path_or_name)
    if isinstance(path_or_name, str) and not path.suffix and len(path.parts) == 1 and not given.startswith("."):
        shipped = list_suites()
        if given in shipped:
            return shipped[given]
        if not path.exists():
            raise UnknownNameError(
                f"there is no suite {given!r}{did_you_mean(given, shipped)}; shipped: {', '.join(shipped)}; or give a path"
            )
    if path.is_dir():
        path = path / FILE_NAME
    if not path.is_file():
        raise SuiteError(f"{path}: no such suite file")
    return path


def load_suite(path_or_name: str | Path, *, check_files: bool = True) -> Suite:
    """Read a suite. Prompts in the form of earlier versions are read as well, with a FutureWarning that says how to write them now.

    Args:
        path_or_name: The name of a shipped suite, a ``suite.yaml``, a folder that holds one, or a file of prompts
            (:func:`seedbench.suites.prompt_files.read_prompt_file`).
        check_files: False skips opening the reference assets (for listings).

    Returns:
        The suite. What a stage block says is not looked at: that is the simulator's.

    Raises:
        SuiteError: The file says something that is not allowed; each error with its line.
        UnknownNameError: No shipped suite has that name.
    """
    path = find_suite(path_or_name)
    if path.suffix.lower() in PROMPT_SUFFIXES:
        return read_prompt_file(path)
    try:
        raw = path.read_bytes()
        document = strict_yaml.parse(raw)
    except strict_yaml.YamlError as error:
        raise SuiteError(f"{path}:{error.line or 1}: {error}") from error
    except OSError as error:
        raise SuiteError(f"{path}: cannot be read ({error.strerror})") from error
    problems = _Problems(path, document)
    if not isinstance(document.data, Mapping):
        problems.add((), "a suite is a mapping with name, title, version and prompts")
        problems.stop()
    header = _header(document.data, problems)
    limits = _limits(header.reference_limits, problems)
    prompts = tuple(_prompts(header.prompts, problems))
    problems.stop()
    _warn_of_earlier_form(path, document)
    remarks: list[str] = []
    prompts = tuple(_linked(position, prompt, problems, remarks) for position, prompt in enumerate(prompts))
    _check_sweeps(prompts, problems)
    if check_files:
        for position, prompt in enumerate(prompts):
            for reference, sentence in reference_problems(prompt, path.parent, limits):
                where: list[int | str] = ["prompts", position, "references", *([] if reference is None else [reference])]
                problems.add(where, f"prompt {prompt.id!r}: {sentence}")
    problems.stop()
    return Suite(
        name=header.name,
        title=header.title,
        version=header.version,
        prompts=prompts,
        path=path,
        sha256=hashlib.sha256(raw).hexdigest(),
        description=header.description.strip(),
        licence=header.licence,
        limits=limits,
        warnings=tuple(remarks),
        lines=_Lines(document),
    )


def _header(data: Any, problems: _Problems) -> _Header:
    try:
        return _Header.model_validate(data)
    except ValidationError as error:
        problems.add_invalid(error, _Header, (), "")
        problems.stop()
        raise


def _limits(given: Mapping[str, Any], problems: _Problems) -> ReferenceLimits:
    known = [item.name for item in dataclasses.fields(ReferenceLimits)]
    for key in given:
        if key not in known:
            problems.add(["reference_limits", key], f"reference_limits: unknown key {key!r}{did_you_mean(key, known)}")
    problems.stop()
    try:
        return TypeAdapter(ReferenceLimits).validate_python(given)
    except ValidationError as error:
        for details in error.errors(include_url=False):
            problems.add(
                ["reference_limits", *details["loc"]], f"reference_limits.{field_path(details['loc'])}: {explain_problem(details)}"
            )
        problems.stop()
        raise


def _prompts(items: Sequence[Any], problems: _Problems) -> Iterator[Prompt]:
    """The prompts that are valid by themselves; what is wrong with the others goes to ``problems``."""
    first_line: dict[str, int] = {}
    for position, item in enumerate(items):
        where: list[int | str] = ["prompts", position]
        name = item.get("id") if isinstance(item, Mapping) else None
        label = f"prompt {name!r}" if isinstance(name, str) else f"prompt {position + 1}"
        if isinstance(name, str):
            if name in first_line:
                problems.add([*where, "id"], f"{label}: id: already used on line {first_line[name]}")
            first_line.setdefault(name, problems.document.line([*where, "id"]))
        try:
            yield Prompt.model_validate(from_earlier(item) if is_earlier(item) else item)
        except ValidationError as error:
            for details in error.errors(include_url=False):
                moved = today_location(item, details["loc"]) if details["type"] == "extra_forbidden" else None
                hint = f"; write it as {field_path(moved)}" if moved else ""
                problems.add([*where, *details["loc"]], f"{label}: {explain_with_field(details, Prompt)}{hint}")


def _warn_of_earlier_form(path: Path, document: strict_yaml.Document) -> None:
    """Say how to write the prompts of the earlier form now, with the first of them as an example."""
    positions = [position for position, prompt in enumerate(document.data["prompts"]) if is_earlier(prompt)]
    if not positions:
        return
    first = document.data["prompts"][positions[0]]
    more = f" and {len(positions) - 1} more" if len(positions) > 1 else ""
    where, name = f"{path}:{document.line(['prompts', positions[0]])}", first["id"]
    text = (
        f"{where}: prompt {name!r}{more}: written in the form of earlier versions, which the next version does not read. Facts that "
        "only drawing needs now stand in a `stage` block, and gravity is given in m/s² only where `height_m` says how far a body falls. "
        f"Write the fields of {name!r} that change as:\n{advice(first)}"
    )
    warnings.warn(text, FutureWarning, stacklevel=3)


def _linked(position: int, prompt: Prompt, problems: _Problems, remarks: list[str]) -> Prompt:
    """The prompt with its mentions in the neutral spelling, each of them held against the references."""
    where: list[int | str] = ["prompts", position, "text"]
    try:
        text = normalise(prompt.text)
    except ValueError as error:
        problems.add(where, f"prompt {prompt.id!r}: text: {error}")
        return prompt
    known = [reference.id for reference in prompt.references]
    for name in mentions(text):
        if name not in known:
            has = f"it has {', '.join(known)}" if known else "it has none"
            problems.add(where, f"prompt {prompt.id!r}: text: mentions {{{{{name}}}}}, which is not among its references ({has})")
    unused = [name for name in known if name not in mentions(text)]
    if unused:
        remarks.append(f"prompt {prompt.id!r}: its text never mentions {', '.join(f'{{{{{name}}}}}' for name in unused)}")
    return prompt.model_copy(update={"text": text})


def _check_sweeps(prompts: Sequence[Prompt], problems: _Problems) -> None:
    """Prompts of one sweep are to differ in nothing but their ids and reference strengths."""
    first: dict[str, tuple[Prompt, dict[str, Any]]] = {}
    for position, prompt in enumerate(prompts):
        if prompt.sweep is None:
            continue
        rest = prompt.model_dump(exclude={"id": True, "tags": True, "references": {"__all__": {"strength"}}})
        other, expected = first.setdefault(prompt.sweep, (prompt, rest))
        for key, value in rest.items():
            if value != expected[key]:
                sentence = f"prompt {prompt.id!r}: {key}: differs from prompt {other.id!r} of the same sweep; only strengths may differ"
                problems.add(["prompts", position, key], sentence)
