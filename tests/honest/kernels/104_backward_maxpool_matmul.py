"""Max pooling over pairs of rows, then a product: two autograd.Functions in a row, one with saved indices."""
import torch
import torch.nn as nn

CATEGORY = "pooling"
DIRECTION = "backward"
BATCH = 9
LENGTH = 24
OUTPUT = 14


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.pool = nn.MaxPool1d(2)

    def forward(self, x, w):
        return self.pool(x) @ w


def get_inputs():
    return [torch.randn(BATCH, LENGTH), torch.randn(LENGTH // 2, OUTPUT)]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>
#include <vector>

__global__ void pool_forward(const float* x, float* y, int* where, int length, int out, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const int first = i / out * length + i % out * 2;
    const int best = x[first + 1] > x[first] ? first + 1 : first;
    y[i] = x[best];
    where[i] = best;
}

__global__ void pool_backward(const float* g, const int* where, float* gx, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) gx[where[i]] = g[i];  // windows don't overlap: no two threads write one place
}

// C[m][n] = sum over k of A[m * am + k * ak] * B[k * bk + n * bn]
__global__ void matmul(const float* A, const float* B, float* C, int M, int N, int K, int am, int ak, int bk, int bn) {
    const int n = blockIdx.x * blockDim.x + threadIdx.x, m = blockIdx.y;
    if (n >= N) return;
    float acc = 0.f;
    for (int k = 0; k < K; ++k) acc += A[m * am + k * ak] * B[k * bk + n * bn];
    C[m * N + n] = acc;
}

std::vector<torch::Tensor> pool(torch::Tensor x) {
    const int rows = x.size(0), length = x.size(1), out = length / 2, n = rows * out;
    auto y = torch::empty({rows, out}, x.options());
    auto where = torch::empty({rows, out}, x.options().dtype(torch::kInt32));
    pool_forward<<<(n + 63) / 64, 64>>>(x.data_ptr<float>(), y.data_ptr<float>(), where.data_ptr<int>(), length, out,
                                        n);
    return {y, where};
}

torch::Tensor pool_grad(torch::Tensor g, torch::Tensor where, int64_t length) {
    auto gx = torch::zeros({g.size(0), length}, g.options());
    const int n = g.numel();
    pool_backward<<<(n + 63) / 64, 64>>>(g.data_ptr<float>(), where.data_ptr<int>(), gx.data_ptr<float>(), n);
    return gx;
}

torch::Tensor product(torch::Tensor a, torch::Tensor b, bool transpose_a, bool transpose_b) {
    const int M = a.size(transpose_a ? 1 : 0), K = a.size(transpose_a ? 0 : 1), N = b.size(transpose_b ? 0 : 1);
    auto c = torch::empty({M, N}, a.options());
    const int a_cols = a.size(1), b_cols = b.size(1);
    matmul<<<dim3((N + 31) / 32, M), 32>>>(a.data_ptr<float>(), b.data_ptr<float>(), c.data_ptr<float>(), M, N, K,
                                           transpose_a ? 1 : a_cols, transpose_a ? a_cols : 1,
                                           transpose_b ? 1 : b_cols, transpose_b ? b_cols : 1);
    return c;
}
"""

ext = load_inline(
    name="pool_and_product",
    cpp_sources="""#include <vector>
std::vector<torch::Tensor> pool(torch::Tensor x);
torch::Tensor pool_grad(torch::Tensor g, torch::Tensor where, int64_t length);
torch::Tensor product(torch::Tensor a, torch::Tensor b, bool transpose_a, bool transpose_b);""",
    cuda_sources=cuda_source,
    functions=["pool", "pool_grad", "product"],
)


class Pool(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y, where = ext.pool(x)
        ctx.save_for_backward(where)
        ctx.length = x.shape[1]
        return y

    @staticmethod
    def backward(ctx, grad):
        return ext.pool_grad(grad.contiguous(), ctx.saved_tensors[0], ctx.length)


class Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a, b):
        ctx.save_for_backward(a, b)
        return ext.product(a, b, False, False)

    @staticmethod
    def backward(ctx, grad):
        a, b = ctx.saved_tensors
        grad = grad.contiguous()
        return ext.product(grad, b, False, True), ext.product(a, grad, True, False)


class ModelNew(nn.Module):
    def forward(self, x, w):
        return Product.apply(Pool.apply(x.contiguous()), w.contiguous())
