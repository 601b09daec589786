"""An audit from beginning to end: list, scan, write down; may be killed anywhere and gone on with."""

import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from itertools import islice
from pathlib import Path

from privacy.audit.archive import Naming, find
from privacy.audit.book import NAME, Book, Progress, now
from privacy.audit.engines import Engine
from privacy.audit.scan import Scanner, Task
from privacy.audit.terms import Terms
from privacy.errors import InputError, SinkError
from privacy.models import catalogue
from privacy.policy import Policy

_PAGE = 500
Watch = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class MakeScanner:
    """Builds a scanner wherever it is called: what travels to a worker is the policy and a name, never a session.

    Attributes:
        rules: The policy.
        terms: How closely to look.
    """

    rules: Policy
    terms: Terms

    def __call__(self) -> Scanner:
        """Load the model.

        Raises:
            ModelNotFoundError: It is not on this machine.
            ModelIntegrityError: Its weights are not the catalogue's.
        """
        return Scanner(catalogue.load(self.terms.model), self.rules, self.terms)


def begin(
    folder: Path,
    paths: Iterable[str],
    terms: Terms,
    rules: Policy,
    naming: Naming,
    *,
    resume: bool,
    within: Sequence[Path] = (),
) -> Book:
    """Open the book of an audit, with every recording entered.

    Args:
        folder: Where the audit is to lie; made if it is not there.
        paths: What to audit; see `archive.find`. May be none when resuming.
        terms: How closely.
        rules: The policy that `terms` names, calibrated for its model.
        naming: How paths name cameras.
        resume: Go on with the audit that lies there, if there is one.
        within: Recordings outside of these folders, wherever a link leads, are refused; none for no such bounds.

    Raises:
        InputError: There is an audit already, or one on other terms; a path names nothing.
        SinkError: The folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SinkError(f"{folder}: cannot be made: {error.strerror}", sink=str(folder)) from error
    paths = list(paths)
    known = (folder / NAME).exists()
    if not paths and not (resume and known):
        raise InputError("nothing to audit: name files, folders or globs")
    book = Book(folder / NAME, create=not (resume and known))
    try:
        _check_facts(book, terms, rules)
        paths = paths or book.fact("paths", [])
        book.state("paths", paths)
        ignored: list[str] = []
        recordings = find(paths, naming, ignored.append, within)
        while page := list(islice(recordings, _PAGE)):
            book.enter(page, ignored)
            ignored.clear()
        book.enter([], ignored)
    except BaseException:
        book.close()
        if not known:  # nothing was audited; who mistyped a path begins anew
            book.path.unlink(missing_ok=True)
        raise
    return book


def _check_facts(book: Book, terms: Terms, rules: Policy) -> None:
    facts = {
        "terms": terms.to_json(),
        "model": {"name": terms.model, "sha256": catalogue.card(terms.model).sha256},
        "policy": {
            "name": rules.name,
            "version": rules.version,
            "law": rules.law,
            "thresholds": asdict(rules.thresholds),
            "sha256": digest_of(rules),
        },
    }
    for name, value in facts.items():
        if book.fact(name, value) != value:
            raise InputError(
                f"{book.path} holds an audit with another {name}; use another folder, or privacy audit simulate",
                field=name,
            )
        book.state(name, value)
    book.state("tool", metadata.version("privacy-zones"))
    book.state("started", book.fact("started", now()))


def scan(book: Book, engine: Engine, watch: Watch = lambda _: None, stop: Callable[[], bool] = lambda: False) -> bool:
    """Let an engine scan what is not scanned yet.

    Args:
        book: Where results go, each as soon as it is there.
        engine: Who scans; started.
        watch: Told after every result how far it is.
        stop: Asked after every result; True ends the scan.

    Returns:
        True if everything is scanned.

    Raises:
        SinkError: The book cannot be written.
        PrivacyError: The engine cannot work.
    """
    more: deque[Task] = deque()
    tasks = book.tasks()
    under_way = 0
    watch(book.progress())
    while not stop():
        while under_way < engine.capacity and (task := more.popleft() if more else next(tasks, None)):
            engine.submit(task)
            under_way += 1
        if not under_way:
            book.state("ended", now())
            return True
        result = engine.next()
        under_way -= 1
        book.write(result)
        if result.task.number == 0 and result.parts > 1:
            more.extend(book.rest_of(result.task.recording))
        watch(book.progress())
    return False


def digest_of(rules: Policy) -> str:
    """Return the SHA-256 of everything that a policy says."""
    return hashlib.sha256(json.dumps(asdict(rules), sort_keys=True, default=sorted).encode()).hexdigest()


def own_rules(book: Book) -> Policy:
    """Return the policy that an audit was made with.

    Raises:
        PolicyError: It is not there any more, or asks for more than the model meets.
        InputError: It says something else now.
    """
    terms = Terms.from_json(book.fact("terms"))
    rules = catalogue.load_policy(terms.policy, terms.model)
    if digest_of(rules) != book.fact("policy")["sha256"]:
        raise InputError(f"the policy {rules.name} has changed since this audit was made", field="policy")
    return rules
