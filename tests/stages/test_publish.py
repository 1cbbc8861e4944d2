"""The published folders, opened by the libraries that others will open them with."""

import json
import random
import shutil
from typing import Any, get_args

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from datasets import Dataset, Features, load_dataset
from huggingface_hub import DatasetCard, ModelCard
from typer.testing import CliRunner

from pipeline import stage
from pipeline.errors import UserError
from pipeline.order import _with_needs
from pipeline.publishing.config import ModelConfig
from pipeline.publishing.licences import collection_licence
from pipeline.publishing.shards import write_shards
from pipeline.recipe import StageName, load_recipe
from pipeline.records import Message, Sample
from pipeline.stages import curate, publish
from pipeline.stages.publish import PublishConfig
from pipeline.store import read_rows, write_json
from pipeline.tables import from_row, schema_of, to_row
from pipeline.training.config import TrainConfig
from pipeline.training_samples import PreferencePair, TurnSample
from tests.synthetic_run import build_run, run_stage, write_stage
from tests.training.examples import tiny_model

TRAINED = {"samples": 8, "optimizer_steps": 4, "trained_parameters": 1000, "parameters": 2_100_000}


def training(kind, name):
    return TrainConfig.model_validate({"model": {"kind": kind, "name": name}})


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = build_run(tmp_path_factory.mktemp("run"))
    run_stage(out, "publish", publish, publish=PublishConfig(to="somebody/kernels"))
    return out


def files(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def opened(run, name, tmp_path) -> list[dict[str, Any]]:
    loaded = load_dataset(str(run / "publish" / "dataset"), name, split="train", cache_dir=str(tmp_path))
    assert isinstance(loaded, Dataset)
    return loaded.to_list()


def test_datasets_opens_it_with_every_sample(run, tmp_path):
    loaded = opened(run, "sft", tmp_path)
    samples = {row["id"]: row for row in read_rows(run / "curate")}
    assert len(loaded) == len(samples)
    for index in range(len(loaded)):
        row = loaded[index]
        sample = samples[row["id"]]
        candidate_text = sample["completion"][0]
        assert [m["content"] for m in row["prompt"]] == [m["content"] for m in sample["prompt"]]
        assert row["completion"] == [
            {
                "role": "assistant",
                "content": f"<think>\n{candidate_text['reasoning']}\n</think>\n\n{candidate_text['content']}",
            }
        ]
        assert row["code"] in candidate_text["content"]
        assert "class ModelNew" in row["code"]
        assert "class Model(" in row["reference"]
        assert row["licence"] == "Apache-2.0"
        assert row["speedup"] is None


def test_every_candidate_is_there_with_its_verdict_and_why_it_was_left_out(run, tmp_path):
    raw = {row["id"]: row for row in opened(run, "raw", tmp_path)}
    verdicts = {row["candidate_id"]: row for row in read_rows(run / "verify")}
    candidates = {row["id"]: row for row in read_rows(run / "generate")}
    left_out = {row["candidate_id"]: row["reason"] for row in read_rows(run / "curate", "rejected")}
    kept = {row["candidate_id"] for row in read_rows(run / "curate")}
    assert raw.keys() == candidates.keys()
    assert {key for key, row in raw.items() if row["left_out"] is None} == kept
    for key, row in raw.items():
        for name in ("messages", "reasoning", "code", "sample", "turn", "teacher"):
            assert row[name] == candidates[key][name]
        for name in ("accepted", "status", "reason", "checks", "judge_version"):
            assert row[name] == verdicts[key][name]
        assert row["left_out"] == left_out.get(key)
        assert row["licence"] == "Apache-2.0"
        assert (row["detail"] is None) == all(check["passed"] for check in row["checks"])


def test_nothing_of_a_held_out_task_is_published(tmp_path):
    out = build_run(tmp_path)
    tasks = list(read_rows(out / "tasks"))
    answered = next(read_rows(out / "generate"))["task_id"]
    table = pa.Table.from_pylist(
        [row | {"split": "heldout" if row["id"] == answered else row["split"]} for row in tasks],
        pq.read_schema(out / "tasks" / "data.parquet"),
    )
    pq.write_table(table, out / "tasks" / "data.parquet")
    for name in ("data", "rejected", "manifest"):
        (out / "curate" / f"{name}.{'json' if name == 'manifest' else 'parquet'}").unlink()
    run_stage(out, "curate", curate)
    run_stage(out, "publish", publish)
    raw = pq.read_table(out / "publish" / "dataset" / "raw")
    assert answered not in raw["task_id"].to_pylist()
    assert len(raw)


def test_the_card_says_what_it_is(run):
    folder = run / "publish" / "dataset"
    card = DatasetCard.load(folder / "README.md")
    data = card.data.to_dict()
    assert data["license"] == "apache-2.0"
    assert data["task_categories"] == ["text-generation"]
    assert data["size_categories"] == ["n<1K"]
    assert [entry.get("default", False) for entry in data["configs"]] == [True, False]
    infos = {info["config_name"]: info for info in data["dataset_info"]}
    assert len(infos) == 2
    for entry in data["configs"]:
        info = infos[entry["config_name"]]
        (pattern,) = (files["path"] for files in entry["data_files"])
        schema = pq.read_schema(next(folder.glob(pattern)))
        assert Features._from_yaml_list(info["features"]) == Features.from_arrow_schema(schema)
    assert yaml.safe_load(card.content.split("---")[1]) == data
    for said in ("not by a language model", "Speed was not measured", "arXiv:2510.07356", "arXiv:2509.14279"):
        assert said in card.text
    assert 'load_dataset("somebody/kernels", "sft"' in card.text
    assert "| student | 8 | 2 | 80.0% (72.0 to 88.0)" in card.text
    assert "None" not in card.text
    stats = json.loads((run / "curate" / "stats.json").read_text())
    assert f"| candidates written | {stats['funnel']['candidates']} |" in card.text
    shown = [line.split("](")[1].rstrip(")") for line in card.text.splitlines() if line.startswith("![")]
    assert {path.name for path in (folder / "plots").iterdir()} == {name.removeprefix("plots/") for name in shown}
    assert all((folder / name).read_bytes().startswith(b"\x89PNG") for name in shown)


def test_twice_gives_the_same_bytes(run, tmp_path):
    out = build_run(tmp_path)
    leftover = out / "publish" / "dataset.partial" / "sft" / "train-00000-of-00009.parquet"
    leftover.parent.mkdir(parents=True)
    leftover.write_bytes(b"of a run that was killed")
    stale = out / "publish" / "dataset" / "sft" / "stale.parquet"
    stale.parent.mkdir(parents=True)
    stale.write_bytes(b"of a run with more samples")
    run_stage(out, "publish", publish, publish=PublishConfig(to="somebody/kernels"))
    assert files(out / "publish" / "dataset") == files(run / "publish" / "dataset")
    assert not (out / "publish" / "dataset.partial").exists()
    assert (out / "publish" / "manifest.json").exists()


def test_nothing_to_publish_is_said_in_one_line(tmp_path):
    build_run(tmp_path, last="verify")
    write_stage(tmp_path, "curate", curate.SCHEMA, {}, {})
    with pytest.raises(UserError, match="curate kept no sample"):
        run_stage(tmp_path, "publish", publish)


def test_a_mixture_of_licences_is_stated(tmp_path):
    out = build_run(tmp_path)
    rows = list(read_rows(out / "tasks"))
    table = pa.Table.from_pylist(
        [row | {"licence": ("MIT", "Apache-2.0", None)[i % 3]} for i, row in enumerate(rows)],
        pq.read_schema(out / "tasks" / "data.parquet"),
    )
    pq.write_table(table, out / "tasks" / "data.parquet")
    run_stage(out, "publish", publish)
    folder = out / "publish" / "dataset"
    card = DatasetCard.load(folder / "README.md")
    assert card.data.to_dict()["license"] == "other"
    assert card.data.to_dict()["license_name"] == "mixed-source-licences"
    assert "**Mixed.**" in card.text
    stated = (folder / card.data.to_dict()["license_link"]).read_text()
    for licence in ("MIT", "Apache-2.0", "not stated"):
        assert f"| {licence} | " in stated
        assert f"{licence} (" in card.text
    licences = {row["id"]: ("MIT", "Apache-2.0", None)[i % 3] for i, row in enumerate(rows)}
    raw = pq.read_table(folder / "raw").to_pylist()
    assert all(row["licence"] == licences[row["task_id"]] for row in raw)
    assert collection_licence("mit", ["MIT", "mit"]).license == "mit"


def test_shards_are_bounded_and_hold_every_row_in_order(tmp_path):
    schema = pa.schema([("id", pa.int64()), ("text", pa.string())])
    noise = random.Random(0)
    rows = [{"id": i, "text": noise.randbytes(60).hex()} for i in range(12_000)]
    paths = write_shards(iter(rows), schema, tmp_path / "sft", max_bytes=200_000)
    assert [path.name for path in paths] == [f"train-{i:05d}-of-{len(paths):05d}.parquet" for i in range(len(paths))]
    assert len(paths) > 2
    assert all(path.stat().st_size < 300_000 for path in paths)
    assert [row for path in paths for row in pq.read_table(path).to_pylist()] == rows
    assert sorted(path.name for path in (tmp_path / "sft").iterdir()) == [path.name for path in paths]
    assert write_shards([], schema, tmp_path / "none", max_bytes=1) == []
    assert not (tmp_path / "none").exists()


def further_tables(out):
    """Add preference pairs and turns to a finished curate stage, as it writes them; return the pairs' candidates."""
    answers = {row["id"]: row for row in read_rows(out / "generate")}
    kept = [from_row(Sample, row) for row in read_rows(out / "curate")]
    wrong = [row for row in read_rows(out / "verify") if not row["accepted"] and answers[row["candidate_id"]]["code"]]
    pairs = [
        PreferencePair(
            kind="correctness", task_id=s.task_id, category=s.category, prompt=s.prompt, chosen=s.completion,
            rejected=(Message(role="assistant", content="not so", reasoning="guess"),), licence=s.licence,
            chosen_candidate_id=s.candidate_id, chosen_verdict_id=s.verdict_id, chosen_reasoning_tokens=s.reasoning_tokens,
            rejected_candidate_id=w["candidate_id"], rejected_verdict_id=w["id"], rejected_reasoning_tokens=1,
            rejected_status=w["status"], rejected_reason=w["reason"],
        )
        for s, w in zip(kept, wrong, strict=False)
    ]  # fmt: skip
    turns = [
        TurnSample(
            task_id=s.task_id, candidate_id=s.candidate_id, verdict_id=s.verdict_id, category=s.category, sample=0, turn=1,
            turns=2, status="correct", reason=None, score=0.3, completion=s.completion, reasoning_tokens=1,
            prompt=(*s.prompt, Message(role="assistant", content="wrong"), Message(role="user", content="mend it")),
            completion_tokens=2, licence=s.licence,
        )
        for s in kept
    ]  # fmt: skip
    for name, records in (("preference", pairs), ("multi_turn", turns)):
        table = pa.Table.from_pylist([to_row(record) for record in records], schema_of(type(records[0])))
        pq.write_table(table, out / "curate" / f"{name}.parquet")
    return {"preference": pairs, "multi_turn": turns}


def test_pairs_and_turns_are_configs_of_their_own(tmp_path):
    out = build_run(tmp_path / "run")
    records = further_tables(out)
    run_stage(out, "publish", publish)
    card = DatasetCard.load(out / "publish" / "dataset" / "README.md")
    configs = [entry["config_name"] for entry in card.data.to_dict()["configs"]]
    assert configs == ["sft", "preference", "multi_turn", "raw"]
    for name in ("preference", "multi_turn"):
        loaded = opened(out, name, tmp_path)
        assert f"| `{name}` | {len(records[name])} |" in card.text
        for row, record in zip(loaded, records[name], strict=True):
            assert row["id"] == record.id
            assert row["licence"] == "Apache-2.0"
            assert "class Model(" in row["reference"]
            assert [(m["role"], m["content"]) for m in row["prompt"]] == [(m.role, m.content) for m in record.prompt]
    pair = opened(out, "preference", tmp_path)[0]
    assert pair["rejected"] == [{"role": "assistant", "content": "<think>\nguess\n</think>\n\nnot so"}]
    assert pair["chosen"][0]["content"].startswith("<think>\nSample")


def test_a_model_comes_with_its_figures(tmp_path):
    out = build_run(tmp_path / "run")
    student = out / "train" / "student"
    student.mkdir()
    (student / "model.safetensors").write_bytes(b"weights")
    write_json(out / "train" / "stats.json", TRAINED)
    section = PublishConfig(to="somebody/kernels", model=ModelConfig(licence="apache-2.0"))
    run_stage(out, "publish", publish, publish=section, train=training("hub", "somebody/base"))
    folder = out / "publish" / "model"
    assert (folder / "model.safetensors").read_bytes() == b"weights"
    card = ModelCard.load(folder / "README.md")
    data: Any = card.data
    assert (data.library_name, data.pipeline_tag) == ("transformers", "text-generation")
    assert (data.base_model, data.datasets, data.license) == ("somebody/base", ["somebody/kernels"], "apache-2.0")
    assert [(r.metric_type, r.metric_value) for r in data.eval_results] == [("pass@1", 0.8), ("pass@2", 0.88)]
    assert "| student | 8 | 2 | 80.0% (72.0 to 88.0)" in card.text
    assert "peft" not in card.text


def test_a_student_of_the_judge_is_published_without_a_dataset(tmp_path):
    out = build_run(tmp_path / "run", last="verify")
    (out / "train" / "student").mkdir(parents=True)
    (out / "train" / "student" / "model.safetensors").write_bytes(b"weights")
    write_json(out / "train" / "stats.json", {k: n for k, n in TRAINED.items() if k != "samples"})
    sections = {"curate": None, "evaluate": None, "train": training("hub", "somebody/base")}
    run_stage(out, "publish", publish, publish=PublishConfig(model=ModelConfig()), **sections)
    card = ModelCard.load(out / "publish" / "model" / "README.md")
    assert "No model was evaluated" in card.text
    assert not (out / "publish" / "dataset").exists()


@pytest.mark.parametrize(
    ("sections", "stages"),
    [
        ("", ["tasks", "generate", "verify", "curate", "publish"]),
        ("evaluate: {}\ntrain: {model: {kind: hub, name: b}}\n", [*get_args(StageName)]),
        ("publish: {model: {}}\ntrain: {model: {kind: hub, name: b}}\n", ["tasks", "generate", "verify", "curate", "train", "publish"]),
        ("publish: {model: {}}\ncurate: null\ntrain: {method: grpo, model: {kind: hub, name: b}}\n", ["tasks", "train", "publish"]),
    ],
)  # fmt: skip
def test_only_what_is_published_is_run_first(tmp_path, sections, stages):
    recipe = tmp_path / "r.yaml"
    whole = "name: r\ntasks: {source: composed}\ngenerate: {teacher: {kind: scripted}}\ncurate: {}\npublish: {}\n"
    keys = {line.split(":")[0] for line in sections.splitlines()}
    rest = "".join(f"{line}\n" for line in whole.splitlines() if line.split(":")[0] not in keys)
    recipe.write_text(rest + sections)
    assert _with_needs(load_recipe(recipe), "publish") == stages


def saved_adapter(base, folder):
    """Save a low-rank adapter of a model as training leaves it, but with random weights."""
    from peft import LoraConfig, get_peft_model

    from pipeline.training.models import load_model, load_tokenizer

    lora = LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM", init_lora_weights=False)
    get_peft_model(load_model(str(base)), lora).save_pretrained(str(folder))
    load_tokenizer(str(base)).save_pretrained(folder)


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")  # peft asks by an older name
def test_an_adapter_says_so_or_is_merged(tmp_path):
    from pipeline.training.models import load_model

    base = tiny_model(tmp_path / "base")
    out = build_run(tmp_path / "run")
    saved_adapter(base, out / "train" / "student")
    write_json(out / "train" / "stats.json", TRAINED)
    adapted = training("hub", str(base))
    with pytest.raises(UserError, match=r"publish\.model\.weights=merged"):
        run_stage(out, "publish", publish, publish=PublishConfig(model=ModelConfig()), train=adapted)
    shutil.rmtree(out / "publish")
    merged = PublishConfig(model=ModelConfig(weights="merged"))
    run_stage(out, "publish", publish, publish=merged, train=adapted)
    folder = out / "publish" / "model"
    card = ModelCard.load(folder / "README.md")
    assert card.data.to_dict()["library_name"] == "transformers"
    assert str(tmp_path) not in card.content
    assert not (folder / "adapter_config.json").exists()
    ours, theirs = load_model(str(folder)).state_dict(), load_model(str(out / "train" / "student")).state_dict()
    assert all(ours[name].equal(theirs[name]) for name in theirs)
    shutil.rmtree(out / "publish")
    run_stage(
        out, "publish", publish, publish=PublishConfig(model=ModelConfig()), train=training("hub", "somebody/base")
    )
    card = ModelCard.load(folder / "README.md")
    data = card.data.to_dict()
    assert (data["library_name"], data["base_model"]) == ("peft", "somebody/base")
    assert "AutoPeftModelForCausalLM" in card.text


@pytest.mark.parametrize(
    ("options", "section", "kinds"),
    [
        (["--to", "a/b", "--private"], PublishConfig(to="a/b", private=True), ("dataset",)),
        (["--model", "--to", "a/m", "--revision", "v2"], PublishConfig(model=ModelConfig(to="a/m", revision="v2")), ("model",)),
        (["publish.model.weights=merged", "--model"], PublishConfig(model=ModelConfig(weights="merged")), ("model",)),
        ([], PublishConfig(), ("dataset", "model")),
    ],
)  # fmt: skip
def test_the_options_are_keys_of_the_recipe(tmp_path, monkeypatch, options, section, kinds):
    recipe = tmp_path / "r.yaml"
    recipe.write_text("name: r\ntasks: {source: composed}\npublish: {}\n")
    done = []
    monkeypatch.setattr("pipeline.runner.run_stages", lambda loaded, out, stage: done.append((loaded.publish, stage)))
    monkeypatch.setattr("pipeline.publishing.sending.send_run", lambda *a, dry_run: done.append((*a[1:], dry_run)))
    monkeypatch.setenv("HF_TOKEN", "hf_x")
    result = CliRunner().invoke(stage.app, ["publish", str(recipe), *options])
    assert result.exit_code == 0, result.output
    assert done == [(section, "publish"), (section, kinds, False)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--to", "a/b", "--dry-run"], "stage tasks in "),
        (["--dry-run"], "a dry run needs a repository"),
        (["--to", "a/b"], "there is no token"),
        (["--private"], "--private and --revision are for a repository"),
    ],
)
def test_what_can_not_be_sent_is_said_before_a_stage_runs(tmp_path, monkeypatch, options, message):
    recipe = tmp_path / "r.yaml"
    recipe.write_text(
        "name: r\ntasks: {source: composed}\ngenerate: {teacher: {kind: scripted}}\ncurate: {}\npublish: {}\n"
    )
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    result = CliRunner().invoke(stage.app, ["publish", str(recipe), "--out", str(tmp_path / "out"), *options])
    assert result.exit_code == 2
    assert message in result.output
    assert result.output.count("\n") == 1
    assert not (tmp_path / "out").exists()
