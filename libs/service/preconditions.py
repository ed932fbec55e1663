"""`If-Match` (RFC 9110): a change is made only to what its sender has seen."""

import re

from libs.service.errors import HttpRefusal

_TAG = re.compile(r'(?:^|,)\s*((?:W/)?"[^"]*")\s*(?=,|$)')


def require_match(if_match: str | None, etag: str, *, required: bool = True) -> None:
    """Raises 428 where it is required and absent, 412 where it names no present state; `*` matches any."""
    if if_match is None:
        if required:
            raise HttpRefusal(
                428, "precondition_required", "send If-Match with the ETag that you have seen, or * to overwrite"
            )
        return
    if if_match.strip() != "*" and etag not in _TAG.findall(if_match):
        raise HttpRefusal(
            412, "precondition_failed", "it was changed since; read it again and decide anew", headers={"ETag": etag}
        )
