"""In which order contestants are measured, and on which values."""

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Round:
    """One round: every contestant once, in ``order``, on the values of ``seed`` scaled by ``scales``, one a sample.

    ``kept`` is the sample whose output is looked at afterwards; nobody but the parent knows it before.
    """

    order: tuple[str, ...]
    seed: int
    scales: tuple[float, ...]
    kept: int


def interleaved(contestants: tuple[str, ...], rounds: int, samples: int, secret: int) -> list[Round]:
    """Return the rounds: orders such that each contestant is as often first as any other, then shuffled.

    No two samples of a round have one scale, so a result kept from an earlier one is wrong. Scales are near 1
    and exact in float16 (multiples of 1/256 from 1 to 1.5), so that the reference scales to the same values.
    """
    generator = random.Random(secret)  # noqa: S311  (secret enough: its seed comes from the parent's own entropy)
    turned: list[tuple[str, ...]] = []
    while len(turned) < rounds:
        base = generator.sample(contestants, len(contestants))
        turned += [tuple(base[i:] + base[:i]) for i in range(len(base))]
    turned = turned[:rounds]
    generator.shuffle(turned)
    return [
        Round(
            order=order,
            seed=generator.getrandbits(48),
            scales=tuple(1 + step / 256 for step in generator.sample(range(129), samples)),
            kept=generator.randrange(samples),
        )
        for order in turned
    ]
