"""Names that people are known by, and the node that each of them is (DESIGN.md section 7).

An identifier is `namespace:value`. Normalising it gives one spelling; the node is a keyed hash of that spelling, so a
log can be shared without anyone being able to try names against it. A namespace's rule never changes: nodes are
written into events and are never computed again.
"""

import hmac
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

WEAK_NAMESPACES = frozenset({"tel", "anon", "device"})
MAX_VALUE_BYTES = 512
CACHED_NODES = 65_536  # about 20 MB at the most; a busy sender names the same people again and again

_NAMESPACE = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_PHONE_PUNCTUATION = str.maketrans("", "", " .-()[]\u00a0\u2010\u2011\u2012\u2013")
UUID_TEXT = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


class BadIdentifier(ValueError):
    """Not a well-formed identifier; `code` is stable, the text says why and never repeats the value."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Identifier:
    """One name in its normal form."""

    namespace: str
    value: str

    def __str__(self) -> str:
        return f"{self.namespace}:{self.value}"

    @property
    def is_contact(self) -> bool:
        """True for `contact:<uuid>`, which names a node itself."""
        return self.namespace == "contact"

    @property
    def is_unique(self) -> bool:
        return self.namespace not in WEAK_NAMESPACES


def parse(text: str) -> Identifier:
    """Read and normalise `namespace:value`. Raises BadIdentifier."""
    namespace, colon, value = text.partition(":")
    if not colon or not _NAMESPACE.fullmatch(namespace):
        raise BadIdentifier("bad_identifier", "must be namespace:value, such as crm:4711 or email:ada@example.org")
    value = _NORMALISERS.get(namespace, _plain)(_printable(value))
    if not value:
        raise BadIdentifier("bad_identifier", "the value after the colon is empty")
    if len(value.encode()) > MAX_VALUE_BYTES:
        raise BadIdentifier("bad_identifier", f"the value is longer than {MAX_VALUE_BYTES} bytes")
    return Identifier(namespace, value)


@lru_cache(CACHED_NODES)
def normal(text: str) -> str:
    """The normal form of an identifier, the same for all spellings of one name (cached). Raises BadIdentifier."""
    return str(parse(text))


def _printable(value: str) -> str:
    for character in value:
        if character == "\ufffd" or unicodedata.category(character) in {"Cc", "Cs"}:
            raise BadIdentifier("bad_identifier", "control characters, lone surrogates and U+FFFD are not allowed")
    return value


def _plain(value: str) -> str:
    return unicodedata.normalize("NFC", value).strip()


def _email(value: str) -> str:
    value = unicodedata.normalize("NFC", _plain(value).lower())
    local, _, domain = value.partition("@")
    if not local or not domain or "@" in domain:
        raise BadIdentifier("bad_email", "an e-mail address has one @ with something on both sides")
    return value


def _telephone(value: str) -> str:
    value = value.strip().translate(_PHONE_PUNCTUATION)
    if not _E164.fullmatch(value):
        raise BadIdentifier("bad_telephone", "a telephone number is written as in E.164: + country code and number")
    return value


def _contact(value: str) -> str:
    value = value.strip().lower()
    if not UUID_TEXT.fullmatch(value):
        raise BadIdentifier("bad_contact", "contact: is followed by the uuid of a contact")
    return value


_NORMALISERS: dict[str, Callable[[str], str]] = {"email": _email, "tel": _telephone, "contact": _contact}


class Nodes:
    """Turns identifiers into nodes with the identity secret of one log."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self.key = lru_cache(CACHED_NODES)(self._key)

    def of(self, identifier: Identifier) -> UUID:
        """The node: the first 16 bytes of HMAC-SHA-256(secret, identifier), marked as a uuid of version 8."""
        if identifier.is_contact:
            return UUID(identifier.value)
        digest = hmac.digest(self._secret, str(identifier).encode(), "sha256")
        return as_uuid8(digest)

    def _key(self, text: str) -> bytes:
        """The key of an identifier as written: its node's text (cached). Raises BadIdentifier."""
        return str(self.of(parse(text))).encode()

    def keyed_hash(self, body: bytes) -> str:
        """Tells equal requests from different ones without keeping what they said."""
        return hmac.digest(self._secret, body, "sha256").hex()

    def check_value(self) -> str:
        """What a log remembers of its secret, so that a wrong one is noticed before anything is written."""
        return hmac.digest(self._secret, b"rapport: identity secret check", "sha256").hex()


def as_uuid8(digest: bytes) -> UUID:
    """The first 16 bytes of a digest as a uuid of version 8 (RFC 9562, vendor-specific)."""
    number = int.from_bytes(digest[:16], "big")
    number = (number & ~(0xF << 76)) | (8 << 76)
    number = (number & ~(0x3 << 62)) | (2 << 62)
    return UUID(int=number)
