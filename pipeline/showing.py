"""What a run's directory says about the run: for ``show``, and at the end of ``run``."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline.errors import UserError
from pipeline.order import ORDER, UNITS
from pipeline.rejected import rejected
from pipeline.store import read_manifest
from pipeline.unfinished import entries
from pipeline.watching import at_work, reviews

MAX_REASONS = 6
TURN_AWAY = ("tasks", "generate", "verify", "curate")  # stages whose work it is, also where they reject nothing


def show(out: Path) -> None:
    """Print each stage's state, what it kept and rejected and why, its seconds, and the result if there is one.

    Raises:
        UserError: the directory does not exist or holds no run.
    """
    if not out.is_dir():
        raise UserError(f"{out}: no such directory")
    if not any((out / stage / "inputs.json").exists() for stage in ORDER):
        raise UserError(f"{out}: holds no run (no stage has been started there)")
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for title in ("stage", "state"):
        table.add_column(title)
    for title in ("has", "rejected", "seconds"):
        table.add_column(title, justify="right")
    table.add_column("rejected why", overflow="fold")
    for stage in ORDER:
        table.add_row(stage, *_cells(out / stage))
    console = Console()
    console.print(table)
    for line in [*at_work(out), *reviews(out)]:
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    _print_result(out)


def show_result(out: Path) -> None:
    """Write the report anew, now that every stage of the run is complete, and print the result."""
    if read_manifest(out / "evaluate") is not None:
        from eval.report import write

        write(out)
    _print_result(out)


def show_rejected(out: Path, reason: str | None, limit: int) -> None:
    """Print candidates that the judge rejected, with what it says of each; raises as ``rejected`` does."""
    if not out.is_dir():
        raise UserError(f"{out}: no such directory")
    shown, total = rejected(out, reason, limit)
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for title in ("candidate", "task", "reason", "detail"):
        table.add_column(title, overflow="fold", no_wrap=title == "candidate")
    for row in shown:
        table.add_row(*(escape(" ".join(text.split())) for text in row))
    console = Console()
    console.print(table)
    more = f"the first {len(shown)} of {total}; --limit shows more" if total > len(shown) else f"{total} in all"
    console.print(f"{more}. One of them: show {out} --candidate ID", highlight=False, markup=False, soft_wrap=True)


def show_rounds(rows: list[dict[str, Any]]) -> None:
    """Print what each round of ``iterate`` made and how its student does on the held-out tasks."""
    from eval.headline import share

    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    ks = list(rows[0]["pass_at_k"])
    for title in ("round", "candidates", "right", "samples", *(f"pass@{k}" for k in ks)):
        table.add_column(title, justify="right")
    for row in rows:
        counts = (str(row.get(name, "")) for name in ("candidates", "accepted", "samples"))
        table.add_row(str(row["round"]), *counts, *(share(row["pass_at_k"][k]) for k in ks))
    Console().print(table)


def show_ablation(rows: list[dict[str, Any]]) -> None:
    """Print what each arm of ``ablate`` chose and how its student does on the held-out tasks."""
    from eval.headline import share

    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("arm")
    ks = list(rows[0]["pass_at_k"])
    for title in ("chosen", "samples", "tokens of reasoning", *(f"pass@{k}" for k in ks)):
        table.add_column(title, justify="right")
    for row in rows:
        name = f"{row['arm']} (= {row['same_as']})" if row["same_as"] else row["arm"]
        counts = (str(row["chosen"]), str(row["samples"]), f"{row['reasoning_tokens']:.1f}")
        table.add_row(name, *counts, *(share(row["pass_at_k"][k]) for k in ks))
    Console().print(table)


def _print_result(out: Path) -> None:
    """Print the headline figures and where the report and the dataset are; nothing of what is not there."""
    console = Console()
    results = out / "evaluate" / "results.json"
    if results.exists() and read_manifest(out / "evaluate") is not None:
        from eval.report import table

        console.print()
        console.print(table(json.loads(results.read_text())))
    for name, path in (("report", out / "evaluate" / "report.html"), ("dataset", out / "publish" / "dataset")):
        if path.exists():
            console.print(f"{name:>8}  {path}", highlight=False, markup=False, soft_wrap=True)


def _cells(directory: Path) -> tuple[str, str, str, str, str]:
    """Return state, rows kept, rows rejected, seconds and reasons of a stage."""
    manifest = read_manifest(directory)
    if manifest is not None:
        kept, reasons = _kept(directory, manifest)
        seconds = f"{manifest['seconds']:.1f}"
        unit = "right" if directory.name == "verify" else UNITS[directory.name]  # type: ignore[index]
        lost = str(reasons.total()) if reasons or directory.name in TURN_AWAY else ""
        return "[green]complete[/]", f"{kept} {unit}", lost, seconds, _reason_lines(reasons)
    if not (directory / "inputs.json").exists():
        return "[dim]not run[/]", "", "", "", ""
    counts = Counter(entry.table for entry in entries(directory))
    return "[yellow]part done[/]", str(counts["data"]), str(counts["rejected"]), "", ""


def _kept(directory: Path, manifest: dict[str, Any]) -> tuple[int, Counter[str]]:
    """Return how many rows a stage kept and why it rejected the others.

    The table of verify keeps a verdict on every candidate; here a candidate that was not accepted is a rejected one.
    """
    reasons = Counter(manifest["reasons"])
    if directory.name == "verify":
        reasons += Counter(json.loads((directory / "stats.json").read_text()).get("by_reason", {}))
        return manifest["rows"] - reasons.total(), reasons
    return manifest["rows"], reasons


def _reason_lines(reasons: Counter[str]) -> str:
    ordered = reasons.most_common()
    shown = [f"{count} {escape(reason)}" for reason, count in ordered[:MAX_REASONS]]
    if rest := sum(count for _, count in ordered[MAX_REASONS:]):
        shown.append(f"{rest} for other reasons")
    return "\n".join(shown)
