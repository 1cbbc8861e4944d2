"""Sending folders to a stand-in for the Hub: what is sent, what is not sent twice, and what a refusal looks like."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace
from typing import Any

import huggingface_hub
import pytest
from huggingface_hub import HfApi

from pipeline.errors import UserError
from pipeline.publishing import sending
from pipeline.publishing.config import ModelConfig, PublishConfig
from pipeline.publishing.hub import Target, differences, send
from tests.servers.hub import USER, Hub

# huggingface_hub's own way of sending a file, deprecated by its transport
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

TOKEN = "hf_a-token-that-nobody-may-see"
NAME = f"{USER}/kernels"
KEY = f"datasets/{NAME}"


@pytest.fixture
def hub(monkeypatch):
    constants = huggingface_hub.constants
    with Hub(TOKEN) as server:
        for name, value in {"ENDPOINT": server.url, "HF_HUB_OFFLINE": False, "HF_HUB_DISABLE_XET": True}.items():
            monkeypatch.setattr(constants, name, value)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        huggingface_hub.close_session()  # the tests' other sessions refuse to leave the machine
        yield server
        huggingface_hub.close_session()


@pytest.fixture
def folder(tmp_path):
    """Return a run with a dataset of two large and one small file, as the stage leaves it."""
    data = tmp_path / "run" / "publish" / "dataset"
    (data / "sft").mkdir(parents=True)
    (data / "README.md").write_text("---\nlicense: mit\n---\n# Kernels\n")
    for index in range(3):
        (data / "sft" / f"train-{index:05d}-of-00003.parquet").write_bytes(f"rows {index} ".encode() * 1000)
    return data


def target(**changes: Any) -> Target:
    values = {"name": NAME, "kind": "dataset", "own_files": ("sft/train-*.parquet",)} | changes
    return Target(**values)


def publish(folder, config=None, kinds=("dataset",), **options):
    sending.send_run(folder.parents[1], config or PublishConfig(to=NAME), kinds, **({"dry_run": False} | options))


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_repository_becomes_the_folder_and_then_nothing_is_sent(hub, folder, capsys):
    publish(folder)
    assert hub.files(KEY) == contents(folder)
    assert not hub.repositories[KEY].private
    assert "4 added" in capsys.readouterr().out
    hub.log.clear()
    publish(folder)
    assert "nothing has changed, nothing was sent" in capsys.readouterr().out
    assert all(entry.startswith("GET") for entry in hub.log)


def test_only_what_differs_is_sent_and_files_of_an_earlier_version_go(hub, folder, capsys):
    publish(folder)
    repository = hub.repositories[KEY].branches["main"]
    repository["NOTES.md"] = b"written by hand, on the Hub"
    repository["sft/train-00007-of-00008.parquet"] = b"of an earlier version"
    (folder / "sft" / "train-00001-of-00003.parquet").write_bytes(b"other rows")
    (folder / "new.txt").write_text("new")
    hub.log.clear()
    capsys.readouterr()
    publish(folder, dry_run=True)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["added", "3", "B", "new.txt"] in lines
    assert ["changed", "10", "B", "sft/train-00001-of-00003.parquet"] in lines
    assert ["removed", "21", "B", "sft/train-00007-of-00008.parquet"] in lines
    assert ["unchanged", "7.0", "kB", "sft/train-00000-of-00003.parquet"] in lines
    assert not any("NOTES.md" in line for line in lines)
    assert all(entry.startswith("GET") for entry in hub.log)
    publish(folder)
    assert hub.uploads() == [digest(folder / "sft" / "train-00001-of-00003.parquet")]
    assert hub.files(KEY) == contents(folder) | {"NOTES.md": b"written by hand, on the Hub"}


def test_an_upload_that_dies_in_the_middle_goes_on_where_it_stopped(hub, folder):
    doomed = digest(folder / "sft" / "train-00002-of-00003.parquet")
    hub.failures[doomed] = (400, "storage is out of order")
    with pytest.raises(UserError, match=r"train-00002-of-00003.*storage is out of order") as caught:
        publish(folder)
    assert "very-secret" not in str(caught.value)
    assert hub.files(KEY) == {}  # a reader of the repository sees nothing half done
    assert len(hub.large) == 2
    hub.log.clear()
    publish(folder)
    assert hub.uploads() == [doomed]
    assert hub.files(KEY) == contents(folder)


def test_killed_in_the_middle_it_goes_on_where_it_stopped(hub, folder):
    doomed = digest(folder / "sft" / "train-00001-of-00003.parquet")
    hub.failures[doomed] = None
    script = (
        "from pathlib import Path; from pipeline.publishing import sending; "
        "from pipeline.publishing.config import PublishConfig; "
        f"sending.send_run(Path({str(folder.parents[1])!r}), PublishConfig(to={NAME!r}), ('dataset',), dry_run=False)"
    )
    environment = os.environ | {"HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1"}
    with subprocess.Popen([sys.executable, "-c", script], env=environment, stderr=subprocess.DEVNULL) as child:
        while len(hub.large) < 2 or doomed not in hub.uploads():
            assert child.poll() is None
            time.sleep(0.02)
        child.send_signal(signal.SIGKILL)
    assert hub.files(KEY) == {}
    hub.log.clear()
    publish(folder)
    assert hub.uploads() == [doomed]
    assert hub.files(KEY) == contents(folder)


def test_a_private_repository_and_a_branch_are_made(hub, folder):
    publish(folder, PublishConfig(to="kernels", private=True, revision="v2"))
    assert hub.repositories[KEY].private
    assert hub.files(KEY) == {}
    assert hub.files(KEY, "v2") == contents(folder)


def test_a_branch_begins_with_the_main_one(hub, folder, capsys):
    publish(folder)
    hub.log.clear()
    publish(folder, PublishConfig(to=NAME, revision="v2"), dry_run=True)
    assert "4 unchanged" in capsys.readouterr().out
    publish(folder, PublishConfig(to=NAME, revision="v2"))
    assert hub.files(KEY, "v2") == contents(folder)
    assert not hub.uploads()


def test_private_does_not_silently_mean_public(hub, folder):
    publish(folder)
    (folder / "secret.txt").write_text("not for everyone")
    with pytest.raises(UserError, match="exists and is public"):
        publish(folder, PublishConfig(to=NAME, private=True))
    assert "secret.txt" not in hub.files(KEY)


@pytest.mark.parametrize(
    ("token", "name", "said"),
    [
        ("hf_wrong", NAME, "does not accept the token"),
        (TOKEN, "another/kernels", "no right to write there"),
        (None, NAME, "there is no token"),
    ],
)
def test_a_refusal_is_one_line_without_the_token(hub, folder, monkeypatch, tmp_path, token, name, said):
    monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(tmp_path / "no login"))
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    else:
        monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(UserError, match=said) as caught:
        publish(folder, PublishConfig(to=name))
    assert "\n" not in str(caught.value)
    assert not token or token not in str(caught.value)


def test_a_card_that_the_hub_refuses_stops_before_any_upload(hub, folder):
    (folder / "README.md").write_text("---\nlicense: my-own\n---\n")
    with pytest.raises(UserError, match=r'Invalid metadata in README\.md\. - "license" must be one of'):
        publish(folder)
    assert not hub.uploads()


def test_no_hub_is_one_line(folder, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    huggingface_hub.close_session()
    with Hub(TOKEN) as gone:
        url = gone.url
    monkeypatch.setattr("huggingface_hub.utils._http.time", SimpleNamespace(sleep=lambda _: None, time=time.time))
    with pytest.raises(UserError, match=f"can't reach {url}"):
        differences(HfApi(endpoint=url, token=TOKEN), folder, target())
    huggingface_hub.close_session()


def test_the_model_goes_to_its_own_repository(hub, folder):
    model = folder.with_name("model")
    model.mkdir()
    (model / "model.safetensors").write_bytes(b"weights")
    config = PublishConfig(to=NAME, model=ModelConfig(to=f"{USER}/writer"))
    publish(folder, config, ("model",))
    assert hub.repositories.keys() == {f"models/{USER}/writer"}
    assert hub.files(f"models/{USER}/writer") == contents(model)
    publish(folder, config, ("dataset", "model"))
    assert hub.files(KEY) == contents(folder)


def test_a_dry_run_of_what_is_not_there_yet_makes_nothing(hub, folder, capsys):
    publish(folder, dry_run=True)
    assert "4 added" in capsys.readouterr().out
    assert not hub.repositories
    with pytest.raises(UserError, match="--to"):
        publish(folder, PublishConfig(), dry_run=True)


def test_sending_what_is_there_already_is_no_commit(hub, folder):
    api = HfApi(endpoint=hub.url, token=TOKEN)
    changes = differences(api, folder, target())
    assert {change.state for change in changes} == {"added"}
    assert send(api, folder, target(), changes)
    assert send(api, folder, target(), differences(api, folder, target())) is None
    assert len(hub.repositories[KEY].commits) == 2
