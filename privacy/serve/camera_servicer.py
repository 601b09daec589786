"""`CameraService`: messages outside, the register inside."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import grpc
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from privacy.cameras.camera import Camera, Preset, Site, camera_name, site_name, site_of
from privacy.cameras.registry import Registry
from privacy.errors import FieldError
from privacy.reports.ledger import checked_text
from privacy.serve import translate
from privacy.serve.caller import caller
from privacy.serve.live import Live
from privacy.serve.status import errors_as_status
from privacy.serve.views import Views
from privacy.v1 import camera_service_pb2 as pb
from privacy.v1 import camera_service_pb2_grpc as pb_grpc

Readers = Mapping[str, Callable[[Any], Any]]
"""How each field that a client may set is read; the name is that of the field and of the attribute."""


def _presets(message: pb.Camera) -> tuple[Preset, ...]:
    return tuple(
        Preset(
            preset_id=preset.preset_id,
            display_name=preset.display_name,
            static_zones=translate.static_zones(preset.static_zones),
        )
        for preset in message.presets
    )


SITE: Readers = {
    "display_name": lambda message: message.display_name,
    "address": lambda message: message.address,
    "operator": lambda message: message.operator,
}
CAMERA: Readers = {
    "display_name": lambda message: message.display_name,
    "declared_purpose": lambda message: message.declared_purpose,
    "policy": lambda message: message.policy,
    "presets": _presets,
    "sign_confirmed": lambda message: message.sign_confirmed,
    "labels": lambda message: dict(message.labels),
}


class CameraService(pb_grpc.CameraServiceServicer):
    """Serves the register.

    Args:
        registry: The register.
        live: What the cameras show now.
        views: Compares that with their approved views; None if nobody does.
    """

    def __init__(self, registry: Registry, live: Live, views: Views | None = None) -> None:
        self._registry = registry
        self._live = live
        self._views = views

    def CreateSite(self, request: pb.CreateSiteRequest, context: grpc.ServicerContext) -> pb.CreateSiteResponse:  # noqa: N802 - gRPC's name
        """Register a site."""
        with errors_as_status(context):
            site = Site(name=site_name(request.site_id), **_all(request.site, SITE))
            return pb.CreateSiteResponse(site=_site(self._registry.create_site(site, **_who(request))))

    def GetSite(self, request: pb.GetSiteRequest, context: grpc.ServicerContext) -> pb.GetSiteResponse:  # noqa: N802 - gRPC's name
        """Return a site."""
        with errors_as_status(context):
            return pb.GetSiteResponse(site=_site(self._registry.site(request.name)))

    def ListSites(self, request: pb.ListSitesRequest, context: grpc.ServicerContext) -> pb.ListSitesResponse:  # noqa: N802 - gRPC's name
        """Return a page of sites."""
        with errors_as_status(context):
            sites, following = self._registry.sites(request.page_size, request.page_token, request.filter)
            return pb.ListSitesResponse(sites=map(_site, sites), next_page_token=following)

    def UpdateSite(self, request: pb.UpdateSiteRequest, context: grpc.ServicerContext) -> pb.UpdateSiteResponse:  # noqa: N802 - gRPC's name
        """Change a site."""
        with errors_as_status(context):
            sent = request.site
            missing = (lambda: Site(name=sent.name, **_all(sent, SITE))) if request.allow_missing else None
            changes = changes_in(sent, request.update_mask, SITE)
            site = self._registry.update_site(sent.name, changes, sent.etag, missing, **_who(request))
            return pb.UpdateSiteResponse(site=_site(site))

    def DeleteSite(self, request: pb.DeleteSiteRequest, context: grpc.ServicerContext) -> pb.DeleteSiteResponse:  # noqa: N802 - gRPC's name
        """Remove a site."""
        with errors_as_status(context):
            missing = request.allow_missing
            self._registry.delete_site(request.name, request.etag, allow_missing=missing, **_who(request))
            return pb.DeleteSiteResponse()

    def CreateCamera(self, request: pb.CreateCameraRequest, context: grpc.ServicerContext) -> pb.CreateCameraResponse:  # noqa: N802 - gRPC's name
        """Register a camera."""
        with errors_as_status(context):
            name = camera_name(site_of(request.parent, "parent"), request.camera_id)
            camera = Camera(name=name, **_all(request.camera, CAMERA))
            return pb.CreateCameraResponse(camera=self._camera(self._registry.create_camera(camera, **_who(request))))

    def GetCamera(self, request: pb.GetCameraRequest, context: grpc.ServicerContext) -> pb.GetCameraResponse:  # noqa: N802 - gRPC's name
        """Return a camera."""
        with errors_as_status(context):
            return pb.GetCameraResponse(camera=self._camera(self._registry.camera(request.name)))

    def ListCameras(self, request: pb.ListCamerasRequest, context: grpc.ServicerContext) -> pb.ListCamerasResponse:  # noqa: N802 - gRPC's name
        """Return a page of cameras."""
        with errors_as_status(context):
            cameras, following = self._registry.cameras(
                request.parent, request.page_size, request.page_token, request.filter
            )
            return pb.ListCamerasResponse(cameras=map(self._camera, cameras), next_page_token=following)

    def UpdateCamera(self, request: pb.UpdateCameraRequest, context: grpc.ServicerContext) -> pb.UpdateCameraResponse:  # noqa: N802 - gRPC's name
        """Change a camera."""
        with errors_as_status(context):
            sent = request.camera
            camera = self._registry.update_camera(
                sent.name,
                changes_in(sent, request.update_mask, CAMERA),
                **_who(request),
                approval=checked_text(request.approval_document, "approval_document"),
                etag=sent.etag,
                missing=(lambda: Camera(name=sent.name, **_all(sent, CAMERA))) if request.allow_missing else None,
            )
            return pb.UpdateCameraResponse(camera=self._camera(camera))

    def DeleteCamera(self, request: pb.DeleteCameraRequest, context: grpc.ServicerContext) -> pb.DeleteCameraResponse:  # noqa: N802 - gRPC's name
        """Remove a camera."""
        with errors_as_status(context):
            self._registry.delete_camera(
                request.name,
                request.etag,
                allow_missing=request.allow_missing,
                approval=checked_text(request.approval_document, "approval_document"),
                **_who(request),
            )
            return pb.DeleteCameraResponse()

    def ApproveView(self, request: pb.ApproveViewRequest, context: grpc.ServicerContext) -> pb.ApproveViewResponse:  # noqa: N802 - gRPC's name
        """Approve a view."""
        with errors_as_status(context):
            reason = checked_text(request.reason, "reason")
            preset = self._registry.camera(request.name).preset(request.preset_id)
            seen = None
            if self._views is not None:
                seen = self._views.take(request.name, watched=preset is not None and preset.watched)
            camera = self._registry.approve_view(
                request.name, request.preset_id, actor=caller().name, reason=reason, fingerprint=seen
            )
            if self._views is not None:
                self._views.approved(request.name)
            return pb.ApproveViewResponse(camera=self._camera(camera))

    def _camera(self, camera: Camera) -> pb.Camera:
        message = pb.Camera(
            name=camera.name,
            display_name=camera.display_name,
            declared_purpose=camera.declared_purpose,
            policy=camera.policy,
            presets=map(_preset, camera.presets),
            sign_confirmed=camera.sign_confirmed,
            labels=camera.labels,
            create_time=translate.timestamp(camera.create_time),
            update_time=translate.timestamp(camera.update_time),
            etag=camera.etag,
        )
        if (seen := self._live.last(camera.name)) is not None:
            message.last_verdict.CopyFrom(translate.verdict(seen.verdict))
            message.last_frame_time.FromDatetime(seen.at)
        return message


class _Reasoned(Protocol):
    """A request that changes the register."""

    reason: str


def _who(request: _Reasoned) -> dict[str, str]:
    """Return who changes the register, and why.

    Raises:
        FieldError: Why is longer than the ledger has room for.
    """
    return {"actor": caller().name, "purpose": checked_text(request.reason, "reason")}


def changes_in(message: Message, mask: FieldMask, readers: Readers) -> dict[str, Any]:
    """Return the attributes that an update changes, and their new values (AIP-134).

    Args:
        message: The resource as it was sent.
        mask: Which fields change; empty for all that are set, "*" for all. What only the server sets is ignored.
        readers: How the fields are read.

    Raises:
        FieldError: The mask names what is no field, or a part of one.
    """
    paths = list(mask.paths) or [field.name for field, _ in message.ListFields()]
    if "*" in paths:
        if len(paths) > 1:
            raise FieldError('`update_mask` is "*" or names fields, not both', field="update_mask")
        paths = list(readers)
    for path in paths:
        if path not in message.DESCRIPTOR.fields_by_name:
            raise FieldError(f"`update_mask` names no field that can be changed: {path[:64]!r}", field="update_mask")
    return {path: readers[path](message) for path in paths if path in readers}


def _all(message: Message, readers: Readers) -> dict[str, Any]:
    return {name: read(message) for name, read in readers.items()}


def _site(site: Site) -> pb.Site:
    return pb.Site(
        name=site.name,
        display_name=site.display_name,
        address=site.address,
        operator=site.operator,
        create_time=translate.timestamp(site.create_time),
        update_time=translate.timestamp(site.update_time),
        etag=site.etag,
    )


def _preset(preset: Preset) -> pb.ViewPreset:
    return pb.ViewPreset(
        preset_id=preset.preset_id,
        display_name=preset.display_name,
        static_zones=map(translate.polygon, preset.static_zones),
        state=_state(preset),
        approve_time=translate.timestamp(preset.approve_time),
        approver=preset.approver,
        watched=preset.watched,
    )


def _state(preset: Preset) -> pb.ViewState.ValueType:
    if preset.change is not None:
        return pb.VIEW_STATE_CHANGED
    return pb.VIEW_STATE_UNAPPROVED if preset.approve_time is None else pb.VIEW_STATE_APPROVED
