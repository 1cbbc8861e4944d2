"""The figures of a dataset, from the tables of the run that made it: for the card, the plots and the report.

They are written beside the data as ``statistics.json``, so that a published folder can be reported on without its
run.
"""

import json
import statistics
from bisect import bisect_right
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.errors import UserError
from pipeline.publishing.licences import NOT_STATED
from pipeline.store import read_manifest

NEEDED = ("tasks", "generate", "verify", "curate")
OF_CURATE = ("funnel", "reasoning_tokens", "within_task", "by_difficulty", "by_category")
SPEEDUP_EDGES = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0)  # the last bin has no upper end
STATISTICS = "statistics.json"


def dataset_figures(out: Path) -> dict[str, Any]:
    """Return the figures of a run's dataset, JSON-ready.

    ``OF_CURATE`` and, where curate looked for it, ``contamination`` are curate's own. ``left_out`` and ``verdicts``
    count reasons, ``licences`` training tasks, ``sources`` and ``levels`` samples, ``speedup`` describes the samples
    with a measured speed (None without any), ``judge`` what accepted them.

    Raises:
        UserError: a stage up to curate is not complete.
    """
    for stage in NEEDED:
        if read_manifest(out / stage) is None:
            raise UserError(f"{out}: the stage {stage} is not complete, so there is no dataset to look at yet")
    stats = json.loads((out / "curate" / "stats.json").read_text())
    kept = _table(out / "curate" / "data.parquet", "task_id", "verdict_id", "speedup", "completion_tokens")
    tasks = _table(out / "tasks" / "data.parquet", "id", "split", "source", "level", "licence")
    places = {key: i for i, key in enumerate(tasks["id"])}
    of_samples = [places[key] for key in kept["task_id"]]
    return {
        "samples": len(kept["task_id"]),
        "tasks": len(set(kept["task_id"])),
        **{name: stats[name] for name in OF_CURATE},
        "contamination": stats.get("contamination"),
        "left_out": _counted(_column(out / "curate" / "rejected.parquet", "reason")),
        "verdicts": _verdicts(out),
        "licences": _counted(
            licence or NOT_STATED
            for licence, split in zip(tasks["licence"], tasks["split"], strict=True)
            if split == "train"
        ),
        "sources": _counted(tasks["source"][i] for i in of_samples),
        "levels": _counted("none" if (level := tasks["level"][i]) is None else str(level) for i in of_samples),
        "teachers": sorted(set(_column(out / "generate" / "data.parquet", "teacher"))),
        "completion_tokens": _quartiles(kept["completion_tokens"]),
        "speedup": _speedups([value for value in kept["speedup"] if value is not None]),
        "judge": _judge(out, kept["verdict_id"]),
    }


def _table(path: Path, *columns: str) -> dict[str, list[Any]]:
    return pq.read_table(path, columns=list(columns)).to_pydict()


def _column(path: Path, name: str) -> list[Any]:
    return pq.read_table(path, columns=[name])[name].to_pylist()


def _counted(values: Any) -> dict[str, int]:
    """Return how often each value occurs, the most frequent first, equally frequent ones by name."""
    return dict(sorted(Counter(values).items(), key=lambda pair: (-pair[1], pair[0])))


def _verdicts(out: Path) -> dict[str, int]:
    """Return how many candidates have each status and reason, as ``status`` or ``status:reason``."""
    table = _table(out / "verify" / "data.parquet", "status", "reason")
    pairs = zip(table["status"], table["reason"], strict=True)
    return _counted(status if reason in (None, status) else f"{status}:{reason}" for status, reason in pairs)


def _quartiles(values: list[int] | list[float]) -> dict[str, Any]:
    if not values:
        return {"n": 0}
    lower, median, upper = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
    return {"n": len(values), "min": min(values), "lower_quartile": lower, "median": median,
            "upper_quartile": upper, "max": max(values)}  # fmt: skip


def _speedups(values: list[float]) -> dict[str, Any] | None:
    """Return quartiles, the share above 1, and counts per bin of ``SPEEDUP_EDGES``; None of no values."""
    if not values:
        return None
    bins = Counter(bisect_right(SPEEDUP_EDGES, value) - 1 for value in values)
    return {
        **_quartiles(values),
        "faster": sum(value > 1 for value in values) / len(values),
        "edges": list(SPEEDUP_EDGES),
        "histogram": [bins[i] for i in range(len(SPEEDUP_EDGES))],
    }


def _judge(out: Path, verdict_ids: list[str]) -> dict[str, list[str]]:
    """Return what judge accepted the samples: its backends, versions, isolation and devices."""
    plurals = {"backend": "backends", "judge_version": "versions", "sandbox": "sandboxes", "device": "devices"}
    table = pq.read_table(out / "verify" / "data.parquet", columns=["id", *plurals])
    table = table.filter(pc.field("id").isin(verdict_ids))
    return {plural: sorted({x or "none" for x in table[name].to_pylist()}) for name, plural in plurals.items()}


def within_task_words(within: dict[str, Any]) -> str | None:
    """Return how the reasoning of right answers compares with that of wrong ones to the same task; None of none."""
    if not within["tasks"]:
        return None
    difference, shorter = within["difference"], within["shorter"]
    more = "more" if difference["mean"] > 0 else "fewer"
    ends = sorted(abs(difference[end]) for end in ("low", "high"))
    if difference["low"] < 0 < difference["high"]:
        interval = f"95% interval {difference['low']:.0f} to {difference['high']:+.0f}"
    else:
        interval = f"95% interval {ends[0]:.0f} to {ends[1]:.0f}"
    return (
        f"{abs(difference['mean']):.0f} {more} tokens of reasoning than wrong ones on average ({interval}; "
        f"{within['tasks']} tasks with both), and are the shorter ones in {shorter['mean']:.0%} of the tasks "
        f"({shorter['low']:.0%} to {shorter['high']:.0%})"
    )
