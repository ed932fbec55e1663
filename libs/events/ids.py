"""The one place that makes ids and tokens. Everything else is given them."""

import secrets
from uuid import UUID

from uuid_utils.compat import uuid7

# 32 bytes: no one guesses it, however many tries the token lives through.
TOKEN_BYTES = 32


def new_id() -> UUID:
    """A uuid7: sorts by the time it was made, to the millisecond."""
    return uuid7()


def random_token() -> str:
    """URL-safe and unguessable."""
    return secrets.token_urlsafe(TOKEN_BYTES)
