"""What an extension may not import: however its source spells a function, in the library it has its own name."""

from collections.abc import Iterable

from pipeline.judge.rules.native_names import CLOCK_FUNCTIONS, FUNCTIONS_OUT_OF_BOUNDS, OUT_OF_BOUNDS
from pipeline.judge.simt.elf import names_in

# Of the C library: what undoes the protection of memory, catches its faults, finds functions by name, writes to the
# parent, starts threads and processes that outlive a call, keeps numbers between calls, or tells the time.
OUT_OF_REACH = OUT_OF_BOUNDS | FUNCTIONS_OUT_OF_BOUNDS | CLOCK_FUNCTIONS | {"thrd_create"}
# The same of the C++ library, which an alias of its namespace hides from rules.
_OF_CPP = frozenset(
    """thread jthread chrono filesystem random_device basic_filebuf __basic_file condition_variable __future_base
    set_new_handler get_new_handler set_terminate get_terminate sync_with_stdio global""".split()  # noqa: SIM905
)
# Of the C library, what a launcher may have a use for: it computes, compares, prints, or is looked at (``counting``).
_OF_C = frozenset(
    """memcpy memmove memset memcmp memchr mempcpy bcmp bzero strlen strnlen strcmp strncmp strcpy strncpy strcat
    strncat strchr strrchr strstr strdup strtol strtoul strtoll strtoull strtod strtof atoi atol atoll atof bsearch
    sscanf printf fprintf sprintf snprintf vprintf vfprintf vsprintf vsnprintf puts putchar fputs fputc putc fwrite
    fflush perror stdout stderr abort exit _exit malloc calloc realloc free aligned_alloc posix_memalign qsort abs
    labs llabs div ldiv lldiv ffs rand srand rand_r random srandom drand48 lrand48 srand48 isalpha isdigit isalnum
    isspace islower isupper tolower toupper assert_fail errno_location stack_chk_fail cxa_atexit cxa_finalize
    ctype_b_loc ctype_tolower_loc ctype_toupper_loc pthread_once""".split()  # noqa: SIM905
)
_VARIANTS = ("isoc99_", "isoc23_")  # of names, by the standard that the compiler follows


def out_of_reach(imports: Iterable[str]) -> set[str]:
    """Return which imports would get around the checks."""
    found = set(imports)
    return found & OUT_OF_REACH | {name for name in found if "St" in name and not _OF_CPP.isdisjoint(names_in(name))}


def unknown_of_c(imports: Iterable[str], library: frozenset[str]) -> set[str]:
    """Return which imports are functions of the C library, whose names are given, that no kernel is known to need.

    What they keep or tell, nobody has looked at.
    """
    return {name for name in library.intersection(imports) if _plain(name) not in _OF_C}


def _plain(name: str) -> str:
    """Return ``memcpy`` of ``__memcpy_chk``, ``strtol`` of ``__isoc23_strtol``."""
    name = name.removeprefix("__")
    for variant in _VARIANTS:
        name = name.removeprefix(variant)
    return name if name in _OF_C else name.removesuffix("_chk")
