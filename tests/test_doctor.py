"""``doctor``: each absence is found and priced, and only what every run needs makes it fail."""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import pytest

from pipeline import doctor as module
from pipeline.doctor import doctor, examine, gpu_names
from pipeline.doctor_recipe import examine_recipe
from pipeline.errors import UserError


class Models(BaseHTTPRequestHandler):
    listed: ClassVar = []
    key: ClassVar = None

    def do_GET(self):
        Models.key = self.headers["Authorization"]
        there = self.path == "/v1/models"
        self.send_response(200 if there else 404)
        self.end_headers()
        if there:
            self.wfile.write(json.dumps({"data": [{"id": name} for name in self.listed]}).encode())

    def log_message(self, format, *args):  # noqa: A002  (the base class's name)
        pass


@pytest.fixture
def server():
    server = HTTPServer(("127.0.0.1", 0), Models)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def program(folder, name, prints):
    path = folder / name
    path.write_text(f"#!{sys.executable}\nprint({prints!r})\n")
    path.chmod(0o755)


def test_a_machine_without_a_compiler_is_no_good(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(module, "_toolkit", lambda: None)
    prerequisites = examine()
    monkeypatch.setattr(module, "examine", lambda: prerequisites)
    assert doctor(None) == 1
    found = {prerequisite.name: prerequisite for prerequisite in prerequisites}
    assert found["g++"].state == "missing"
    assert found["GPU"].state == found["nvcc"].state == "absent"
    assert found["Python"].state == found["torch"].state == "ok"
    assert all(f.cost_of_absence and "\n" not in f.cost_of_absence for f in found.values() if f.state != "ok")
    assert "speed is not measured" in " ".join(capsys.readouterr().out.split())


def test_a_gpu_needs_nvcc_and_a_torch_that_can_use_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    program(tmp_path, "nvidia-smi", "NVIDIA H200, 143771 MiB")
    program(tmp_path, "g++", "g++ (Debian 12.2.0-14) 12.2.0")
    assert gpu_names() == ["NVIDIA H200, 143771 MiB"]
    monkeypatch.setattr(module, "_torch", lambda gpus: [])
    monkeypatch.setattr(module, "_toolkit", lambda: None)
    found = {prerequisite.name: prerequisite for prerequisite in examine()}
    assert (found["GPU"].state, found["nvcc"].state, found["g++"].found) == (
        "ok",
        "missing",
        "g++ (Debian 12.2.0-14) 12.2.0",
    )
    program(tmp_path, "nvcc", "nvcc: NVIDIA\nCuda compilation tools, release 13.0, V13.0.88\nBuild cuda_13.0")
    found = {prerequisite.name: prerequisite for prerequisite in examine()}
    assert found["nvcc"].found == "Cuda compilation tools, release 13.0, V13.0.88"
    (tmp_path / "nvcc").unlink()
    monkeypatch.setattr(module, "_toolkit", lambda: "release 13.0, where CUDA_HOME says")
    found = {prerequisite.name: prerequisite for prerequisite in examine()}
    assert (found["nvcc"].state, found["nvcc"].found) == ("ok", "release 13.0, where CUDA_HOME says")


def recipe(folder, url, *, key="", tasks="{source: composed}"):
    path = folder / "recipe.yaml"
    teacher = f"{{kind: openai, base_url: '{url}', model: m{key}}}"
    path.write_text(f"name: asks\ntasks: {tasks}\ngenerate: {{teacher: {teacher}}}\n")
    return path


def test_servers_of_a_recipe_are_reached(server, tmp_path, monkeypatch, capsys):
    def states(url):
        return [(f.name, f.state, f.found) for f in examine_recipe(recipe(tmp_path, url))]

    Models.listed = ["m", "n"]
    assert states(f"{server}/v1/") == [(f"{server}/v1/", "ok", "answers, and has the model")]
    Models.listed = ["n"]
    assert states(f"{server}/v1/") == [(f"{server}/v1/", "absent", "answers")]
    assert states(f"{server}/other") == [(f"{server}/other", "ok", "answers (404)")]
    closed = "http://127.0.0.1:9/a/very/long/address/that/no/line/of/a/narrow/terminal/would/have/room/for/v1"
    assert states(closed) == [(closed, "missing", "no answer")]
    monkeypatch.setattr(module, "examine", list)
    monkeypatch.setenv("COLUMNS", "120")
    assert doctor(recipe(tmp_path, closed)) == 1
    assert closed in capsys.readouterr().out
    assert doctor(recipe(tmp_path, f"{server}/v1")) == 0


def test_a_key_and_a_folder_that_are_not_there_are_found(server, tmp_path, monkeypatch):
    Models.listed = ["m"]
    path = recipe(
        tmp_path, f"{server}/v1", key=", api_key_env: A_KEY_OF_MINE", tasks="{source: files, path: nowhere}"
    )
    missing = [f.cost_of_absence for f in examine_recipe(path) if f.state == "missing"]
    assert [words.partition(":")[0] for words in missing] == ["tasks.path", "teacher.api_key_env"]
    (tmp_path / "nowhere").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("A_KEY_OF_MINE", "secret")
    assert [f.state for f in examine_recipe(path)] == ["ok"]
    assert Models.key == "Bearer secret"


def test_a_recipe_that_is_not_there_is_the_users_fault(tmp_path):
    with pytest.raises(UserError, match=r"none\.yaml"):
        examine_recipe(tmp_path / "none.yaml")
