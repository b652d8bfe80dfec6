"""SeedBench built as a user gets it, and installed into an environment of its own that shares only the dependencies of this one.

Nothing is downloaded. As a program it calls the build backend and prints the file's name:

    python tests/stories/installing.py wheel SOURCE OUT
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: Folders of the checkout that are linked into the package.
LINKED = ("arena", "datasets", "generators", "metrics")


def tracked() -> list[Path]:
    """Files of the working tree that git tracks or would track, relative to the root; links count as files."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return sorted(Path(name) for name in set(names) if name and (ROOT / name).exists())


def package_files() -> set[str]:
    """The files that an install must hold, by their paths in it (``seedbench/metrics/physics/metric.py``)."""
    files = [path for path in tracked() if not (ROOT / path).is_symlink()]
    own = {str(path) for path in files if path.parts[0] == "seedbench"}
    return own | {f"seedbench/{path}" for path in files if path.parts[0] in LINKED}


def copy_checkout(folder: Path) -> Path:
    """Copy the tracked files into ``folder``, so that a build finds nothing else and leaves nothing behind."""
    for path in tracked():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, folder / path, follow_symlinks=False)
    return folder


def build(kind: str, source: Path, out: Path) -> tuple[Path, str]:
    """Build a ``wheel``, an ``sdist`` or an ``editable`` wheel in ``source``: the file in ``out``, and the log with all warnings."""
    out.mkdir(parents=True)
    environment = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "PYTHONDONTWRITEBYTECODE"}}
    command = [sys.executable, "-W", "always", __file__, kind, str(source), str(out)]
    built = subprocess.run(command, cwd=source, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert built.returncode == 0, built.stdout
    return out / built.stdout.splitlines()[-1], built.stdout


def extract(archive: tarfile.TarFile, folder: Path) -> None:
    """Unpack an archive of our own into ``folder``; Pythons before 3.11.4 have no filters yet."""
    if hasattr(tarfile, "data_filter"):
        archive.extractall(folder, filter="data")
    else:
        archive.extractall(folder)


def unpack(sdist: Path, folder: Path) -> Path:
    """Unpack an sdist into ``folder``; its one top folder."""
    with tarfile.open(sdist) as archive:
        extract(archive, folder)
    (top,) = folder.iterdir()
    return top


@dataclass(frozen=True)
class Installed:
    """An environment with SeedBench in it. ``folder`` holds it, ``work`` is an empty folder where commands run."""

    folder: Path
    work: Path

    def run(self, *command: str, check: bool = True, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment (``python``, ``seedbench``), with nothing of this process's Python path."""
        program, *arguments = command
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "SEEDBENCH_"))}
        environment |= {"SEEDBENCH_HOME": str(self.work / "home"), "COLUMNS": "200", **variables}
        finished = subprocess.run(
            [str(self.folder / "bin" / program), *arguments], cwd=self.work, env=environment, capture_output=True, text=True
        )
        assert not check or finished.returncode == 0, finished.stdout + finished.stderr
        return finished


def install(wheel: Path, folder: Path) -> Installed:
    """Install a wheel into a new environment in ``folder``; dependencies are those of the environment that runs this."""
    work = folder.with_name(f"{folder.name}-work")
    work.mkdir(parents=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = str(folder / "bin" / "python")
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", "--no-compile", str(wheel)]
    subprocess.run(pip, check=True, env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"})
    where = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    # A folder named in a .pth file is put at the path's end, and .pth files in it (an editable install of this checkout) are not read.
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text("\n".join(sorted(where)) + "\n")
    return Installed(folder, work)


def main(arguments: Sequence[str]) -> None:
    """Build in the working directory, as a build front end does."""
    from setuptools import build_meta  # changes distutils, which a test process should not see

    kind, source, out = arguments
    os.chdir(source)
    print({"wheel": build_meta.build_wheel, "sdist": build_meta.build_sdist, "editable": build_meta.build_editable}[kind](out))


if __name__ == "__main__":
    main(sys.argv[1:])
