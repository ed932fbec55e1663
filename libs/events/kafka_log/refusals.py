"""Why no broker lets this client in, as far as settings can be to blame.

aiokafka tries every broker, keeps each answer to itself and says that none would do. So then the brokers are asked once
more, on a connection made by hand, until one of them says what is wrong with the settings.
"""

import asyncio
import ssl
from contextlib import suppress

from aiokafka.conn import collect_hosts, create_conn
from aiokafka.errors import (
    AuthenticationFailedError,
    IllegalSaslStateError,
    KafkaConnectionError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from aiokafka.protocol.metadata import MetadataRequest

from libs.events.kafka_log.place import CLIENT_ERRORS, KafkaPlace
from libs.events.log import LogForbidden, LogUnavailable

ASK_TIMEOUT_S = 2.0


async def explained(place: KafkaPlace, failure: BaseException) -> LogUnavailable:
    """What a client failed with, as the port says it, with the variables to look at where brokers refuse us."""
    if isinstance(failure, KafkaConnectionError):
        with suppress(TimeoutError):
            async with asyncio.timeout(ASK_TIMEOUT_S):
                # In one order, so that one cause has one text.
                for host, port, _ in sorted(collect_hosts(place.bootstrap_servers)):
                    if refusal := await _refusal(place, host, port):
                        return refusal
    return place.unavailable(failure)


async def _refusal(place: KafkaPlace, host: str, port: int) -> LogUnavailable | None:
    try:
        connection = await create_conn(host, port, **place.connection())
        try:
            await connection.send(MetadataRequest([]))
        finally:
            connection.close()
    except LogUnavailable as reason:  # certificates that cannot be used now
        return reason
    except CLIENT_ERRORS as reason:
        cause = reason.__cause__ if isinstance(reason, KafkaConnectionError) else reason
        return _told(place, f"{host}:{port}", cause or reason)
    return None


def _told(place: KafkaPlace, address: str, cause: BaseException) -> LogUnavailable | None:
    """None where nothing is wrong with the settings as far as one can see."""
    name = type(cause).__name__
    match cause:
        case SaslAuthenticationFailed() | AuthenticationFailedError():
            variables = "KAFKA_SASL_PLAIN_USERNAME or KAFKA_SASL_PLAIN_PASSWORD"
            return LogForbidden(f"Kafka refuses who we say we are ({name}): {variables}")
        case UnsupportedSaslMechanismError():
            mechanism = f"KAFKA_SASL_MECHANISM={place.sasl_mechanism}"
            return LogForbidden(f"Kafka at {address} does not take {mechanism} ({name})")
        case ssl.SSLCertVerificationError():
            return LogForbidden(f"Kafka at {address} is not whom KAFKA_SSL_CAFILE vouches for ({cause.verify_message})")
        case ssl.SSLError() if _is_about_us(cause):
            variables = "KAFKA_SSL_CERTFILE and KAFKA_SSL_KEYFILE"
            return LogForbidden(f"Kafka refuses our certificate ({cause.reason}): {variables}")
        case ssl.SSLError() | IllegalSaslStateError() | EOFError() | ConnectionResetError() | BrokenPipeError():
            spoken = f"KAFKA_SECURITY_PROTOCOL={place.security_protocol}"
            return LogUnavailable(f"Kafka at {address} hangs up on us, or does not listen there for {spoken} ({name})")
    return None


def _is_about_us(error: ssl.SSLError) -> bool:
    """Whether this is a broker's alert, such as SSLV3_ALERT_BAD_CERTIFICATE where it wants one and gets none."""
    return "ALERT" in (error.reason or "") and ("CERTIFICATE" in error.reason or "UNKNOWN_CA" in error.reason)
