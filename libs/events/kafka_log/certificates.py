"""TLS as a client of Kafka needs it: whom it trusts, and who it is. What cannot be used is told by its variable."""

import ssl
from pathlib import Path


def ssl_context(cafile: str | None, certfile: str | None, keyfile: str | None, password: str | None) -> ssl.SSLContext:
    """Without `cafile` whom the system trusts. Raises ValueError for files that cannot be used."""
    named = {"KAFKA_SSL_CAFILE": cafile, "KAFKA_SSL_CERTFILE": certfile, "KAFKA_SSL_KEYFILE": keyfile}
    for variable, file in named.items():
        if file is not None:
            _require_readable(variable, file)
    context = _trusting("KAFKA_SSL_CAFILE", cafile)
    if certfile is not None:
        _trusting("KAFKA_SSL_CERTFILE", certfile)  # which only shows that there is a certificate in it
        _identify(context, certfile, keyfile, password)
    elif keyfile is not None:
        raise ValueError(f"KAFKA_SSL_KEYFILE={keyfile} is of no use without its certificate, KAFKA_SSL_CERTFILE")
    return context


def _require_readable(variable: str, file: str) -> None:
    try:
        Path(file).open("rb").close()
    except OSError as reason:
        raise ValueError(f"{variable}={file}: {reason.strerror}") from None


def _trusting(variable: str, file: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=file)
    except ssl.SSLError:
        raise ValueError(f"{variable}={file} holds no certificate in PEM form") from None


def _identify(context: ssl.SSLContext, certfile: str, keyfile: str | None, password: str | None) -> None:
    key = f"KAFKA_SSL_CERTFILE={certfile}" if keyfile is None else f"KAFKA_SSL_KEYFILE={keyfile}"
    try:
        # Without any password OpenSSL would ask for one at the terminal, and wait.
        context.load_cert_chain(certfile, keyfile, password or "")
    except ssl.SSLError as reason:
        if reason.reason == "KEY_VALUES_MISMATCH":
            raise ValueError(f"{key} holds another key than that of KAFKA_SSL_CERTFILE") from None
        how = "with this KAFKA_SSL_PASSWORD" if password else "without KAFKA_SSL_PASSWORD"
        raise ValueError(f"{key} holds no key in PEM form that can be read {how}") from None
    except ValueError:
        raise ValueError("KAFKA_SSL_PASSWORD is longer than any that OpenSSL takes") from None
