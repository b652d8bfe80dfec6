"""Changed code changes the digest, changed comments do not, and computing it imports nothing."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from seedbench.clips.clip import Clip
from seedbench.plugins import analysis, registry
from seedbench.plugins import code_digest as digests
from seedbench.plugins.code_digest import (
    DECIDES_NUMBERS,
    WITHOUT_SOURCE,
    _closure,
    _imports_of,
    _package_of,
    _source_of,
    code_digest,
    is_unchanged,
)
from seedbench.store.cache import use_cache
from seedbench.store.workspace import Workspace
from tests.packages import forget, install, uninstall

#: Modules of SeedBench that metrics import and that decide no number: what they declare, show and raise, and how files are kept. Weights
#: have hashes of their own. What a prompt states is part of a score's key; what its kinds of events mean is in DECIDES_NUMBERS.
DECIDES_NO_NUMBER = {
    "seedbench.errors",
    "seedbench.files.atomic",
    "seedbench.files.hashing",  # gives keys
    "seedbench.plugins",  # a docstring
    *(f"seedbench.plugins.{module}" for module in ("analysis", "evidence", "metric", "set_difference", "weights")),
    "seedbench.suites.prompt",
}
FILES = {
    "another/__init__.py": '"""A package."""\n',
    "another/measure.py": (
        "from another import scale\n\n"
        "class Measure:\n"
        '    """Measures."""\n'
        "    def score(self):\n"
        "        from .deep import inner  # only when it is needed\n"
        "        return scale.FACTOR * inner.FACTOR\n"
    ),
    "another/scale.py": "FACTOR = 2\n",
    "another/deep/__init__.py": "",
    "another/deep/inner.py": "from ..other import FACTOR\n",
    "another/other.py": "FACTOR = 3\n",
    "another/idle.py": "FACTOR = 4\n",
    "another/fitted.json": "[1]",
    "another/weights.toml": "",
    "loose.py": "import loose_part\n\nclass Loose: ...\n",
    "loose_part.py": "FACTOR = 5\n",
}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    yield install(tmp_path / "site", monkeypatch, name="another", files=FILES, entry_points={})
    uninstall(tmp_path / "site", "another", "loose", "loose_part")


def digest(module: str = "another.measure", name: str = "Measure") -> str:
    """The digest that a new process would compute."""
    forget("another", "loose", "loose_part")
    return code_digest(getattr(importlib.import_module(module), name))


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("another/measure.py", FILES["another/measure.py"].replace("scale.FACTOR *", "scale.FACTOR +")),
        ("another/scale.py", "FACTOR = 2.5\n"),
        ("another/deep/inner.py", "from ..other import FACTOR\nFACTOR += 1\n"),
        ("another/other.py", "FACTOR = 3.5\n"),
        ("another/__init__.py", "import os\n"),
        ("another/deep/__init__.py", "import os\n"),
        ("another/fitted.json", "[2]"),
    ],
)
def test_whatever_a_class_computes_with_is_part_of_its_digest(site: Path, file: str, text: str) -> None:
    before = digest()
    assert digest() == before
    (site / file).write_text(text)
    assert digest() != before


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("another/scale.py", '"""Words."""\n\n# more words\nFACTOR = (\n    2  # two\n)\n"""What it is."""\n'),
        (
            "another/measure.py",
            FILES["another/measure.py"].replace("Measures.", "Measures well.").replace("# only when", "#"),
        ),
        ("another/idle.py", "FACTOR = 5\n"),
        ("another/weights.toml", "# nothing"),
        ("another/README.md", "words"),
    ],
)
def test_comments_and_unused_code_are_not_part_of_the_digest(site: Path, file: str, text: str) -> None:
    before = digest()
    (site / file).write_text(text)
    assert digest() == before


def test_the_digest_does_not_depend_on_the_folder_of_the_code(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = digest()
    install(tmp_path / "elsewhere", monkeypatch, name="another", files=FILES, entry_points={})
    try:
        assert digest() == before
        assert str(tmp_path / "elsewhere") in str(sys.modules["another"].__file__)
    finally:
        uninstall(tmp_path / "elsewhere", "another")


def test_loose_modules_beside_each_other_are_one_package(site: Path) -> None:
    before = digest("loose", "Loose")
    (site / "loose_part.py").write_text("FACTOR = 6\n")
    assert digest("loose", "Loose") != before


def test_what_reads_clips_is_part_of_every_digest(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = digest()
    monkeypatch.setattr("seedbench.plugins.code_digest.DECIDES_NUMBERS", ("seedbench.clips.clip",))
    assert digest() != before


@pytest.mark.parametrize("name", DECIDES_NUMBERS)
def test_every_module_that_decides_numbers_has_a_file(name: str) -> None:
    """A name that is out of date would be skipped in silence."""
    assert _source_of(name) is not None


@pytest.mark.parametrize("metric", ["impact", "physics"])
def test_a_change_of_what_the_kinds_of_events_mean_changes_the_digest_of_a_metric(
    metric: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = registry.load("metrics", metric)
    digest_before = code_digest(kind)
    assert is_unchanged(kind, digest_before)
    name, statement = "seedbench.suites.event_kinds", '"bounce": KindFacts(motion="flight", impact=True)'
    text = Path(str(_source_of(name))).read_text(encoding="utf-8")
    assert statement in text
    edited = tmp_path / "event_kinds.py"
    edited.write_text(text.replace(statement, '"bounce": KindFacts(motion="flight")'), encoding="utf-8")
    monkeypatch.setattr(digests, "_source_of", lambda module: edited if module == name else _source_of(module))
    assert not is_unchanged(kind, digest_before)


def test_every_core_module_that_metrics_import_is_hashed_or_decides_no_number() -> None:
    imported = set(DECIDES_NUMBERS)
    for metric in {entry.module for entry in entry_points(group="seedbench.metrics") if entry.module.startswith("seedbench.")}:
        for name, path in _closure(metric).items():
            if path.suffix == ".py" and (name.startswith("seedbench.metrics.") or name in DECIDES_NUMBERS):
                core = [module for module in _imports_of(path, name) if module.startswith("seedbench.")]
                imported |= {module for module in core if _package_of(module) == "seedbench" and _source_of(module)}
    assert imported == {*DECIDES_NUMBERS, *DECIDES_NO_NUMBER}


def test_metrics_have_digests_of_their_own_that_follow_their_analyses() -> None:
    kinds = [registry.load("metrics", name) for name in ("lipsync", "identity", "impact", "physics", "fvd")]
    assert len({code_digest(kind) for kind in kinds}) == len(kinds)
    assert not any(code_digest(kind).startswith(WITHOUT_SOURCE) for kind in kinds)


def test_code_without_a_file_is_never_taken_for_other_code(make_clip: Callable[..., Path], workspace: Workspace) -> None:
    def measure(clip: Clip) -> float:
        calls.append(clip.sha256)
        return 1.5

    calls: list[str] = []
    measure.__module__ = "__main__"
    first = code_digest(measure)
    assert first.startswith(WITHOUT_SOURCE)
    forget()
    assert code_digest(measure) != first
    use_cache(workspace.cache)
    path = make_clip()
    in_notebook = analysis.analysis(version=1)(measure)
    clip = Clip.open(path)
    assert [in_notebook(clip), in_notebook(clip), in_notebook(Clip.open(path))] == [1.5, 1.5, 1.5]
    assert len(calls) == 2  # once a clip in memory, nothing on disk
    assert not workspace.cache.folder.exists() or not list(workspace.cache.folder.rglob("*"))


@pytest.mark.parametrize("edited", ["late/scale.py", "late/lazy.py"])
def test_code_that_changed_between_its_import_and_its_first_call_leaves_nothing_on_disk(
    edited: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_clip: Callable[..., Path], workspace: Workspace
) -> None:
    text = (
        "from late import scale\nfrom seedbench.plugins.analysis import analysis\n\n@analysis(version=1)\n"
        "def glow(clip):\n    from late.lazy import FACTOR\n    return FACTOR * scale.FACTOR\n"
    )
    files = {"late/__init__.py": "", "late/glow.py": text, "late/scale.py": "FACTOR = 2\n", "late/lazy.py": "FACTOR = 1\n"}
    site = install(tmp_path / "site", monkeypatch, name="late", files=files, entry_points={})
    use_cache(workspace.cache)
    path = make_clip()

    def glow() -> float:
        return importlib.import_module("late.glow").glow(Clip.open(path))

    try:
        importlib.import_module("late.glow")
        (site / edited).write_text("FACTOR = 3.5\n")
        assert glow() == (2 if edited == "late/scale.py" else 7)
        forget("late")  # a new process, of the code as it is now
        assert glow() == (3.5 if edited == "late/scale.py" else 7)
        (site / edited).write_text(files[edited])
        forget("late")  # and one of the code as it was
        assert glow() == 2
    finally:
        uninstall(site, "late")


def test_an_analysis_with_weights_that_cannot_be_read_leaves_nothing_on_disk(
    make_clip: Callable[..., Path], workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def glow(clip: Clip) -> float:
        return answers.pop()

    answers = [2.0, 1.0]
    use_cache(workspace.cache)
    path = make_clip()
    monkeypatch.setattr("seedbench.plugins.weights.sha256_of", lambda _: "unreadable")
    measured_glow = analysis.analysis(version=1, weights=("blazeface",))(glow)
    assert [measured_glow(Clip.open(path)), measured_glow(Clip.open(path))] == [1.0, 2.0]
