"""Everything `privacy` raises on purpose.

PrivacyError
├── InputError                  the caller can fix it
│   ├── FrameError              planes, size or layout do not fit together
│   ├── EvidenceError           scores that are no probabilities
│   ├── PolicyError             a policy pack that cannot be trusted
│   ├── RegionError             static zones that are no polygons in [0, 1]
│   ├── EffectTooWeakError      a mask below the strength floor of the policy
│   ├── FieldError              a field of a request holds what it may not
│   ├── DeviceError             pixels are to be masked on a device that is not there
│   ├── ProtocolError           a stream message out of order
│   ├── EventError              an event without a subject or a time
│   ├── ViewError               a fingerprint of a view that is none
│   ├── LedgerError             an entry or head of the ledger that is none
│   ├── SealError               a sealed box that was altered, cut off, or is for another key
│   ├── PrintError              a report that cannot be printed as asked
│   ├── UnsupportedError        a part of the contract that this server does not serve
│   └── SourceError             no picture or video can be read from it
│       └── RecordingError      the same of a recording in an archive, with a reason that scripts can read
├── ModelNotFoundError          no such name in the catalogue, or its file is not there yet
├── ModelIntegrityError         a weights file that is not the one in the catalogue
├── SourceLostError             a source broke off in the middle; what came before is good
├── SinkError                   the output cannot be written (disk full, encoder refused)
├── DrainedError                the server stops, and its streams with it
├── SettingsChangedError        a stream was begun under rules that are no longer those of its camera
├── UnauthenticatedError        nobody knows who calls
├── PermissionDeniedError       the caller's role may not do this
├── OverloadError               the service cannot take another stream now; a retry may help
│   └── RateError               this client asks for more than its share
├── ResourceNotFoundError       no site, camera, token or report of this name
├── AlreadyExistsError          there is one of this name
├── StaleError                  somebody else's change came first; read again, and then decide again
├── InUseError                  others depend on it
├── DatabaseError               what must outlive the process cannot be read or written
│   ├── DatabaseBusyError       somebody else holds it; a retry may help
│   ├── DatabaseFullError       there is no room for another line
│   └── DamagedError            what was written is not what is there now; a retry will not help
├── ViewUnsettledError          a view that cannot be approved as it is now
├── ReviewError                 a step that a report in its state may not take
├── AccessError                 evidence that was asked for without what the law asks for
├── RetentionError              what must still be kept cannot be deleted
├── DeliveryError               a receiver does not answer; a retry may help
│   └── DeliveryRefusedError    a receiver answers that it will never take this
└── MaskingError                the frame must not leave the process
"""

from typing import ClassVar


class PrivacyError(Exception):
    """Base of the tree. `facts` holds every value that the message mentions; never pixels."""

    reason: ClassVar[str] = "PRIVACY_ERROR"  # machine-read (AIP-193 ErrorInfo.reason): never rename

    def __init__(self, message: str, **facts: str | float) -> None:
        super().__init__(message)
        self.facts = facts


class InputError(PrivacyError):
    """What was sent or written is wrong; sending it again will not help."""

    reason = "INVALID_INPUT"


class FrameError(InputError):
    """Planes, size and layout of a frame do not fit together."""

    reason = "INVALID_FRAME"


class EvidenceError(InputError):
    """Scores are not probabilities over the zones."""

    reason = "INVALID_EVIDENCE"


class PolicyError(InputError):
    """A policy pack is unknown, malformed or contradicts itself."""

    reason = "INVALID_POLICY"


class RegionError(InputError):
    """Static zones are not polygons with corners in [0, 1]."""

    reason = "INVALID_REGION"


class EffectTooWeakError(InputError):
    """The asked-for effect would leave more than the policy's strength floor allows."""

    reason = "EFFECT_TOO_WEAK"


class FieldError(InputError):
    """A field of a request is missing, or holds what it may not."""

    reason = "INVALID_FIELD"


class DeviceError(InputError):
    """Pixels are to be masked on a device that this machine does not have."""

    reason = "DEVICE_UNAVAILABLE"


class ProtocolError(InputError):
    """A stream message came out of order, or without what it must carry."""

    reason = "INVALID_MESSAGE"


class EventError(InputError):
    """An event lacks its subject or its time."""

    reason = "INVALID_EVENT"


class ViewError(InputError):
    """The fingerprint of a view cannot be read."""

    reason = "INVALID_VIEW"


class LedgerError(InputError):
    """An entry or a head of the ledger is none."""

    reason = "INVALID_LEDGER"


class SealError(InputError):
    """A sealed box was altered or cut off, or is for another key."""

    reason = "SEAL_BROKEN"


class PrintError(InputError):
    """A report cannot be printed: a library or a font for its letters is missing."""

    reason = "CANNOT_PRINT"


class UnsupportedError(InputError):
    """A part of the contract that this server does not serve."""

    reason = "UNSUPPORTED"


class SourceError(InputError):
    """Nothing can be read: no such file, no picture, no video stream."""

    reason = "SOURCE_UNREADABLE"


class RecordingError(SourceError):
    """A recording cannot be read, or not from some point on.

    Args:
        message: For people.
        why: For scripts, for example "TRUNCATED".
        offset: Seconds from its start from which nothing can be read; None if nothing can be.
    """

    reason = "RECORDING_UNREADABLE"

    def __init__(
        self, message: str, *, why: str = "NOT_VIDEO", offset: float | None = None, **facts: str | float
    ) -> None:
        super().__init__(message, **facts)
        self.why = why
        self.offset = offset


class ModelNotFoundError(PrivacyError):
    """The catalogue has no model of this name, or its weights are not on this machine."""

    reason = "MODEL_NOT_FOUND"


class ModelIntegrityError(PrivacyError):
    """A weights file is not the one whose sha256 stands in the catalogue, or does not fit its card."""

    reason = "MODEL_INTEGRITY"


class SourceLostError(PrivacyError):
    """A camera or file broke off; every frame before it was good."""

    reason = "SOURCE_LOST"


class SinkError(PrivacyError):
    """The masked output cannot be written."""

    reason = "SINK_FAILED"


class OverloadError(PrivacyError):
    """The service has no capacity for this stream now."""

    reason = "OVERLOADED"


class DrainedError(PrivacyError):
    """The server has told its streams that it stops; whoever ended one since did as they were told."""

    reason = "DRAINING"


class SettingsChangedError(PrivacyError):
    """The rules of a stream are no longer those of its camera; a new stream has the new ones."""

    reason = "SETTINGS_CHANGED"


class UnauthenticatedError(PrivacyError):
    """No token, or one that is unknown, expired or revoked. It is never said which token."""

    reason = "UNAUTHENTICATED"


class PermissionDeniedError(PrivacyError):
    """The role of the caller may not call this method."""

    reason = "PERMISSION_DENIED"


class RateError(OverloadError):
    """This client has its streams, or asks more often than it may; a retry may help."""

    reason = "RATE_LIMITED"


class ResourceNotFoundError(PrivacyError):
    """There is no resource of this name."""

    reason = "RESOURCE_NOT_FOUND"


class AlreadyExistsError(PrivacyError):
    """There is a resource of this name."""

    reason = "ALREADY_EXISTS"


class StaleError(PrivacyError):
    """The resource was changed by somebody else since it was read."""

    reason = "STALE"


class InUseError(PrivacyError):
    """Others depend on the resource."""

    reason = "IN_USE"


class DatabaseError(PrivacyError):
    """The database is gone, or is not one of ours. Nothing was written."""

    reason = "DATABASE_UNAVAILABLE"


class DatabaseBusyError(DatabaseError):
    """Somebody else holds the database. Nothing was written."""

    reason = "DATABASE_BUSY"


class DatabaseFullError(DatabaseError):
    """The disk of the database is full. Nothing was written."""

    reason = "DATABASE_FULL"


class DamagedError(DatabaseError):
    """What is kept was altered or cut off, and cannot be read. Somebody has to fetch it from a backup."""

    reason = "DATA_DAMAGED"


class ViewUnsettledError(PrivacyError):
    """What a camera shows now cannot be approved: nobody sees it, it moves, or it is not known to be permitted.

    Or a view that has changed would go with its preset, or stay away when its camera is registered again, before
    somebody has approved one.
    """

    reason = "VIEW_UNSETTLED"


class ReviewError(PrivacyError):
    """A report in its state may not take this step, or nobody says who takes it and why."""

    reason = "REVIEW_REFUSED"


class AccessError(PrivacyError):
    """Evidence was asked for without what the law asks for. Nothing was given, and the ledger knows."""

    reason = "EVIDENCE_REFUSED"


class RetentionError(PrivacyError):
    """It must still be kept, and was not deleted."""

    reason = "RETAINED"


class DeliveryError(PrivacyError):
    """A receiver does not answer. What was sent is sent again."""

    reason = "DELIVERY_FAILED"


class DeliveryRefusedError(DeliveryError):
    """A receiver answers that it will never take this. Somebody has to look."""

    reason = "DELIVERY_REFUSED"


class MaskingError(PrivacyError):
    """A mask could not be made, so the frame must not leave the process."""

    reason = "MASKING_FAILED"
