"""What operators and load balancers ask: is it alive, is it ready and if not why, how fast is it."""

from collections import Counter
from typing import Any

import msgspec
from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from libs.events.bookkeeping import checkpoints
from libs.service.errors import refusal_of
from libs.service.runtime import Service, State

_NOT_READY: dict[str, Any] = {"description": "Not now; `checks` says why", "content": {"application/json": {}}}

Answered = Counter[tuple[str, str, int]]


def router(service: Service, answered: Answered) -> APIRouter:
    """`/livez`, `/readyz`, `/metrics`."""
    routes = APIRouter(tags=["health"])
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(service, answered))

    @routes.get("/livez", summary="Is the process alive?")
    async def livez() -> dict[str, str]:
        return {"status": "alive", "service": service.name}

    @routes.get("/readyz", summary="May traffic be sent here, and if not, why?", responses={503: _NOT_READY})
    async def readyz() -> Response:
        checks = await checks_of(service)
        ready = all(check["ok"] for check in checks.values())
        document = {"status": "ready" if ready else "not_ready", "service": service.name, "checks": checks}
        return Response(msgspec.json.encode(document), 200 if ready else 503, media_type="application/json")

    @routes.get("/metrics", summary="Figures for Prometheus", response_class=PlainTextResponse)
    async def metrics() -> Response:
        return Response(generate_latest(registry), media_type="text/plain; version=0.0.4")

    return routes


async def checks_of(service: Service) -> dict[str, dict[str, object]]:
    """Each condition of readiness with its reason."""
    progress = service.progress
    generation = service.generation
    stopped = {str(partition): reason for partition, reason in progress.stopped.items()}
    too_far = progress.lag > service.settings.max_lag
    return {
        "state": {"ok": service.state is State.READY, "state": service.state, "reason": service.reason},
        "database": await _database(service),
        "log": {"ok": service.log_reason is None, "reason": service.log_reason},
        "lag": {"ok": not too_far, "records": progress.lag},
        "partitions": {"ok": not stopped, "stopped": stopped, "parked_keys": progress.parked_keys},
        "generation": {
            "ok": generation is not None and generation.is_live,
            "schema": generation.schema if generation else None,
            "version": service.projection.version,
            "state": generation.state if generation else None,
        },
    }


async def _database(service: Service) -> dict[str, object]:
    if service.state is not State.READY:
        return {"ok": False, "reason": service.reason}
    try:
        async with service.reads.connect() as connection:
            await connection.execute(select(checkpoints.c.topic).limit(1))
    except DBAPIError as reason:
        return {"ok": False, "reason": refusal_of(reason).detail}
    except (SQLAlchemyError, OSError, TimeoutError) as reason:
        return {"ok": False, "reason": f"the database cannot be reached ({type(reason).__name__})"}
    return {"ok": True}


class _Figures:
    """Reads the figures when they are asked for; nothing is counted twice."""

    def __init__(self, service: Service, answered: Answered) -> None:
        self._service = service
        self._answered = answered

    def collect(self) -> list[Metric]:
        progress = self._service.progress
        counters = {
            "rapport_folded_events": ("Events folded by this process", progress.folded),
            "rapport_duplicate_events": ("Events that came again with the same content", progress.duplicates),
            "rapport_quarantined_events": ("Events that came again with other content", progress.quarantined),
            "rapport_redelivered_records": (
                "Records at or below the checkpoint that were dropped",
                progress.redelivered,
            ),
        }
        gauges = {
            "rapport_lag_records": ("Records in the log that are not folded yet", progress.lag),
            "rapport_parked_keys": ("Keys held back because an event could not be folded", progress.parked_keys),
            "rapport_ready": ("1 when this service serves", int(self._service.state is State.READY)),
        }
        figures: list[Metric] = [CounterMetricFamily(name, text_, value) for name, (text_, value) in counters.items()]
        figures += [GaugeMetricFamily(name, text_, value) for name, (text_, value) in gauges.items()]
        requests = CounterMetricFamily(
            "rapport_http_requests", "Requests answered", labels=["method", "route", "status"]
        )
        for (method, route, status), count in self._answered.items():
            requests.add_metric([method, route, str(status)], count)
        return [*figures, requests]
