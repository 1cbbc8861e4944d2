// torch's tensor accessors: a pointer with sizes and strides, indexed one dimension at a time.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "simt/types.h"

namespace c10 {

template <class T> struct DefaultPtrTraits { using PtrType = T*; };
template <class T> struct RestrictPtrTraits { using PtrType = T* __restrict__; };

template <class T, size_t N, template <class> class P = DefaultPtrTraits, class I = int64_t>
class TensorAccessor {
public:
    __host__ __device__ TensorAccessor(T* data, const I* sizes, const I* strides)
        : data_(data), sizes_(sizes), strides_(strides) {}
    __host__ __device__ I size(I i) const { return sizes_[i]; }
    __host__ __device__ I stride(I i) const { return strides_[i]; }
    __host__ __device__ T* data() const { return data_; }
    __host__ __device__ decltype(auto) operator[](I i) const {
        T* at = data_ + strides_[0] * i;
        if constexpr (N == 1) return static_cast<T&>(*at);
        else return TensorAccessor<T, N - 1, P, I>(at, sizes_ + 1, strides_ + 1);
    }

private:
    T* data_;
    const I *sizes_, *strides_;
};

template <class T, size_t N, template <class> class P = DefaultPtrTraits, class I = int64_t>
class PackedTensorAccessor {
public:
    PackedTensorAccessor(T* data, const int64_t* sizes, const int64_t* strides) : data_(data) {
        for (size_t i = 0; i < N; ++i) {
            sizes_[i] = static_cast<I>(sizes[i]);
            strides_[i] = static_cast<I>(strides[i]);
        }
    }
    __host__ __device__ I size(I i) const { return sizes_[i]; }
    __host__ __device__ I stride(I i) const { return strides_[i]; }
    __host__ __device__ T* data() const { return data_; }
    __host__ __device__ decltype(auto) operator[](I i) const { return TensorAccessor<T, N, P, I>(data_, sizes_, strides_)[i]; }

private:
    T* data_;
    I sizes_[N], strides_[N];
};

template <class T, size_t N, template <class> class P = DefaultPtrTraits, class I = int64_t>
using GenericPackedTensorAccessor = PackedTensorAccessor<T, N, P, I>;
template <class T, size_t N, template <class> class P = DefaultPtrTraits>
using PackedTensorAccessor32 = PackedTensorAccessor<T, N, P, int32_t>;
template <class T, size_t N, template <class> class P = DefaultPtrTraits>
using PackedTensorAccessor64 = PackedTensorAccessor<T, N, P, int64_t>;

}  // namespace c10
