"""The command `rapport`."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from libs.service.garbage import collect_seldom
from services.cli import scoring_commands
from services.cli.errors import Failure
from services.cli.options import AnyService, AtMost, Json, OneService, Ref, TypeName

app = typer.Typer(
    name="rapport",
    help="Event-sourced customer interaction services: run them, feed them, look into them, rebuild them.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
topics = typer.Typer(no_args_is_help=True, help="The topics of the log.")
databases = typer.Typer(no_args_is_help=True, help="The databases of the services.")
events = typer.Typer(no_args_is_help=True, help="The event types there are.")
parked = typer.Typer(no_args_is_help=True, help="Keys that wait because an event could not be folded.")
contact = typer.Typer(no_args_is_help=True, help="Who somebody is.")
app.add_typer(topics, name="topics")
app.add_typer(databases, name="databases")
app.add_typer(events, name="events")
app.add_typer(parked, name="parked")
app.add_typer(contact, name="contact")
app.add_typer(scoring_commands.app)


@app.command(epilog="Example: `RAPPORT_DATA=/srv/rapport rapport up`")
def up() -> None:
    """Run PostgreSQL and all services on this machine, until Ctrl-C."""
    from services.cli.up import up as start

    start()


@app.command(epilog="Example: `rapport kafka --port 9093`")
def kafka(port: Annotated[int, typer.Option(min=1, max=65_535, help="Port to listen on")] = 9092) -> None:
    """Run one Apache Kafka broker on this machine, in the foreground, until Ctrl-C."""
    from services.cli.kafka import run

    run(port)


@app.command(epilog="Example: `DATABASE_URL=postgresql://... RAPPORT_LOG_URL=postgresql://... rapport serve timeline`")
def serve(service: OneService) -> None:
    """Run one service in the foreground, with its settings from the environment."""
    from libs.service.serving import serve as serve_app
    from services.cli.errors import settings_or_failure
    from services.cli.services import SERVICES

    if service not in SERVICES:
        raise Failure(f"there is no service {service}; there are {', '.join(SERVICES)}")
    settings_or_failure()
    entry = SERVICES[service]
    raise typer.Exit(serve_app(entry.app(), entry.port))


@app.command(epilog="Example: `rapport status --partitions --watch`")
def status(
    as_json: Json = False,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Again every second, until Ctrl-C")] = False,
    partitions: Annotated[bool, typer.Option("--partitions", "-p", help="A line for each partition, too")] = False,
) -> None:
    """How far each service is: position, end, lag, rate, generation, parked keys."""
    from services.cli.status import status as show

    show(as_json=as_json, watch=watch, partitions=partitions)


@topics.command("ensure", epilog="Example: `rapport topics ensure`")
def ensure_topics(
    *,
    new_secret: Annotated[
        bool, typer.Option("--new-secret", help="Make the file of the identity secret, where log and file are new")
    ] = False,
    single_broker: Annotated[bool, typer.Option("--single-broker", help="With one replica, for one broker")] = False,
) -> None:
    """Make the topics that are missing, name the log, and list them. Safe to repeat; waits for who is starting."""
    from services.cli.topics import ensure

    ensure(new_secret=new_secret, single_broker=single_broker)


@databases.command("ensure", epilog="Example: `DATABASE_URL_TIMELINE=postgresql://... rapport databases ensure`")
def ensure_databases() -> None:
    """Make the databases that are missing. Safe to repeat; waits for a server that is starting."""
    from services.cli.databases import ensure

    ensure()


@app.command(epilog="Example: `rapport tail --type 'complaint.*' --since 2h --follow`")
def tail(
    *,
    type_glob: Annotated[str | None, typer.Option("--type", help="Only these types; * and ? stand for any")] = None,
    subject: Annotated[str | None, typer.Option(help="Only about this identifier, such as crm:4711")] = None,
    since: Annotated[str | None, typer.Option(help="Recorded since: 30s, 10m, 2h, 7d, a day, or a time")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Wait for more, until Ctrl-C")] = False,
    as_json: Json = False,
    limit: Annotated[int | None, typer.Option("--limit", "-n", min=1, help="Only the last N of what is there")] = None,
) -> None:
    """What the log holds, in the order in which it was recorded."""
    from services.cli.tail import tail as show

    show(type_glob=type_glob, subject=subject, since=since, follow=follow, as_json=as_json, limit=limit)


@events.command("list", epilog="Example: `rapport events list`")
def list_types() -> None:
    """Every type with what it says."""
    from services.cli import events as catalog

    catalog.list_types()


@events.command("show", epilog="Example: `rapport events show purchase.recorded`")
def show_type(
    type_: TypeName, as_json: Annotated[bool, typer.Option("--json", help="Its JSON Schema")] = False
) -> None:
    """The fields of a type."""
    from services.cli import events as catalog

    catalog.show(type_, as_json=as_json)


@events.command("example", epilog="Example: `rapport events example complaint.lodged > event.json`")
def example(type_: TypeName) -> None:
    """An event of a type, with a fresh id and a time now, to post as it is."""
    from services.cli import events as catalog

    catalog.example(type_)


@contact.command("show", epilog="Example: `rapport contact show crm:4711`")
def show_contact(ref: Ref, as_json: Json = False) -> None:
    """A contact's names, members and merges, why each holds, and its open conflicts."""
    from services.cli import contacts

    contacts.show(ref, as_json=as_json)


@contact.command("find", epilog="Example: `rapport contact find ada`")
def find_contacts(
    words: Annotated[list[str], typer.Argument(metavar="WORDS", help="Beginnings of words of a name or identifier")],
    *,
    limit: AtMost = 50,
    as_json: Json = False,
) -> None:
    """Contacts by name or identifier."""
    from services.cli import contacts

    contacts.find(" ".join(words), limit=limit, as_json=as_json)


@app.command("conflicts", epilog="Example: `rapport conflicts --limit 10`")
def list_conflicts(*, limit: AtMost = 50, as_json: Json = False) -> None:
    """Names that two contacts claim, until a person decides."""
    from services.cli import contacts

    contacts.conflicts(limit=limit, as_json=as_json)


@app.command("import", epilog="Example: `rapport import orders.csv --mapping orders.toml --dry-run`")
def import_(
    file: Annotated[Path, typer.Argument(help="NDJSON of CloudEvents or contacts, or CSV with --mapping; also .gz")],
    *,
    mapping: Annotated[Path | None, typer.Option(help="How rows of a CSV become events or contacts (TOML)")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, store nothing")] = False,
    url: Annotated[
        str | None, typer.Option(help="Address of interactions, or of contacts; else the running system's")
    ] = None,
    batch: Annotated[int, typer.Option(min=1, max=5_000, help="Events a request")] = 500,
    rejects: Annotated[Path | None, typer.Option(help="Where bad lines go [FILE.rejected.ndjson]")] = None,
    give_up_after: Annotated[float, typer.Option(min=0, help="Seconds without any progress")] = 60.0,
) -> None:
    """Post the events or contacts of a file. Interrupted and run again, it doubles nothing."""
    from services.cli.importing.command import Order, import_file

    raise typer.Exit(import_file(Order(file, mapping, url, dry_run, batch, rejects, give_up_after)))


@parked.command("list", epilog="Example: `rapport parked list timeline`")
def list_parked(service: AnyService = None) -> None:
    """Every parked key, since when, and why."""
    from services.cli import parked as keys

    keys.list_keys(service)


@parked.command("show", epilog="Example: `rapport parked show timeline interactions/3/117`")
def show_parked(service: OneService, place: Annotated[str, typer.Argument(metavar="TOPIC/PARTITION/OFFSET")]) -> None:
    """The events that a parked key holds back."""
    from services.cli import parked as keys

    keys.show(service, place)


@app.command(epilog="Example: `rapport verify timeline`")
def verify(service: AnyService = None) -> None:
    """Fold the log again beside what is served and compare; exit code 1 on a difference."""
    from services.cli.replay import verify_services

    raise typer.Exit(0 if verify_services(service) else 1)


@app.command(epilog="Example: `rapport rebuild timeline --yes`")
def rebuild(service: OneService, yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask")] = False) -> None:
    """Drop a service's tables and fold them again from the log's beginning, also while it runs."""
    from services.cli.replay import rebuild_service

    rebuild_service(service, yes=yes)


@app.command(epilog="Example: `rapport demo`")
def demo() -> None:
    """Tell a small story of a few people: events, a merge, an unmerge, a conflict."""
    from services.cli.demo import demo as show

    show()


def main() -> None:
    """Entry point: a Failure is one line and exit code 1."""
    collect_seldom()
    try:
        app()
    except Failure as reason:
        console = Console(stderr=True, highlight=False, markup=False, emoji=False)
        console.print(f"rapport: {reason}", style="red", soft_wrap=True)
        sys.exit(1)
