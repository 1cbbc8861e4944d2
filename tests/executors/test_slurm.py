"""The batch files for SLURM, run by bash with stand-ins for SLURM's commands, ray's and vllm's."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.executors.config import RayConfig
from pipeline.recipe import load_recipe
from pipeline.stage import app
from pipeline.teachers import openai

FOLDER = Path("recipes/slurm")
COMMANDS = {
    # What is behind the options of srun is run here, once.
    "srun": 'echo "$@" >> "$LOG.srun"; while [[ "$1" == --* ]]; do shift; done; exec "$@"',
    "scontrol": 'printf "node1\\nnode2\\nnode3\\n"',
    "hostname": 'echo "192.0.2.7 192.0.2.8 "',
    "ray": 'python -c "import json, os, sys; print(json.dumps([sys.argv[1:], dict(os.environ)]))" "$@" > "$LOG.ray"',
    "vllm": 'echo "$@" >> "$LOG.vllm"; exec python -m http.server --directory "$SERVED" "$4"',
    "python": f'exec {sys.executable} "$@"',
}


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in COMMANDS.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{text}\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "health").touch()
    variables = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "LOG": str(tmp_path / "log"),
        "SERVED": str(tmp_path),
        "USER": "somebody",
        "SLURM_SUBMIT_DIR": str(Path.cwd()),
        "SLURM_JOB_ID": str(os.getpid()),
        "SLURM_JOB_NODELIST": "node[1-3]",
        "SLURM_CPUS_ON_NODE": "48",
        "SLURM_GPUS_ON_NODE": "8",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return tmp_path / "log"


def submitted(name: str, log: Path, *arguments: str) -> tuple[list[str], list[str], dict[str, str]]:
    """Return what ray is told, the command to run under it, and its environment."""
    done = subprocess.run(["bash", str(FOLDER / name), *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    told, environment = json.loads(Path(f"{log}.ray").read_text())
    end = told.index("--")
    return told[:end], told[end + 1 :], environment


def test_a_recipe_runs_under_ray_on_all_nodes(log: Path):
    told, command, environment = submitted("run.sbatch", log, "recipes/quickstart.yaml", "seed=7")
    assert told[0] == "symmetric-run"
    options = dict(zip(told[1::2], told[2::2], strict=False))
    assert options["--min-nodes"] == "3"
    assert options["--address"].startswith("192.0.2.7:")
    assert len(environment["RAY_AUTH_TOKEN"]) == 48
    assert "--nodes=3" in Path(f"{log}.srun").read_text()
    assert command[:4] == ["python", "-m", "pipeline.stage", "run"]
    recipe = load_recipe(Path(command[4]), command[5:])
    assert (recipe.executor, recipe.seed) == (RayConfig(kind="ray"), 7)


def test_the_first_node_serves_and_the_others_judge(log: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MODEL", "some/model")
    served = COMMANDS["scontrol"].replace("node1", "127.0.0.1")
    (log.parent / "scontrol").write_text(f"#!/bin/bash\n{served}\n")
    told, command, environment = submitted("generate.sbatch", log, "recipes/own_server.yaml")
    assert told[told.index("--min-nodes") + 1] == "2"
    assert Path(f"{log}.vllm").read_text().startswith("serve some/model --port ")
    assert command[:4] == ["python", "-m", "pipeline.stage", "verify"]
    recipe = load_recipe(Path(command[4]), command[5:])
    assert recipe.generate is not None
    assert isinstance(recipe.generate.teacher, openai.Config)
    port = Path(f"{log}.vllm").read_text().split()[3]
    assert recipe.generate.teacher.base_url == f"http://127.0.0.1:{port}/v1"
    assert environment[recipe.generate.teacher.api_key_env or ""]
    assert isinstance(recipe.executor, RayConfig)


def test_ray_knows_the_options_and_the_files_name_what_exists():
    from ray.scripts.scripts import start
    from ray.scripts.symmetric_run import symmetric_run

    text = (FOLDER / "ray.sh").read_text().partition("ray symmetric-run")[2]
    known = {option for parameter in [*start.params, *symmetric_run.params] for option in parameter.opts}
    used = {word for word in text.split() if word.startswith("--") and word != "--"}
    assert {"--address", "--num-cpus"} <= used <= known
    commands = {command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands}
    for path in FOLDER.glob("*.sbatch"):
        words = path.read_text().replace('"', " ").split()
        named = {word for word in words if word.startswith("recipes/")}
        assert all(Path(name).is_file() for name in named)
        assert {words[i + 1] for i, word in enumerate(words) if word == "pipeline.stage"} <= commands
        assert subprocess.run(["bash", "-n", path]).returncode == 0
