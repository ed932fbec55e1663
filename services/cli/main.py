"""The command `rapport`."""

import sys
from typing import Annotated

import typer
from rich.console import Console

from services.cli.errors import Failure

app = typer.Typer(
    name="rapport",
    help="Event-sourced customer interaction services: run them, feed them, look into them, rebuild them.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command(epilog="Example: `RAPPORT_DATA=/srv/rapport rapport up`")
def up() -> None:
    """Run PostgreSQL and all services on this machine, until Ctrl-C."""
    from services.cli.up import up as start

    start()


@app.command(epilog="Example: `DATABASE_URL=postgresql://... RAPPORT_LOG_URL=postgresql://... rapport serve timeline`")
def serve(service: Annotated[str, typer.Argument(help="interactions or timeline")]) -> None:
    """Run one service in the foreground, with its settings from the environment."""
    from libs.service.serving import serve as serve_app
    from services.cli.errors import settings_or_failure
    from services.cli.services import SERVICES

    if service not in SERVICES:
        raise Failure(f"there is no service {service}; there are {', '.join(SERVICES)}")
    settings_or_failure()
    entry = SERVICES[service]
    raise typer.Exit(serve_app(entry.app(), entry.port))


def main() -> None:
    """Entry point: a Failure is one line and exit code 1."""
    try:
        app()
    except Failure as reason:
        Console(stderr=True).print(f"rapport: {reason}", style="red", highlight=False, markup=False, soft_wrap=True)
        sys.exit(1)
