"""Suites: what a name means, and that the recurrent suite computes what its papers say."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from eval.suite import FOLDER, load_suite, shipped, source_of, tasks_of
from pipeline.errors import UserError
from pipeline.judge.config import JudgeConfig
from pipeline.judge.judge import Judge
from pipeline.records import Task
from pipeline.sources.files import task_from_source

NAMES = ("elman", "gru", "lact_swiglu", "lstm", "rwkv7_state", "slstm")
SMALL = {"BATCH": 2, "TIME": 9, "HEADS": 2, "DIM": 7, "CHUNKS": 2, "CHUNK": 11, "HIDDEN": 10}


def small(name: str) -> str:
    """The module with sizes that cost nothing."""
    source = (FOLDER / "recurrent" / f"{name}.py").read_text()
    for size, value in SMALL.items():
        source = re.sub(rf"^{size} = \d+$", f"{size} = {value}", source, flags=re.MULTILINE)
    return source


def sigmoid(x: Any) -> Any:
    return 1 / (1 + torch.exp(-x))


def recurrent_part(h: Any, weights: Any) -> Any:
    """[heads, dim] times [heads, dim, dim], element by element."""
    return torch.stack(
        [torch.stack([(h[n] * weights[n, :, e]).sum() for e in range(h.shape[1])]) for n in range(len(h))]
    )


def naive_elman(model: Any, wx: Any) -> list[Any]:
    h, out = torch.zeros_like(wx[0]), []
    for x in wx:
        h = torch.tanh(x + recurrent_part(h, model.recurrent) + model.bias)
        out.append(h)
    return [torch.stack(out)]


def naive_gru(model: Any, wx: Any) -> list[Any]:
    h, out = torch.zeros_like(wx[0, 0]), []
    for x in wx:
        r, z, n = (recurrent_part(h, model.recurrent[g]) + model.bias[g] for g in range(3))
        z = sigmoid(x[1] + z)
        h = z * h + (1 - z) * torch.tanh(x[2] + sigmoid(x[0] + r) * n)
        out.append(h)
    return [torch.stack(out)]


def naive_lstm(model: Any, wx: Any) -> list[Any]:
    h, c, hs, cs = torch.zeros_like(wx[0, 0]), torch.zeros_like(wx[0, 0]), [], []
    for x in wx:
        i, f, z, o = (x[g] + recurrent_part(h, model.recurrent[g]) + model.bias[g] for g in range(4))
        c = sigmoid(f) * c + sigmoid(i) * torch.tanh(z)
        h = sigmoid(o) * torch.tanh(c)
        hs.append(h)
        cs.append(c)
    return [torch.stack(hs), torch.stack(cs)]


def naive_slstm(model: Any, wx: Any) -> list[Any]:
    """Without the stabiliser, which must not change anything."""
    h, c, n, out = torch.zeros_like(wx[0, 0]), 0.0, 0.0, []
    for x in wx:
        i, f, z, o = (x[g] + recurrent_part(h, model.recurrent[g]) + model.bias[g] for g in range(4))
        c = sigmoid(f) * c + torch.exp(i) * torch.tanh(z)
        n = sigmoid(f) * n + torch.exp(i)
        h = sigmoid(o) * c / n
        out.append(h)
    return [torch.stack(out)]


def naive_rwkv7_state(_: Any, r: Any, w: Any, k: Any, v: Any, kappa: Any, a: Any, state: Any) -> list[Any]:
    """With whole transition matrices."""
    out = []
    states = list(state)
    for t in range(len(r)):
        for head, s in enumerate(states):
            unit = kappa[t, head] / kappa[t, head].norm()
            decay = torch.exp(-sigmoid(w[t, head]) / torch.exp(torch.tensor(0.5, dtype=torch.float64)))
            transition = torch.diag(decay) - torch.outer(unit, sigmoid(a[t, head]) * unit)
            states[head] = s @ transition + torch.outer(v[t, head], k[t, head])
        out.append(torch.stack([s @ r[t, head] for head, s in enumerate(states)]))
    return [torch.stack(out), torch.stack(states)]


def naive_lact_swiglu(model: Any, q: Any, k: Any, v: Any, rates: Any) -> list[Any]:
    """Gradients by autograd, singular values instead of matrix products in Newton and Schulz's iteration."""
    weights = [model.gate, model.up, model.down]
    norms = [w.norm(dim=1, keepdim=True) for w in weights]

    def f(x: Any, gate: Any, up: Any, down: Any) -> Any:
        g = gate @ x
        return down @ (g * sigmoid(g) * (up @ x))

    def orthogonalised(gradient: Any) -> Any:
        u, s, vt = torch.linalg.svd(gradient, full_matrices=False)
        s = s / (s.square().sum().sqrt() + 1e-7)
        for _ in range(5):
            s = 3.4445 * s - 4.7750 * s**3 + 2.0315 * s**5
        return u @ torch.diag(s) @ vt

    out = []
    for chunk in range(len(q)):
        steps = []
        for which in range(3):
            leaves = [w.detach().clone().requires_grad_() for w in weights]
            eta = torch.log(1 + torch.exp(rates[chunk][:, which]))
            loss: Any = -sum(e * f(x, *leaves) @ y for e, x, y in zip(eta, k[chunk], v[chunk], strict=True))
            steps.append(orthogonalised(-torch.autograd.grad(loss, leaves[which])[0]))
        weights = [w + step for w, step in zip(weights, steps, strict=True)]
        weights = [w * n / (w.norm(dim=1, keepdim=True) + 1e-5) for w, n in zip(weights, norms, strict=True)]
        out.append(torch.stack([f(x, *weights) for x in q[chunk]]))
    return [torch.stack(out)]


@pytest.mark.parametrize("name", NAMES)
def test_a_reference_is_its_equations(name: str):
    torch.manual_seed(0)
    module: dict[str, Any] = {}
    exec(small(name), module)
    model = module["Model"](*module["get_init_inputs"]()).double()
    inputs = [x.double() for x in module["get_inputs"]()]
    with torch.no_grad():
        results = model(*inputs)
    results = results if isinstance(results, tuple) else (results,)
    for b in range(2):
        expected = globals()[f"naive_{name}"](model, *(x[b] for x in inputs))
        for found, wanted in zip(results, expected, strict=True):
            torch.testing.assert_close(found[b], wanted, rtol=1e-9, atol=1e-10)


@pytest.fixture(scope="module")
def judge(builds: Path) -> Iterator[Judge]:
    with Judge(JudgeConfig(backend="simt", workers=1, cache=builds)) as judge:
        yield judge


def small_task(name: str, direction: Any = "forward") -> Task:
    source = re.sub(r"^SETTINGS = \{.*?^\}\n", "", small(name), flags=re.MULTILINE | re.DOTALL)
    return task_from_source(source, name, name).model_copy(update={"direction": direction})


@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize("name", NAMES)
def test_the_judge_can_judge_by_it(judge: Judge, name: str, direction: str):
    judge.probe(small_task(name, direction)).result()


@pytest.mark.parametrize("name", ["elman", "rwkv7_state", "slstm"])
def test_an_honest_kernel_is_accepted(judge: Judge, name: str):
    code = (Path(__file__).parent / "recurrent" / f"{name}.py").read_text()
    verdict = judge.submit(small_task(name), code, name).result()
    assert verdict.accepted, f"{verdict.status}, {verdict.reason}: {verdict.detail}"


def test_the_recurrent_suite_is_posed_both_ways_with_odd_sizes():
    tasks = [task for task in tasks_of(load_suite("recurrent"), 0) if isinstance(task, Task)]
    assert [t.name for t in tasks] == [f"{name}_{way}" for name in NAMES for way in ("forward", "backward")]
    assert len({task.id for task in tasks}) == 12
    assert all([s.name for s in task.settings] == ["own", "odd", "small"] for task in tasks)


def test_shipped_suites_are_suites():
    names = shipped()
    assert {"heldout", "recurrent", "kernelbench", "robust_kbench_backward"} <= set(names)
    for name in names[1:]:
        assert load_suite(name).name == name


def test_a_folder_or_a_file_is_a_suite(tmp_path: Path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "one.py").write_text(small("elman"))
    assert [task.name for task in tasks_of(load_suite(str(folder)), 0) if isinstance(task, Task)] == ["one"]
    file = tmp_path / "suite.yaml"
    file.write_text("name: s\nsource: {source: files, path: mine}\nk: [1, 3]\nsamples_per_task: 3\n")
    suite = load_suite(str(file))
    assert [task.name for task in tasks_of(suite, 0) if isinstance(task, Task)] == ["one"]
    assert (suite.k, suite.samples_per_task) == ((1, 3), 3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: s\nsource: {source: files, path: x}\nkk: 3\n", r"kk: unknown key; did you mean k\?"),
        ("name: s\n", "source: missing"),
        (": {", "not YAML"),
        ("name: s\nsource: {source: files}\n", "suite_path must name a checkout"),
        ("name: s\nsource: {source: composd}\n", "suite s: source"),
    ],
)
def test_a_suite_that_is_none_is_one_line(tmp_path: Path, text: str, message: str):
    (tmp_path / "s.yaml").write_text(text)
    with pytest.raises(UserError, match=message):
        source_of(load_suite(str(tmp_path / "s.yaml")))


def test_an_unknown_suite_names_the_nearest():
    with pytest.raises(UserError, match="no suite 'recurent'; did you mean recurrent"):
        load_suite("recurent")
