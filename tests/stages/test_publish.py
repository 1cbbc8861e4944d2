"""The published folder, opened by the libraries that others will open it with."""

import pytest
import yaml
from huggingface_hub import DatasetCard

from pipeline.errors import UserError
from pipeline.stages import curate, publish
from pipeline.stages.publish import PublishConfig
from pipeline.store import read_rows
from tests.synthetic_run import build_run, run_stage, write_stage


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = build_run(tmp_path_factory.mktemp("run"))
    run_stage(out, "publish", publish, publish=PublishConfig(rows_per_file=5))
    return out


def files(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_datasets_opens_it_with_every_sample(run, tmp_path):
    from datasets import Dataset, load_dataset

    loaded = load_dataset(str(run / "publish" / "dataset"), split="train", cache_dir=str(tmp_path))
    samples = {row["id"]: row for row in read_rows(run / "curate")}
    assert isinstance(loaded, Dataset)
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
        assert row["speedup"] is None


def test_the_card_says_what_it_is(run):
    import pyarrow.parquet as pq
    from datasets import Features

    folder = run / "publish" / "dataset"
    card = DatasetCard.load(folder / "README.md")
    data = card.data.to_dict()
    assert data["license"] == "apache-2.0"
    assert data["task_categories"] == ["text-generation"]
    assert data["size_categories"] == ["n<1K"]
    (pattern,) = (entry["path"] for entry in data["configs"][0]["data_files"])
    assert list(folder.glob(pattern))
    schema = pq.read_schema(next(folder.glob(pattern)))
    assert Features._from_yaml_list(data["dataset_info"]["features"]) == Features.from_arrow_schema(schema)
    assert yaml.safe_load(card.content.split("---")[1]) == data
    for said in ("not by a language model", "Speed was not measured", "arXiv:2510.07356", "arXiv:2509.14279"):
        assert said in card.text
    assert "| student | 8 | 2 | 80.0% (72.0 to 88.0)" in card.text
    assert "None" not in card.text


def test_twice_gives_the_same_bytes(run, tmp_path):
    out = build_run(tmp_path)
    leftover = out / "publish" / "dataset.partial" / "data" / "train-00000-of-00009.parquet"
    leftover.parent.mkdir(parents=True)
    leftover.write_bytes(b"of a run that was killed")
    stale = out / "publish" / "dataset" / "data" / "stale.parquet"
    stale.parent.mkdir(parents=True)
    stale.write_bytes(b"of a run with more samples")
    run_stage(out, "publish", publish, publish=PublishConfig(rows_per_file=5))
    assert files(out / "publish" / "dataset") == files(run / "publish" / "dataset")
    assert not leftover.parent.parent.exists()
    assert (out / "publish" / "manifest.json").exists()


def test_nothing_to_publish_is_said_in_one_line(tmp_path):
    build_run(tmp_path, last="verify")
    write_stage(tmp_path, "curate", curate.SCHEMA, {}, {})
    with pytest.raises(UserError, match="curate kept no sample"):
        run_stage(tmp_path, "publish", publish)
