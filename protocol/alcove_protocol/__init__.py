"""The words that Alcove's relay and its clients both speak.

`docs/protocol.md` is this package in prose, byte for byte. Nothing here touches a socket, a clock
or a source of randomness, and nothing here can decrypt: sealing and opening are the client's.

Read in this order, which is also the order of imports: `limits`, `errors`, `codec`, `records`,
`position`, `padding`, `labels`, `statements`, `sealed`, `card`, `roster`, `invite`, `frames`.
"""

__version__ = "0.1.0"
