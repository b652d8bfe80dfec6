"""Every kind of copy of every file of the grid, decoded by FFmpeg's command line and compared with the file by content.

    python -m tests.benchmarks.copies_of_media

About two minutes on one core. `make test` makes one encoded copy and the native one of each file.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

from seedbench.errors import SeedBenchError
from tests.media_grid.compare import copy_differences
from tests.media_grid.copies import ENCODED, NATIVE
from tests.media_grid.files import GridFiles
from tests.media_grid.kinds import grid
from tests.media_grid.player import play


def main() -> None:
    """Print each difference, and how many copies were made and refused."""
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="seedbench-copies-") as name:
        folder = Path(name)
        files = GridFiles(folder / "grid")
        for kind in grid()[0]:
            path, shown = files.get(kind)
            for copy_name, copied in {**ENCODED, "native": NATIVE}.items():
                try:
                    differences = copy_differences(play(copied(path, folder), folder), shown)
                except SeedBenchError as error:
                    counts[f"{copy_name}: refused"] += 1
                    print(f"{copy_name} of {kind}: {error}")
                    continue
                counts[f"{copy_name}: {'different' if differences else 'alike'}"] += 1
                for difference in differences:
                    print(f"{copy_name} of {kind}: {difference}")
    for outcome, count in sorted(counts.items()):
        print(f"{count:4d} {outcome}")


if __name__ == "__main__":
    main()
