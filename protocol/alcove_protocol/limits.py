"""Every limit of the protocol: a named number and its reason.

Sizes are bytes and times are seconds unless the name says otherwise. Both sides enforce them, so
that a message one side sends is never one the other must refuse.
"""

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB

# --- frames -----------------------------------------------------------------------------------
FRAME_BEFORE_AUTH: Final = 64 * KIB
"""A client that proved nothing makes the relay hold little: a card and a knock fit, a commit does
not."""
FRAME: Final = 5 * MIB // 2
"""One commit with all its parts: 1 MiB handshake, its Welcomes and its roster entry."""
DEPTH: Final = 8
"""Nesting of a decoded value. No frame nests deeper than 2; the rest is room for later kinds."""
ELEMENTS: Final = 64
"""Maps, keys and values of one frame, counted together over all nesting, the outermost map too.
Lists travel as one byte string, so a frame needs few; each costs the decoder an object, and this
bounds what a frame can cost in memory."""
TEXT_TOTAL: Final = 32 * KIB
"""All text of one encoding together, keys too, each with the head that says its length. One wide
character makes Python hold a whole text at four bytes a character, so text is bounded apart from
bytes. No record that holds text is larger."""
REQUEST_NUMBER: Final = 2**53 - 1
"""The largest integer that every language's numbers hold exactly."""
ROLE_NAME: Final = 16
"""The name of a connection's role."""
OFFERED: Final = 200
"""The subprotocols that a client offered, as it sent them."""
HOST: Final = 300
"""The Host header of an upgrade: a DNS name has at most 253 characters, and a port follows."""
CODE: Final = 40
"""The code of a refusal."""
SENTENCE: Final = 300
"""The sentence of a refusal."""

# --- blobs ------------------------------------------------------------------------------------
PADDING_FLOOR: Final = 256
"""The smallest bucket. Most messages of a conversation fit in it, so most look alike."""
APPLICATION_BUCKET: Final = 32 * KIB
"""The largest padded application message."""
HANDSHAKE_BUCKET: Final = MIB
"""The largest padded commit, Welcome or proposal: a group of 1,000 fits."""
FRAMING_OVERHEAD: Final = KIB
"""What MLS adds around the padded content: header, sender data, tags."""
APPLICATION_BLOB: Final = APPLICATION_BUCKET + FRAMING_OVERHEAD
HANDSHAKE_BLOB: Final = HANDSHAKE_BUCKET + FRAMING_OVERHEAD
WELCOMES: Final = HANDSHAKE_BLOB + 64 * KIB
"""All sealed Welcomes of one commit."""
ROSTER_CHAIN: Final = 2 * MIB
"""The whole roster chain when a room is seated again. About 8,000 entries."""
EARLIER_COMMITS: Final = 7
"""Commits before the last one when a room is seated again: who missed a few follows them."""
EARLIER_BYTES: Final = 256 * KIB
"""Bytes of all of them. The chain and the last commit leave so much of a frame in most rooms."""
SEAL_OVERHEAD: Final = 24 + 16
"""What XChaCha20-Poly1305 adds to what it seals: nonce and tag."""
CARD_BUCKET: Final = 32 * KIB
"""The largest padded card: an agreement of the largest size fits, with helplines and a chain."""
CARD: Final = CARD_BUCKET + SEAL_OVERHEAD
"""A sealed room card, padding included."""
KNOCK: Final = 16 * KIB
"""A sealed knock, padding included."""
LEAF_KEY: Final = 2 * KIB
"""A leaf's HPKE public key: 1,216 bytes with X-Wing."""
REQUEST: Final = 32 * KIB
"""A sealed request of a member to the facilitators."""
DOOR_TEXT: Final = KIB + 8 + 32 + 16
"""A sealed text of the talk at a door: 8 bytes as in a request, encapsulated key, 1 KiB, tag."""
VAULT: Final = 4 * KIB + 8 + 32 + 16
"""A sealed vault, what one facilitator sends to another: epoch, encapsulated key, 4 KiB, tag. The
secrets of all doors fit."""
ANSWER: Final = HANDSHAKE_BLOB
"""A member's sealed answer to a request to be let in: GroupInfo and tree are most of it."""
PARKED: Final = 4 * KIB + SEAL_OVERHEAD
"""What a client leaves with the relay for the holder of its ticket, sealed. All have this size."""
CHAIN_PAGE: Final = 256 * KIB
"""The entries of one answer to `chain`. It holds at least three of the largest."""
DESK_SMALL: Final = KIB
DESK_LARGE: Final = 2 * KIB
"""A frame of the private line: small up to `DESK_SMALL_FACILITATORS`, large above."""
SEALED_REASON: Final = KIB
"""A sealed refusal of a knock, padding included."""
STATEMENT: Final = 2 * KIB
"""A signed statement that lists nothing."""
ENTRY: Final = 64 * KIB
"""A roster entry. A restated list of 1,000 members is 42 KB."""
CHANGES: Final = ENTRY - KIB
"""The changes of one entry."""
LEAVES: Final = 16 * KIB
"""The signed leaves that one entry carries: about 70."""

# --- time -------------------------------------------------------------------------------------
TTL_DEFAULT: Final = 30 * 60
TTL_MIN: Final = 10
"""Below this a slow phone would never see a message."""
TTL_MAX: Final = 24 * 3600
HEARTBEAT_INTERVAL: Final = 30
HEARTBEAT_TTL: Final = 90
"""Three beats: one lost is no alarm."""
READ_ONLY_AFTER: Final = 90
"""Without a facilitator's heartbeat for this long no member posts: no facilitator is there."""
ABANDONED_AFTER: Final = 30 * 60
"""Without a facilitator for this long the relay deletes the room."""
UNSETTLED_LEAST: Final = 60
"""Seconds for which a log is new that a client brought back, even if all agree at once."""
UNSETTLED: Final = 10 * 60
"""Seconds for which it is new when most members do not come: a facilitator whose list is newer has
so long to show it."""
FINAL_AFTER: Final = 30 * 60
"""Seconds after which a client believes an ending that it is told in a log that it did not know."""
REJOIN_WINDOW: Final = 24 * 3600
"""How long the relay keeps handshakes, and so how long a client may be away and still follow."""
TOMBSTONE: Final = 24 * 3600
"""How long the relay can tell a client that was away that the room was ended."""
KNOCK_TTL: Final = 15 * 60
"""How long the relay keeps a knock."""
PUBLISH_RECORD: Final = 3600
"""The relay remembers a publish for this much longer than it keeps the blob."""
RETURN_DELAY: Final = 30
"""The longest delay that a restarting relay asks of a client, so that not all return at once."""
DOOR_TTL_DEFAULT: Final = 24 * 3600
DOOR_TTL_MAX: Final = 30 * 24 * 3600
SLOW_MAX: Final = 3600
"""The longest pause that slow mode asks for between two turns."""
TURN: Final = 60
"""In slow mode, what one key sends within so many seconds of its first message is one turn."""
AWAY: Final = 2 * 3600
"""How long an absent member's key still authenticates, in role `away`."""
TICKET: Final = 10 * 60
"""How long the relay keeps what was parked: a ticket outlasts its client by no more."""
PARK_AGAIN: Final = 3 * 60
"""A client parks anew so often, and in each epoch: a ticket is good for seven minutes at least."""
TICKET_FETCHED: Final = 60
"""How long the relay keeps what was fetched: the answer may be lost, and is asked for again."""
TICKET_TRIES: Final = 5
"""Wrong tokens of one slot, after which the relay forgets what is parked there."""
PING: Final = 3
"""A connection that answers no ping for so long is gone: its key's ticket may be fetched."""
CLOCK_SKEW: Final = 1800
"""A device clock further than this from the relay's is refused: KeyPackages would seem expired. Two
that pass are an hour apart at most, and a KeyPackage is good from an hour before it is made."""

# --- counts -----------------------------------------------------------------------------------
MEMBERS_DEFAULT: Final = 50
MEMBERS_MAX: Final = 1000
MEMBERS_POST_QUANTUM: Final = 250
"""Members of a room with post-quantum keys. Each takes 1,216 bytes: a whole tree, with a key at
every node, fits a Welcome."""
FACILITATORS: Final = 8
"""Facilitators of one room at a time: each has a slot in every frame of the private line."""
DESK_SMALL_FACILITATORS: Final = 4
APPOINTMENTS: Final = 32
"""Appointments in a room's state. A card carries them all, beside the largest agreement."""
DOORS: Final = 64
KNOCKS: Final = 100
"""Knocks that one room holds at a time."""
KNOCKS_PER_DOOR: Final = 20
"""Knocks of one door that a room holds at a time: one leaked link leaves places to the others."""
ASK_TTL: Final = 60
"""Seconds that a standby's ask, and a member's answer to it, are kept. Then it asks again."""
ANSWERS: Final = 16
"""Answers to one ask, one of each member: each may have a MiB. Some members may lie, and must not
take all places before a true answer comes."""
ANSWERERS: Final = 3
"""Members whose turn to answer an ask comes in the same second."""
ENTERS_EVERY: Final = 60
"""Seconds between two tries of a link to come in: each costs every member a commit."""
ALONE: Final = 10
"""Seconds after its ask in which another facilitator may let one in again that came by a ticket."""
USES_DEFAULT: Final = 50
USES_MAX: Final = 10_000
PROPOSALS: Final = 256
"""The most Update proposals in one commit."""
WELCOMES_PER_COMMIT: Final = 100

# --- what people write ------------------------------------------------------------------------
TEXT: Final = 8 * KIB
"""One message, in UTF-8 bytes."""
NAME_CHARACTERS: Final = 32
NAME: Final = 4 * NAME_CHARACTERS
TITLE: Final = 200
AGREEMENT: Final = 16 * KIB
"""All summaries and texts of an agreement together, in all its languages."""
AGREEMENT_LANGUAGES: Final = 16
SUMMARY: Final = KIB
"""The summary of an agreement in one language: five lines."""
LANGUAGE_TAG: Final = 35
"""A language tag (BCP 47)."""
QUESTION: Final = 500
"""What the card asks a newcomer at the door."""
DOOR_ANSWER: Final = 12 + QUESTION
"""The answer to that question, as a knock has it: its length in 2 bytes, the text, zeros. Every
knock has one, so that none tells by its size whether its link asks something."""
DOOR_TALK: Final = 20
"""Short texts of the talk at a door that the relay keeps of one knock, each way."""
CONTACT: Final = 200
"""Where the host can be reached outside the room."""
HELPLINES: Final = 4 * KIB
LANGUAGES: Final = 200
