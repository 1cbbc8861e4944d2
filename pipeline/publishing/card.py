"""The dataset card: front matter that the Hub reads, text that a person reads."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2

from eval.headline import headline

if TYPE_CHECKING:
    import pyarrow as pa

SIZE_CLASSES = (
    (10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"),
)  # fmt: skip


def front_matter(
    *, schema: "pa.Schema", n_samples: int, pretty_name: str, licence: str, language: str, tags: tuple[str, ...]
) -> str:
    """Return the card's YAML, with the columns as ``datasets`` will read them."""
    from datasets import DatasetInfo, Features
    from datasets.info import DatasetInfosDict
    from huggingface_hub import DatasetCardData

    data = DatasetCardData(
        language=[language],
        license=licence,
        pretty_name=pretty_name,
        size_categories=[next((name for limit, name in SIZE_CLASSES if n_samples < limit), "10M<n<100M")],
        task_categories=["text-generation"],
        tags=list(tags),
        configs=[{"config_name": "default", "data_files": [{"split": "train", "path": "data/train-*.parquet"}]}],
    )
    info = DatasetInfo(features=Features.from_arrow_schema(schema))
    DatasetInfosDict({"default": info}).to_dataset_card_data(data)
    return str(data)


def card_text(facts: dict[str, Any], results: dict[str, Any] | None) -> str:
    """Return the card's Markdown below the front matter; ``facts`` are the variables of card.md.jinja."""
    environment = jinja2.Environment(  # noqa: S701  (Markdown; every table cell goes through the filter below)
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["cell"] = lambda value: str(value).replace("|", "\\|").replace("\n", " ")
    evaluation = headline(results) if results else None
    return environment.get_template("card.md.jinja").render(**facts, evaluation=evaluation)
