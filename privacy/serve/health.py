"""`grpc.health.v1.Health`: how the services of this server do, for whoever probes."""

from collections.abc import Callable, Iterable, Iterator

import grpc
from grpc_health.v1 import health, health_pb2


class Health(health.HealthServicer):
    """Says how services do; all of them are known from the start.

    Each `Watch` holds a thread. Left to itself the library would write to the watchers from within `set`, and one that
    does not read would hold up what all others are told.

    Args:
        names: The services; "" is all of them together.
    """

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__(experimental_non_blocking=False)
        self._names = frozenset(names)

    def Watch(  # noqa: N802 - gRPC's name
        self,
        request: health_pb2.HealthCheckRequest,
        context: grpc.ServicerContext,
        send_response_callback: Callable[..., object] | None = None,  # noqa: ARG002 - the library's; never given here
    ) -> Iterator[health_pb2.HealthCheckResponse]:
        """Say how a service does, and each time that changes; of an unknown one, that it is unknown, and no more.

        The library would keep the name, of whatever length, for as long as it runs, in case it becomes known.
        """
        if request.service not in self._names:
            return iter([health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.SERVICE_UNKNOWN)])
        watching: Iterator[health_pb2.HealthCheckResponse] = super().Watch(request, context)
        return watching
