"""The chain of appointments: from the opening to every key that facilitates.

A room has place for 32. Those may go by which no facilitator of now chains to the opening: else one
facilitator could appoint and demote a helper until no member can be appointed any more.
"""

from collections.abc import Iterable

from alcove_protocol import limits
from alcove_protocol.codec import pack_list, unpack_list
from alcove_protocol.errors import Malformed
from alcove_protocol.labels import Label
from alcove_protocol.statements import Appointment, Opening, Signed, verify

from alcove.group.extensions import FacilitatorKeys


def unpack_appointments(data: bytes) -> tuple[Signed, ...]:
    """Raises `Malformed`."""
    return tuple(Signed.decode(item) for item in unpack_list(data, most=limits.APPOINTMENTS))


def appointed_keys(appointment: Appointment) -> FacilitatorKeys:
    return FacilitatorKeys(appointment.mls_key, appointment.relay_key)


def needed_appointments(appointments: bytes, keys: Iterable[bytes]) -> bytes:
    """The list without the appointments by which none of these MLS keys chains to the opening: of
    each key its last one, of its appointer the last one before that, and so on.

    A commit may leave out all others together, and no other part. Raises `Malformed`.
    """
    wanted, kept = set(keys), list[bytes]()
    for signed in reversed(unpack_appointments(appointments)):
        one = Appointment.decode(signed.body)
        if one.mls_key in wanted:
            wanted.remove(one.mls_key)
            wanted.add(one.appointer)
            kept.append(signed.encode())
    return pack_list(kept[::-1])


def chained_facilitators(
    opening: Opening, appointments: tuple[Signed, ...], room: bytes
) -> dict[bytes, FacilitatorKeys]:
    """All keys that the opening names or a chain of appointments reaches, by MLS key. Of a key that
    was appointed again, with another relay key, the last appointment counts.

    Raises `Malformed` when the appointer of one is not reached by those before it, or when its
    signature is wrong.
    """
    first = FacilitatorKeys(opening.mls_key, opening.relay_key)
    known = {first.mls_key: first}
    for signed in appointments:
        claimed = Appointment.decode(signed.body)
        if claimed.appointer not in known or claimed.room != room:
            raise Malformed("bad_statement", "The room does not know the appointer.")
        verify(Appointment, Label.APPOINT, signed, claimed.appointer)
        keys = appointed_keys(claimed)
        known[keys.mls_key] = keys
    return known
