"""Changed code has another digest, changed words have not, and it costs no import."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from seedbench import analysis, registry
from seedbench.analysis import use_cache
from seedbench.clip import Clip
from seedbench.code_digest import WITHOUT_SOURCE, code_digest
from seedbench.workspace import Workspace
from tests.packages import forget, install, uninstall

FILES = {
    "strange/__init__.py": '"""A package."""\n',
    "strange/measure.py": (
        "from strange import scale\n\n"
        "class Measure:\n"
        '    """Measures."""\n'
        "    def score(self):\n"
        "        from .deep import inner  # only when it is needed\n"
        "        return scale.FACTOR * inner.FACTOR\n"
    ),
    "strange/scale.py": "FACTOR = 2\n",
    "strange/deep/__init__.py": "",
    "strange/deep/inner.py": "from ..other import FACTOR\n",
    "strange/other.py": "FACTOR = 3\n",
    "strange/idle.py": "FACTOR = 4\n",
    "strange/fitted.json": "[1]",
    "strange/weights.toml": "",
    "loose.py": "import loose_part\n\nclass Loose: ...\n",
    "loose_part.py": "FACTOR = 5\n",
}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    yield install(tmp_path / "site", monkeypatch, name="strange", files=FILES, entry_points={})
    uninstall(tmp_path / "site", "strange", "loose", "loose_part")


def digest(module: str = "strange.measure", name: str = "Measure") -> str:
    """The digest as a new process would have it."""
    forget("strange", "loose", "loose_part")
    return code_digest(getattr(importlib.import_module(module), name))


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("strange/measure.py", FILES["strange/measure.py"].replace("scale.FACTOR *", "scale.FACTOR +")),
        ("strange/scale.py", "FACTOR = 2.5\n"),
        ("strange/deep/inner.py", "from ..other import FACTOR\nFACTOR += 1\n"),
        ("strange/other.py", "FACTOR = 3.5\n"),
        ("strange/__init__.py", "import os\n"),
        ("strange/deep/__init__.py", "import os\n"),
        ("strange/fitted.json", "[2]"),
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
        ("strange/scale.py", '"""Words."""\n\n# more words\nFACTOR = (\n    2  # two\n)\n"""What it is."""\n'),
        (
            "strange/measure.py",
            FILES["strange/measure.py"].replace("Measures.", "Measures well.").replace("# only when", "#"),
        ),
        ("strange/idle.py", "FACTOR = 5\n"),
        ("strange/weights.toml", "# nothing"),
        ("strange/README.md", "words"),
    ],
)
def test_words_and_code_that_it_does_not_use_are_not(site: Path, file: str, text: str) -> None:
    before = digest()
    (site / file).write_text(text)
    assert digest() == before


def test_the_digest_is_of_the_code_and_not_of_where_it_lies(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = digest()
    install(tmp_path / "elsewhere", monkeypatch, name="strange", files=FILES, entry_points={})
    try:
        assert digest() == before
        assert str(tmp_path / "elsewhere") in str(sys.modules["strange"].__file__)
    finally:
        uninstall(tmp_path / "elsewhere", "strange")


def test_loose_modules_beside_each_other_are_one_package(site: Path) -> None:
    before = digest("loose", "Loose")
    (site / "loose_part.py").write_text("FACTOR = 6\n")
    assert digest("loose", "Loose") != before


def test_what_reads_clips_is_part_of_every_digest(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = digest()
    monkeypatch.setattr("seedbench.code_digest.READS_CLIPS", ("seedbench.clip",))
    assert digest() != before


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
