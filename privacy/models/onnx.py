"""ONNX Runtime, set up for many small models beside a decoder, and the zone classifiers that run on it."""

import json
from collections.abc import Sequence

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from privacy.errors import EvidenceError, ModelIntegrityError
from privacy.evidence import Evidence
from privacy.models.graph import with_hard_swish
from privacy.models.head import Signature
from privacy.zones import Zone

ort.disable_telemetry_events()  # for a host that had imported it before us; `privacy/models/__init__.py` has the rest

_OUTPUTS = ("zones", "places", "objects", "zone_map")
_NO_PLACE = "no_place"
"""What a model may call pictures of nothing (a covered or broken camera): no place to be named, or to contradict."""
_CONSTANT_WEIGHTS = b"\x08\x03"
"""`ModelProto.ir_version = 3` on the wire: the last value of a protobuf field holds, so it can be appended.

Some exporters list the weights among the inputs. From IR version 4 on that makes them defaults which a caller may
override, and ONNX Runtime folds nothing (PicoDet-S: 82 instead of 47 ms). Up to version 3 all weights had to be listed,
and are constants. https://github.com/onnx/onnx/blob/main/docs/IR.md
"""
_NO_FOLDER = "/dev/null"
"""Where a file's weights may lie if they are not in it: nowhere. Else they are looked for in the working directory, and
what was verified is not what runs."""


def open_session(weights: bytes, *, name: str, threads: int) -> ort.InferenceSession:
    """Open a verified ONNX file for `threads` CPU threads.

    Raises:
        ModelIntegrityError: ONNX Runtime refuses it, or it is not whole: some of its weights are in other files.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # it keeps what its largest runs took together, in steps of doubling size
    options.log_severity_level = 3  # errors: a warning a weight, 600 lines long, for a model that runs well
    # Idle threads that spin take the cores away from decoding.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", _NO_FOLDER)
    try:
        weights = with_hard_swish(weights)
        session = ort.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
        if session.get_overridable_initializers():
            return ort.InferenceSession(weights + _CONSTANT_WEIGHTS, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime and protobuf raise their own kinds, and a hostile file may provoke any
        raise ModelIntegrityError(f"{name} is no model that ONNX Runtime can read: {error}", model=name) from error
    return session


def signature_of(session: ort.InferenceSession, *, name: str) -> Signature:
    """Return what an open model says about itself.

    Raises:
        ModelIntegrityError: It has not exactly one input, that is not float32, or what it says is no UTF-8.
    """
    try:
        inputs, outputs = session.get_inputs(), session.get_outputs()
        shapes = {output.name: _sides(output.shape) for output in outputs}
        kinds = [(one.name, one.type) for one in inputs]
        metadata = session.get_modelmeta().custom_metadata_map
    except UnicodeDecodeError as error:
        raise ModelIntegrityError(f"{name} has names or notes that are no text", model=name) from error
    if len(kinds) != 1 or kinds[0][1] != "tensor(float)":
        raise ModelIntegrityError(f"{name} does not have one input of float32", model=name)
    return Signature(model=name, shape=_sides(inputs[0].shape), outputs=shapes, metadata=metadata)


def _sides(shape: Sequence[int | str | None]) -> tuple[int | None, ...]:
    return tuple(side if isinstance(side, int) else None for side in shape)  # a free side has a name or nothing


class OnnxZoneClassifier:
    """Runs one zone model; safe to share between threads.

    The file's contract: input `images` `(B, H, W, 3)` uint8 RGB with fixed H and W; outputs `zones` `(B, Z')` that sum
    to 1, `places` `(B, P)`, `objects` `(B, O)` and `zone_map` `(B, h, w)`, all float32 in [0, 1]; the metadata `zones`,
    `places` and `objects` are JSON lists that name the columns; a place "no_place" is told as none.

    Args:
        weights: The ONNX file, already verified.
        name: Catalogue name.
        threads: CPU threads that one inference may use.

    Raises:
        ModelIntegrityError: The file is no zone model.
    """

    def __init__(self, weights: bytes, *, name: str, threads: int = 1) -> None:
        self._session = open_session(weights, name=name, threads=threads)
        try:
            metadata = self._session.get_modelmeta().custom_metadata_map
            self._columns = [Zone.of(zone) for zone in json.loads(metadata["zones"])]
            self._places: list[str] = json.loads(metadata["places"])
            self._objects: list[str] = json.loads(metadata["objects"])
            _, height, width, channels = self._session.get_inputs()[0].shape
            outputs = {output.name for output in self._session.get_outputs()}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ModelIntegrityError(f"{name} is no zone model: {error}", model=name) from error
        if channels != 3 or not outputs.issuperset(_OUTPUTS) or Zone.PERMITTED not in self._columns:
            raise ModelIntegrityError(f"{name} does not have the inputs and outputs of a zone model", model=name)
        self._name = name
        self._input_size = (int(height), int(width))

    @property
    def name(self) -> str:
        """Catalogue name."""
        return self._name

    @property
    def input_size(self) -> tuple[int, int]:
        """`(height, width)` of the pictures it looks at."""
        return self._input_size

    def look(self, images: Sequence[NDArray[np.uint8]], offsets: Sequence[float]) -> list[Evidence]:
        """Return one evidence for each picture, in order; see `ZoneClassifier.look`."""
        zones, places, objects, maps = self._session.run(_OUTPUTS, {"images": np.stack(images)})
        if len(zones) != len(offsets):
            raise EvidenceError(f"{len(offsets)} offsets for {len(zones)} pictures", model=self._name)
        return [self._evidence(*row) for row in zip(offsets, zones, places, objects, maps, strict=True)]

    def _evidence(
        self,
        offset: float,
        zones: NDArray[np.float32],
        places: NDArray[np.float32],
        objects: NDArray[np.float32],
        zone_map: NDArray[np.float32],
    ) -> Evidence:
        scores = np.zeros(len(Zone), np.float32)
        scores[self._columns] = zones
        place = self._places[int(np.argmax(places))] if self._places else ""
        return Evidence(
            offset=offset,
            zones=scores,
            model=self._name,
            zone_map=zone_map,
            place="" if place == _NO_PLACE else place,
            objects={name: float(p) for name, p in zip(self._objects, objects, strict=True)},
        )
