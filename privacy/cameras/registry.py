"""The register of sites and cameras, kept in a database. One call is one transaction."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine, select, tuple_
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from privacy import filters, pages
from privacy.cameras.camera import PART, Camera, Preset, Site, camera_name, camera_of, kept, site_name, site_of
from privacy.cameras.tables import CameraRow, SiteRow, UnsettledRow, ViewRow
from privacy.cameras.view import Fingerprint
from privacy.database import reading, writing
from privacy.errors import (
    AlreadyExistsError,
    FieldError,
    InUseError,
    ResourceNotFoundError,
    StaleError,
    ViewUnsettledError,
)
from privacy.events import (
    ConfigChanged,
    Event,
    MaskChange,
    MaskReduced,
    MaskRestored,
    Registered,
    ViewChange,
    ViewRestored,
)
from privacy.filters import Field, Fields, Kind
from privacy.masking.coverage import cover, painted
from privacy.plan import Polygon
from privacy.policy import Policy

ANY_SITE = "sites/-"
"""The parent of all cameras."""

_CHUNK = 500  # rows read at a time while a filter looks for those that pass
_GRID = (512, 512)  # on which static zones are compared
_SHOWN = 200  # characters of a setting that are told
NOBODY = "system/privacy"
"""Who changes the register where nobody is named."""
T = TypeVar("T")
R = TypeVar("R", SiteRow, CameraRow)

SITE_FIELDS: Fields[Site] = {
    "name": Field(Kind.TEXT, lambda site: site.name),
    "display_name": Field(Kind.TEXT, lambda site: site.display_name),
    "address": Field(Kind.TEXT, lambda site: site.address),
    "operator": Field(Kind.TEXT, lambda site: site.operator),
    "create_time": Field(Kind.TIME, lambda site: site.create_time),
    "update_time": Field(Kind.TIME, lambda site: site.update_time),
}
CAMERA_FIELDS: Fields[Camera] = {
    "name": Field(Kind.TEXT, lambda camera: camera.name),
    "display_name": Field(Kind.TEXT, lambda camera: camera.display_name),
    "declared_purpose": Field(Kind.TEXT, lambda camera: camera.declared_purpose),
    "policy": Field(Kind.TEXT, lambda camera: camera.policy),
    "sign_confirmed": Field(Kind.FLAG, lambda camera: camera.sign_confirmed),
    "labels": Field(Kind.LABELS, lambda camera: camera.labels),
    "create_time": Field(Kind.TIME, lambda camera: camera.create_time),
    "update_time": Field(Kind.TIME, lambda camera: camera.update_time),
}


def _now() -> datetime:
    return datetime.now(UTC)


class Registry:
    """What is known of sites and cameras.

    Threads may share it: each call has a session of its own. Every method raises `DatabaseError` if the database is
    gone, full or locked, and then nothing was changed.

    Args:
        engine: Of a database that is migrated.
        policy_of: Returns the policy of a name, "" for the default, and raises `PolicyError` if there is none.
        tell: Hears of changes that a report may be about, once they are kept.
        now: The clock.
    """

    def __init__(
        self,
        engine: Engine,
        policy_of: Callable[[str], Policy],
        tell: Callable[[Event], object] = lambda _: None,
        now: Callable[[], datetime] = _now,
    ) -> None:
        self._engine = engine
        self._policy_of = policy_of
        self._tell = tell
        self._now = now

    def create_site(self, site: Site, *, actor: str = NOBODY, purpose: str = "") -> Site:
        """Register a site.

        Args:
            site: The site.
            actor: Who registers it.
            purpose: Why; "" if nobody says.

        Raises:
            AlreadyExistsError: There is one of this name.
            FieldError: No site can have it.
        """
        if site.name == ANY_SITE:
            raise FieldError(f"{ANY_SITE} means every site", field="site_id")
        row = SiteRow(site=site_of(site.name), create_time=self._now())
        _write_site(row, site, row.create_time)
        with writing(self._engine) as session:
            _add(session, row, site.name)
            made = _site(row)
        self._tell(Registered(subject=made.name, at=_at(made), known=True, actor=actor, purpose=purpose))
        return made

    def site(self, name: str) -> Site:
        """Return a site.

        Raises:
            ResourceNotFoundError: There is none of this name.
        """
        with reading(self._engine) as session:
            return _site(_found(session, SiteRow, site_of(name), name))

    def sites(self, size: int = 0, token: str = "", text: str = "") -> tuple[list[Site], str]:
        """Return a page of sites, by name, and the token of the next one.

        Raises:
            FieldError: Size, token or filter are none.
        """
        test = filters.parse(text, SITE_FIELDS)
        after = pages.after_of(token, "sites", text, like=PART)
        with reading(self._engine) as session:

            def read(after: str) -> Sequence[SiteRow]:
                question = select(SiteRow).where(SiteRow.site > after).order_by(SiteRow.site).limit(_CHUNK)
                return session.scalars(question).all()

            found, last = _page(
                read, _site, lambda site: site_of(site.name), test, size=pages.size_of(size), after=after
            )
        return found, pages.token_of(last, "sites", text)

    def update_site(
        self,
        name: str,
        changes: Mapping[str, Any],
        etag: str = "",
        missing: Callable[[], Site] | None = None,
        *,
        actor: str = NOBODY,
        purpose: str = "",
    ) -> Site:
        """Change a site.

        Args:
            name: Of the site.
            changes: Attributes of `Site` and their new values.
            etag: If given, the one that the site must still have.
            missing: Makes the site if there is none of this name.
            actor: Who changes it.
            purpose: Why; "" if nobody says.

        Raises:
            ResourceNotFoundError: There is none of this name.
            StaleError: It has another etag.
        """
        with writing(self._engine) as session:
            row = session.get(SiteRow, site_of(name), with_for_update=True)
            if row is not None:
                _check_etag(row, etag, name)
                before = _site(row)
                _write_site(row, replace(before, **changes), self._now())
                session.flush()
                after = _site(row)
        if row is None and missing is None:
            raise ResourceNotFoundError(f"there is no {name}", name=name)
        if row is None and missing is not None:
            return self.create_site(missing(), actor=actor, purpose=purpose)
        for event in _settings_changed(before, after, ("display_name", "address", "operator"), actor, purpose):
            self._tell(event)
        return after

    def delete_site(
        self, name: str, etag: str = "", *, allow_missing: bool = False, actor: str = NOBODY, purpose: str = ""
    ) -> None:
        """Remove a site.

        Raises:
            ResourceNotFoundError: There is none of this name.
            StaleError: It has another etag.
            InUseError: It has cameras.
        """
        with writing(self._engine) as session:
            row = session.get(SiteRow, site_of(name), with_for_update=True)
            if row is None:
                return _must_exist(name, allow_missing=allow_missing)
            _check_etag(row, etag, name)
            session.delete(row)
            try:
                session.flush()
            except IntegrityError:
                raise InUseError(f"{name} has cameras", name=name) from None
        at = self._now().timestamp()
        self._tell(Registered(subject=name, at=at, known=False, actor=actor, purpose=purpose))
        return None

    def create_camera(self, camera: Camera, *, actor: str = NOBODY, purpose: str = "") -> Camera:
        """Register a camera.

        Args:
            camera: The camera; approvals of views do not come with it.
            actor: Who registers it.
            purpose: Why; "" if nobody says.

        Raises:
            AlreadyExistsError: There is one of this name.
            ResourceNotFoundError: Its site is not registered.
            FieldError: Its policy does not know what it is for.
            PolicyError: There is no such policy.
            ViewUnsettledError: One of this name was removed while its view had changed, and a preset of it is missing.
        """
        site, part = camera_of(camera.name)
        camera = replace(camera, presets=kept((), camera.presets)).checked(self._policy_of(camera.policy))
        row = CameraRow(site=site, camera=part, create_time=self._now())
        _write_camera(row, camera, row.create_time)
        with writing(self._engine) as session:
            _found(session, SiteRow, site, site_name(site), lock=True)
            _add(session, row, camera.name)
            _take_up(session, row, camera)
            made = _camera(row)
        self._tell(Registered(subject=made.name, at=_at(made), known=True, actor=actor, purpose=purpose))
        return made

    def camera(self, name: str) -> Camera:
        """Return a camera.

        Raises:
            ResourceNotFoundError: There is none of this name.
        """
        with reading(self._engine) as session:
            return _camera(_found(session, CameraRow, camera_of(name), name))

    def etags(self, names: Iterable[str]) -> dict[str, str]:
        """Return the etags of those cameras that are registered, by name: what has changed is to be read again."""
        keys = [camera_of(name) for name in names]
        found: dict[str, str] = {}
        with reading(self._engine) as session:
            for start in range(0, len(keys), _CHUNK):
                chosen = tuple_(CameraRow.site, CameraRow.camera).in_(keys[start : start + _CHUNK])
                rows = session.execute(select(CameraRow.site, CameraRow.camera, CameraRow.etag).where(chosen)).all()
                found |= {camera_name(row.site, row.camera): row.etag for row in rows}
        return found

    def changed_views(self) -> dict[str, dict[str, ViewChange]]:
        """Return how views have changed that nobody has approved since, by camera and preset; no etag says so."""
        with reading(self._engine) as session:
            question = select(ViewRow.site, ViewRow.camera, ViewRow.preset, ViewRow.change).where(ViewRow.change != "")
            rows = session.execute(question).all()
        found: dict[str, dict[str, ViewChange]] = {}
        for row in rows:
            found.setdefault(camera_name(row.site, row.camera), {})[row.preset] = ViewChange(row.change)
        return found

    def cameras(
        self, parent: str = ANY_SITE, size: int = 0, token: str = "", text: str = ""
    ) -> tuple[list[Camera], str]:
        """Return a page of cameras, by name, and the token of the next one.

        Args:
            parent: "sites/{site}", or `ANY_SITE`.
            size: Of the page; 0 for the default.
            token: Of the page; "" for the first.
            text: A filter over `CAMERA_FIELDS`.

        Raises:
            FieldError: Parent, size, token or filter are none.
            ResourceNotFoundError: The site is not registered.
        """
        site = site_of(parent, "parent")
        test = filters.parse(text, CAMERA_FIELDS)
        after = pages.after_of(token, parent, text, like=f"{PART}/{PART}")
        with reading(self._engine) as session:
            question = select(CameraRow).order_by(CameraRow.site, CameraRow.camera).limit(_CHUNK)
            if parent != ANY_SITE:
                _found(session, SiteRow, site, parent)
                question = question.where(CameraRow.site == site)

            def read(after: str) -> Sequence[CameraRow]:
                first = tuple(after.split("/")) if after else ("", "")
                return session.scalars(question.where(tuple_(CameraRow.site, CameraRow.camera) > first)).all()

            found, last = _page(
                read, _camera, lambda each: "/".join(camera_of(each.name)), test, size=pages.size_of(size), after=after
            )
        return found, pages.token_of(last, parent, text)

    def update_camera(
        self,
        name: str,
        changes: Mapping[str, Any],
        *,
        actor: str,
        purpose: str = "",
        approval: str = "",
        etag: str = "",
        missing: Callable[[], Camera] | None = None,
    ) -> Camera:
        """Change a camera.

        Args:
            name: Of the camera.
            changes: Attributes of `Camera` and their new values. Approvals of views stay as they were.
            actor: Who changes it.
            purpose: Why; "" if nobody says.
            approval: Number of the document that allows less to be hidden than before; "" if there is none.
            etag: If given, the one that the camera must still have.
            missing: Makes the camera if there is none of this name.

        Raises:
            ResourceNotFoundError: There is none of this name.
            StaleError: It has another etag.
            FieldError: Its policy does not know what it is for.
            PolicyError: There is no such policy.
            ViewUnsettledError: A preset would go whose view has changed and is not approved again.
        """
        with writing(self._engine) as session:
            row = session.get(CameraRow, camera_of(name), with_for_update=True)
            if row is not None:
                _check_etag(row, etag, name)
                before = _camera(row)
                after = replace(before, **changes)
                after = replace(after, presets=kept(before.presets, after.presets))
                after.checked(self._policy_of(after.policy))
                moment = self._now()
                masks = _masks(row, before, after, actor=actor, approval=approval.strip(), at=moment.timestamp())
                _write_camera(row, after, moment)
                gone = [view for view in row.views if after.preset(view.preset) is None]
                if any(view.change for view in gone):  # or it would be forgotten that the camera has to be hidden
                    raise ViewUnsettledError(f"the view of {name} has changed: approve one before a preset goes")
                row.views = [view for view in row.views if view not in gone]
                session.flush()
                after = _camera(row)
        if row is None and missing is None:
            raise ResourceNotFoundError(f"there is no {name}", name=name)
        if row is None and missing is not None:
            return self.create_camera(missing(), actor=actor, purpose=purpose)
        for event in (*_settings_changed(before, after, _CAMERA_SETTINGS, actor, purpose), *masks):
            self._tell(event)
        return after

    def approve_view(
        self, name: str, preset_id: str, *, actor: str, reason: str, fingerprint: Fingerprint | None = None
    ) -> Camera:
        """Approve what a preset of a camera shows now.

        Args:
            name: Of the camera.
            preset_id: Which view.
            actor: Who approves it.
            reason: Why it may be trusted.
            fingerprint: Of what it shows now; None if that is not known, and then it is not watched.

        Raises:
            ResourceNotFoundError: There is no such camera, or it has no such preset.
            FieldError: No reason is given.
        """
        if not reason.strip():
            raise FieldError("`reason` must say why the view may be trusted", field="reason")
        with writing(self._engine) as session:
            row = _found(session, CameraRow, camera_of(name), name, lock=True)
            camera = _camera(row)
            if camera.preset(preset_id) is None:
                raise ResourceNotFoundError(f"{name} has no preset of this id", name=name, field="preset_id")
            moment = self._now()
            presets = tuple(
                replace(each, approve_time=moment, approver=actor, approve_reason=reason)
                if each.preset_id == preset_id
                else each
                for each in camera.presets
            )
            _write_camera(row, replace(camera, presets=presets), moment)
            row.views = [view for view in row.views if view.preset != preset_id]
            session.flush()  # the old fingerprint has to go before the new one takes its key
            for view in row.views:  # it shows one of its views, so that the others are no longer looked for in vain
                view.change, view.change_time = "", None
            if fingerprint is not None:
                row.views = [*row.views, ViewRow(preset=preset_id, fingerprint=fingerprint.to_bytes(), change="")]
            session.flush()
            camera = _camera(row)
        self._tell(
            ViewRestored(
                subject=name,
                at=moment.timestamp(),
                actor=actor,
                purpose=reason,
                preset=preset_id,
                watched=fingerprint is not None,
            )
        )
        return camera

    def fingerprints(self, name: str) -> dict[str, Fingerprint]:
        """Return the fingerprints of a camera's approved views, by preset.

        Raises:
            ResourceNotFoundError: There is no such camera.
            ViewError: What is kept is no fingerprint.
        """
        with reading(self._engine) as session:
            row = _found(session, CameraRow, camera_of(name), name)
            return {view.preset: Fingerprint.from_bytes(view.fingerprint) for view in row.views}

    def view_seen(self, name: str, change: ViewChange | None, since: float = 0.0) -> None:
        """Keep whether a camera shows one of its approved views.

        Args:
            name: Of the camera; one that is not registered is none of the register's business.
            change: How its view changed; None if it shows an approved one.
            since: When it did, in seconds since 1970-01-01 UTC.
        """
        with writing(self._engine) as session:
            row = session.get(CameraRow, camera_of(name))
            for view in [] if row is None else row.views:
                view.change = "" if change is None else change.value
                view.change_time = None if change is None else datetime.fromtimestamp(since, UTC)

    def delete_camera(
        self,
        name: str,
        etag: str = "",
        *,
        allow_missing: bool = False,
        actor: str = NOBODY,
        purpose: str = "",
        approval: str = "",
    ) -> None:
        """Remove a camera from the register; what was reported of it stays, and so does that its view has changed.

        Args:
            name: Of the camera.
            etag: If given, the one that the camera must still have.
            allow_missing: Do nothing if there is none of this name.
            actor: Who removes it.
            purpose: Why; "" if nobody says.
            approval: Number of the document that allows its zones to be hidden no more; "" if there is none.

        Raises:
            ResourceNotFoundError: There is none of this name.
            StaleError: It has another etag.
        """
        with writing(self._engine) as session:
            row = session.get(CameraRow, camera_of(name), with_for_update=True)
            if row is None:
                return _must_exist(name, allow_missing=allow_missing)
            _check_etag(row, etag, name)
            hid = bool(_camera(row).static_zones)
            _leave(session, row)
            session.delete(row)
        at = self._now().timestamp()
        self._tell(Registered(subject=name, at=at, known=False, actor=actor, purpose=purpose))
        if hid:
            approval = approval.strip()
            self._tell(MaskReduced(subject=name, at=at, change=MaskChange.DISABLED, actor=actor, approval=approval))
        return None


_CAMERA_SETTINGS = ("display_name", "declared_purpose", "policy", "presets", "sign_confirmed", "labels")


def changes_of(before: Camera, after: Camera, actor: str, at: float) -> list[Event]:
    """Return what may hide less than before: another purpose or policy, and less of the picture hidden."""
    events: list[Event] = [
        ConfigChanged(subject=after.name, at=at, setting=setting, before=old, after=new, actor=actor)
        for setting, old, new in (
            ("declared_purpose", before.declared_purpose, after.declared_purpose),
            ("policy", before.policy, after.policy),
        )
        if old != new
    ]
    if _less_is_hidden(before.presets, after.presets):
        events.append(MaskReduced(subject=after.name, at=at, change=MaskChange.REGION_REMOVED, actor=actor))
    return events


def _settings_changed(
    before: Site | Camera, after: Site | Camera, settings: Sequence[str], actor: str, purpose: str
) -> list[ConfigChanged]:
    """Return every setting that has another value than before."""
    pairs = [(name, _shown(getattr(before, name)), _shown(getattr(after, name))) for name in settings]
    return [
        ConfigChanged(
            subject=after.name, at=_at(after), setting=name, before=old, after=new, actor=actor, purpose=purpose
        )
        for name, old, new in pairs
        if old != new
    ]


def _shown(value: object) -> str:
    """Write a setting for the ledger: short, and what is long as the digest of what is kept."""
    if isinstance(value, tuple):
        zones = sum(len(preset.static_zones) for preset in value)
        whole = json.dumps([_drawn(preset) for preset in value], sort_keys=True)
        ids = ", ".join(preset.preset_id for preset in value)[:_SHOWN]
        return f"{len(value)} presets ({ids}), {zones} zones, sha256 {hashlib.sha256(whole.encode()).hexdigest()}"
    text = json.dumps(dict(value), sort_keys=True) if isinstance(value, Mapping) else str(value)
    if len(text) <= _SHOWN:
        return text
    return f"{text[:_SHOWN]}… sha256 {hashlib.sha256(text.encode()).hexdigest()}"


def _drawn(preset: Preset) -> dict[str, Any]:
    """Return what somebody draws of a preset; who approved it is told by itself."""
    drawn = _kept_preset(preset)
    return {key: drawn[key] for key in ("preset_id", "display_name", "static_zones")}


def _masks(
    row: CameraRow, before: Camera, after: Camera, *, actor: str, approval: str, at: float
) -> list[MaskReduced | MaskRestored]:
    """Return what becomes of the mask, and remember in `row` what is owed until as much is hidden again."""
    reduced = _less_is_hidden(before.presets, after.presets)
    owed = before.presets if row.owed is None else tuple(map(_preset, row.owed))
    settled = row.owed is not None and (bool(approval) or not _less_is_hidden(owed, after.presets))
    row.owed = [_kept_preset(each) for each in owed] if not approval and (reduced or row.owed) and not settled else None
    change = MaskChange.REGION_REMOVED
    return [
        *([MaskReduced(subject=after.name, at=at, change=change, actor=actor, approval=approval)] if reduced else []),
        *([MaskRestored(subject=after.name, at=at)] if settled else []),
    ]


def _at(resource: Site | Camera) -> float:
    """Return when it last changed, in seconds since 1970-01-01 UTC."""
    return 0.0 if resource.update_time is None else resource.update_time.timestamp()


def _less_is_hidden(before: Iterable[Preset], after: Iterable[Preset]) -> bool:
    now = {preset.preset_id: _hidden(preset.static_zones) for preset in after}
    nothing = _hidden(())
    return any(
        bool((_hidden(preset.static_zones) & ~now.get(preset.preset_id, nothing)).any())
        for preset in before
        if preset.static_zones
    )


def _hidden(zones: Sequence[Polygon]) -> NDArray[np.bool_]:
    return painted([part for zone in zones if (part := cover(zone, _GRID)) is not None], _GRID)


def _must_exist(name: str, *, allow_missing: bool) -> None:
    if not allow_missing:
        raise ResourceNotFoundError(f"there is no {name}", name=name)


def _found(session: Session, kind: type[R], key: Any, name: str, *, lock: bool = False) -> R:  # noqa: ANN401 - a key
    row = session.get(kind, key, with_for_update=lock)
    if row is None:
        raise ResourceNotFoundError(f"there is no {name}", name=name)
    return row


def _add(session: Session, row: SiteRow | CameraRow, name: str) -> None:
    session.add(row)
    try:
        session.flush()
    except IntegrityError:
        raise AlreadyExistsError(f"{name} is registered already", name=name) from None


def _leave(session: Session, row: CameraRow) -> None:
    """Remember what of a camera's views is not settled, for whoever registers it again."""
    for view in row.views:
        if view.change:
            left = UnsettledRow(site=view.site, camera=view.camera, preset=view.preset, fingerprint=view.fingerprint)
            left.change, left.change_time = view.change, view.change_time
            session.merge(left)


def _take_up(session: Session, row: CameraRow, camera: Camera) -> None:
    """Give a new camera the views that one of its name was removed with, if they had changed and nobody approved one.

    Raises:
        ViewUnsettledError: It has not all of these presets: under others it would be one that never changed.
    """
    found = session.scalars(
        select(UnsettledRow).where(UnsettledRow.site == row.site, UnsettledRow.camera == row.camera)
    ).all()
    if missing := sorted(left.preset for left in found if camera.preset(left.preset) is None):
        raise ViewUnsettledError(
            f"{camera.name} was removed when its view had changed: register it with its presets, and approve one; "
            f"missing: {', '.join(missing)[:_SHOWN]}",
            name=camera.name,
        )
    for left in found:
        view = ViewRow(preset=left.preset, fingerprint=left.fingerprint, change=left.change)
        view.change_time = left.change_time
        row.views.append(view)
        session.delete(left)
    session.flush()


def _check_etag(row: SiteRow | CameraRow, etag: str, name: str) -> None:
    if etag not in ("", row.etag):
        raise StaleError(f"{name} was changed since it was read", name=name)


def _page(
    read: Callable[[str], Sequence[R]],
    made: Callable[[R], T],
    key: Callable[[T], str],
    test: Callable[[T], bool],
    *,
    size: int,
    after: str,
) -> tuple[list[T], str]:
    """Return up to `size` of those that pass, and the key of the last one if there are more."""
    found: list[T] = []
    while rows := read(after):
        for each in map(made, rows):
            if not test(each):
                continue
            if len(found) == size:
                return found, key(found[-1])
            found.append(each)
        if len(rows) < _CHUNK:
            break
        after = key(made(rows[-1]))
    return found, ""


def _write_site(row: SiteRow, site: Site, moment: datetime) -> None:
    row.display_name, row.address, row.operator = site.display_name, site.address, site.operator
    row.update_time = moment


def _site(row: SiteRow) -> Site:
    return Site(
        name=f"sites/{row.site}",
        display_name=row.display_name,
        address=row.address,
        operator=row.operator,
        create_time=row.create_time,
        update_time=row.update_time,
        etag=row.etag,
    )


def _write_camera(row: CameraRow, camera: Camera, moment: datetime) -> None:
    row.display_name, row.declared_purpose, row.policy = camera.display_name, camera.declared_purpose, camera.policy
    row.sign_confirmed, row.labels = camera.sign_confirmed, dict(camera.labels)
    row.presets = [_kept_preset(preset) for preset in camera.presets]
    row.update_time = moment


def _camera(row: CameraRow) -> Camera:
    return Camera(
        name=camera_name(row.site, row.camera),
        display_name=row.display_name,
        declared_purpose=row.declared_purpose,
        policy=row.policy,
        presets=tuple(_watched(_preset(preset), row.views) for preset in row.presets),
        sign_confirmed=row.sign_confirmed,
        labels=row.labels,
        create_time=row.create_time,
        update_time=row.update_time,
        etag=row.etag,
    )


def _watched(preset: Preset, views: Iterable[ViewRow]) -> Preset:
    view = next((each for each in views if each.preset == preset.preset_id), None)
    if view is None:
        return preset
    change = ViewChange(view.change) if view.change else None
    return replace(preset, watched=True, change=change, change_time=view.change_time)


def _kept_preset(preset: Preset) -> dict[str, Any]:
    return {
        "preset_id": preset.preset_id,
        "display_name": preset.display_name,
        "static_zones": [zone.points for zone in preset.static_zones],
        "approve_time": preset.approve_time and preset.approve_time.isoformat(),
        "approver": preset.approver,
        "approve_reason": preset.approve_reason,
    }


def _preset(kept_preset: Mapping[str, Any]) -> Preset:
    moment = kept_preset["approve_time"]
    return Preset(
        preset_id=kept_preset["preset_id"],
        display_name=kept_preset["display_name"],
        static_zones=tuple(Polygon(tuple((x, y) for x, y in zone)) for zone in kept_preset["static_zones"]),
        approve_time=moment and datetime.fromisoformat(moment),
        approver=kept_preset["approver"],
        approve_reason=kept_preset["approve_reason"],
    )
