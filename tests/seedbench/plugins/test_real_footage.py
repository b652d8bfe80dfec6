"""The shipped figures of a metric: where they lie, how they read, what a report says of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from seedbench.errors import PluginError
from seedbench.plugins import registry
from seedbench.plugins.real_footage import (
    RealFootageRecord,
    SeparationFigures,
    VariantFigures,
    badge,
    details,
    from_json,
    record_of,
    separation_words,
    to_json,
)
from seedbench.plugins.shares import Proportion
from tests.packages import install, uninstall

RECORD = RealFootageRecord(
    metric="loud",
    title="Loudness",
    metric_version=2,
    protocol_version=1,
    footage=("filmed: 10 files; mine (CC0): 10",),
    variants=(
        VariantFigures(
            variant="as it is",
            expected="an answer",
            kind="",
            files=10,
            answered=Proportion(count=9, total=10, low=0.55, high=0.99),
            wrong=Proportion(count=1, total=10, low=0.0, high=0.45),
        ),
        VariantFigures(
            variant="covered",
            expected="no answer",
            kind="",
            files=10,
            answered=Proportion(count=0, total=0),
            wrong=Proportion(count=2, total=10, low=0.02, high=0.56),
        ),
        VariantFigures(
            variant="covered",
            expected="no answer",
            kind="filmed",
            files=10,
            answered=Proportion(count=0, total=0),
            wrong=Proportion(count=2, total=10, low=0.02, high=0.56),
        ),
    ),
    separations=(
        SeparationFigures(
            title="a against b", measure="m", kind="", n_higher=9, n_lower=9, n_without=2, files=10, auc=0.9, low=0.7, high=0.97
        ),
    ),
)
METRIC = """
from seedbench.plugins.metric import Measure, Metric, MetricInfo

class Loud(Metric):
    info = MetricInfo(name="loud", title="Loudness", meaning="m", citation="c", version=2,
                      measures=(Measure(name="m", title="M", unit="", direction="up", meaning="m"),))

    def score(self, clip, sample):
        return self.none("no")
"""


def test_a_record_is_read_back_as_it_was_written() -> None:
    assert from_json(to_json(RECORD)) == RECORD


@pytest.mark.parametrize(
    ("version", "words"),
    [
        (2, "real footage: 9 of 10 clips answered, 3 of 20 trials wrong"),
        (3, "not validated since version 2"),
        (1, "validated as version 2, not as version 1"),
    ],
)
def test_the_badge_depends_on_the_version(version: int, words: str) -> None:
    assert badge(RECORD, version) == words


def test_a_metric_without_a_record_was_not_tried() -> None:
    assert badge(None, 1) == "not tried on real footage"
    assert (details(None)[1], separation_words(None)) == ([], [])


def test_the_table_has_a_row_for_each_copy_over_all_kinds() -> None:
    titles, rows = details(RECORD)
    assert titles == ("Copies", "Right is", "Answered", "Wrong")
    assert [(row[0], *row[2:]) for row in rows] == [
        ("as it is", "9 of 10 (90%, 55 to 99%)", "1 of 10 (10%, 0 to 45%)"),
        ("covered", "no answer is due", "2 of 10 (20%, 2 to 56%)"),
    ]
    assert separation_words(RECORD) == ["AUC of m, a against b: 0.90 (0.70 to 0.97)"]
    assert separation_words(replace(RECORD, separations=(replace(RECORD.separations[0], auc=None),))) == []


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    files = {"loudness/__init__.py": "", "loudness/inner/__init__.py": "", "loudness/inner/metric.py": METRIC}
    install(tmp_path / "site", monkeypatch, name="loudness", files=files, entry_points={"metrics": {"loud": "loudness.inner.metric:Loud"}})
    yield tmp_path / "site" / "loudness"
    uninstall(tmp_path / "site", "loudness")


def write(folder: Path, text: str) -> None:
    (folder / "real_footage").mkdir()
    (folder / "real_footage" / "loud.json").write_text(text)


@pytest.mark.parametrize("inner", ["", "inner"])
def test_the_record_lies_beside_the_metric_or_above_it_in_its_package(package: Path, inner: str) -> None:
    write(package / inner, to_json(RECORD))
    assert record_of(registry.load("metrics", "loud")) == RECORD


def test_a_record_outside_the_package_is_not_taken(package: Path) -> None:
    write(package.parent, to_json(RECORD))
    assert record_of(registry.load("metrics", "loud")) is None


def test_a_damaged_record_is_named(package: Path) -> None:
    write(package, "{}")
    with pytest.raises(PluginError, match=r"loud\.json is no record of a validation"):
        record_of(registry.load("metrics", "loud"))


def test_every_shipped_record_can_be_read_and_names_its_metric() -> None:
    folder = Path(__file__).parents[3] / "metrics" / "real_footage"
    for file in folder.glob("*.json"):
        assert from_json(file.read_text(encoding="utf-8")).metric == file.stem
        assert file.stem in registry.entries("metrics")
        assert (folder.parents[1] / "docs" / "metrics" / "real-footage" / f"{file.stem}.md").exists()
