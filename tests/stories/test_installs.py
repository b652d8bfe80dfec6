"""A user installs SeedBench in each of the three ways: an editable checkout, a wheel, a wheel made of an sdist."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
import zipfile
from collections import Counter
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.stories.installing import LINKED, ROOT, Installed, build, copy_checkout, install, package_files, unpack

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
KINDS = ("checkout", "wheel", "sdist")
#: What setuptools says of its own steps and not of our package.
HARMLESS = {"warning: build_py: byte-compiling is disabled, skipping.", "warning: install_lib: byte-compiling is disabled, skipping."}
#: Files that the code reads beside its modules, one pattern for each kind.
DATA = (
    "seedbench/py.typed",
    "seedbench/weights.toml",
    "seedbench/datasets/*/suite.yaml",
    "seedbench/datasets/*/assets/*.png",
    "seedbench/datasets/*/assets/*.wav",
    "seedbench/datasets/*/assets/*.mp4",
    "seedbench/metrics/*.npz",
    "seedbench/generators/reference/*.safetensors",
    "seedbench/generators/reference/*.toml",
    "seedbench/report/*.html",
    "seedbench/report/*.css",
    "seedbench/report/*.js",
    "seedbench/store/migrations/script.py.mako",
    "seedbench/store/migrations/versions/*.py",
    "seedbench/arena/store/migrations/script.py.mako",
    "seedbench/arena/store/migrations/versions/*.py",
    "seedbench/arena/web/player/*.html",
    "seedbench/arena/web/player/*.js",
    "seedbench/arena/*rules.yaml",
)
#: Loads every entry point from outside the checkout and prints what it saw.
LOAD_ALL = """
import importlib.util, json, sys
from importlib.metadata import entry_points
import seedbench, seedbench.metrics.lipsync
from seedbench.plugins.registry import load
groups = json.loads(sys.argv[1])
entries = {group: {entry.name: entry.value for entry in entry_points(group=group)} for group in groups}
for group in groups:
    for name in entries[group]:
        load(group.removeprefix("seedbench."), name)
top_level = [name for name in ("metrics", "generators", "arena", "datasets") if importlib.util.find_spec(name)]
print(json.dumps({"package": seedbench.__file__, "entries": entries, "top_level": top_level}))
"""


class Built:
    """What was built of one copy of the checkout: files by kind, and what each build printed."""

    def __init__(self, folder: Path) -> None:
        self.checkout = copy_checkout(folder / "checkout")
        sdist, sdist_log = build("sdist", copy_checkout(folder / "for-sdist"), folder / "sdist-files")
        direct, direct_log = build("wheel", copy_checkout(folder / "for-wheel"), folder / "wheel-files")
        from_sdist, from_sdist_log = build("wheel", unpack(sdist, folder / "unpacked"), folder / "from-sdist-files")
        editable, editable_log = build("editable", self.checkout, folder / "editable-files")
        self.sdist = sdist
        self.files = {"checkout": editable, "wheel": direct, "sdist": from_sdist}
        self.logs = {"sdist": sdist_log, "wheel": direct_log, "wheel of the sdist": from_sdist_log, "editable": editable_log}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return Built(tmp_path_factory.mktemp("built"))


@pytest.fixture(scope="module", params=KINDS)
def installed(request: pytest.FixtureRequest, built: Built, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Installed]:
    return request.param, install(built.files[request.param], tmp_path_factory.mktemp("installed") / request.param)


def contents(wheel: Path) -> dict[str, int]:
    """Checksums of the files in a wheel, by path; the record of the wheel itself is left out."""
    with zipfile.ZipFile(wheel) as archive:
        return {entry.filename: entry.CRC for entry in archive.infolist() if not entry.filename.endswith("/RECORD")}


def test_the_data_files_that_the_code_reads_belong_to_the_package() -> None:
    files = package_files()
    assert [pattern for pattern in DATA if not any(fnmatch(name, pattern) for name in files)] == []


def test_a_wheel_holds_each_tracked_file_of_the_package_once_and_nothing_else(built: Built) -> None:
    with zipfile.ZipFile(built.files["wheel"]) as archive:
        names = [name for name in archive.namelist() if ".dist-info/" not in name]
    assert [name for name, count in Counter(names).items() if count > 1] == []
    assert set(names) == package_files()


def test_an_sdist_gives_the_same_wheel_as_the_checkout(built: Built) -> None:
    assert contents(built.files["sdist"]) == contents(built.files["wheel"])


def test_no_build_warns(built: Built) -> None:
    lines = [f"{name}: {line}" for name, log in built.logs.items() for line in log.splitlines() if "warn" in line.lower()]
    assert [line for line in lines if line.partition(": ")[2] not in HARMLESS] == []


@pytest.mark.slow
def test_every_entry_point_loads_from_the_install(built: Built, installed: tuple[str, Installed]) -> None:
    kind, environment = installed
    groups = PROJECT["entry-points"]
    seen = json.loads(environment.run("python", "-c", LOAD_ALL, json.dumps(list(groups))).stdout)
    assert Path(seen["package"]).is_relative_to(built.checkout if kind == "checkout" else environment.folder)
    assert seen["entries"] == groups
    assert seen["top_level"] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "shown"),
    [("suites", "quick"), ("metrics", "lipsync"), ("generators", "simulator"), ("weights list", "syncnet"), ("arena --help", "serve")],
)
def test_commands_work_from_the_install(installed: tuple[str, Installed], command: str, shown: str) -> None:
    finished = installed[1].run("seedbench", *command.split())
    assert shown in finished.stdout
    assert finished.stderr == ""


def test_a_checkout_without_links_says_so(tmp_path: Path) -> None:
    """Git writes a link as a text file that holds its target where the system, or git's settings, have no links."""
    package = tmp_path / "seedbench"
    package.mkdir()
    (package / "__init__.py").write_text((ROOT / "seedbench" / "__init__.py").read_text())
    for name in LINKED:
        (package / name).write_text(f"../{name}")
    finished = subprocess.run([sys.executable, "-c", "import seedbench.metrics"], cwd=tmp_path, capture_output=True, text=True)
    assert finished.returncode == 1
    assert finished.stderr.splitlines()[-1] == (
        f"ImportError: {package / 'metrics'} is a file and not a link to a folder: this checkout was made without symbolic links; "
        "run `git config core.symlinks true`, then `git checkout -- seedbench` (Windows needs its developer mode for that)"
    )
