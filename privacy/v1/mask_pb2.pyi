from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EffectKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EFFECT_KIND_UNSPECIFIED: _ClassVar[EffectKind]
    EFFECT_KIND_SOLID: _ClassVar[EffectKind]
    EFFECT_KIND_PIXELATE: _ClassVar[EffectKind]
    EFFECT_KIND_BLUR: _ClassVar[EffectKind]
EFFECT_KIND_UNSPECIFIED: EffectKind
EFFECT_KIND_SOLID: EffectKind
EFFECT_KIND_PIXELATE: EffectKind
EFFECT_KIND_BLUR: EffectKind

class MaskPlan(_message.Message):
    __slots__ = ("regions", "effect")
    REGIONS_FIELD_NUMBER: _ClassVar[int]
    EFFECT_FIELD_NUMBER: _ClassVar[int]
    regions: _containers.RepeatedCompositeFieldContainer[Polygon]
    effect: Effect
    def __init__(self, regions: _Optional[_Iterable[_Union[Polygon, _Mapping]]] = ..., effect: _Optional[_Union[Effect, _Mapping]] = ...) -> None: ...

class Polygon(_message.Message):
    __slots__ = ("points",)
    POINTS_FIELD_NUMBER: _ClassVar[int]
    points: _containers.RepeatedCompositeFieldContainer[Point]
    def __init__(self, points: _Optional[_Iterable[_Union[Point, _Mapping]]] = ...) -> None: ...

class Point(_message.Message):
    __slots__ = ("x", "y")
    X_FIELD_NUMBER: _ClassVar[int]
    Y_FIELD_NUMBER: _ClassVar[int]
    x: float
    y: float
    def __init__(self, x: _Optional[float] = ..., y: _Optional[float] = ...) -> None: ...

class Effect(_message.Message):
    __slots__ = ("kind", "strength")
    KIND_FIELD_NUMBER: _ClassVar[int]
    STRENGTH_FIELD_NUMBER: _ClassVar[int]
    kind: EffectKind
    strength: float
    def __init__(self, kind: _Optional[_Union[EffectKind, str]] = ..., strength: _Optional[float] = ...) -> None: ...
