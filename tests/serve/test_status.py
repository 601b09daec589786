"""Every error of ours has a code, a reason and facts; nothing else says anything."""

from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import grpc
import pytest
from google.rpc import error_details_pb2
from structlog.testing import capture_logs

from privacy import errors
from privacy.client import RefusedError
from privacy.serve.status import CODES, code_of, errors_as_status, status_of


def subclasses(kind: type[errors.PrivacyError]) -> Iterator[type[errors.PrivacyError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from subclasses(child)


KINDS: list[type[errors.PrivacyError]] = sorted(
    {*subclasses(errors.PrivacyError), RefusedError}, key=lambda kind: kind.__name__
)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_has_the_code_of_its_nearest_ancestor(kind: type[errors.PrivacyError]) -> None:
    listed = [ancestor for ancestor in kind.__mro__ if ancestor in CODES]

    assert code_of(kind("x")) is CODES[listed[0]]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_carries_its_reason_and_facts(kind: type[errors.PrivacyError]) -> None:
    info = error_details_pb2.ErrorInfo()
    status = status_of(kind("too much", limit=3))
    assert status.details[0].Unpack(info)

    ours = issubclass(kind, errors.DatabaseError | errors.SinkError)
    assert (info.reason, info.domain, dict(info.metadata)) == (kind.reason, "privacy", {} if ours else {"limit": "3"})
    assert (status.message == "too much") is not ours


@pytest.mark.parametrize("kind", [errors.DatabaseError, errors.DatabaseFullError, errors.SinkError])
def test_where_the_server_keeps_things_is_said_to_its_log_alone(kind: type[errors.PrivacyError]) -> None:
    def write() -> None:
        raise kind("/srv/privacy.db is full", database="/srv/privacy.db")

    call = Mock(grpc.ServicerContext)
    with capture_logs() as lines, errors_as_status(call):
        write()
    (ended,) = call.abort_with_status.call_args.args

    assert ["/srv" in str(line) for line in lines if line["log_level"] == "error"] == [True]
    assert "/srv" not in f"{ended.details} {ended.trailing_metadata}"


def test_reasons_are_unique() -> None:
    assert len({kind.reason for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.FrameError, grpc.StatusCode.INVALID_ARGUMENT),
        (errors.UnsupportedError, grpc.StatusCode.UNIMPLEMENTED),
        (errors.ModelNotFoundError, grpc.StatusCode.NOT_FOUND),
        (errors.OverloadError, grpc.StatusCode.RESOURCE_EXHAUSTED),
        (errors.MaskingError, grpc.StatusCode.INTERNAL),
    ],
)
def test_codes_that_clients_depend_on(kind: type[errors.PrivacyError], code: grpc.StatusCode) -> None:
    assert code_of(kind("x")) is code


def test_a_bug_is_logged_without_its_words_and_without_what_was_being_worked_on() -> None:
    def work(picture: bytes) -> None:
        raise ValueError(f"cannot work on {picture!r}")

    call = Mock(grpc.ServicerContext)
    with capture_logs() as lines, errors_as_status(call):
        work(b"PIXELS")
    (ended,) = call.abort_with_status.call_args.args
    said = str(lines)

    assert ended.code is grpc.StatusCode.INTERNAL
    assert "call_failed" in said
    assert "ValueError" in said
    assert f"{Path(__file__).name}:{work.__code__.co_firstlineno + 1}" in said
    assert "PIXELS" not in said + ended.details
    assert "exc_info" not in lines[0]  # a traceback is logged with the variables in it
