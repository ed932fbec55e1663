"""The commands about numbers: `rapport score`, `rapport statistics`, `rapport export`."""

from pathlib import Path
from typing import Annotated

import typer

from services.cli.options import Json, Ref

app = typer.Typer()
statistics = typer.Typer(
    invoke_without_command=True,
    help="How everybody stood, as it was published last: what scores compare a person with.",
    epilog="Example: `rapport statistics`",
)
export = typer.Typer(no_args_is_help=True, help="Lists as CSV, for spreadsheets and other programs.")
app.add_typer(statistics, name="statistics")
app.add_typer(export, name="export")

Url = Annotated[str | None, typer.Option(help="Address of scoring; else the running system's")]
Currency = Annotated[str | None, typer.Option(metavar="CUR", help="Of scores about money: in this currency alone")]


@app.command(epilog="Example: `rapport score crm:4711 --definition turnover --currency GBP`")
def score(
    ref: Ref,
    *,
    definition: Annotated[
        str | None, typer.Option(metavar="ID", help="Only this score, such as rfm or health; all without")
    ] = None,
    currency: Currency = None,
    events: Annotated[int, typer.Option(min=0, max=1_000, help="So many of the newest events behind each part")] = 3,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """A person's numbers, and what each of them is made of."""
    from services.cli.scores import Question, show

    show(Question(ref, definition, currency, events), url=url, as_json=as_json)


@statistics.callback()
def show_statistics(context: typer.Context, *, url: Url = None, as_json: Json = False) -> None:
    """How everybody stood, as it was published last."""
    from services.cli import statistics

    if context.invoked_subcommand is None:
        statistics.show(url=url, as_json=as_json)
    elif url is not None or as_json:
        raise typer.BadParameter(f"options of {context.invoked_subcommand} stand behind it")


@statistics.command("publish", epilog="Example: `rapport statistics publish --next-in-h 24`")
def publish_statistics(
    *,
    next_in_h: Annotated[
        int | None, typer.Option(min=1, max=8_760, help="Publish again after each so many hours")
    ] = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Count everybody now: all scores compare with that from then on."""
    from services.cli import statistics

    statistics.publish(next_in_h, url=url, as_json=as_json)


@export.command("scores", epilog="Example: `rapport export scores --band cannot_lose --output cannot-lose.csv`")
def export_scores(
    *,
    definition: Annotated[str, typer.Option(metavar="ID", help="Whose classes, such as rfm or health")] = "rfm",
    band: Annotated[str | None, typer.Option(help="Only who is in this class")] = None,
    currency: Currency = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file, whole or not at all [stdout]")] = None,
    url: Url = None,
) -> None:
    """Everybody's class as CSV."""
    from services.cli.exporting import Export, export_csv

    export_csv(Export(definition, band, currency), output, url=url)
