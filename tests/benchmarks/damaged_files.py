"""Any number of damaged media files, read or copied by worker processes that are watched.

    python -m tests.benchmarks.damaged_files FOLDER COUNT [FIRST] [--copies]

About 12 ms a file for reading, 100 ms with ``--copies``. FOLDER is made; files that fail stay in it. `make test` reads 2,000 of them.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from tests.media_grid.fuzz_sources import make_fuzz_sources
from tests.media_grid.fuzzing import CLIP_READER, COPY_READER, fuzz


def main() -> None:
    """Print the faults, the answers, the largest growth of memory and the time."""
    given = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    folder, count, first = Path(given[0]), int(given[1]), int(given[2]) if len(given) > 2 else 0
    folder.mkdir(parents=True)
    make_fuzz_sources(folder / "sources")
    begin = time.monotonic()
    report = fuzz(folder, count, first=first, reader=COPY_READER if "--copies" in sys.argv else CLIP_READER)
    for fault in report.faults:
        print(fault)
    print(f"{len(report.faults)} faults; {report.answers}; at most {report.largest_mb} MB; {time.monotonic() - begin:.0f} s")


if __name__ == "__main__":
    main()
