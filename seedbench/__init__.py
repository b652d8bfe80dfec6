"""SeedBench: evaluation, blind A/B arena and release gate for generators of video with sound."""

import os

__version__ = "0.1.0"

_linked = os.path.join(os.path.dirname(__file__), "metrics")
if os.path.isfile(_linked):
    raise ImportError(
        f"{_linked} is a file and not a link to a folder: this checkout was made without symbolic links; "
        "run `git config core.symlinks true`, then `git checkout -- seedbench` (Windows needs its developer mode for that)"
    )
