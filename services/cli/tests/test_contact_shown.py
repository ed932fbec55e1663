"""How a contact is shown; that a service answers so is tested in tests/integration."""

from typing import Any

import pytest

from services.cli.contacts import show_whole

ADA, CARD, CLAIM = (f"0198b1f3-77aa-7f10-a4c2-90b3d21e8f5{n}" for n in range(3))
AT = "2026-03-02T10:15:00.125Z"
CONFLICT = {
    "id": CLAIM,
    "status": "open",
    "kind": "registration",
    "claimant": CARD,
    "identifiers": [
        {"identifier": "email:ada@x.org", "holder": ADA, "holder_evidence": None, "holder_since": AT},
    ],
    "evidence": None,
    "recorded_at": AT,
    "resolution": None,
}


def link(identifier: str, contact: str, **more: object) -> dict[str, Any]:
    made = {"identifier": identifier, "contact": contact, "unique": True, "claim": contact, "evidence": None}
    return made | {"recorded_at": AT} | more


def whole(**more: object) -> dict[str, Any]:
    contact = {
        "id": ADA, "registered": True, "kind": "person", "identifiers": ["crm:7", "email:ada@x.org"],
        "members": [ADA], "traits": {"name": "Ada \x1b[31m", "vip": True, "mark": "[red]:x:"},
        "first_seen": AT, "last_seen": AT,
    }  # fmt: skip
    found: dict[str, Any] = {
        "contact": contact, "members": [ADA], "identifiers": ["crm:7", "email:ada@x.org"],
        "links": [link("crm:7", ADA)], "merges": [], "conflicts": [],
    }  # fmt: skip
    return found | more


@pytest.fixture
def shown(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("services.cli.tables.console._width", 200)

    def lines_of(**more: object) -> list[str]:
        show_whole(whole(**more))
        return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines() if line.strip()]

    return lines_of


def test_who_it_is_and_why_each_name_holds(shown: Any) -> None:
    lines = shown(
        links=[
            link("crm:7", ADA),
            link("tel:+442079460018", ADA, unique=False, claim=CLAIM, evidence="on her card"),
            link("email:ada@x.org", ADA, claim=CLAIM),
        ]
    )
    assert lines[:6] == [
        f"Ada \ufffd[31m {ADA}",
        "person, registered",
        "events from 2026-03-02T10:15 to 2026-03-02T10:15",
        "name: Ada \ufffd[31m",
        "vip: true",
        "mark: [red]:x:",
    ]
    assert "crm:7 unique 1 2026-03-02T10:15 registered with it" in lines
    why = f"on her card (claim {CLAIM}); others claim it too, so it joins nobody"
    assert f"tel:+442079460018 weak 1 2026-03-02T10:15 {why}" in lines
    assert f"email:ada@x.org unique 1 2026-03-02T10:15 claim {CLAIM}, no evidence given" in lines


def test_a_name_that_events_brought(shown: Any) -> None:
    assert "crm:[b]:x: unique events came under it" in shown(identifiers=["crm:7", "crm:[b]:x:"])


def test_merges_by_their_members(shown: Any) -> None:
    merge = {"id": CLAIM, "members": [ADA, CARD], "reason": "same street", "recorded_at": AT}
    lines = shown(members=[ADA, CARD], merges=[merge])
    assert f"2 {CARD}" in lines
    assert f"{CLAIM} 1 + 2 2026-03-02T10:15 same street" in lines


def test_only_open_conflicts(shown: Any) -> None:
    lines = shown(conflicts=[CONFLICT, CONFLICT | {"status": "resolved", "id": CARD}])
    assert lines[-3:] == [
        f"Open conflict {CLAIM} of 2026-03-02T10:15",
        f"email:ada@x.org belongs to {ADA} since 2026-03-02T10:15",
        f"a registration claims it, for a new contact {CARD}",
    ]
