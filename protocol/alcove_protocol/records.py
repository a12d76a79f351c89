"""Records: frozen dataclasses whose annotations are their wire format.

    @dataclass(frozen=True, slots=True)
    class Challenge(Record):
        nonce: Annotated[bytes, Exactly(32)]
        time: Annotated[int, AtMost(limits.REQUEST_NUMBER)]
        note: Annotated[str, AtMost(200)] | None = None

A field's name is its key on the wire. A field that is None is absent. `from_map` refuses unknown
and missing keys, so that neither side half understands a record.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import UnionType
from typing import Annotated, Any, Final, Self, Union, get_args, get_origin, get_type_hints

from alcove_protocol import limits
from alcove_protocol.codec import Value, pack, unpack
from alcove_protocol.errors import Malformed


@dataclass(frozen=True, slots=True)
class Exactly:
    """A byte string of exactly this length."""

    size: int


@dataclass(frozen=True, slots=True)
class AtMost:
    """An integer of at most this value, or bytes or text (in UTF-8) of at most this length."""

    most: int
    least: int = 0


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    type: type
    least: int
    most: int
    optional: bool

    def check(self, value: object) -> None:
        """Raise `Malformed` (`bad_field`) unless `value` may stand in this field."""
        # bool is a subclass of int in Python and a type of its own on the wire; so are the enums,
        # which are numbers there.
        if not isinstance(value, self.type) or (type(value) is bool) is not (self.type is bool):
            raise Malformed("bad_field", f"The field {self.name} is of the wrong type.")
        if self.type is bool:
            return
        if isinstance(value, int):
            size = value
        elif isinstance(value, str):
            size = self._text_size(value)
        else:
            assert isinstance(value, bytes)  # the three types that `_field` lets through
            size = len(value)
        if not self.least <= size <= self.most:
            raise Malformed("bad_field", f"The field {self.name} is out of its bounds.")

    def _text_size(self, value: str) -> int:
        try:
            return len(value.encode())
        except UnicodeEncodeError:
            text = f"The field {self.name} holds half of a surrogate pair."
            raise Malformed("bad_field", text) from None


def _field(name: str, hint: Any) -> _Field:  # a type as `get_type_hints` gives it
    optional = False
    if get_origin(hint) in (Union, UnionType):
        (hint,) = (arg for arg in get_args(hint) if arg is not type(None))
        optional = True
    if hint is bool:
        return _Field(name, bool, 0, 0, optional)
    if get_origin(hint) is not Annotated:
        raise TypeError(f"{name} has no bound")
    kind, bound = get_args(hint)
    if kind not in (bytes, int, str):
        raise TypeError(f"{name} is of a type that the wire does not have")
    if isinstance(bound, Exactly):
        return _Field(name, kind, bound.size, bound.size, optional)
    assert isinstance(bound, AtMost)  # the only two bounds there are
    return _Field(name, kind, bound.least, bound.most, optional)


_KNOWN: Final[dict[type["Record"], dict[str, _Field]]] = {}


def _fields(cls: type["Record"]) -> dict[str, _Field]:
    known = _KNOWN.get(cls)
    if known is None:
        hints = get_type_hints(cls, include_extras=True)
        known = {field.name: _field(field.name, hints[field.name]) for field in fields(cls)}
        _KNOWN[cls] = known
    return known


@dataclass(frozen=True, slots=True)
class Record:
    """Base of every type that has an encoding of its own."""

    def to_map(self) -> dict[str, Value]:
        """Return a map in the order of the fields. Raises `Malformed` (`bad_field`)."""
        result: dict[str, Value] = {}
        for name, field in _fields(type(self)).items():
            value = getattr(self, name)
            if value is None and field.optional:
                continue
            field.check(value)
            result[name] = value
        return result

    @classmethod
    def from_map(cls, value: Mapping[str, Value]) -> Self:
        """Build from a decoded map. Raises `Malformed` (`bad_field`)."""
        known = _fields(cls)
        values: dict[str, Any] = {}  # `check` judges each below
        for name in value:
            if name not in known:
                raise Malformed("bad_field", f"{cls.__name__} does not have this field.")
        for name, field in known.items():
            values[name] = value.get(name)
            if name in value:
                field.check(value[name])
            elif not field.optional:
                raise Malformed("bad_field", f"The field {name} is missing.")
        return cls(**values)

    def encode(self) -> bytes:
        """Return the exact bytes. Raises `Malformed` (`bad_field`) for a field out of bounds."""
        return pack(self.to_map())

    @classmethod
    def decode(cls, data: bytes, *, limit: int = limits.FRAME) -> Self:
        """Read what `encode` returned. Raises `Malformed`."""
        return cls.from_map(unpack(data, limit=limit))
