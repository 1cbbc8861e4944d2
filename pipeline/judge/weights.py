"""Which of a candidate's tensors are the reference's weights, and which weights it holds nowhere (imports torch)."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import torch

BATCHES = "num_batches_tracked"  # a layer's own count of calls
ALIKE = 1e-3  # of a value: initialised with 2.236 for the root of 5, weights are the same but for their last digits


def own_names(model: torch.nn.Module, state: Mapping[str, torch.Tensor]) -> dict[str, str] | None:
    """Return the candidate's name of each of the reference's weights; None if there is no telling.

    By name, where all names and shapes match. Else by value: a model made from the seed of the state's has the same
    values under its own names. Where several have the same values, as ones and zeros do, the last part of the names
    decides (``norm.weight`` is ``ln.weight``); where that does not, there is no telling either. Random values that
    are there under several names are one weight, which modules share.
    """
    own = torch.nn.Module.state_dict(model)  # whatever the model says of itself
    if all(name in own and own[name].shape == tensor.shape for name, tensor in state.items()):
        return {name: name for name in state}
    own, random = distinct(own), varied(state)
    found: dict[str, str] = {}
    for name, weight in state.items():
        candidates = [mine for mine, tensor in own.items() if _alike(tensor, weight)]
        rivals = [other for other, tensor in state.items() if _alike(tensor, weight)]
        shared = name in random and all(torch.equal(state[other], weight) for other in rivals)
        if len(candidates) > 1 or (len(rivals) > 1 and not shared):
            candidates = [mine for mine in candidates if _last(mine) == _last(name)]
            rivals = [other for other in rivals if _last(other) == _last(name)]
        if len(candidates) != 1 or (len(rivals) != 1 and not shared):
            return None
        found[name] = candidates[0]
    return found


def distinct(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the tensors of a module's state, those that modules share once, under the first of their names."""
    found: dict[str, torch.Tensor] = {}
    places: set[tuple[int, torch.Size]] = set()
    for name, tensor in state.items():
        place = tensor.data_ptr(), tensor.shape
        if place not in places or not tensor.numel():
            places.add(place)
            found[name] = tensor
    return found


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


def held_nowhere(
    model: torch.nn.Module, state: Mapping[str, torch.Tensor], parameters: Collection[str] = ()
) -> list[str]:
    """Return the names of the weights whose values are in none of the model's tensors, rounded or not.

    How they are arranged does not matter: transposed, packed with others or split, a weight is held. Tensors are
    looked for in parameters, buffers and attributes, in lists and dicts of them too. Those of the ``parameters``
    that are all one number, which they are no more once they are trained, are held if it is there as often as in all
    of them.
    """
    alike = constants(state, parameters)
    found = [t.detach().flatten() for t in tensors_of(model, set()) if t.is_floating_point()]
    device = found[0].device if found else torch.device("cpu")  # the model's may be on a GPU; the state never is
    held = [tensor.to(device) for tensor in found]
    by_dtype: dict[torch.dtype, list[torch.Tensor]] = {}
    for tensor in held:
        by_dtype.setdefault(tensor.dtype, []).append(tensor.double())
    counted = {dtype: torch.cat(parts).unique(return_counts=True) for dtype, parts in by_dtype.items()}

    def is_held(name: str, weight: torch.Tensor) -> bool:
        number = alike.get(name, (None, 0))[0]
        times = sum(size for other, size in alike.values() if other == number)
        wanted = weight if times <= weight.numel() else weight[0].expand(times)
        if any(_contains(found, wanted.to(dtype).double()) for dtype, found in counted.items()):
            return True
        if wanted is not weight:
            return False
        ordered = weight.sort().values
        return any(_alike(t.to(weight.dtype).sort().values, ordered) for t in held if t.numel() == weight.numel())

    flat = {name: w.detach().flatten() for name, w in state.items() if w.is_floating_point() and w.numel()}
    weights = {name: weight.to(device) for name, weight in flat.items()}
    return [name for name, weight in weights.items() if not is_held(name, weight)]


def constants(state: Mapping[str, torch.Tensor], names: Collection[str]) -> dict[str, tuple[float, int]]:
    """Return the one number that each of the floating weights is made of, and how often, where it is but one."""
    known = varied(state)
    found = {n: w.detach().flatten() for n, w in state.items() if n in names and n not in known and w.numel()}
    return {name: (float(flat[0]), flat.numel()) for name, flat in found.items() if flat.is_floating_point()}


def unnamed(
    model: torch.nn.Module,
    names: Mapping[str, str] | None,
    state: Mapping[str, torch.Tensor],
    parameters: Collection[str],
) -> dict[str, list[str]]:
    """Return, where weights' names in the model are not known, those it lacks and the constants to be changed."""
    if names is not None:
        return {"lacking": [], "constants": []}
    lacking = held_nowhere(model, state, parameters)
    return {"lacking": lacking, "constants": known_constants(model, state, parameters)}


def known_constants(
    model: torch.nn.Module, state: Mapping[str, torch.Tensor], parameters: Collection[str]
) -> list[str]:
    """Return the names of those of the ``constants`` of which the model has as many parameters that could be them.

    Which is which does not matter where all of them are changed.
    """
    theirs = constants(state, parameters)
    ours = Counter(_own_constants(model).values())
    wanted = Counter(theirs.values())
    return [name for name, constant in theirs.items() if ours[constant] == wanted[constant]]


def _own_constants(model: torch.nn.Module) -> dict[str, tuple[float, int]]:
    own = {name: p for name, p in torch.nn.Module.named_parameters(model) if p.requires_grad}
    return constants(own, own)


def changed_constant(weight: torch.Tensor) -> torch.Tensor:
    """Return another weight in the place of one that is all one number."""
    return torch.where(weight == 0, 0.25, weight * 0.5)


def varied(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the floating weights whose values are not all the same: those that are known wherever they turn up."""
    floating = {name: weight for name, weight in state.items() if weight.is_floating_point() and weight.numel()}
    return {name: weight for name, weight in floating.items() if bool((weight != weight.flatten()[0]).any())}


def halved(weight: torch.Tensor) -> torch.Tensor:
    """Return other weights, which follow from the old values, rounded or not: half of each that is above 0."""
    return torch.where(weight > 0, weight * 0.5, weight)


def halve_held(model: torch.nn.Module, state: Mapping[str, torch.Tensor], names: Collection[str]) -> None:
    """Change the ``varied`` weights to the ``halved`` ones wherever a model's tensors hold their values.

    And the parameters that could be the ``constants`` of those names, see ``known_constants``.
    """
    done: set[tuple[int, int]] = set()
    parameters, wanted = dict(torch.nn.Module.named_parameters(model)), set(constants(state, names).values())
    for parameter in (parameters[n] for n, constant in _own_constants(model).items() if constant in wanted):
        parameter.data.copy_(changed_constant(parameter.data))
        done.add((parameter.data_ptr(), parameter.numel()))
    values = [weight.detach().flatten() for weight in varied(state).values()]
    if not values:
        return
    known = torch.cat([part.double() for part in values])
    for tensor in tensors_of(model, set()):
        place = tensor.data_ptr(), tensor.numel()
        if tensor.is_floating_point() and place not in done:
            done.add(place)
            ours = torch.isin(tensor.data, known.to(tensor.device, tensor.dtype))
            tensor.data.copy_(torch.where(ours, halved(tensor.data), tensor.data))


def _alike(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether two tensors are the same but for the last digits."""
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    other = other.to(one.device)
    if not one.is_floating_point():
        return torch.equal(one, other)
    size = other.detach().abs().amax().item() if other.numel() else 0.0
    return torch.allclose(one.detach(), other.detach(), rtol=ALIKE, atol=ALIKE * size)


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def tensors_of(value: Any, seen: set[int]) -> Iterator[torch.Tensor]:
    """Yield the tensors that a module holds, in parameters, buffers and attributes, those in lists and dicts too."""
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, torch.nn.Module):
        yield from tensors_of(vars(value), seen)
    elif isinstance(value, dict):
        for item in value.values():
            yield from tensors_of(item, seen)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from tensors_of(item, seen)


def _contains(counted: tuple[torch.Tensor, torch.Tensor], wanted: torch.Tensor) -> bool:
    """Whether sorted values, each there so many times, hold all of those wanted."""
    values, counts = counted
    if not values.numel():
        return False
    each, times = wanted.unique(return_counts=True)
    places = torch.searchsorted(values, each).clamp(max=len(values) - 1)
    return bool(((values[places] == each) & (counts[places] >= times)).all())


def buffers_of(
    model: torch.nn.Module, wanted: Sequence[str], names: dict[str, str] | None
) -> dict[str, torch.Tensor]:
    """Return a model's buffers by the reference's names of them; ``names`` are its own of the reference's weights.

    Where these are not known, all its buffers by its own names.
    """
    if not wanted:
        return {}
    own = dict(torch.nn.Module.named_buffers(model))
    if names is None:
        return own
    named = {name: names.get(name, name) for name in wanted}
    return {name: own[mine] for name, mine in named.items() if mine in own}


def is_compared(model: torch.nn.Module, name: str) -> bool:
    """Whether a buffer, where a call changes it, has to be what the reference's is.

    A layer's number of calls needs not, which few kernels keep, unless its average goes by it.
    """
    owner, _, last = name.rpartition(".")
    return last != BATCHES or getattr(model.get_submodule(owner), "momentum", 0.0) is None
