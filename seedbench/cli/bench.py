"""``seedbench bench``."""

from __future__ import annotations

from typing import Annotated

import typer

from seedbench.processes.stopping import set_stop_message

EXAMPLES = """[bold]Examples[/bold]

seedbench bench                      (some minutes: every metric, growth with clips and workers, the syncnet-python wheel)

seedbench bench --quick              (metrics only)
"""


def bench(
    quick: Annotated[bool, typer.Option("--quick", help="Only the cost of each metric.")] = False,
    frames: Annotated[int, typer.Option(min=1, help="Pictures on which the wheel's face detector is timed.")] = 10,
) -> None:
    """Measure on this machine what scoring costs. Ratios within one run can be compared; seconds of different machines cannot."""
    set_stop_message("stopped; measurements that were not printed yet are lost")
    from rich.table import Table

    from seedbench.cli import costs as measure
    from seedbench.plugins import registry
    from seedbench.report.terminal import terminal_console
    from seedbench.store.workspace import Workspace
    from seedbench.suites.loading import load_suite

    console = terminal_console()
    workspace = Workspace.current()
    metrics = list(registry.default_metrics())
    suite = load_suite("quick")
    with console.status("making clips to measure with"):
        tasks = measure.clips_of(workspace, suite.prompts, suite.root, (0,))
    costs = Table(box=None, pad_edge=False, title="CPU seconds for each second of clip, one thread", title_justify="left")
    for title in ("metric", "on", "first clip, whole (cold)", "warm, per clip-second"):
        costs.add_column(title, justify="left" if title in {"metric", "on"} else "right")
    with console.status("measuring metrics"):
        for cost in measure.metric_costs(tasks, metrics):
            costs.add_row(cost.metric, cost.prompts, f"{cost.cold_s:.2f}", f"{cost.warm_per_clip_second:.3f}")
    console.print(costs)
    if quick:
        return
    grown = Table(box=None, pad_edge=False, title="wall seconds, all metrics, start of workers included", title_justify="left")
    for title in ("clips", "workers", "seconds", "seconds a clip"):
        grown.add_column(title, justify="right")
    with console.status("measuring growth"):
        for row in measure.growth(tasks, metrics, (1, 4, 16), (1, 2)):
            grown.add_row(str(row.clips), str(row.workers), f"{row.wall_s:.1f}", f"{row.wall_s / row.clips:.2f}")
    console.print(grown)
    prompt, root = measure.talking_prompt(5.0)
    clip = measure.clips_of(workspace, (prompt,), root, (0,))[0].path
    with console.status("measuring the syncnet-python wheel"):
        wheel = measure.wheel_costs(clip, frames)
    ours = measure.lip_sync_cost(clip)
    console.print(f"lip sync on one 5 s clip, ours: {ours:.2f} CPU s", highlight=False)
    if wheel is None:
        console.print("the syncnet-python wheel is compared in a checkout only (tests/benchmarks)", highlight=False)
        return
    console.print(
        f"the syncnet-python wheel on the same clip (random weights): {wheel['total_s']:.1f} CPU s "
        f"({wheel['s3fd_s_per_frame']:.3f} a frame for faces, timed on {wheel['s3fd_frames_timed']} of {wheel['n_frames']}; "
        f"{wheel['syncnet_s']:.1f} for SyncNet); {wheel['total_s'] / ours:.1f} times ours",
        highlight=False,
    )
