"""The wire format (RFC 9420, section 2.1): fields are declared once, both directions follow.

A structure is a frozen dataclass whose annotations say how each field is written:

    @dataclass(frozen=True, slots=True)
    class Lifetime(Struct):
        not_before: Uint64
        not_after: Uint64

`tuple[T, ...]` is a vector `T value<V>`, `T | None` an `optional<T>`, another `Struct` is put in
place, and `Annotated[..., switch(field, cases)]` is the RFC's `select`.

Decoding is strict, because two encodings of one value would be two hashes of one value: lengths
must be minimal, no bytes may be left over, presence is 0 or 1, enumerations are closed. So for
every accepted input, `T.decode(x).encode() == x`. Everything refused raises `MalformedMessage`.
"""

from __future__ import annotations

import struct
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import (
    Annotated,
    Any,
    ClassVar,
    Generic,
    Self,
    TypeAlias,
    TypeVar,
    get_args,
    get_origin,
)

from alcove.mls.errors import MalformedMessage
from alcove.mls.reader import FIELD, INTEGER, OBJECT
from alcove.mls.reader import MAX_ELEMENTS as MAX_ELEMENTS
from alcove.mls.reader import Reader as Reader
from alcove.mls.secret import Secret

T = TypeVar("T")
E = TypeVar("E", bound=IntEnum)


_ONE_BYTE = tuple(bytes((length,)) for length in range(0x40))


def varint(value: int) -> bytes:
    """A length, in the fewest bytes (2.1.2). Raises `MalformedMessage` from 2**30 on."""
    if value < 0x40:
        return _ONE_BYTE[value]
    if value < 0x4000:
        return (value | 0x4000).to_bytes(2, "big")
    if value < 0x4000_0000:
        return (value | 0x8000_0000).to_bytes(4, "big")
    raise MalformedMessage("vector too long")


def opaque(value: bytes) -> bytes:
    """`opaque value<V>`."""
    length = len(value)
    return (_ONE_BYTE[length] if length < 0x40 else varint(length)) + value


def opaque_size(length: int) -> int:
    """Bytes of `opaque value<V>` for a value of `length` bytes."""
    return length + (1 if length < 0x40 else 2 if length < 0x4000 else 4)


@dataclass(frozen=True, slots=True)
class Codec(Generic[T]):
    """How one type is read and written."""

    read: Callable[[Reader], T]
    write: Callable[[T], bytes]

    def decode(self, data: bytes) -> T:
        """The whole of `data` as one value. Raises `MalformedMessage`."""
        reader = Reader(data)
        value = self.read(reader)
        reader.finish()
        return value


def _uint(size: int, read: Callable[[Reader], int]) -> Codec[int]:
    def write(value: int) -> bytes:
        try:
            return value.to_bytes(size, "big")
        except OverflowError:
            raise MalformedMessage("integer out of range") from None

    return Codec(read, write)


def enumeration(kind: type[E], codec: Codec[int]) -> Codec[E]:
    """A closed enumeration: any other value is malformed."""
    members = {int(member): member for member in kind}

    def read(reader: Reader) -> E:
        member = members.get(codec.read(reader))
        if member is None:
            raise MalformedMessage("unknown enumeration value")
        return member

    return Codec(read, lambda member: codec.write(int(member)))


def vector(codec: Codec[T]) -> Codec[tuple[T, ...]]:
    """`T value<V>`."""
    read, write = codec.read, codec.write
    return Codec(
        lambda reader: reader.vector(read),
        lambda items: opaque(b"".join([write(item) for item in items])),
    )


def integers(size: int, letter: str) -> Codec[tuple[int, ...]]:
    """A vector of unsigned integers of `size` bytes, read in one go."""

    def read(reader: Reader) -> tuple[int, ...]:
        data = reader.opaque()
        count, rest = divmod(len(data), size)
        if rest:
            raise MalformedMessage("vector of integers cut short")
        reader.charge(INTEGER * count)
        return struct.unpack(f">{count}{letter}", data)

    def write(values: tuple[int, ...]) -> bytes:
        try:
            return opaque(struct.pack(f">{len(values)}{letter}", *values))
        except struct.error:
            raise MalformedMessage("integer out of range") from None

    return Codec(read, write)


def optional(codec: Codec[T]) -> Codec[T | None]:
    """`optional<T>` (2.1.1)."""

    def read(reader: Reader) -> T | None:
        present = reader.uint8()
        if present > 1:
            raise MalformedMessage("presence is neither 0 nor 1")
        return codec.read(reader) if present else None

    return Codec(read, lambda item: b"\x00" if item is None else b"\x01" + codec.write(item))


@dataclass(frozen=True, slots=True)
class Switch:
    """`select (field)`: the codec of this field depends on the value of an earlier one."""

    field: str
    cases: Mapping[int, Any]


def switch(field: str, cases: Mapping[int, Any]) -> Switch:
    """Choose by the earlier field `field`. A value without a case is malformed."""
    return Switch(field, cases)


uint8 = _uint(1, Reader.uint8)
uint16 = _uint(2, Reader.uint16)
uint32 = _uint(4, Reader.uint32)
uint64 = _uint(8, Reader.uint64)
opaque_codec: Codec[bytes] = Codec(Reader.opaque, opaque)
secret_codec: Codec[Secret] = Codec(lambda r: Secret(r.opaque()), lambda s: opaque(s.expose()))
nothing: Codec[None] = Codec(lambda _reader: None, lambda _none: b"")


def unpack_uint16(data: bytes) -> tuple[int, ...]:
    """The content of a vector of `uint16`. Raises `MalformedMessage`."""
    count, rest = divmod(len(data), 2)
    if rest:
        raise MalformedMessage("vector of integers cut short")
    return struct.unpack(f">{count}H", data)


uint16_vector = integers(2, "H")
uint32_vector = integers(4, "I")

Uint16 = Annotated[int, uint16]
Uint32 = Annotated[int, uint32]
Uint64 = Annotated[int, uint64]
Uint16Vector = Annotated[tuple[int, ...], uint16_vector]
Uint32Vector = Annotated[tuple[int, ...], uint32_vector]
Opaque = Annotated[bytes, opaque_codec]
OpaqueSecret = Annotated[Secret, secret_codec]


def codec_of(hint: Any) -> Codec[Any]:
    """The codec that an annotation stands for."""
    if isinstance(hint, Codec):
        return hint
    if isinstance(hint, type) and issubclass(hint, Struct):
        return Codec(hint.read, hint.encode)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return codec_of(arguments[1])
    if origin is tuple:
        return vector(codec_of(arguments[0]))
    if origin in (types.UnionType, typing.Union):
        return optional(codec_of(arguments[0]))
    raise TypeError(f"no codec for {hint!r}")


_Read: TypeAlias = Callable[[Reader], Any]
_Write: TypeAlias = Callable[[Any], bytes]


@dataclass(frozen=True, slots=True)
class _Plan:
    """How a structure is read and written, field by field. `fixed` and `reads` say the same
    shorter when nothing depends on an earlier field."""

    fields: tuple[tuple[str, _Read | None, _Write | None, Any], ...]
    fixed: tuple[tuple[str, _Write], ...] | None
    reads: tuple[_Read, ...] | None
    cost: int
    """Bytes of memory that one structure takes, beside those of its values."""


class Struct:
    """Base of all wire structures: `encode`, `decode` and `read` follow from the annotations."""

    __slots__ = ()
    _plan: ClassVar[_Plan | None] = None

    def __init_subclass__(cls) -> None:
        cls._plan = None  # each class has its own, made when first used

    def encode(self) -> bytes:
        """The encoding, a fresh `bytes`."""
        plan = self._plan or self._fields()
        if plan.fixed is not None:
            return b"".join([write(getattr(self, name)) for name, write in plan.fixed])
        parts = []
        for name, _read, write, choice in plan.fields:
            value = getattr(self, name)
            if write is None:
                selector, cases = choice
                write = cases[getattr(self, selector)].write
            parts.append(write(value))
        return b"".join(parts)

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """One value from the reader's position on."""
        plan = cls._plan or cls._fields()
        reader.charge(plan.cost)
        if plan.reads is not None:
            return cls(*[read(reader) for read in plan.reads])
        values: dict[str, Any] = {}
        for name, read, _write, choice in plan.fields:
            if read is None:
                selector, cases = choice
                case = cases.get(values[selector])
                if case is None:
                    raise MalformedMessage("unknown variant")
                read = case.read
            values[name] = read(reader)
        return cls(*values.values())

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The whole of `data` as one value. Raises `MalformedMessage`."""
        reader = Reader(data)
        value = cls.read(reader)
        reader.finish()
        return value

    @classmethod
    def _fields(cls) -> _Plan:
        plan = cls._plan = cls._make_plan()
        return plan

    @classmethod
    def _make_plan(cls) -> _Plan:
        hints = typing.get_type_hints(cls, include_extras=True)
        plan: list[Any] = []
        for field in fields(cls):  # type: ignore[arg-type]  # every subclass is a dataclass
            hint = hints[field.name]
            choice = hint.__metadata__[0] if get_origin(hint) is Annotated else None
            if isinstance(choice, Switch):
                cases = {int(key): codec_of(case) for key, case in choice.cases.items()}
                plan.append((field.name, None, None, (choice.field, cases)))
            else:
                codec = codec_of(hint)
                plan.append((field.name, codec.read, codec.write, None))
        cost = OBJECT + FIELD * len(plan)
        if any(write is None for _name, _read, write, _choice in plan):
            return _Plan(tuple(plan), None, None, cost)
        fixed = tuple((name, write) for name, _read, write, _choice in plan)
        reads = tuple(read for _name, read, _write, _choice in plan)
        return _Plan(tuple(plan), fixed, reads, cost)


class KeptStruct(Struct):
    """A structure that remembers its encoding: what is hashed or signed is never written twice.

    Safe because decoding is strict: the bytes read are the only encoding of the value.
    """

    __slots__ = ("_encoding", "_reading")
    _encoding: bytes
    _reading: object

    @property
    def reading(self) -> object:
        """What an application made of this value, or None. It lives no longer than the value does:
        a cache beside it would outlive the group."""
        return getattr(self, "_reading", None)

    def keep_reading(self, reading: object) -> None:
        object.__setattr__(self, "_reading", reading)

    def encode(self) -> bytes:
        try:
            return self._encoding
        except AttributeError:
            encoding = Struct.encode(self)
            self.keep(encoding)
            return encoding

    def keep(self, encoding: bytes) -> None:
        """Remember what is known to be this value's encoding."""
        object.__setattr__(self, "_encoding", encoding)

    @classmethod
    def read(cls, reader: Reader) -> Self:
        start = reader.position
        value = super().read(reader)
        reader.charge(OBJECT + reader.position - start)
        value.keep(reader.since(start))
        return value
