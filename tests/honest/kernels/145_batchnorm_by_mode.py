"""BatchNorm with a kernel for each mode: the batch's statistics in training, the running ones in evaluation."""
import torch
import torch.nn as nn

CATEGORY = "norm"
BATCH = 24
FEATURES = 37


class Model(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.bn = nn.BatchNorm1d(features)

    def forward(self, x):
        return self.bn(x)


def get_inputs():
    return [torch.randn(BATCH, FEATURES)]


def get_init_inputs():
    return [FEATURES]
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>

__global__ void train_kernel(const float* x, const float* w, const float* b, float* mean, float* var, float* y, int rows,
                             int cols, float eps, float momentum) {
    const int c = blockIdx.x * blockDim.x + threadIdx.x;
    if (c >= cols) return;
    float m = 0.f, m2 = 0.f;
    for (int r = 0; r < rows; ++r) {
        const float d = x[r * cols + c] - m;
        m += d / (r + 1);
        m2 += d * (x[r * cols + c] - m);
    }
    const float scale = rsqrtf(m2 / rows + eps) * w[c];
    for (int r = 0; r < rows; ++r) y[r * cols + c] = (x[r * cols + c] - m) * scale + b[c];
    mean[c] += momentum * (m - mean[c]);
    var[c] += momentum * (m2 / (rows - 1) - var[c]);
}

__global__ void eval_kernel(const float* x, const float* w, const float* b, const float* mean, const float* var, float* y,
                            int n, int cols, float eps) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const int c = i % cols;
    y[i] = (x[i] - mean[c]) * rsqrtf(var[c] + eps) * w[c] + b[c];
}

torch::Tensor batch_norm(torch::Tensor x, torch::Tensor w, torch::Tensor b, torch::Tensor mean, torch::Tensor var,
                         double eps, double momentum, bool training) {
    auto y = torch::empty_like(x);
    const int rows = x.size(0), cols = x.size(1);
    if (training)
        train_kernel<<<(cols + 63) / 64, 64>>>(x.data_ptr<float>(), w.data_ptr<float>(), b.data_ptr<float>(),
                                               mean.data_ptr<float>(), var.data_ptr<float>(), y.data_ptr<float>(), rows,
                                               cols, eps, momentum);
    else
        eval_kernel<<<(rows * cols + 127) / 128, 128>>>(x.data_ptr<float>(), w.data_ptr<float>(), b.data_ptr<float>(),
                                                        mean.data_ptr<float>(), var.data_ptr<float>(),
                                                        y.data_ptr<float>(), rows * cols, cols, eps);
    return y;
}
"""

ext = load_inline(
    name="batch_norm_by_mode",
    cpp_sources="""torch::Tensor batch_norm(torch::Tensor x, torch::Tensor w, torch::Tensor b, torch::Tensor mean,
    torch::Tensor var, double eps, double momentum, bool training);""",
    cuda_sources=cuda_source,
    functions=["batch_norm"],
)


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.bn = nn.BatchNorm1d(features)

    def forward(self, x):
        bn = self.bn
        return ext.batch_norm(
            x.contiguous(), bn.weight, bn.bias, bn.running_mean, bn.running_var, bn.eps, bn.momentum, self.training
        )
