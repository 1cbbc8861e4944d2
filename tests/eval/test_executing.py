"""The command evaluate with real kernels: what they give on shared inputs, and what the rules choose by it."""

import json
import subprocess
import sys
from pathlib import Path

from eval.selection.choosing import selected
from pipeline.store import read_rows
from tests.judge.examples import HONEST, REFERENCE, WRONG, changed

ROOT = Path(__file__).parents[2]
# The same softmax without a maximum: it gives the same, until an exponential overflows.
ANOTHER = changed("largest = fmaxf(largest, x[row * cols + c] * 2.0f + bias[c]);", "largest = 1.0f;")
RECIPE = """
name: finished
tasks: {source: composed, train: 1, heldout: 1}
judge: {backend: simt}
evaluate:
  suite: HERE/suite
  trained: []
  models: {theirs: {kind: kernels, path: HERE/kernels.jsonl, policy: POLICY}}
  samples_per_task: 1
  k: [1]
  outputs: 3
"""


def test_finished_kernels_are_chosen_by_what_they_give(tmp_path: Path):
    """Two right kernels, one that only large inputs give away, and two copies of a wrong one, a majority by text."""
    (tmp_path / "suite").mkdir()
    (tmp_path / "suite" / "bias_softmax.py").write_text(REFERENCE)
    wrong = WRONG["wrong constant"][0]
    codes = [wrong, HONEST, wrong + "# the same\n", ANOTHER, changed("= 0.0f;", "= 1e-9f;"), WRONG["C++ error"][0]]
    lines = [json.dumps({"task": "bias_softmax", "code": code}) for code in codes]
    (tmp_path / "kernels.jsonl").write_text("\n".join(lines))
    for policy in ("report", "strict"):
        recipe = tmp_path / f"{policy}.yaml"
        recipe.write_text(RECIPE.replace("HERE", str(tmp_path)).replace("POLICY", policy))
        command = [sys.executable, "-m", "pipeline.stage", "evaluate", recipe, "--out", tmp_path / policy]
        subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
        found = json.loads((tmp_path / policy / "evaluate" / "results.json").read_text())["models"]["theirs"]
        (posed,) = found["tasks"].values()
        right, none = [1, 1, 1], [None] * 3
        assert [s["outputs"] for s in posed["samples"]] == [[0, 0, 0], right, [0, 0, 0], right, right, none]
        at_large = policy == "report"  # which asks for the task's own sizes alone
        assert [s["status"] == "correct" for s in posed["samples"]] == [False, True, False, at_large, True, False]
        assert found["selection_by"] == "outputs"
        for rule in ("majority", "codet", "b4"):
            assert found["selection"][rule]["mean"] == 1.0
        assert found["selection"]["rpc"] is None
        by_text = [{name: value for name, value in s.items() if name != "outputs"} for s in posed["samples"]]
        without = selected({"t": {"samples": by_text}}, 9, 0)
        assert without is not None
        assert without["majority"]["mean"] == 0.0
        kept = list(read_rows(tmp_path / policy / "evaluate", "outputs"))
        assert {row["policy"] for row in kept} == {policy}
        assert len(kept) == len(codes) - 1  # what does not compile is not run
