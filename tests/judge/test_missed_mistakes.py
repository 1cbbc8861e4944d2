"""Mistakes that no order of threads and no ordinary input shows: one each in an honest kernel, found all the same."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.judge.config import JudgeConfig, Policy
from pipeline.judge.judge import Judge
from pipeline.judge.simt.sharing import may_share
from pipeline.records import Verdict
from tests.honest.pairs import pairs

PAIRS = {pair.name: pair for pair in pairs()}
# Which kernel, what stands in it, the mistake in its place, and the reason of the verdict.
MISTAKES = [
    ("100_backward_rmsnorm", "atomicAdd(&gw[i], g[base + i] * x[base + i] * r);", "gw[i] += g[base + i] * x[base + i] * r;", "race"),
    ("60_scatter_add", "atomicAdd(&row[d], source[(size_t)e * dim + d]);", "row[d] += source[(size_t)e * dim + d];", "race"),
    ("62_mse_double_atomic", "atomicAdd(total, sum);", "*total += sum;", "race"),
    ("68_cosine_similarity_loss", "atomicAdd(out, (1.f - cosine) / batch);", "*out += (1.f - cosine) / batch;", "race"),
    ("76_histogram_shared_atomics", "atomicAdd(&local[x[i]], 1u);", "local[x[i]] += 1u;", "race"),
    ("26_log_softmax_cached_row", "__syncthreads();  // scratch may", ";  // scratch may", "race"),
    ("26_log_softmax_cached_row", "fmaxf(v, other)", "fminf(v, other)", "non_finite"),
    ("25_softmax_online_warp", "fmaxf(m, m2)", "fminf(m, m2)", "non_finite"),
    ("102_backward_cross_entropy", "for (int c = 0; c < classes; ++c) top", "for (int c = 1; c < 2; ++c) top", "non_finite"),
    ("102_backward_cross_entropy", "c < classes; ++c) top", "c < classes - 1; ++c) top", "non_finite"),
    ("102_backward_cross_entropy", "float top = -INFINITY, sum", "float top = 0.f, sum", "non_finite"),
    ("102_backward_cross_entropy", "c < classes; ++c) top", "c <= classes; ++c) top", "out_of_bounds"),
    ("15_min_warp_indices", "float best = INFINITY;", "float best = 1.f;", "wrong_values"),
    ("24_global_max_atomic_cas", "set_lowest<<<1, 1>>>(top.data_ptr<float>());", "", "wrong_values"),
    ("105_raw_pointers_as_ints", "if (i < n) y[i]", "if (i == 0) y[n] = 0.f; if (i < n) y[i]", "out_of_bounds"),
    ("07_selu_double", "expm1(v)", "expm1f(v)", "wrong_values"),
    ("60_scatter_add", "atomicAdd(&row[d], source[(size_t)e * dim + d]);", "{ float old = row[d]; row[d] = old + source[(size_t)e * dim + d]; }", "race"),
    ("27_softmax_channels", "c < channels; ++c) top", "c < channels - 1; ++c) top", "non_finite"),
    ("32_batchnorm_eval_fused", "rsqrtf(var[c] + eps)", "rsqrtf(var[c] - eps)", "wrong_values"),
    ("33_batchnorm_train", "+ momentum * mean;", "- momentum * mean;", "wrong_buffers"),
    ("01_swish_float4", "i < vectors;", "i <= vectors;", "out_of_bounds"),
    ("07_selu_double", "if (i < n)", "if (i <= n)", "out_of_bounds"),
    ("100_backward_rmsnorm", "return gx, gw\n", "return KEPT.setdefault(gx.shape, gx).copy_(gx), gw\n\n\nKEPT = {}\n", "reused_output"),
    ("404_bag_mean", "(kept > 0 ? (float)kept : 1.0f)", "kept", "non_finite"),
    ("405_quantise_int8", "fmaxf(peak, 1e-8f)", "peak", "wrong_values"),
    ("406_groups_and_rest", "if (rest > 0) ", "", "launch_error"),
    ("65_kl_div", "if (target > 0.f) sum", "sum", "non_finite"),
    ("65_kl_div", "float sum = 0.f;\n    for (int i = threadIdx.x; i < dim", "float sum;\n    for (int i = threadIdx.x; i < dim", "non_finite"),
    ("30_groupnorm", "squares[0] / n - mean * mean;", "(float)(squares[0] / n) - (float)mean * (float)mean;", "non_finite"),
    ("05_gelu_tanh", "__launch_bounds__(THREADS)", "__launch_bounds__(THREADS / 2)", "launch_error"),
]  # fmt: skip


def judge(builds: Path, policy: Policy) -> Judge:
    config = JudgeConfig(backend="simt", policy=policy, workers=1, seeds="mistakes", cache=builds)
    return Judge(config)


@pytest.fixture(scope="module")
def strict(builds: Path) -> Iterator[Judge]:
    with judge(builds, "strict") as strict:
        yield strict


def verdict(strict: Judge, name: str, right: str, wrong: str) -> Verdict:
    assert right in PAIRS[name].code
    return strict.submit(PAIRS[name].task, PAIRS[name].code.replace(right, wrong), name).result()


@pytest.mark.parametrize(("name", "right", "wrong", "reason"), MISTAKES)
def test_the_mistake_is_found(strict: Judge, name: str, right: str, wrong: str, reason: str):
    assert verdict(strict, name, right, wrong).reason == reason


def test_only_kernels_whose_threads_may_meet_are_run_once_more(strict: Judge):
    for name, instrumented in (
        ("07_selu_double", False),
        ("02_broadcast_affine", True),
        ("76_histogram_shared_atomics", True),
    ):
        checks = [check.name for check in verdict(strict, name, "", "").checks]
        assert any(check.startswith("instrumented:") for check in checks) == instrumented


def test_report_notes_wrong_buffers_and_goes_on(builds: Path):
    with judge(builds, "report") as report:
        found = verdict(report, "33_batchnorm_train", "+ momentum * mean;", "- momentum * mean;")
    assert found.accepted
    assert any(check.name.startswith("buffers:") and check.detail for check in found.checks)


@pytest.mark.parametrize(
    ("statement", "shares"),
    [
        ("y[i] = x[i] * 2.f;", False),
        ("float s = 0.f; s += x[i]; y[i] = s;", False),
        ("float a[4]; a[1] += x[i]; ++a[2]; y[i] = a[1];", False),
        ("float4 v; v.x += x[i]; y[i] = v.x;", False),
        ("y[i] += x[i];", True),
        ("y[0] = y[0] + x[i];", True),
        ("*(y + 1) -= x[i];", True),
        ("++y[i];", True),
        ("float& r = y[i]; r += x[i];", True),
        ("float a[4]; y[int(a[0])] *= 2.f;", True),
        ("extern __shared__ float s[];", True),
        ("float v = y[0]; y[0] = v + x[i];", True),
        ("float* p = y + 1; float v = *p; if (x[i] > v) y[1] = x[i];", True),
        ("if (x[i] > y[0]) y[0] = x[i];", True),
        ("int seen = atomicMax((int*)&y[0], 1); y[i] = x[i] + seen;", False),
        ("float a[2]; a[0] = x[i]; float v = a[0]; y[i] = v + x[i + 1];", False),
        ("float4 v = *(float4*)(x + 4 * i); ((float4*)y)[i] = v;", False),
    ],
)
def test_where_threads_may_meet_is_read_off_the_source(statement: str, shares: bool):
    kernel = f"__global__ void k(const float* x, float* y) {{ int i = threadIdx.x; {statement} }}"
    host = "void f(float* y) { y[0] += 1.f; }"
    assert may_share(f"{host}\n{kernel}") == shares
