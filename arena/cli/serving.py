"""The command ``serve``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seedbench.processes.stopping import set_stop_message

SERVE_EXAMPLES = """[bold]Examples[/bold]

seedbench arena serve spring

seedbench arena serve spring --port 8600

seedbench arena serve spring --login login.toml --owner me@example.org      (the study page, after a login with this address)

Votes are in the database before they are acknowledged; stopped or killed, the arena goes on where it was.
"""


def serve(
    study: Annotated[str, typer.Argument(help="The study.")],
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port; a port that is in use is an error.")] = 8501,
    address: Annotated[
        str, typer.Option(help="The address to listen on. Any but a loopback address opens the arena to the network.")
    ] = "127.0.0.1",
    login: Annotated[
        Path | None, typer.Option(help="A TOML file with the secrets of a login service (OpenID Connect), for the study's owners.")
    ] = None,
    owner: Annotated[list[str] | None, typer.Option(help="An owner's mail address as the login service knows it; may be repeated.")] = None,
    new_voters_per_hour: Annotated[
        int | None,
        typer.Option(min=1, help="Limit of new voters an hour from one network address, which many may share; by default the study's."),
    ] = None,
    newcomers: Annotated[int | None, typer.Option("--newcomers", min=1, hidden=True)] = None,
) -> None:
    """Open the arena to voters, on this machine alone unless another address is given."""
    set_stop_message("stopped; every acknowledged vote is kept; the same command opens the arena again")
    from seedbench.arena.settings import clips_folder, study_lock
    from seedbench.arena.store import open_store
    from seedbench.arena.voting.service import VotingService
    from seedbench.arena.web import login as logins
    from seedbench.arena.web import server
    from seedbench.store.workspace import Workspace

    if owner and login is None:
        raise logins.LoginError("--owner needs a login: name the file with the secrets of the login service with --login")
    secrets = None if login is None else logins.load(login, owner or [])
    workspace = Workspace.current()
    store = open_store(workspace.database_url)
    with store.locks.hold(study_lock(study)):
        service = VotingService(store, study, clips_folder(workspace, study), new_voters_per_hour=new_voters_per_hour or newcomers)
        n_pairs = sum(pair.kind == "pair" for pair in service.assignment.pairs.values())
        server.serve(
            service,
            address=address,
            port=port,
            login=secrets,
            on_open=lambda url: typer.echo(f"{study}: {n_pairs} pairs; {url} (Ctrl-C stops it)"),
        )
