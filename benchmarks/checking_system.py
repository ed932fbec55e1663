"""`rapport up` with one route more in contacts, which the product has not: it checks a change and answers.

It is what `decide` is held against: the same process, FastAPI and body, with nothing loaded, decided or recorded.
"""

from typing import Annotated, Any

from fastapi import Header, Response

from libs.service.answers import json
from libs.service.app import new_router
from libs.service.preconditions import require_match
from libs.service.refs import read_ref
from services.cli.up import up
from services.contacts.schemas import Contact, TraitsPatch
from services.contacts.wiring import app, service

_ID = "01a207ad-34f2-7478-8b79-aabd7c031a9b"
_ANSWER: dict[str, Any] = {
    "id": _ID, "registered": True, "kind": "person", "identifiers": ["crm:00001", "email:00001@example.org"],
    "members": [_ID], "traits": {}, "first_seen": None, "last_seen": None,
}  # fmt: skip


def main() -> None:
    routes = new_router()

    @routes.patch("/checked/{ref:text}", response_model=Contact)
    async def check(
        ref: str, body: TraitsPatch,
        idempotency_key: Annotated[str | None, Header()] = None, if_match: Annotated[str | None, Header()] = None,
    ) -> Response:  # fmt: skip
        read_ref(ref, service.nodes)
        require_match(if_match, '"21524d9783c63313"')
        return json(_ANSWER | {"traits": body.traits}, headers={"ETag": '"21524d9783c63313"'})

    app.app.include_router(routes)  # type: ignore[attr-defined]  # a FastAPI app is what a shell surrounds
    up()


if __name__ == "__main__":
    main()
