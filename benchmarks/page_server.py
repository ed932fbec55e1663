"""The timeline service with one route more, which the product has not: a constant answer of any size.

It is what `timeline_page` is held against: the same process, the same server, no query and nothing to join.
"""

import sys
from functools import cache

from libs.embedded.child import freeze
from libs.service.serving import serve
from libs.service.shell import Receive, Scope, Send, send_body
from services.timeline.wiring import PORT, app

PATH = "/constant"


async def constant(scope: Scope, _receive: Receive, send: Send) -> None:
    """As many bytes as the query says."""
    await send_body(send, 200, _page(scope["query_string"]), b"application/json")


@cache
def _page(query: bytes) -> bytes:
    return b" " * int(query)


def main() -> int:
    app.hot = {**app.hot, ("GET", PATH): constant}
    freeze()
    return serve(app, PORT)


if __name__ == "__main__":
    sys.exit(main())
