"""In which order contestants are measured, and on which values."""

import random
from dataclasses import dataclass

CHECKED_ROUNDS = 2


@dataclass(frozen=True)
class Round:
    """One round: every contestant once, in ``order``, on values scaled by ``scales``, one a sample.

    In a ``checked`` round the output of the sample ``kept`` is looked at afterwards; nobody but the parent knows
    before which they are.
    """

    order: tuple[str, ...]
    scales: tuple[float, ...]
    kept: int
    checked: bool


def interleaved(contestants: tuple[str, ...], rounds: int, samples: int, secret: int) -> list[Round]:
    """Return the rounds: orders such that each contestant is as often first as any other, then shuffled.

    No two samples of a round have one scale, so a result kept from an earlier one is wrong. Scales are multiples of
    1/256 from 1/2 to 1: exact in float16, so that the reference scales to the same values, and not above 1, so that
    probabilities stay such.
    """
    generator = random.Random(secret)  # noqa: S311  (secret enough: its seed comes from the parent's own entropy)
    turned: list[tuple[str, ...]] = []
    while len(turned) < rounds:
        base = generator.sample(contestants, len(contestants))
        turned += [tuple(base[i:] + base[:i]) for i in range(len(base))]
    turned = turned[:rounds]
    generator.shuffle(turned)
    checked = generator.sample(range(rounds), min(CHECKED_ROUNDS, rounds))
    return [
        Round(
            order=order,
            scales=tuple(1 - step / 256 for step in generator.sample(range(129), samples)),
            kept=generator.randrange(samples),
            checked=number in checked,
        )
        for number, order in enumerate(turned)
    ]


def last_scale(calls: int, samples: int) -> int:
    """Return which scale the last of some calls of a burst has: another one each time that its place comes up."""
    number = calls - 1
    return (number + number // samples) % samples
