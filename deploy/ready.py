"""Asks the service in this container whether it is ready; says what it answers, for `docker inspect`.

Started again and again for as long as the service runs, so it imports nothing that takes longer than the question.
"""

import os
import sys
from http.client import HTTPConnection, HTTPException  # noqa: TID251  httpx takes longer to import than to ask

TIMEOUT_S = 5


def main() -> int:
    """The exit code: 0 when ready."""
    connection = HTTPConnection("127.0.0.1", int(os.environ["RAPPORT_PORT"]), timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        sys.stdout.write(answer.read().decode(errors="replace"))
    except (OSError, HTTPException) as reason:
        sys.stdout.write(f"no answer ({type(reason).__name__})")
        return 1
    finally:
        connection.close()
    return 0 if answer.status == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
