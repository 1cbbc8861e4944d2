// torch::indexing: numbers, slices, None and ... as indices, which give views. Tensors as indices are not here.
#pragma once
#include <optional>
#include "simt/tensor.h"

namespace at::indexing {
inline constexpr std::nullopt_t None{std::nullopt};
struct EllipsisIndexType {};
inline constexpr EllipsisIndexType Ellipsis{};

struct Slice {
    int64_t start, stop, step;
    Slice(std::optional<int64_t> start = {}, std::optional<int64_t> stop = {}, std::optional<int64_t> step = {})
        : start(start.value_or(0)), stop(stop.value_or(INT64_MAX)), step(step.value_or(1)) {}
};

struct TensorIndex {
    enum Kind { IsNone, IsEllipsis, IsNumber, IsSlice } kind;
    int64_t number = 0;
    Slice slice;
    TensorIndex(std::nullopt_t) : kind(IsNone) {}
    TensorIndex(EllipsisIndexType) : kind(IsEllipsis) {}
    TensorIndex(const char*) : kind(IsEllipsis) {}
    TensorIndex(Slice slice) : kind(IsSlice), slice(slice) {}
    template <class T, class = decltype(T() % 2)> TensorIndex(T number) : kind(IsNumber), number(number) {}
};
}  // namespace at::indexing

namespace at {
inline Tensor Tensor::index(ArrayRef<indexing::TensorIndex> indices) const {
    using indexing::TensorIndex;
    int64_t taken = 0, at = 0;
    for (const TensorIndex& each : indices) taken += each.kind == TensorIndex::IsNumber || each.kind == TensorIndex::IsSlice;
    if (taken > dim()) simt::fail<c10::IndexError>("too many indices for tensor of dimension ", dim());
    Tensor part = *this;
    for (const TensorIndex& each : indices) {
        switch (each.kind) {
            case TensorIndex::IsNone: part = part.unsqueeze(at++); break;
            case TensorIndex::IsEllipsis: at += dim() - taken; break;
            case TensorIndex::IsNumber: part = part.select(at, each.number); break;
            case TensorIndex::IsSlice:
                part = part.slice(at, each.slice.start, each.slice.stop, each.slice.step);
                ++at;
        }
    }
    return part;
}
}  // namespace at
