"""A relay sees the size of a message in steps of powers of two, and nothing finer.

Members cannot check how another member pads, so the author's own code is the only place that
keeps this promise.
"""

from typing import Final

from alcove_protocol import frames, limits
from alcove_protocol.frames import BlobClass

from tests.end_to_end.world import Client, World

MLS: Final = 100
"""Bytes that MLS adds to a padded message at most."""


def published(author: Client, blob_class: BlobClass, sizes: list[int]) -> None:
    """Note the size of every blob of a class that this client publishes from here on."""

    def noted(client: Client, data: bytes) -> list[bytes]:
        frame = frames.from_client(data)
        if isinstance(frame, frames.Publish) and frame.blob_class == blob_class:
            sizes.append(len(frame.blob))
        return [data]

    author.to_relay = noted


def said(*texts: str) -> list[int]:
    """The size of the blob of each text, said one after the other."""
    world, sizes = World(), list[int]()
    ann = world.open("Ann")
    world.join(ann, "Bob")
    published(ann, BlobClass.APPLICATION, sizes)
    for text in texts:
        ann.say(text)
        world.settle()
    assert len(sizes) == len(texts)
    return sizes


def test_a_text_of_any_length_has_one_of_few_sizes() -> None:
    sizes = set(said(*("x" * length for length in range(1, limits.TEXT, 150))))
    buckets = {1 << (size.bit_length() - 1) for size in sizes}
    assert len(sizes) == len(buckets)
    assert min(buckets) >= limits.PADDING_FLOOR
    assert max(buckets) <= limits.APPLICATION_BUCKET
    pairs = zip(sorted(sizes), sorted(buckets), strict=True)
    assert all(size - bucket <= MLS for size, bucket in pairs)


def test_the_commit_of_an_admission_says_nothing_of_the_name() -> None:
    sizes: list[int] = []
    for name in ("Bo", "Bartholomew"):
        world = World()
        ann = world.open("Ann")
        published(ann, BlobClass.COMMIT, sizes)
        world.join(ann, name)
    assert len(sizes) == 2
    assert len(set(sizes)) == 1
