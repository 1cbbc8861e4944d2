import sys

from hypothesis import given
from hypothesis import strategies as st

from pipeline.offsets import Offsets


class SameHash(str):
    """A name that shares its hash with all others of its kind."""

    __slots__ = ()

    def __hash__(self) -> int:
        return 7


@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 2**62)), max_size=50), st.integers(0, 2000))
def test_the_first_offset_of_each_name_is_found_however_many_there_are(added, many):
    offsets, wanted = Offsets(), {}
    for name, offset in [*added, *((str(n), n) for n in range(many))]:
        offsets.add(name, offset)
        wanted.setdefault(name, offset)
    assert {name: offsets.find(name) for name in wanted} == wanted
    assert offsets.find("never added") is None


def test_names_of_one_hash_share_the_first_one_s_offset():
    offsets = Offsets()
    offsets.add(SameHash("a"), 1)
    offsets.add(SameHash("b"), 2)
    assert (offsets.find(SameHash("a")), offsets.find(SameHash("b"))) == (1, 1)


def test_an_entry_takes_at_most_48_bytes():
    offsets = Offsets()
    for n in range(100_000):
        offsets.add(str(n), n)
        if n % 1000 == 0 and n > 1000:
            assert sum(map(sys.getsizeof, vars(offsets).values())) < 49 * n
