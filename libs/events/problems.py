"""What is wrong with something that was sent, in the shape that every answer and report uses."""

import msgspec


class Problem(msgspec.Struct, frozen=True):
    """`pointer` is a JSON pointer, `code` stable, `detail` for a person; none of them repeats what was sent."""

    pointer: str
    code: str
    detail: str
