"""The register of sites and cameras, kept in a database. One call is one transaction."""

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
from privacy.cameras.camera import Camera, Preset, Site, camera_name, camera_of, kept, site_name, site_of
from privacy.cameras.tables import CameraRow, SiteRow
from privacy.database import reading, writing
from privacy.errors import AlreadyExistsError, FieldError, InUseError, ResourceNotFoundError, StaleError
from privacy.events import ConfigChanged, Event, MaskChange, MaskReduced, ViewRestored
from privacy.filters import Field, Fields, Kind
from privacy.masking.coverage import cover, painted
from privacy.plan import Polygon
from privacy.policy import Policy

ANY_SITE = "sites/-"
"""The parent of all cameras."""

_CHUNK = 500  # rows read at a time while a filter looks for those that pass
_GRID = (512, 512)  # on which static zones are compared
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

    def create_site(self, site: Site) -> Site:
        """Register a site.

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
            return _site(row)

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
        after = pages.after_of(token, "sites", text)
        with reading(self._engine) as session:

            def read(after: str) -> Sequence[SiteRow]:
                question = select(SiteRow).where(SiteRow.site > after).order_by(SiteRow.site).limit(_CHUNK)
                return session.scalars(question).all()

            found, last = _page(
                read, _site, lambda site: site_of(site.name), test, size=pages.size_of(size), after=after
            )
        return found, pages.token_of(last, "sites", text)

    def update_site(
        self, name: str, changes: Mapping[str, Any], etag: str = "", missing: Callable[[], Site] | None = None
    ) -> Site:
        """Change a site.

        Args:
            name: Of the site.
            changes: Attributes of `Site` and their new values.
            etag: If given, the one that the site must still have.
            missing: Makes the site if there is none of this name.

        Raises:
            ResourceNotFoundError: There is none of this name.
            StaleError: It has another etag.
        """
        with writing(self._engine) as session:
            row = session.get(SiteRow, site_of(name), with_for_update=True)
            if row is not None:
                _check_etag(row, etag, name)
                _write_site(row, replace(_site(row), **changes), self._now())
                session.flush()
                return _site(row)
        if missing is None:
            raise ResourceNotFoundError(f"there is no {name}", name=name)
        return self.create_site(missing())

    def delete_site(self, name: str, etag: str = "", *, allow_missing: bool = False) -> None:
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
        return None

    def create_camera(self, camera: Camera) -> Camera:
        """Register a camera.

        Raises:
            AlreadyExistsError: There is one of this name.
            ResourceNotFoundError: Its site is not registered.
            FieldError: Its policy does not know what it is for.
            PolicyError: There is no such policy.
        """
        site, part = camera_of(camera.name)
        camera = replace(camera, presets=kept((), camera.presets)).checked(self._policy_of(camera.policy))
        row = CameraRow(site=site, camera=part, create_time=self._now())
        _write_camera(row, camera, row.create_time)
        with writing(self._engine) as session:
            _found(session, SiteRow, site, site_name(site), lock=True)
            _add(session, row, camera.name)
            return _camera(row)

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
        after = pages.after_of(token, parent, text)
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
        etag: str = "",
        missing: Callable[[], Camera] | None = None,
    ) -> Camera:
        """Change a camera.

        Args:
            name: Of the camera.
            changes: Attributes of `Camera` and their new values. Approvals of views stay as they were.
            actor: Who changes it.
            etag: If given, the one that the camera must still have.
            missing: Makes the camera if there is none of this name.

        Raises:
            ResourceNotFoundError: There is none of this name.
            StaleError: It has another etag.
            FieldError: Its policy does not know what it is for.
            PolicyError: There is no such policy.
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
                _write_camera(row, after, moment)
                session.flush()
                after = _camera(row)
        if row is None and missing is None:
            raise ResourceNotFoundError(f"there is no {name}", name=name)
        if row is None and missing is not None:
            return self.create_camera(missing())
        for event in changes_of(before, after, actor, moment.timestamp()):
            self._tell(event)
        return after

    def approve_view(self, name: str, preset_id: str, *, actor: str, reason: str) -> Camera:
        """Approve what a preset of a camera shows now.

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
            session.flush()
            camera = _camera(row)
        self._tell(ViewRestored(subject=name, at=moment.timestamp()))
        return camera

    def delete_camera(self, name: str, etag: str = "", *, actor: str, allow_missing: bool = False) -> None:
        """Remove a camera from the register; what was reported of it stays.

        Args:
            name: Of the camera.
            etag: If given, the one that the camera must still have.
            actor: Who removes it: with a camera, its zones go.
            allow_missing: Whether it may be gone already.

        Raises:
            ResourceNotFoundError: There is none of this name.
            StaleError: It has another etag.
        """
        with writing(self._engine) as session:
            row = session.get(CameraRow, camera_of(name), with_for_update=True)
            if row is None:
                return _must_exist(name, allow_missing=allow_missing)
            _check_etag(row, etag, name)
            hidden, moment = _camera(row).static_zones, self._now()
            session.delete(row)
        if hidden:
            change = MaskChange.REGION_REMOVED
            self._tell(MaskReduced(subject=name, at=moment.timestamp(), change=change, actor=actor))
        return None


def changes_of(before: Camera, after: Camera, actor: str, at: float) -> list[Event]:
    """Return what a report may be about: another purpose or policy, and less of the picture hidden than before."""
    name = after.name
    events: list[Event] = [
        ConfigChanged(subject=name, at=at, setting=setting, before=old, after=new, actor=actor)
        for setting, old, new in (
            ("declared_purpose", before.declared_purpose, after.declared_purpose),
            ("policy", before.policy, after.policy),
        )
        if old != new
    ]
    if _less_is_hidden(before.presets, after.presets):
        events.append(MaskReduced(subject=name, at=at, change=MaskChange.REGION_REMOVED, actor=actor))
    return events


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
        presets=tuple(_preset(preset) for preset in row.presets),
        sign_confirmed=row.sign_confirmed,
        labels=row.labels,
        create_time=row.create_time,
        update_time=row.update_time,
        etag=row.etag,
    )


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
