"""Transcript hashes (RFC 9420, section 8.2): all commits of a group, chained.

interim[n-1] ──► Hash( interim[n-1] ‖ wire_format, content, signature ) = confirmed[n]
confirmed[n] ──► Hash( confirmed[n] ‖ confirmation_tag )                = interim[n]
"""

from __future__ import annotations

from alcove.mls.ciphersuite import CipherSuite
from alcove.mls.codec import opaque


def confirmed_transcript_hash(suite: CipherSuite, interim_before: bytes, commit: bytes) -> bytes:
    """`commit` is the `ConfirmedTranscriptHashInput`: the commit's AuthenticatedContent up to
    and including the signature."""
    return suite.hash(interim_before + commit)


def interim_transcript_hash(suite: CipherSuite, confirmed: bytes, confirmation_tag: bytes) -> bytes:
    return suite.hash(confirmed + opaque(confirmation_tag))
