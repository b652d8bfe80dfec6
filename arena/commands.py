"""``seedbench arena``: blind pairs for people to vote on, boards from votes, and votes from elsewhere."""

from __future__ import annotations

import typer

from seedbench.arena.cli import boards, demo, serving, studies

app = typer.Typer(
    help="Blind pairs, votes, and boards that claim no more than the votes support.", no_args_is_help=True, add_completion=False
)
app.command("board", epilog=boards.BOARD_EXAMPLES)(boards.board)
app.command("prepare", epilog=studies.PREPARE_EXAMPLES)(studies.prepare)
app.command("serve", epilog=serving.SERVE_EXAMPLES)(serving.serve)
app.command("demo", epilog=demo.DEMO_EXAMPLES)(demo.demo)
app.command("studies")(studies.studies)
app.command("study", epilog=studies.STUDY_EXAMPLES)(studies.study)
app.command("export", epilog=studies.EXPORT_EXAMPLES)(studies.export)
app.command("backup")(studies.backup)
app.command("import", epilog=boards.IMPORT_EXAMPLES)(boards.import_votes)
