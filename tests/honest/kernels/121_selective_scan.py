"""A state-space scan, its arguments in a struct, its state in registers of a size chosen at run time."""
import torch
import torch.nn as nn
import torch.nn.functional as F

CATEGORY = "recurrent"
B = 2
L = 19
D = 6
NS = 4


class Model(nn.Module):
    def __init__(self, d, n):
        super().__init__()
        self.A_log = nn.Parameter(torch.log(torch.arange(1, n + 1).float()).repeat(d, 1))
        self.D = nn.Parameter(torch.ones(d))

    def forward(self, u, delta, Bm, Cm):
        A = -torch.exp(self.A_log)
        dt = F.softplus(delta)
        h = torch.zeros(u.shape[0], u.shape[2], A.shape[1], dtype=u.dtype)
        ys = []
        for t in range(u.shape[1]):
            h = torch.exp(dt[:, t, :, None] * A) * h + dt[:, t, :, None] * Bm[:, t, None, :] * u[:, t, :, None]
            ys.append((h * Cm[:, t, None, :]).sum(-1))
        return torch.stack(ys, 1) + u * self.D


def get_inputs():
    return [torch.randn(B, L, D), torch.randn(B, L, D), torch.randn(B, L, NS), torch.randn(B, L, NS)]


def get_init_inputs():
    return [D, NS]
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

src = r"""
#include <torch/extension.h>
struct SSMParams { int batch, length, dim, state; const float *u, *delta, *A_log, *B, *C, *D; float* y; };
template <int MAX_STATE>
__global__ void selective_scan(SSMParams p) {
    const int d = blockIdx.x * blockDim.x + threadIdx.x, b = blockIdx.y; if (d >= p.dim) return;
    float h[MAX_STATE], A[MAX_STATE];
    for (int n = 0; n < p.state; ++n) { h[n] = 0.f; A[n] = -expf(p.A_log[d * p.state + n]); }
    for (int t = 0; t < p.length; ++t) {
        const int64_t i = ((int64_t)b * p.length + t) * p.dim + d, j = ((int64_t)b * p.length + t) * p.state;
        const float x = p.delta[i], dt = x > 20.f ? x : log1pf(expf(x)), u = p.u[i]; float y = p.D[d] * u;
        for (int n = 0; n < p.state; ++n) { h[n] = expf(dt * A[n]) * h[n] + dt * p.B[j + n] * u; y = fmaf(h[n], p.C[j + n], y); }
        p.y[i] = y;
    }
}
torch::Tensor scan(torch::Tensor u, torch::Tensor delta, torch::Tensor A_log, torch::Tensor B, torch::Tensor C, torch::Tensor D) {
    auto y = torch::empty_like(u);
    SSMParams p; p.batch = u.size(0); p.length = u.size(1); p.dim = u.size(2); p.state = B.size(2);
    p.u = u.data_ptr<float>(); p.delta = delta.data_ptr<float>(); p.A_log = A_log.data_ptr<float>(); p.B = B.data_ptr<float>(); p.C = C.data_ptr<float>(); p.D = D.data_ptr<float>(); p.y = y.data_ptr<float>();
    TORCH_CHECK(p.state <= 64, "state too large");
    dim3 grid((p.dim + 31) / 32, p.batch);
    if (p.state <= 16) selective_scan<16><<<grid, 32>>>(p); else selective_scan<64><<<grid, 32>>>(p);
    return y;
}
"""
ext = load_inline("ssm", "torch::Tensor scan(torch::Tensor u, torch::Tensor delta, torch::Tensor A_log, torch::Tensor B, torch::Tensor C, torch::Tensor D);", src, functions=["scan"])


class ModelNew(nn.Module):
    def __init__(self, d, n):
        super().__init__()
        self.A_log = nn.Parameter(torch.log(torch.arange(1, n + 1).float()).repeat(d, 1))
        self.D = nn.Parameter(torch.ones(d))

    def forward(self, u, delta, Bm, Cm):
        u, delta, Bm, Cm = (t.contiguous() for t in (u, delta, Bm, Cm))
        return ext.scan(u, delta, self.A_log, Bm, Cm, self.D)
