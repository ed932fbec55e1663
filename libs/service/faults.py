"""What is wrong with settings, for whoever set them: the variable and the reason."""

from pydantic import ValidationError


def faults_of(refused: ValidationError, prefix: str) -> list[str]:
    """A line for each, without what was given; `prefix` is that of the variables."""
    return [_line(".".join(map(str, fault["loc"])), fault["msg"], prefix) for fault in refused.errors()]


def _line(name: str, message: str, prefix: str) -> str:
    message = message.removeprefix("Value error, ")
    return f"{prefix}_{name.upper()}: {message}" if name else message
