"""robust-kbench's JSON configurations, expanded: init x input x shared, single and multi."""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any, NamedTuple

KINDS = ("init", "input", "shared")


class ConfigError(Exception):
    """A configuration is not what robust-kbench's are."""


class Expanded(NamedTuple):
    """Keyword arguments of one setting: of ``Model`` and of ``get_inputs``; shared ones are in both."""

    init: Mapping[str, Any]
    inputs: Mapping[str, Any]


def expand(configs: Any, limit: int) -> list[Expanded]:
    """Return at most ``limit`` settings: the task's own first, then ones with values not seen before, then others.

    The first product of ``single_*_configs`` is the task's own; the rest of it and the product of
    ``multi_*_configs`` follow. As in robust-kbench, shared values win over the others.

    Raises:
        ConfigError: a list is missing, empty, or holds something else than mappings.
    """
    found: list[Expanded] = []
    for setting in (*_product(configs, "single"), *_product(configs, "multi")):
        if setting not in found:
            found.append(setting)
    seen: set[str] = set()
    fresh: list[Expanded] = []
    for setting in found:
        values = {repr(item) for item in (*setting.init.items(), *setting.inputs.items())}
        if not fresh or values - seen:
            fresh.append(setting)
            seen |= values
    return [*fresh, *(setting for setting in found if setting not in fresh)][:limit]


def _product(configs: Any, which: str) -> Iterator[Expanded]:
    lists: list[list[dict[str, Any]]] = []
    for kind in KINDS:
        key = f"{which}_{kind}_configs"
        value = configs.get(key) if isinstance(configs, dict) else None
        if not isinstance(value, list) or not value or not all(isinstance(entry, dict) for entry in value):
            raise ConfigError(f"{key} is not a list of mappings")
        lists.append(value)
    for init, inputs, shared in product(*lists):
        yield Expanded({**init, **shared}, {**inputs, **shared})
