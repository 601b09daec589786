"""Messages that no honest client would write, drawn from the contract itself."""

import random
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

_INTEGERS = (-(2**63), -(2**31), -1, 0, 1, 2, 3, 7, 48, 64, 100, 255, 16384, 2**31 - 1, 2**62, 2**63 - 1)
_FLOATS = (float("nan"), float("inf"), float("-inf"), -1.0, -0.0, 0.0, 1e-300, 0.03, 0.5, 1.0, 1.0000001, 7.0, 1e300)
_TEXTS = (
    "",
    "lobby",
    "sites/a/cameras/b",
    "sites/a/cameras/" + "x" * 64,
    "guangdong",
    "../../etc/passwd",
    "\0",
    "卫生间",
    "x" * 5000,
)
_BYTES = (b"", b"\0", b"\xff\xd8\xff\xd9", b"\0\0\0\1\x67\x42", b"\x14" * 3072, bytes(range(256)) * 12)
_LIMITS = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}


def scramble(message: Message, rng: random.Random, *, share: float = 0.5, depth: int = 0) -> None:
    """Set about `share` of the fields of a message to anything that the wire can carry."""
    for field in message.DESCRIPTOR.fields:
        if rng.random() > share or depth > 6:
            continue
        if field.is_repeated:
            for _ in range(rng.choice((0, 1, 3, 3, 4, 300 if depth < 2 and rng.random() < 0.05 else 2))):
                if field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE:
                    scramble(getattr(message, field.name).add(), rng, depth=depth + 1)
                else:
                    getattr(message, field.name).append(_value(field, rng))
        elif field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE:
            part = getattr(message, field.name)
            part.SetInParent()
            scramble(part, rng, depth=depth + 1)
        else:
            setattr(message, field.name, _value(field, rng))


def _value(field: Any, rng: random.Random) -> Any:
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_ENUM:
            return rng.choice((0, 1, 2, 3, 4, 5, 6, 7, 8, 99, -1))
        case FieldDescriptor.CPPTYPE_BOOL:
            return rng.random() < 0.5
        case FieldDescriptor.CPPTYPE_DOUBLE | FieldDescriptor.CPPTYPE_FLOAT:
            return rng.choice(_FLOATS)
        case FieldDescriptor.CPPTYPE_STRING:
            return rng.choice(_BYTES if field.type == FieldDescriptor.TYPE_BYTES else _TEXTS)
        case _:
            low, high = _LIMITS[field.cpp_type]
            return min(high, max(low, rng.choice(_INTEGERS)))
