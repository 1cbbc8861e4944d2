"""The dataset card: front matter that the Hub reads, text that a person reads."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2

from eval.headline import headline
from pipeline.publishing.licences import Licence

if TYPE_CHECKING:
    import pyarrow as pa

SIZE_CLASSES = (
    (10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"),
)  # fmt: skip


def front_matter(
    *,
    schemas: Mapping[str, "pa.Schema"],
    n_samples: int,
    pretty_name: str,
    licence: Licence,
    language: str,
    tags: tuple[str, ...],
) -> str:
    """Return the card's YAML, with each config's columns as ``datasets`` will read them.

    Args:
        schemas: config -> columns; the first is what is opened when none is named.
        n_samples: rows of the first config.
        pretty_name: title.
        licence: of the collection.
        language: of the texts.
        tags: free.
    """
    from datasets import DatasetInfo, Features
    from datasets.info import DatasetInfosDict
    from huggingface_hub import DatasetCardData

    configs = [
        {"config_name": name, "data_files": [{"split": "train", "path": f"{name}/train-*.parquet"}]}
        for name in schemas
    ]
    configs[0]["default"] = True
    data = DatasetCardData(
        language=[language],
        **{name: value for name, value in licence._asdict().items() if value is not None},
        pretty_name=pretty_name,
        size_categories=[next((name for limit, name in SIZE_CLASSES if n_samples < limit), "10M<n<100M")],
        task_categories=["text-generation"],
        tags=list(tags),
        configs=configs,
    )
    infos = {
        name: DatasetInfo(features=Features.from_arrow_schema(schema), config_name=name)
        for name, schema in schemas.items()
    }
    DatasetInfosDict(infos).to_dataset_card_data(data)
    return str(data)


def card_text(template: str, facts: dict[str, Any], results: dict[str, Any] | None) -> str:
    """Return a card's Markdown below the front matter.

    Args:
        template: its file beside this module.
        facts: the template's variables.
        results: of the evaluation, for the table of what was learned.
    """
    environment = jinja2.Environment(  # noqa: S701  (Markdown; every table cell goes through the filter below)
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["cell"] = lambda value: str(value).replace("|", "\\|").replace("\n", " ")
    evaluation = headline(results) if results else None
    return environment.get_template(template).render(**facts, evaluation=evaluation)
