"""What every receiver still has to be told, and who is telling it.

The changes of reports are the outbox: they are written in the transaction that keeps the report, and each receiver has
a place in their order. A change is sent, and then the place moves on: who dies in between sends it again, under the
same idempotency key. A receiver that does not answer is asked again, ever more slowly, for ever; one that refuses a
change for good has it laid aside as a dead letter, where somebody sees it.
"""

import random
import threading
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

import structlog
from sqlalchemy import select

from privacy.database import reading
from privacy.errors import DatabaseError, DeliveryError, DeliveryRefusedError, ResourceNotFoundError
from privacy.reports.ledger import Head
from privacy.reports.report import Change, ChangeKind, Report
from privacy.reports.scene import SET_BACK_S
from privacy.reports.store import Store
from privacy.reports.tables import ChangeRow, DeadLetterRow, DeliveryRow

log = structlog.get_logger()

_ERROR_CHARACTERS = 500


class Receiver(Protocol):
    """Somebody who is told."""

    @property
    def name(self) -> str:
        """A name that stays the same over restarts; never a password."""

    def deliver(self, change: Change) -> None:
        """Tell of a change, and return only when it has arrived.

        Raises:
            DeliveryError: It has not, or nobody knows.
            DeliveryRefusedError: It never will.
        """

    def tell(self, head: Head) -> None:
        """Send the head of the ledger away, so that nobody here can cut the ledger off behind it.

        Raises:
            DeliveryError: It did not arrive.
        """

    def close(self) -> None:
        """Let go of connections."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How patient a courier is, in seconds.

    Attributes:
        first_s: Longest wait after the first failure; it doubles with every further one ...
        most_s: ... up to this.
        lease_s: A courier that has not come back after so long is dead, and another may go.
        idle_s: Time between looks for new changes.
        head_s: The head of the ledger is sent no oftener than this.
    """

    first_s: float = 1.0
    most_s: float = 300.0
    lease_s: float = 60.0
    idle_s: float = 0.5
    head_s: float = 60.0

    def wait(self, attempts: int, chance: random.Random) -> float:
        """Return how long to wait after so many failures; half of it is chance, so that not all come back at once."""
        longest = min(self.most_s, self.first_s * 2.0 ** min(attempts - 1, 30))
        return longest * chance.uniform(0.5, 1.0)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A change that a receiver refused."""

    receiver: str
    offset: int
    at: float
    error: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a receiver has been told.

    Attributes:
        receiver: Its name.
        next_offset: The first change that it has not.
        attempts: Failures in a row.
        error: The last of them; "" if it answers.
    """

    receiver: str
    next_offset: int
    attempts: int
    error: str


class Outbox:
    """The place of every receiver in the order of changes.

    Args:
        store: Where the changes are.
        pace: For leases and waits.
    """

    def __init__(self, store: Store, pace: Pace | None = None, chance: random.Random | None = None) -> None:
        self._store = store
        self._pace = pace or Pace()
        self._chance = chance or random.Random()  # noqa: S311 - spreads retries, hides nothing
        self._holder = uuid.uuid4().hex

    def take(self, receiver: str) -> Change | None:
        """Return the next change to send to a receiver; None if there is none, it is too soon, or another sends it."""
        now = self._store.clock()
        with self._store.writing() as session:
            row = session.get(DeliveryRow, receiver)
            if row is None:
                row = DeliveryRow(
                    receiver=receiver, next_number=0, attempts=0, next_attempt=_utc(now), error="", holder=""
                )
                session.add(row)
            if _is_ahead(row.next_attempt, now, self._pace.most_s):
                return None
            held_until = None if row.holder in ("", self._holder) else row.held_until
            if held_until is not None and _is_ahead(held_until, now, self._pace.lease_s):
                return None
            query = select(ChangeRow).where(ChangeRow.number >= row.next_number).order_by(ChangeRow.number).limit(1)
            change = session.scalars(query).first()
            if change is None:
                return None
            row.holder, row.held_until = self._holder, _utc(now + self._pace.lease_s)
            return Change(ChangeKind(change.kind), Report.from_json(change.document), change.number)

    def arrived(self, receiver: str, change: Change) -> None:
        """Move on: the receiver has this change."""
        self._move(receiver, change)

    def failed(self, receiver: str, error: DeliveryError) -> None:
        """Wait, and send it again."""
        now = self._store.clock()
        with self._store.writing() as session:
            row = session.get_one(DeliveryRow, receiver)
            row.attempts += 1
            row.error = str(error)[:_ERROR_CHARACTERS]
            row.next_attempt = _utc(now + self._pace.wait(row.attempts, self._chance))
            row.holder, row.held_until = "", None

    def refused(self, receiver: str, change: Change, error: DeliveryRefusedError) -> None:
        """Lay it aside where somebody sees it, and move on."""
        self._move(receiver, change, str(error)[:_ERROR_CHARACTERS])

    def _move(self, receiver: str, change: Change, refusal: str | None = None) -> None:
        now = _utc(self._store.clock())
        with self._store.writing() as session:
            row = session.get_one(DeliveryRow, receiver)
            row.next_number = max(row.next_number, change.offset + 1)
            row.attempts, row.error, row.next_attempt = 0, "", now
            row.holder, row.held_until = "", None
            if refusal is not None and session.get(DeadLetterRow, (receiver, change.offset)) is None:
                session.add(DeadLetterRow(receiver=receiver, number=change.offset, time=now, error=refusal))

    def standings(self) -> list[Standing]:
        """Return how far every receiver has been told."""
        with reading(self._store.database) as session:
            rows = session.scalars(select(DeliveryRow).order_by(DeliveryRow.receiver))
            return [Standing(row.receiver, row.next_number, row.attempts, row.error) for row in rows]

    def dead_letters(self) -> list[DeadLetter]:
        """Return what was refused, the oldest first."""
        with reading(self._store.database) as session:
            rows = session.scalars(select(DeadLetterRow).order_by(DeadLetterRow.time))
            return [DeadLetter(row.receiver, row.number, row.time.timestamp(), row.error) for row in rows]

    def redeliver(self, receiver: Receiver, offset: int) -> None:
        """Send a dead letter of a receiver to it once more, and bury it if it arrives.

        Raises:
            DeliveryError: It still does not arrive.
            ResourceNotFoundError: It has no such dead letter.
        """
        change = next((one for one in self._store.changes(offset, 1) if one.offset == offset), None)
        if change is None or (receiver.name, offset) not in {(one.receiver, one.offset) for one in self.dead_letters()}:
            raise ResourceNotFoundError(f"{receiver.name} has no dead letter {offset}", offset=offset)
        receiver.deliver(change)
        with self._store.writing() as session:
            letter = session.get(DeadLetterRow, (receiver.name, offset))
            if letter is not None:
                session.delete(letter)


class Courier:
    """Tells one receiver everything, in a thread of its own.

    Args:
        store: Where the changes are.
        receiver: Who is told.
        pace: How patiently.
    """

    def __init__(self, store: Store, receiver: Receiver, pace: Pace | None = None) -> None:
        self._store = store
        self._receiver = receiver
        self._pace = pace or Pace()
        self._outbox = Outbox(store, self._pace)
        self._told = -1  # entries of the last head that was sent
        self._head_due, self._head_attempts = _utc(0.0), 0
        self._chance = random.Random()  # noqa: S311 - spreads retries, hides nothing
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"courier {receiver.name}", daemon=True)

    def start(self) -> None:
        """Go."""
        self._thread.start()

    def stop(self, wait_s: float = 5.0) -> None:
        """Come home; what was not told is told after the next start."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(wait_s)

    def step(self) -> bool:
        """Send one change, if there is one to send. Return whether there was."""
        name = self._receiver.name
        change = self._outbox.take(name)
        if change is None:
            return False
        try:
            self._receiver.deliver(change)
        except DeliveryRefusedError as error:
            log.error("delivery_refused", receiver=name, offset=change.offset, reason=error.reason)
            self._outbox.refused(name, change, error)
        except DeliveryError as error:
            log.warning("delivery_failed", receiver=name, offset=change.offset, reason=error.reason)
            self._outbox.failed(name, error)
        else:
            self._outbox.arrived(name, change)
        return True

    def send_head(self) -> None:
        """Send the head of the ledger, if it is another one and not too soon.

        Raises:
            DeliveryError: It did not arrive; it is sent again, ever more slowly, as changes are.
        """
        longest = max(self._pace.most_s, self._pace.head_s)
        if _is_ahead(self._head_due, self._store.clock(), longest):
            return
        head = self._store.head()
        if head.entries != self._told:
            try:
                self._receiver.tell(head)
            except DeliveryError:
                self._head_attempts += 1
                self._head_due = _utc(self._store.clock() + self._pace.wait(self._head_attempts, self._chance))
                raise
        self._told, self._head_attempts = head.entries, 0
        self._head_due = _utc(self._store.clock() + self._pace.head_s)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                if self.step():
                    continue
                self.send_head()
            except (DeliveryError, DatabaseError) as error:
                log.warning("courier_waits", receiver=self._receiver.name, reason=error.reason)
                self._stop.wait(self._pace.first_s)
            except Exception as error:  # a courier that dies would lose everything that follows
                log.error("courier_stumbled", receiver=self._receiver.name, error=type(error).__name__)
                self._stop.wait(self._pace.first_s)
            self._stop.wait(self._pace.idle_s)
        self._receiver.close()


def _is_ahead(due: datetime, now: float, most_s: float) -> bool:
    """Say whether a moment is to come; one that is farther off than anybody waits is of a clock that was set back.

    Clocks of two servers differ a little: what one has begun must not be taken from it by one whose clock is behind.
    """
    return _utc(now) < due <= _utc(now + most_s + SET_BACK_S)


def _utc(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
