import gzip
import json
import signal
import subprocess
from pathlib import Path

import httpx

from libs.embedded.ports import free_ports
from tests.integration.conftest import RAPPORT, System, on_each_log

EXAMPLES = Path(__file__).parents[2] / "examples"
SAMPLE = EXAMPLES / "online-retail-sample.csv"
MAPPING = EXAMPLES / "online-retail.toml"
INTERRUPTED = 130


def event(id_: str, subject: str, **changes: object) -> bytes:
    made = {
        "specversion": "1.0", "id": id_, "source": "urn:test:import", "subject": subject,
        "time": "2024-05-06T07:08:09Z",
        "type": "rapport.interactions.purchase.recorded.v1",
        "data": {"amount_minor": 100, "currency": "GBP", "order": id_},
    } | changes  # fmt: skip
    return json.dumps(made).encode()


def timeline(system: System, subject: str) -> list[dict[str, object]]:
    """A person's entries after everything that was written by now, but their classes, which change by themselves."""
    answer = httpx.get(
        f"{system.timeline}/v1/timeline/{subject}",
        params={"limit": 500, "min_position": system.position()},
        headers={"prefer": "wait=30"}, timeout=40, trust_env=False,
    )  # fmt: skip
    items: list[dict[str, object]] = answer.json().get("items", [])
    return [item for item in items if item["service"] != "scoring"]


def rejected(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.with_name(f"{file.name}.rejected.ndjson").read_bytes().splitlines()]


@on_each_log
def test_good_lines_are_taken_and_bad_ones_kept_with_their_reasons(system: System, tmp_path: Path) -> None:
    lines = [
        b"\xef\xbb\xbf" + event("mixed-1", "crm:Mixed") + b"\r",
        b"",
        b'{"half":',
        event("mixed-2", "crm:Mixed", data={"amount_minor": -1, "currency": "GBP", "order": "2", "colour": "red"}),
        event("mixed-3", "crm:Mixed", data={"note": "\x00"}, type="com.example.noted"),
        b'{"a":"\xff"}',
        b"z" * 300_000,
        event("mixed-4", "nobody"),
        event("mixed-5", "crm:Mixed", type="com.example.noted", data={"note": "naïve \u2028"}),
    ]
    file = tmp_path / "mixed.ndjson"
    file.write_bytes(b"\n".join(lines))
    assert system.run("import", str(file), "--dry-run").returncode == 1
    done = system.run("import", str(file), "--batch", "2")
    assert (done.returncode, done.stderr) == (1, "")
    assert "8 read, 2 accepted, 6 rejected in " in done.stdout
    assert str(file) in done.stdout
    found = {line["line"]: line for line in rejected(file)}
    assert {number: (line["pointer"], line["code"]) for number, line in found.items()} == {
        3: ("", "not_json"),
        4: ("/data/amount_minor", "range"),
        5: ("/data/note", "nul_character"),
        6: ("", "not_utf8"),
        7: ("", "line_too_long"),
        8: ("/subject", "bad_identifier"),
    }
    assert found[4]["also"] == [
        {"pointer": "/data/colour", "code": "unknown_field", "detail": "is not a field of this type"}
    ]
    assert found[3]["text"] == '{"half":'
    assert found[6]["text"] == '{"a":"\\xff"}'
    table = [line.split()[:3] for line in done.stdout.splitlines() if " range " in line]
    assert table == [["4", "/data/amount_minor", "range"]]
    assert {item["event_id"] for item in timeline(system, "crm:Mixed")} == {"mixed-1", "mixed-5"}


def test_only_the_first_ten_bad_lines_are_shown(system: System, tmp_path: Path) -> None:
    file = tmp_path / "bad.ndjson.gz"
    file.write_bytes(gzip.compress(b"no\n" * 3_000))
    done = system.run("import", str(file))
    assert done.returncode == 1
    assert [line.split()[0] for line in done.stdout.splitlines() if "not_json" in line] == [
        str(n) for n in range(1, 11)
    ]
    assert "3,000 rejected" in done.stdout
    assert len(rejected(file)) == 3_000


def test_a_dry_run_stores_nothing(system: System, tmp_path: Path) -> None:
    file = tmp_path / "dry.ndjson"
    file.write_bytes(event("dry-1", "crm:Dry"))
    done = system.run("import", str(file), "--dry-run")
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 would be accepted, 0 rejected" in done.stdout
    assert timeline(system, "crm:Dry") == []
    assert not list(tmp_path.glob("*.rejected.ndjson"))


@on_each_log
def test_a_table_is_imported_once_however_often(system: System, tmp_path: Path) -> None:
    for _ in range(2):
        done = system.run("import", str(SAMPLE), "--mapping", str(MAPPING), "--rejects", str(tmp_path / "rejects"))
        assert done.stdout.startswith("884 read, 884 accepted, 0 rejected in "), done.stderr
    items = [item for item in timeline(system, "crm:12346") if item["service"] == "interactions"]
    assert [(item["event_id"], item["occurred_at"], item["data"]) for item in items] == [
        (
            "invoice-541431",
            "2011-01-18T00:00:00Z",
            {"order": "541431", "amount_minor": 7718360, "currency": "GBP"},
        )
    ]


def test_bad_rows_of_a_table(system: System, tmp_path: Path) -> None:
    file = tmp_path / "sold.csv"
    file.write_text(
        "invoice,date,customer,amount_gbp\nb-1,2011-01-01,Rows,1.005\nb-2,2011-01-01,Rows,-1.00\nb-3,2011-01-01,Rows,2\n"
    )
    done = system.run("import", str(file), "--mapping", str(MAPPING))
    assert done.returncode == 1
    assert [(line["line"], line["pointer"], line["code"], line["text"]) for line in rejected(file)] == [
        (2, "column amount_gbp", "not_amount", "b-1,2011-01-01,Rows,1.005"),
        (3, "/data/amount_minor", "range", "b-2,2011-01-01,Rows,-1.00"),
    ]
    assert [item["event_id"] for item in timeline(system, "crm:Rows")] == ["invoice-b-3"]


def test_what_cannot_be_imported_is_said_in_a_line(system: System, tmp_path: Path) -> None:
    table, bad_map = tmp_path / "sold.csv", tmp_path / "bad.toml"
    table.write_text("invoice,day,customer\n1,2,3\n")
    bad_map.write_text(MAPPING.read_text().replace("GBP", "GBQ"))
    events = tmp_path / "one.ndjson"
    events.write_bytes(event("down-1", "crm:Down"))
    port = free_ports(1)[0]
    cases = {
        ("none.ndjson",): "rapport: none.ndjson: No such file or directory",
        (str(tmp_path),): f"rapport: {tmp_path}: Is a directory",
        (str(table),): f"rapport: {table}: a CSV file needs --mapping MAP.toml",
        (str(table), "--mapping", str(bad_map)): f"rapport: {bad_map}: data.amount_minor.currency: GBQ is not",
        (str(table), "--mapping", str(MAPPING)): f"rapport: {MAPPING}: time.column: {table} has no column date",
        (str(events), "--url", f"http://127.0.0.1:{port}", "--give-up-after", "0.1"): (
            f"rapport: no progress for 0.1 s: http://127.0.0.1:{port}/v1/events does not answer (ConnectError); "
            "0 of 1 lines read had been accepted. Run the same command again"
        ),
        (str(events), "--url", system.timeline): "is this the service interactions?",
        (str(events), "--url", "interactions"): "it begins with http:// or https://",
    }
    for args, said in cases.items():
        done = system.run("import", *args)
        assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
        assert said in done.stderr


def test_interrupted_and_run_again_it_doubles_nothing(system: System, tmp_path: Path) -> None:
    subjects, each = 40, 400
    file = tmp_path / "many.ndjson"
    file.write_bytes(b"\n".join(event(f"many-{n}", f"crm:Many-{n % subjects}") for n in range(subjects * each)))
    slowly = subprocess.Popen(
        [RAPPORT, "import", str(file), "--batch", "1"],
        env=system.env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    with slowly:
        assert slowly.stderr
        assert slowly.stderr.readline().startswith("importing: ")
        slowly.send_signal(signal.SIGINT)
        out, err = slowly.communicate(timeout=30)
    assert (slowly.returncode, err) == (INTERRUPTED, "")
    assert "Interrupted. Run the same command again" in out
    accepted = int(out.split(" read, ")[1].split(" accepted")[0].replace(",", ""))
    assert 0 < accepted < subjects * each
    done = system.run("import", str(file))
    assert (done.returncode, done.stdout[:28]) == (0, f"{subjects * each:,} read, {subjects * each:,} accepted"[:28])
    for subject in ("crm:Many-0", "crm:Many-17", "crm:Many-39"):
        assert len(timeline(system, subject)) == each


def test_a_file_without_events(system: System, tmp_path: Path) -> None:
    file = tmp_path / "empty.ndjson"
    file.write_bytes(b"\xef\xbb\xbf\r\n\n")
    done = system.run("import", str(file))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("0 read, 0 accepted, 0 rejected")
