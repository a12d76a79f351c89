"""The measure of growth tells one reading from a reading for each byte."""

from tests.growth import LINEAR, growth


def numbers(count: int) -> range:
    return range(count)


def once(given: range) -> None:
    sum(given)


def for_each(given: range) -> None:
    """Read it again for each tenth of its numbers."""
    for _ in given[::10]:
        sum(given)


def test_linear_work_stays_below_the_bound_and_quadratic_work_does_not() -> None:
    assert growth(numbers, once, 800_000) < LINEAR
    assert growth(numbers, for_each, 4_000) > LINEAR
