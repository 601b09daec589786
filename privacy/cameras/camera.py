"""Sites and cameras as they are registered. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from privacy.errors import FieldError
from privacy.events import ViewChange
from privacy.plan import MAX_POLYGONS, Polygon
from privacy.policy import Policy

PART = r"[A-Za-z0-9._~-]{1,63}"
"""What a part of a name looks like."""
_PART = re.compile(PART)
_LABEL_KEY = re.compile(r"[a-z][a-z0-9_-]{0,62}")
MAX_TEXT = 1024
MAX_LABELS = 64
MAX_PRESETS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A place that has cameras.

    Attributes:
        name: "sites/{site}".
        display_name: What people call it.
        address: Where it is.
        operator: Who is responsible for it.
        create_time: When it was registered.
        update_time: When it last changed.
        etag: Changes with every change.

    Raises:
        FieldError: A text is missing or too long.
    """

    name: str
    display_name: str
    address: str = ""
    operator: str = ""
    create_time: datetime | None = None
    update_time: datetime | None = None
    etag: str = ""

    def __post_init__(self) -> None:
        _check_texts(self, "display_name", "address", "operator")


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """One direction that a camera looks in.

    Attributes:
        preset_id: Unique within the camera.
        display_name: What people call it.
        static_zones: Polygons that are hidden in this view whatever is seen.
        approve_time: When the view was approved; None if nobody has.
        approver: Who did.
        approve_reason: Why.
        watched: True if a fingerprint of the view is kept, with which streams are compared.
        change: How the camera had changed when it was last compared; None if it had not.
        change_time: Since when it has been known to have; None if it has not.

    Raises:
        FieldError: The id is none, or a text is too long.
    """

    preset_id: str
    display_name: str = ""
    static_zones: tuple[Polygon, ...] = ()
    approve_time: datetime | None = None
    approver: str = ""
    approve_reason: str = ""
    watched: bool = False
    change: ViewChange | None = None
    change_time: datetime | None = None

    def __post_init__(self) -> None:
        checked_part(self.preset_id, "presets.preset_id")
        if len(self.display_name) > MAX_TEXT:
            raise FieldError(f"`presets.display_name` has at most {MAX_TEXT} characters", field="presets.display_name")


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """A camera and what it may show.

    Attributes:
        name: "sites/{site}/cameras/{camera}".
        display_name: What people call it.
        declared_purpose: What it is for (Guangdong Decree 132 Art. 6); one that the policy knows.
        policy: Name of its policy pack; "" for the server's default.
        presets: The directions that it looks in.
        sign_confirmed: Whether the sign that the law asks for was seen at the place.
        labels: For filters.
        create_time: When it was registered.
        update_time: When it last changed.
        etag: Changes with every change.

    Raises:
        FieldError: A text is missing or too long, a preset is there twice, a label is none, there are too many zones.
    """

    name: str
    display_name: str
    declared_purpose: str
    policy: str = ""
    presets: tuple[Preset, ...] = ()
    sign_confirmed: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    create_time: datetime | None = None
    update_time: datetime | None = None
    etag: str = ""

    def __post_init__(self) -> None:
        _check_texts(self, "display_name")
        ids = [preset.preset_id for preset in self.presets]
        if len(ids) > MAX_PRESETS or len(set(ids)) < len(ids):
            raise FieldError(f"a camera has at most {MAX_PRESETS} presets, each once", field="presets")
        if len(self.static_zones) > MAX_POLYGONS:
            raise FieldError(f"a camera has at most {MAX_POLYGONS} static zones", field="presets.static_zones")
        if len(self.labels) > MAX_LABELS:
            raise FieldError(f"a camera has at most {MAX_LABELS} labels", field="labels")
        for key, value in self.labels.items():
            if not _LABEL_KEY.fullmatch(key) or len(value) > MAX_TEXT:
                raise FieldError(
                    f"a label is [a-z][a-z0-9_-]{{0,62}} and at most {MAX_TEXT} characters", field="labels"
                )

    @property
    def static_zones(self) -> tuple[Polygon, ...]:
        """The zones of all its presets: nobody says which one it looks in, so that all of them are hidden."""
        return tuple(zone for preset in self.presets for zone in preset.static_zones)

    @property
    def view_changed(self) -> bool:
        """True if it shows none of its approved views, as far as is known."""
        return any(preset.change is not None for preset in self.presets)

    def preset(self, preset_id: str) -> Preset | None:
        """Return the preset of this id."""
        return next((preset for preset in self.presets if preset.preset_id == preset_id), None)

    def checked(self, policy: Policy) -> "Camera":
        """Return the camera if its policy knows what it is for.

        Raises:
            FieldError: It does not, or nothing is declared.
        """
        if self.declared_purpose not in policy.prior:
            known = ", ".join(sorted(policy.prior))
            raise FieldError(
                f"`declared_purpose` must be one that policy {policy.name} knows: {known}",
                field="declared_purpose",
                policy=policy.name,
            )
        return self


def site_name(site: str) -> str:
    """Return the name of a site.

    Raises:
        FieldError: No site can have this id.
    """
    return f"sites/{checked_part(site, 'site_id')}"


def camera_name(site: str, camera: str) -> str:
    """Return the name of a camera.

    Raises:
        FieldError: No camera can have this id.
    """
    return f"{site_name(site)}/cameras/{checked_part(camera, 'camera_id')}"


def site_of(name: str, field: str = "name") -> str:
    """Return the id in "sites/{site}".

    Raises:
        FieldError: It is no such name.
    """
    return parts(name, ("sites",), field)[0]


def camera_of(name: str, field: str = "name") -> tuple[str, str]:
    """Return the ids in "sites/{site}/cameras/{camera}".

    Raises:
        FieldError: It is no such name.
    """
    site, camera = parts(name, ("sites", "cameras"), field)
    return site, camera


def parts(name: str, collections: Sequence[str], field: str) -> tuple[str, ...]:
    """Return the ids in "{collection}/{id}/...".

    Raises:
        FieldError: It is no such name.
    """
    found = name.split("/")
    ids = found[1::2]
    if found[0::2] != list(collections) or len(ids) != len(collections) or not all(map(_PART.fullmatch, ids)):
        wanted = "/".join(f"{each}/{{{each.removesuffix('s')}}}" for each in collections)
        raise FieldError(f"`{field}` must be {wanted}", field=field)
    return tuple(ids)


def checked_part(part: str, field: str) -> str:
    """Return the id if it may stand in a name.

    Raises:
        FieldError: It may not.
    """
    if not _PART.fullmatch(part):
        raise FieldError(f"`{field}` must be 1 to 63 of [A-Za-z0-9._~-]", field=field)
    return part


def _check_texts(resource: object, required: str, *optional: str) -> None:
    for name in (required, *optional):
        text: str = getattr(resource, name)
        if len(text) > MAX_TEXT or (name == required and not text.strip()):
            raise FieldError(f"`{name}` must have {int(name == required)} to {MAX_TEXT} characters", field=name)


def kept(before: Iterable[Preset], after: Iterable[Preset]) -> tuple[Preset, ...]:
    """Return presets with the approvals that views of the same id had; who draws zones approves nothing."""
    had = {preset.preset_id: preset for preset in before}
    return tuple(
        replace(
            preset,
            approve_time=(old := had.get(preset.preset_id, Preset(preset_id=preset.preset_id))).approve_time,
            approver=old.approver,
            approve_reason=old.approve_reason,
            watched=old.watched,
            change=old.change,
            change_time=old.change_time,
        )
        for preset in after
    )
