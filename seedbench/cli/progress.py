"""Progress of a run on the terminal: one bar a stage, with an estimate of the time left."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from seedbench.files.locks import Holder


class Bars:
    """Bars for a run. Where the output is no terminal, one plain line for every tenth of a stage."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.bars = Progress(
            TextColumn("{task.description:<9}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("[dim]{task.fields[note]}"),
            console=console,
            disable=not console.is_terminal,
        )
        self.tasks: dict[str, TaskID] = {}
        self.counts: dict[str, tuple[int, int]] = {}
        self.waiting = False

    def __enter__(self) -> Bars:
        self.bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.bars.stop()

    def wait(self, holder: Holder | None) -> None:
        """Another process works on the run: say so. None: the wait, if there was one, is over."""
        if holder is not None:
            self.waiting = True
            self.console.print(
                f"this run is being worked on ({holder}): waiting until that process has ended, then going on from there; "
                "Ctrl-C ends the wait",
                highlight=False,
            )
        elif self.waiting:
            self.waiting = False
            self.console.print("going on", highlight=False)

    def begin(self, stage: str, total: int, done: int) -> None:
        """A stage of ``total`` steps starts, ``done`` of them from an earlier session."""
        self.tasks[stage] = self.bars.add_task(stage, total=total, completed=done, note="")
        self.counts[stage] = (done, total)
        if not self.console.is_terminal and total:
            self.console.print(f"{stage}: {total - done} of {total} to do" if done else f"{stage}: {total} to do", highlight=False)

    def step(self, stage: str, text: str) -> None:
        """One step is done."""
        done, total = self.counts[stage]
        done += 1
        self.counts[stage] = (done, total)
        self.bars.update(self.tasks[stage], completed=done, note=text[: max(10, self.console.width - 75)])
        if not self.console.is_terminal and total and (done * 10 // total) > ((done - 1) * 10 // total):
            self.console.print(f"{stage}: {done}/{total}", highlight=False)
