import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PixelFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PIXEL_FORMAT_UNSPECIFIED: _ClassVar[PixelFormat]
    PIXEL_FORMAT_JPEG: _ClassVar[PixelFormat]
    PIXEL_FORMAT_I420: _ClassVar[PixelFormat]
    PIXEL_FORMAT_NV12: _ClassVar[PixelFormat]
    PIXEL_FORMAT_BGR: _ClassVar[PixelFormat]
    PIXEL_FORMAT_RGB: _ClassVar[PixelFormat]
    PIXEL_FORMAT_GRAY: _ClassVar[PixelFormat]
    PIXEL_FORMAT_H264: _ClassVar[PixelFormat]
    PIXEL_FORMAT_H265: _ClassVar[PixelFormat]

class ColorMatrix(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    COLOR_MATRIX_UNSPECIFIED: _ClassVar[ColorMatrix]
    COLOR_MATRIX_BT601: _ClassVar[ColorMatrix]
    COLOR_MATRIX_BT709: _ClassVar[ColorMatrix]

class ColorRange(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    COLOR_RANGE_UNSPECIFIED: _ClassVar[ColorRange]
    COLOR_RANGE_LIMITED: _ClassVar[ColorRange]
    COLOR_RANGE_FULL: _ClassVar[ColorRange]
PIXEL_FORMAT_UNSPECIFIED: PixelFormat
PIXEL_FORMAT_JPEG: PixelFormat
PIXEL_FORMAT_I420: PixelFormat
PIXEL_FORMAT_NV12: PixelFormat
PIXEL_FORMAT_BGR: PixelFormat
PIXEL_FORMAT_RGB: PixelFormat
PIXEL_FORMAT_GRAY: PixelFormat
PIXEL_FORMAT_H264: PixelFormat
PIXEL_FORMAT_H265: PixelFormat
COLOR_MATRIX_UNSPECIFIED: ColorMatrix
COLOR_MATRIX_BT601: ColorMatrix
COLOR_MATRIX_BT709: ColorMatrix
COLOR_RANGE_UNSPECIFIED: ColorRange
COLOR_RANGE_LIMITED: ColorRange
COLOR_RANGE_FULL: ColorRange

class FrameFormat(_message.Message):
    __slots__ = ("pixel_format", "color_matrix", "color_range")
    PIXEL_FORMAT_FIELD_NUMBER: _ClassVar[int]
    COLOR_MATRIX_FIELD_NUMBER: _ClassVar[int]
    COLOR_RANGE_FIELD_NUMBER: _ClassVar[int]
    pixel_format: PixelFormat
    color_matrix: ColorMatrix
    color_range: ColorRange
    def __init__(self, pixel_format: _Optional[_Union[PixelFormat, str]] = ..., color_matrix: _Optional[_Union[ColorMatrix, str]] = ..., color_range: _Optional[_Union[ColorRange, str]] = ...) -> None: ...

class Frame(_message.Message):
    __slots__ = ("sequence_number", "capture_offset", "data", "shared_memory", "width_px", "height_px")
    SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    CAPTURE_OFFSET_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    SHARED_MEMORY_FIELD_NUMBER: _ClassVar[int]
    WIDTH_PX_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_PX_FIELD_NUMBER: _ClassVar[int]
    sequence_number: int
    capture_offset: _duration_pb2.Duration
    data: bytes
    shared_memory: SharedMemorySlot
    width_px: int
    height_px: int
    def __init__(self, sequence_number: _Optional[int] = ..., capture_offset: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., data: _Optional[bytes] = ..., shared_memory: _Optional[_Union[SharedMemorySlot, _Mapping]] = ..., width_px: _Optional[int] = ..., height_px: _Optional[int] = ...) -> None: ...

class SharedMemorySlot(_message.Message):
    __slots__ = ("slot", "size_bytes")
    SLOT_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    slot: int
    size_bytes: int
    def __init__(self, slot: _Optional[int] = ..., size_bytes: _Optional[int] = ...) -> None: ...

class Picture(_message.Message):
    __slots__ = ("pixel_format", "data", "shared_memory", "width_px", "height_px")
    PIXEL_FORMAT_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    SHARED_MEMORY_FIELD_NUMBER: _ClassVar[int]
    WIDTH_PX_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_PX_FIELD_NUMBER: _ClassVar[int]
    pixel_format: PixelFormat
    data: bytes
    shared_memory: SharedMemorySlot
    width_px: int
    height_px: int
    def __init__(self, pixel_format: _Optional[_Union[PixelFormat, str]] = ..., data: _Optional[bytes] = ..., shared_memory: _Optional[_Union[SharedMemorySlot, _Mapping]] = ..., width_px: _Optional[int] = ..., height_px: _Optional[int] = ...) -> None: ...
