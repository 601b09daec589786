"""The one table from our errors to gRPC."""

import traceback
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import cast

import grpc
import structlog
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from privacy import errors

log = structlog.get_logger()

DOMAIN = "privacy"
RETRY_AFTER_S = 2
_OWN = (errors.DatabaseError, errors.SinkError)
"""What these say names files and hosts of the server; that is for its log, and for nobody who calls."""
FAILED = "the server failed on this call"
"""All that is said of a bug."""
_LONGEST = 512  # characters; trailers that outgrow the peer's header limit would replace the error by another

CODES: dict[type[errors.PrivacyError], grpc.StatusCode] = {
    errors.PrivacyError: grpc.StatusCode.INTERNAL,
    errors.InputError: grpc.StatusCode.INVALID_ARGUMENT,
    errors.UnsupportedError: grpc.StatusCode.UNIMPLEMENTED,
    errors.ModelNotFoundError: grpc.StatusCode.NOT_FOUND,
    errors.ModelIntegrityError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.SourceLostError: grpc.StatusCode.UNAVAILABLE,
    errors.DrainedError: grpc.StatusCode.UNAVAILABLE,
    errors.SettingsChangedError: grpc.StatusCode.UNAVAILABLE,
    errors.OverloadError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.UnauthenticatedError: grpc.StatusCode.UNAUTHENTICATED,
    errors.PermissionDeniedError: grpc.StatusCode.PERMISSION_DENIED,
    errors.ResourceNotFoundError: grpc.StatusCode.NOT_FOUND,
    errors.AlreadyExistsError: grpc.StatusCode.ALREADY_EXISTS,
    errors.StaleError: grpc.StatusCode.ABORTED,
    errors.InUseError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.DatabaseError: grpc.StatusCode.UNAVAILABLE,
    errors.DamagedError: grpc.StatusCode.DATA_LOSS,
    errors.ViewUnsettledError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.ReviewError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.AccessError: grpc.StatusCode.PERMISSION_DENIED,
    errors.RetentionError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.DeliveryError: grpc.StatusCode.UNAVAILABLE,
    errors.MaskingError: grpc.StatusCode.INTERNAL,
}


def code_of(error: errors.PrivacyError) -> grpc.StatusCode:
    """Return the code of the nearest ancestor that has one."""
    return next(CODES[kind] for kind in type(error).__mro__ if kind in CODES)


def status_of(error: errors.PrivacyError) -> status_pb2.Status:
    """Return what the client gets: the code, the message, `ErrorInfo`, and `RetryInfo` if trying again may help."""
    code = code_of(error)
    facts = {} if isinstance(error, _OWN) else {key: str(value)[:_LONGEST] for key, value in error.facts.items()}
    details = [_packed(error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=facts))]
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED:
        details.append(_packed(error_details_pb2.RetryInfo(retry_delay=Duration(seconds=RETRY_AFTER_S))))
    return status_pb2.Status(code=code.value[0], message=words_of(error)[:_LONGEST], details=details)


def words_of(error: errors.PrivacyError) -> str:
    """Return what whoever calls is told of an error."""
    if isinstance(error, errors.DamagedError):
        return "what this server keeps of it is damaged, and cannot be read; its log says more"
    return "what this server keeps cannot be read or written now" if isinstance(error, _OWN) else str(error)


def log_refusal(event: str, error: errors.PrivacyError, **facts: str | int) -> None:
    """Log that somebody was refused: quietly if they were told why, and as an error if only the log is."""
    if isinstance(error, _OWN):
        log.error(event, reason=error.reason, error=str(error), **facts)
    else:
        log.info(event, reason=error.reason, **facts)


def _packed(message: Message) -> Any:
    packed = Any()
    packed.Pack(message)
    return packed


def _where(error: Exception) -> str:
    """Return the lines that the error came through, innermost last."""
    return " > ".join(f"{Path(at.filename).name}:{at.lineno}" for at in traceback.extract_tb(error.__traceback__))


def errors_as_status(context: grpc.ServicerContext) -> AbstractContextManager[None, None]:
    """End the call with a typed status when one of our errors is raised, and without details when another one is."""
    # Nothing is ever swallowed: ending a call raises. A type checker cannot see that.
    return cast("AbstractContextManager[None, None]", _ended(context))


@contextmanager
def _ended(context: grpc.ServicerContext) -> Iterator[None]:
    try:
        yield
    except errors.PrivacyError as error:
        log_refusal("call_refused", error, code=code_of(error).name)
        context.abort_with_status(rpc_status.to_status(status_of(error)))
    except grpc.RpcError:
        raise  # the client has gone
    except Exception as error:
        # A bug. The text of an unknown exception may quote what was being worked on, and a traceback is logged with the
        # variables in it, which are pictures: neither is said to anybody.
        log.error("call_failed", error=type(error).__name__, where=_where(error))
        failure = errors.PrivacyError(FAILED)
        context.abort_with_status(rpc_status.to_status(status_of(failure)))
