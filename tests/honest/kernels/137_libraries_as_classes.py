"""SwiGLU: an abstract class that builds what its subclasses declare."""
import torch
import torch.nn as nn

CATEGORY = "fused"


class Model(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.gate = nn.Linear(hidden, 2 * hidden, bias=False)
        self.up = nn.Linear(hidden, 2 * hidden, bias=False)
        self.down = nn.Linear(2 * hidden, hidden, bias=False)
    def forward(self, x):
        return self.down(torch.nn.functional.silu(self.gate(x)) * self.up(x))
B = 3
T = 11
H = 40


def get_inputs():
    return [torch.randn(B, T, H)]


def get_init_inputs():
    return [H]
# --- candidate ---
from __future__ import annotations

import functools
import hashlib
import operator
import warnings
from abc import ABC, abstractmethod
from typing import Any, ClassVar

import torch
from torch import nn
from torch.utils.cpp_extension import load_inline

warnings.filterwarnings("ignore", category=UserWarning)


class CudaLibrary(ABC):
    """Compiles its source once, under a name that follows from the source."""

    _built: ClassVar[dict[str, Any]] = {}

    @property
    @abstractmethod
    def source(self) -> str: ...

    @property
    @abstractmethod
    def signatures(self) -> list[str]: ...

    def functions(self) -> list[str]:
        return [s.split("(")[0].split()[-1] for s in self.signatures]

    def module(self) -> Any:
        key = hashlib.sha256(self.source.encode("utf-8")).hexdigest()[:16]
        if key not in self._built:
            self._built[key] = load_inline(
                name=f"lib_{key}",
                cpp_sources="\n".join(f"{s};" for s in self.signatures),
                cuda_sources=self.source,
                functions=self.functions(),
                extra_cuda_cflags=["-O3", "--use_fast_math"],
            )
        return self._built[key]


class SwigluLibrary(CudaLibrary):
    TILE = 16

    @property
    def signatures(self) -> list[str]:
        return [
            "torch::Tensor gate_up(torch::Tensor x, torch::Tensor wg, torch::Tensor wu)",
            "torch::Tensor project(torch::Tensor h, torch::Tensor w)",
        ]

    @property
    def source(self) -> str:
        return """
#include <torch/extension.h>
#define TILE $TILE
template <bool kGated>
__global__ void gemm_nt(const float* __restrict__ a, const float* __restrict__ b0, const float* __restrict__ b1,
                        float* __restrict__ c, int M, int N, int K) {
    __shared__ float as[TILE][TILE + 1], bs[kGated ? 2 : 1][TILE][TILE + 1];
    const int m = blockIdx.y * TILE + threadIdx.y, n = blockIdx.x * TILE + threadIdx.x;
    const int bn = blockIdx.x * TILE + threadIdx.y;
    float acc0 = 0.f;
    [[maybe_unused]] float acc1 = 0.f;
    for (int k0 = 0; k0 < K; k0 += TILE) {
        const int k = k0 + threadIdx.x;
        as[threadIdx.y][threadIdx.x] = m < M && k < K ? a[(size_t)m * K + k] : 0.f;
        bs[0][threadIdx.y][threadIdx.x] = bn < N && k < K ? b0[(size_t)bn * K + k] : 0.f;
        if constexpr (kGated) bs[1][threadIdx.y][threadIdx.x] = bn < N && k < K ? b1[(size_t)bn * K + k] : 0.f;
        __syncthreads();
#pragma unroll
        for (int i = 0; i < TILE; ++i) {
            acc0 = fmaf(as[threadIdx.y][i], bs[0][threadIdx.x][i], acc0);
            if constexpr (kGated) acc1 = fmaf(as[threadIdx.y][i], bs[1][threadIdx.x][i], acc1);
        }
        __syncthreads();
    }
    if (m < M && n < N) {
        if constexpr (kGated) acc0 = acc0 / (1.f + __expf(-acc0)) * acc1;
        c[(size_t)m * N + n] = acc0;
    }
}
static dim3 tiles(int64_t n, int64_t m) { return dim3((n + TILE - 1) / TILE, (m + TILE - 1) / TILE); }
torch::Tensor gate_up(torch::Tensor x, torch::Tensor wg, torch::Tensor wu) {
    const int64_t M = x.size(0), K = x.size(1), N = wg.size(0);
    auto h = torch::empty({M, N}, x.options());
    gemm_nt<true><<<tiles(N, M), dim3(TILE, TILE)>>>(x.data_ptr<float>(), wg.data_ptr<float>(), wu.data_ptr<float>(), h.data_ptr<float>(), M, N, K);
    return h;
}
torch::Tensor project(torch::Tensor h, torch::Tensor w) {
    const int64_t M = h.size(0), K = h.size(1), N = w.size(0);
    auto y = torch::empty({M, N}, h.options());
    gemm_nt<false><<<tiles(N, M), dim3(TILE, TILE)>>>(h.data_ptr<float>(), w.data_ptr<float>(), nullptr, y.data_ptr<float>(), M, N, K);
    return y;
}
""".replace("$TILE", str(self.TILE))


_library = SwigluLibrary()


class ModelNew(nn.Module):
    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.gate = nn.Linear(hidden, 2 * hidden, bias=False)
        self.up = nn.Linear(hidden, 2 * hidden, bias=False)
        self.down = nn.Linear(2 * hidden, hidden, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows = functools.reduce(operator.mul, x.shape[:-1], 1)
        flat = x.reshape(rows, x.shape[-1])
        lib = _library.module()
        h = lib.gate_up(flat, self.gate.weight, self.up.weight)
        return lib.project(h, self.down.weight).view(*x.shape[:-1], -1)
