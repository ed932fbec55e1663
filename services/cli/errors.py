"""How a command fails: one clear line, exit code 1, no traceback."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from libs.service.settings import Settings


class Failure(Exception):
    """Its text is what the operator reads."""


def settings_or_failure() -> "Settings":
    """The settings. Raises Failure that names the variable and the reason."""
    from pydantic import ValidationError

    from libs.service.settings import Settings

    try:
        return Settings()
    except ValidationError as reason:
        raise Failure("\n".join(_line(dict(fault)) for fault in reason.errors())) from None


def _line(fault: dict[str, object]) -> str:
    location = fault["loc"]
    name = ".".join(str(part) for part in location) if isinstance(location, tuple) else ""
    message = str(fault["msg"]).removeprefix("Value error, ")
    return f"RAPPORT_{name.upper()}: {message}" if name else message
