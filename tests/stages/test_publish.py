"""The published folders, opened by the libraries that others will open them with."""

import json
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from datasets import Dataset, Features, load_dataset
from huggingface_hub import DatasetCard, ModelCard
from typer.testing import CliRunner

from pipeline import stage
from pipeline.errors import UserError
from pipeline.publishing import dataset
from pipeline.publishing.config import ModelConfig
from pipeline.publishing.licences import collection_licence
from pipeline.publishing.shards import write_shards
from pipeline.stages import publish
from pipeline.stages.publish import PublishConfig
from pipeline.store import read_rows
from pipeline.training.config import TrainConfig
from tests.synthetic_run import build_run, run_stage


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = build_run(tmp_path_factory.mktemp("run"))
    run_stage(out, "publish", publish, publish=PublishConfig(to="somebody/kernels"))
    return out


def files(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def opened(run, config, tmp_path):
    loaded = load_dataset(str(run / "publish" / "dataset"), config, split="train", cache_dir=str(tmp_path))
    assert isinstance(loaded, Dataset)
    return loaded


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
    from pipeline.stages import curate

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
    assert [config.get("default", False) for config in data["configs"]] == [True, False]
    infos = {info["config_name"]: info for info in data["dataset_info"]}
    assert len(infos) == 2
    for config in data["configs"]:
        info = infos[config["config_name"]]
        (pattern,) = (entry["path"] for entry in config["data_files"])
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
    build_run(tmp_path, n_tasks=1)
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
    rows = [{"id": i, "text": f"{i * 7919 % 100_003}" * 40} for i in range(12_000)]
    paths = write_shards(iter(rows), schema, tmp_path / "sft", max_bytes=200_000)
    assert [path.name for path in paths] == [f"train-{i:05d}-of-{len(paths):05d}.parquet" for i in range(len(paths))]
    assert len(paths) > 2
    assert all(path.stat().st_size < 300_000 for path in paths)
    assert [row for path in paths for row in pq.read_table(path).to_pylist()] == rows
    assert sorted(path.name for path in (tmp_path / "sft").iterdir()) == [path.name for path in paths]
    assert write_shards([], schema, tmp_path / "none", max_bytes=1) == []
    assert not (tmp_path / "none").exists()
