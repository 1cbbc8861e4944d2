"""A source that uses cub's collectives of a block and of a warp."""

import torch

from tests.judge.simt.example import example

COLLECTIVES = r"""
#include <cub/cub.cuh>
struct Longest { template <class T> __device__ T operator()(T a, T b) const { return fabsf(a) < fabsf(b) ? b : a; } };
struct Before { float total; __device__ float operator()(float block) { float was = total; total += block; return was; } };
constexpr int T = 80, N = 2;
__global__ void k(const float* x, float* reduced, float* scanned, int cols) {
    using Reduce = cub::BlockReduce<float, T>;
    using Scan = cub::BlockScan<float, T, cub::BLOCK_SCAN_WARP_SCANS>;
    using Pair = cub::KeyValuePair<int, float>;
    using Pairs = cub::BlockReduce<Pair, T>;
    __shared__ union { Reduce::TempStorage reduce; Scan::TempStorage scan; Pairs::TempStorage pairs; } shared;
    __shared__ cub::WarpReduce<float, 16>::TempStorage warp;
    const float* row = x + blockIdx.x * cols;
    float items[N] = {row[N * threadIdx.x], row[N * threadIdx.x + 1]};
    const float v = row[threadIdx.x];
    float found[6];
    found[0] = Reduce(shared.reduce).Sum(items);
    __syncthreads();
    found[1] = Reduce(shared.reduce).Sum(v, 50);
    __syncthreads();
    found[2] = Reduce(shared.reduce).Reduce(v, Longest());
    __syncthreads();
    found[3] = Pairs(shared.pairs).Reduce(Pair(threadIdx.x, v), cub::ArgMax()).key;
    __syncthreads();
    found[4] = Reduce(shared.reduce).Reduce(items, cub::Min());
    const float sum16 = cub::WarpReduce<float, 16>(warp).Sum(v);
    if (threadIdx.x % 16 == 0) reduced[blockIdx.x * 10 + 5 + threadIdx.x / 16] = sum16;
    if (threadIdx.x == 0)
        for (int i = 0; i < 5; ++i) reduced[blockIdx.x * 10 + i] = found[i];
    float* out = scanned + blockIdx.x * 6 * T + threadIdx.x;
    float total, first, second, warps, pairs[N];
    __syncthreads();
    Scan(shared.scan).InclusiveSum(v, first, total);
    out[0] = first; out[T] = total;
    __syncthreads();
    Scan(shared.scan).ExclusiveScan(v, second, -1.0f, cub::Max());
    out[2 * T] = second;
    Before before{10.0f};
    for (int round = 0; round < 2; ++round) {
        __syncthreads();
        Scan(shared.scan).ExclusiveSum(items, pairs, before);
    }
    out[3 * T] = pairs[0]; out[4 * T] = pairs[1];
    __shared__ cub::WarpScan<float>::TempStorage lanes[3];
    cub::WarpScan<float>(lanes[threadIdx.x / 32]).ExclusiveSum(v, warps);
    out[5 * T] = warps;
}
std::vector<torch::Tensor> f(torch::Tensor x) {
    const int rows = x.size(0);
    auto reduced = torch::empty({rows, 10}, x.options()), scanned = torch::empty({rows, 6, T}, x.options());
    k<<<rows, T>>>(x.data_ptr<float>(), reduced.data_ptr<float>(), scanned.data_ptr<float>(), x.size(1));
    return {reduced, scanned};
}
"""


def _collectives(x: torch.Tensor) -> list[torch.Tensor]:
    rows, v = len(x), x[:, :80]
    longest = v.gather(1, v.abs().argmax(1, keepdim=True)).view(rows)
    reduced = [x.sum(1), v[:, :50].sum(1), longest, v.argmax(1).float(), x.amin(1)]
    exclusive = 10 + x.sum(1, keepdim=True) + x.cumsum(1) - x
    most = torch.cat([torch.full((rows, 1), -1.0), v.cummax(1).values[:, :-1]], 1).clamp(min=-1)
    warps = torch.cat([part.cumsum(1) - part for part in v.split(32, 1)], 1)
    scans = [v.cumsum(1), v.sum(1, keepdim=True).expand(-1, 80), most, exclusive[:, ::2], exclusive[:, 1::2], warps]
    return [torch.cat([torch.stack(reduced, 1), v.view(rows, 5, 16).sum(2)], 1), torch.stack(scans, 1)]


EXAMPLES = {
    "collectives of cub's": example(
        COLLECTIVES,
        "std::vector<torch::Tensor> f(torch::Tensor x)",
        lambda: (torch.randperm(480).view(3, 160).float() - 240,),
        _collectives,
    ),
}
