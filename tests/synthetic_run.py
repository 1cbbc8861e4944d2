"""A small finished run, made up: no teacher, no judge and no training, but every table and file of a real one."""

import random
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pyarrow as pa

from pipeline.agent.prompting import SHIPPED, translate
from pipeline.agent.reply import parse
from pipeline.executors.config import LocalConfig
from pipeline.judge.config import JudgeConfig
from pipeline.progress import StageProgress
from pipeline.records import Candidate, Check, Message, Task, Verdict
from pipeline.stages import StageContext, curate, evaluate, verify
from pipeline.stages.curate import CurateConfig
from pipeline.stages.publish import PublishConfig
from pipeline.store import StageStore, write_json
from pipeline.tables import schema_of, to_row
from pipeline.teachers import Reply

CATEGORIES = {"elementwise": ("relu", "tanh", "sigmoid"), "binary": ("add", "mul"), "rowwise": ("softmax", "sum")}
VERSIONS = {"torch": "2.13.0", "trl": "1.16.0"}
CONSOLE = StageProgress("test", console=cast("Any", SimpleNamespace(is_terminal=False, print=lambda *_, **__: None)))
TRAIN_SCHEMA = pa.schema(
    [("step", pa.int64()), ("loss", pa.float64()), ("learning_rate", pa.float64()), ("epoch", pa.float64())]
)


def recipe(**sections: Any) -> Any:
    """Return what stages read of a recipe."""
    values = {
        "name": "synthetic",
        "seed": 0,
        "executor": LocalConfig(),
        "generate": SimpleNamespace(teacher=SimpleNamespace(kind="scripted"), asked=SHIPPED),
        "judge": JudgeConfig(),
        "curate": CurateConfig(),
        "train": None,
        "evaluate": evaluate.EvaluateConfig.model_validate({}),
        "publish": PublishConfig(),
    }
    return SimpleNamespace(**values | sections)


def make_task(index: int, category: str, operator: str, split: str = "train") -> Task:
    reference = (
        f"import torch\nimport torch.nn as nn\n\nROWS = {64 + index}\nCOLS = 128\n\n\nclass Model(nn.Module):\n"
        f"    def forward(self, x):\n        return torch.{operator}(x)\n\n\n"
        "def get_inputs():\n    return [torch.randn(ROWS, COLS)]\n\n\ndef get_init_inputs():\n    return []\n"
    )
    name = f"{split}_{index:04d}_{operator}"
    return Task(name=name, reference=reference, category=category, level=1, source="composed", licence="Apache-2.0",
                split=cast("Any", split))  # fmt: skip


def make_candidate(task: Task, sample: int, reasoning: str | None, code: str | None, turn: int = 0) -> Candidate:
    answer = f"Here is the kernel:\n\n```python\n{code}\n```" if code else "I can't."
    content = f"<think>\n{reasoning}\n</think>\n\n{answer}" if reasoning else answer
    messages = translate(task)
    if turn:
        messages = (*messages, Message(role="assistant", content="wrong"), Message(role="user", content="mend it"))
    parsed = parse(Reply(content, None, "stop", None, None))
    return Candidate(
        task_id=task.id, sample=sample, turn=turn, teacher="scripted", reasoning=parsed.reasoning, code=parsed.code,
        messages=(*messages, Message(role="assistant", content=content)), status=parsed.status, finish_reason="stop",
        prompt_tokens=None, completion_tokens=None,
    )  # fmt: skip


def make_verdict(candidate: Candidate, status: str, reason: str | None = None, detail: str | None = None) -> Verdict:
    checks = (Check(name="rules", passed=True), Check(name="outputs", passed=reason is None, detail=detail))
    return Verdict(candidate_id=candidate.id, status=cast("Any", status), reason=reason, checks=checks, backend="simt",
                   sandbox="landlock6+seccomp+rlimits", judge_version="0123456789ab")  # fmt: skip


def kernel(operator: str, note: str = "") -> str:
    return (
        "import torch\nimport torch.nn as nn\nfrom torch.utils.cpp_extension import load_inline\n\n"
        f'cuda = """{note}\n__global__ void k(const float* x, float* y, int n) {{\n'
        "    int i = blockIdx.x * blockDim.x + threadIdx.x;\n"
        f'    if (i < n) y[i] = {operator}f(x[i]);\n}}\n"""\n\n\nclass ModelNew(nn.Module):\n'
        "    def forward(self, x):\n        return module.run(x)\n"
    )


def build_run(out: Path, n_tasks: int = 40, *, last: str = "evaluate") -> Path:
    """Write the stages up to ``last`` into ``out``; curate is the real one."""
    rng = random.Random(7)
    tasks = []
    for index in range(n_tasks):
        category = rng.choice([*CATEGORIES, "elementwise"])
        split = "heldout" if index % 5 == 0 else "train"
        tasks.append(make_task(index, category, rng.choice(CATEGORIES[category]), split))
    pairs = [pair for task in tasks if task.split == "train" for pair in _answers(task, rng)]
    write_stage(out, "tasks", schema_of(Task), {t.id: to_row(t) for t in tasks}, {"tasks": len(tasks)})
    write_stage(
        out, "generate", schema_of(Candidate), {f"{c.task_id}/{c.sample}/{c.turn}": to_row(c) for c, _ in pairs}
    )
    why = {"by_reason": Counter(v.reason for _, v in pairs if v.reason)}
    verdicts = {c.id: {**to_row(v), "task_id": c.task_id, "sample": c.sample, "turn": c.turn} for c, v in pairs}
    write_stage(out, "verify", verify.SCHEMA, verdicts, why)
    if last == "verify":
        return out
    run_stage(out, "curate", curate)
    if last == "curate":
        return out
    steps = {
        f"{s:06d}": {"step": s, "loss": 3 * 0.97**s + 0.1, "learning_rate": 2e-3, "epoch": s / 50} for s in range(100)
    }
    write_stage(out, "train", TRAIN_SCHEMA, steps, {"parameters": 2_100_000})
    _evaluate(out, [t for t in tasks if t.split == "heldout"], rng)
    return out


def run_stage(out: Path, stage: str, module: Any, **sections: Any) -> dict[str, Any]:
    """Run a real stage on the tables in ``out`` and seal it; return its manifest."""
    with StageStore(out / stage, module.SCHEMA, {"seed": 0, stage: {}}, getattr(module, "FURTHER", None)) as store:
        stats = module.run(StageContext(recipe(**sections), out, store, CONSOLE))
        return store.seal(stats, VERSIONS)


def write_stage(out: Path, stage: str, schema: pa.Schema, rows: dict[str, Any], stats: Any = None) -> None:
    with StageStore(out / stage, schema, {"seed": 0, stage: {"made": "up"}}) as store:
        for key, row in rows.items():
            store.append(key, row)
        store.seal(stats, VERSIONS)


def _answers(task: Task, rng: random.Random) -> list[tuple[Candidate, Verdict]]:
    operator = task.name.rsplit("_", 1)[1]
    found = []
    for sample in range(3):
        right = rng.random() < 0.6
        words = " ".join(["each", "thread", "takes", "one", "element;"] * rng.randint(4, 12 if right else 24))
        code = kernel(operator if right else "exp") if rng.random() < 0.9 else None
        candidate = make_candidate(task, sample, f"Sample {sample}: {words}", code, turn=sample % 2)
        if code is None:
            verdict = Verdict(candidate_id=candidate.id, status="malformed", reason="no_code", backend="simt",
                              judge_version="0123456789ab")  # fmt: skip
        elif right:
            verdict = make_verdict(candidate, "correct")
        else:
            reasons = (("incorrect", "values"), ("compile_error", "cuda"), ("cheating", "torch_does_the_work"))
            status, reason = rng.choice(reasons)
            verdict = make_verdict(
                candidate, status, reason, "setting odd: 37 of 512 values differ, <b>worst</b> 0.5 & more"
            )
        found.append((candidate, verdict))
    return found


def _evaluate(out: Path, tasks: list[Task], rng: random.Random) -> None:
    rows: dict[str, Any] = {}
    models: dict[str, Any] = {}
    for model, chance in (("untrained", 0.0), ("student", 0.8)):
        by_category: dict[str, Any] = {}
        for task in tasks:
            operator = task.name.rsplit("_", 1)[1]
            for sample in range(2):
                right = rng.random() < chance
                code = kernel(operator) if right or (model == "student" and sample) else None
                candidate = make_candidate(task, sample, "One thread per element.", code)
                status, reason = (
                    ("correct", None) if right else ("incorrect", "values") if code else ("malformed", "no_code")
                )
                rows[f"{model}/{task.id}/{sample}"] = to_row(candidate) | {
                    "model": model, "category": task.category, "verdict_status": status, "reason": reason,
                    "accepted": right, "speedup": None, "detail": "setting odd: 37 of 512 values differ" if reason else None,
                }  # fmt: skip
            by_category.setdefault(task.category, {"n_tasks": 0, "pass_at_k": {"1": interval(chance)}})[
                "n_tasks"
            ] += 1
        models[model] = {
            "n_tasks": len(tasks), "samples_per_task": 2, "compile_rate": min(1.0, chance + 0.1), "n_undecided": 0,
            "pass_at_k": {"1": interval(chance), "2": interval(min(1.0, chance * 1.1))}, "fast_p": None,
            "by_category": by_category,
        }  # fmt: skip
    write_stage(out, "evaluate", evaluate.SCHEMA, rows, {})
    write_json(out / "evaluate" / "results.json", {"schema": 1, "suite": "heldout", "models": models})


def interval(mean: float) -> dict[str, float]:
    return {"mean": mean, "low": max(0.0, mean - 0.08), "high": min(1.0, mean + 0.08)}
