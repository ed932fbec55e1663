"""What several commands take alike."""

from typing import Annotated

import typer

from services.cli.services import listed

Json = Annotated[bool, typer.Option("--json", help="For programs")]
OneService = Annotated[str, typer.Argument(metavar="SERVICE", help=listed())]
AnyService = Annotated[str | None, typer.Argument(metavar="[SERVICE]", help=f"{listed()}; all without")]
AtMost = Annotated[int, typer.Option("--limit", "-n", min=1, help="So many at most")]
TypeName = Annotated[str, typer.Argument(metavar="TYPE", help="its name, also without prefix and version")]
Ref = Annotated[str, typer.Argument(metavar="REF", help="An identifier, such as crm:4711, or a contact's uuid")]
