"""The ways in which modules get at their extension: when they build it, and from text or from a file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.judge.config import JudgeConfig
from pipeline.judge.judge import Judge
from tests.judge.examples import CALL, KERNEL, MODULE, TASK, changed

BUILD = 'ext = load_inline(name="fused", cpp_sources=cpp_source, cuda_sources=cuda_source, functions=["fused"], verbose=False)'
OWN_MODULE = KERNEL + '\nPYBIND11_MODULE(TORCH_EXTENSION_NAME, m) { m.def("fused", &fused, "softmax"); }\n'
LOAD = """import tempfile
from pathlib import Path
from torch.utils.cpp_extension import load
path = Path(tempfile.mkdtemp()) / "fused.cu"
path.write_text(cuda_source)
ext = load(name="fused", sources=[str(path)], extra_cuda_cflags=["-O3", "--use_fast_math"], verbose=True)"""

FORMS = {
    "at the first call": changed(BUILD, "ext = None").replace(
        CALL, f"global ext\n        if ext is None:\n            {BUILD}\n        {CALL}"
    ),
    "in the constructor": changed(BUILD, "").replace(
        "super().__init__()", f"super().__init__()\n        global ext\n        {BUILD}"
    ),
    "from a file": MODULE.replace(BUILD, LOAD).replace("KERNEL", OWN_MODULE),
}


@pytest.fixture(scope="module")
def judge(builds: Path) -> Iterator[Judge]:
    # Strict rules allow no module that reaches files.
    with Judge(JudgeConfig(backend="simt", policy="report", cache=builds, workers=1)) as judge:
        yield judge


@pytest.mark.parametrize("form", FORMS)
def test_an_honest_kernel_is_accepted_in_every_form(judge: Judge, form: str):
    verdict = judge.submit(TASK, FORMS[form], form).result()
    assert verdict.accepted, verdict


def test_a_build_that_fails_at_the_first_call_is_a_compile_error(judge: Judge):
    verdict = judge.submit(TASK, FORMS["at the first call"].replace("int row =", "int row ~="), "broken").result()
    assert (verdict.status, verdict.reason) == ("compile_error", "compile_error")
