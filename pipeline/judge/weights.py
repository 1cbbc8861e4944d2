"""Which of a candidate's tensors are the reference's weights, and which weights it holds nowhere (imports torch)."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch

from pipeline.judge.torch_values import described

Content = tuple[str, tuple[int, ...], bytes]  # dtype, shape, values


def own_names(model: torch.nn.Module, state: Mapping[str, torch.Tensor]) -> dict[str, str] | None:
    """Return the candidate's name of each of the reference's weights; None if there is no telling.

    By name, where all names and shapes match. Else by value: a model made from the seed of the state's has the same
    values under its own names. Where several have the same values, as ones and zeros do, the last part of the names
    decides (``norm.weight`` is ``ln.weight``); where that does not, there is no telling either.
    """
    own = torch.nn.Module.state_dict(model)  # whatever the model says of itself
    if all(name in own and own[name].shape == tensor.shape for name, tensor in state.items()):
        return {name: name for name in state}
    mine, theirs = _by_content(own), _by_content(state)
    found: dict[str, str] = {}
    for content, names in theirs.items():
        candidates = mine.get(content, [])
        if len(names) == len(candidates) == 1:
            found[names[0]] = candidates[0]
            continue
        by_last = {_last(candidate): candidate for candidate in candidates}
        lasts = {_last(name) for name in names}
        if len(by_last) < len(candidates) or len(lasts) < len(names) or not lasts <= by_last.keys():
            return None
        found |= {name: by_last[_last(name)] for name in names}
    return found if found.keys() == state.keys() else None


def load(model: torch.nn.Module, state: Mapping[str, torch.Tensor], names: Mapping[str, str]) -> bool:
    """Give the model the reference's weights, in place; False, and nothing is changed, if one does not fit."""
    own = torch.nn.Module.state_dict(model)
    targets = [own.get(names.get(name, "")) for name in state]
    pairs = [(t, tensor) for t, tensor in zip(targets, state.values(), strict=True) if t is not None]
    if len(pairs) < len(state) or any(target.shape != tensor.shape for target, tensor in pairs):
        return False
    for target, tensor in pairs:
        target.data.copy_(tensor)
    return True


def held_nowhere(model: torch.nn.Module, state: Mapping[str, torch.Tensor]) -> list[str]:
    """Return the names of the weights whose values are in none of the model's tensors, rounded or not.

    How they are arranged does not matter: transposed, packed with others or split, a weight is held. Tensors are
    looked for in parameters, buffers and attributes, in lists and dicts of them too.
    """
    held: dict[torch.dtype, list[torch.Tensor]] = {}
    for tensor in _tensors(model, set()):
        if tensor.is_floating_point():
            held.setdefault(tensor.dtype, []).append(tensor.detach().flatten().double())
    counted = {dtype: torch.cat(parts).unique(return_counts=True) for dtype, parts in held.items()}
    return [
        name
        for name, weight in state.items()
        if weight.is_floating_point()
        and weight.numel()
        and not any(_contains(found, weight.detach().to(dtype).double()) for dtype, found in counted.items())
    ]


def _by_content(tensors: Mapping[str, torch.Tensor]) -> dict[Content, list[str]]:
    found: dict[Content, list[str]] = {}
    for name, tensor in tensors.items():
        if (what := described(tensor)) is not None:
            dtype, shape, _, values = what
            found.setdefault((dtype, tuple(shape), bytes(values)), []).append(name)
    return found


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _tensors(value: Any, seen: set[int]) -> Iterator[torch.Tensor]:
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, torch.nn.Module):
        yield from _tensors(vars(value), seen)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _tensors(item, seen)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _tensors(item, seen)


def _contains(counted: tuple[torch.Tensor, torch.Tensor], wanted: torch.Tensor) -> bool:
    """Whether sorted values, each there so many times, hold all of those wanted."""
    values, counts = counted
    if not values.numel():
        return False
    each, times = wanted.unique(return_counts=True)
    places = torch.searchsorted(values, each).clamp(max=len(values) - 1)
    return bool(((values[places] == each) & (counts[places] >= times)).all())
