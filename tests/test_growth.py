"""The measure of growth tells one reading from a reading for each byte."""

from tests.growth import LINEAR, growth


def test_linear_work_stays_below_the_bound_and_quadratic_work_does_not() -> None:
    assert growth(range, sum, 800_000) < LINEAR
    assert growth(range, lambda given: [sum(given) for _ in given[::10]], 4_000) > LINEAR
