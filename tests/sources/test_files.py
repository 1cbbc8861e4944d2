"""A folder of modules becomes tasks, or one clear line."""

from pathlib import Path

import pytest

from pipeline.errors import UserError
from pipeline.records import Setting
from pipeline.sources import files

MODULE = """\
import torch
import torch.nn as nn

BATCH = 128
WIDTH = 64
KERNEL = 3
TIMES = WIDTH * 2


class Model(nn.Module):
    def forward(self, x):
        return torch.relu(x)


def get_inputs():
    return [torch.randn(BATCH, WIDTH, TIMES + KERNEL)]


def get_init_inputs():
    return []
"""


def read(path: Path, **options) -> list:
    return list(files.read(files.Config(path=path, **options), seed=0))


def test_a_folder_of_modules(tmp_path: Path):
    (tmp_path / "b_plain.py").write_text(MODULE)
    (tmp_path / "a_known.py").write_text(f'CATEGORY = "activation"\nLICENCE = "MIT"\n{MODULE}')
    (tmp_path / "notes.txt").write_text("no module")
    known, plain = read(tmp_path)
    assert (known.name, known.category, known.licence, known.split) == ("a_known", "activation", "MIT", "train")
    assert (plain.name, plain.category, plain.licence, plain.source) == ("b_plain", "other", None, "files")
    assert plain.reference == MODULE
    assert plain.settings == (Setting(name="own"),)  # the judge derives others
    assert plain.direction == "forward"


def test_a_module_that_names_its_settings(tmp_path: Path):
    (tmp_path / "task.py").write_text(MODULE + 'SETTINGS = {"odd": {"BATCH": 37}}\n')
    (task,) = read(tmp_path)
    assert task.settings == (Setting(name="own"), Setting(name="odd", sizes={"BATCH": 37}))


def test_a_module_that_asks_for_gradients(tmp_path: Path):
    (tmp_path / "task.py").write_text(MODULE + 'DIRECTION = "backward"\n')
    (task,) = read(tmp_path)
    assert task.direction == "backward"


def test_held_out_share(tmp_path: Path):
    for index in range(60):  # as many computations
        layers = "torch.relu(" * (index % 10) + "torch.tanh(" * (index // 10) + "x" + ")" * (index % 10 + index // 10)
        (tmp_path / f"task{index}.py").write_text(MODULE.replace("torch.relu(x)", layers))
    heldout = [t.name for t in read(tmp_path, heldout_share=0.5) if t.split == "heldout"]
    assert 15 <= len(heldout) <= 45
    (tmp_path / "task0.py").unlink()
    (tmp_path / "more.py").write_text(MODULE)
    again = [t.name for t in read(tmp_path, heldout_share=0.5) if t.split == "heldout"]
    assert set(again) - {"more"} == set(heldout) - {"task0"}, "a task changed sides because others came or went"
    assert {t.split for t in read(tmp_path, heldout_share=1.0)} == {"heldout"}


def test_what_begins_with_an_underscore_is_no_task(tmp_path: Path):
    (tmp_path / "one.py").write_text(MODULE)
    (tmp_path / "__init__.py").write_text("")
    (tmp_path / "_sizes.py").write_text("ROWS = 3\n")
    assert [task.name for task in read(tmp_path)] == ["one"]


def test_the_same_computation_is_on_one_side(tmp_path: Path):
    for index in range(12):
        text = MODULE.replace("BATCH", f"ROWS{index}").replace(
            "return torch.relu(x)", f"y{index} = x.relu(); return y{index}"
        )
        (tmp_path / f"task{index}.py").write_text(text)
    assert len({t.split for t in read(tmp_path, heldout_share=0.5)}) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def broken(:\n", r"bad\.py: line 1: "),
        (
            "x = 1\n",
            r"bad\.py: no task, it does not define Model, get_inputs, get_init_inputs; if it is none, rename it to _bad\.py",
        ),
        (MODULE + f"x = {'-' * 3000}1\n", r"bad\.py: .*recursion"),
        (MODULE + f"x = {'-' * 20_000}1\n", r"bad\.py: "),
        (MODULE + "CATEGORY = 3\n", r"bad\.py: CATEGORY must be a text, not 3"),
        (MODULE + 'DIRECTION = "up"\n', r"bad\.py: DIRECTION must be 'forward' or 'backward', not 'up'"),
        (MODULE + 'SETTINGS = {"odd": {"ROWS": 3}}\n', r"bad\.py: SETTINGS must map .*BATCH, WIDTH, KERNEL"),
    ],
)
def test_a_module_that_is_none_names_the_file(tmp_path: Path, text: str, message: str):
    (tmp_path / "bad.py").write_text(text)
    with pytest.raises(UserError, match=message):
        read(tmp_path)


def test_bytes_that_are_no_text_name_the_file(tmp_path: Path):
    (tmp_path / "bad.py").write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match=r"bad\.py: not UTF-8 text"):
        read(tmp_path)


def test_missing_or_empty_folder(tmp_path: Path):
    with pytest.raises(UserError, match=r"nowhere is not a folder"):
        read(tmp_path / "nowhere")
    with pytest.raises(UserError, match=r"holds no \*\.py"):
        read(tmp_path)
