"""``doctor``: each absence is found and priced, and only what every run needs makes it fail."""

import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from pipeline import doctor as module
from pipeline.doctor import doctor, examine, gpu_names
from pipeline.errors import UserError


class Models(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/v1/models" else 404)
        self.end_headers()

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
    findings = examine()
    monkeypatch.setattr(module, "examine", lambda: findings)
    assert doctor(None) == 1
    found = {finding.name: finding for finding in findings}
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
    found = {finding.name: finding for finding in examine()}
    assert (found["GPU"].state, found["nvcc"].state, found["g++"].found) == (
        "ok",
        "missing",
        "g++ (Debian 12.2.0-14) 12.2.0",
    )
    program(tmp_path, "nvcc", "nvcc: NVIDIA\nCuda compilation tools, release 13.0, V13.0.88\nBuild cuda_13.0")
    found = {finding.name: finding for finding in examine()}
    assert found["nvcc"].found == "Cuda compilation tools, release 13.0, V13.0.88"


def test_servers_of_a_recipe_are_reached(server, tmp_path):
    recipe = tmp_path / "recipe.yaml"
    closed = "http://127.0.0.1:9/v1"

    def states(url):
        recipe.write_text(
            "name: asks\ntasks: {source: composed}\n"
            f'generate: {{teacher: {{kind: openai, base_url: "{url}", model: m}}}}\n'
        )
        return [(f.name, f.state, f.found) for f in module._servers(recipe)]

    assert states(f"{server}/v1/") == [(f"{server}/v1/", "ok", "answers (200)")]
    assert states(f"{server}/other") == [(f"{server}/other", "ok", "answers (404)")]
    assert states(closed) == [(closed, "absent", "no")]


def test_a_recipe_that_is_not_there_is_the_users_fault(tmp_path):
    with pytest.raises(UserError, match=r"none\.yaml"):
        list(module._servers(tmp_path / "none.yaml"))
