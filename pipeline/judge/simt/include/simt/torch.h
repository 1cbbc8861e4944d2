// The names of torch, ATen and c10 around the tensor: namespaces, streams, guards.
#pragma once
#include <optional>
#include <tuple>
#include "simt/dispatch.h"
#include "simt/indexing.h"
#include "simt/operators.h"
#include "simt/streams.h"
#include "simt/tensor.h"

#define TORCH_VERSION_MAJOR 2
#define TORCH_VERSION_MINOR 6

namespace c10 {
template <class T> using optional = std::optional<T>;
using std::nullopt;
using std::nullopt_t;
template <class... A> auto make_optional(A&&... a) { return std::make_optional(static_cast<A&&>(a)...); }

// c10/util/irange.h
template <class T> struct Range {
    struct Place {
        T at;
        T operator*() const { return at; }
        Place& operator++() { ++at; return *this; }
        bool operator!=(Place other) const { return at != other.at; }
    };
    Place first, last;
    Place begin() const { return first; }
    Place end() const { return last; }
};
template <class A, class B> Range<B> irange(A first, B last) {
    const B from = static_cast<B>(first);
    return {{from}, {last < from ? from : last}};
}
template <class T> Range<T> irange(T last) { return irange(T(), last); }

template <class List> int64_t multiply_integers(const List& list) {
    int64_t product = 1;
    for (const auto& each : list) product *= each;
    return product;
}

template <class T, unsigned = 0> struct SmallVector : std::vector<T> {
    using std::vector<T>::vector;
    SmallVector() = default;
    explicit SmallVector(ArrayRef<T> list) : std::vector<T>(list.begin(), list.end()) {}
};

struct DeviceGuard {
    template <class D> explicit DeviceGuard(D) {}
};
struct OptionalDeviceGuard : DeviceGuard {
    OptionalDeviceGuard() : DeviceGuard(0) {}
    using DeviceGuard::DeviceGuard;
};

}  // namespace c10

namespace at {
using DimVector = c10::SmallVector<int64_t>;
inline Device device_of(const Tensor& t) { return t.device(); }
namespace cuda {
using namespace c10::cuda;
inline cudaDeviceProp* getCurrentDeviceProperties() {
    static cudaDeviceProp properties;
    cudaGetDeviceProperties(&properties, 0);
    return &properties;
}
inline cudaDeviceProp* getDeviceProperties(int) { return getCurrentDeviceProperties(); }
inline int warp_size() { return 32; }
template <class A, class B> constexpr auto ATenCeilDiv(A a, B b) { return (a + b - 1) / b; }
}  // namespace cuda
template <class A, class B> constexpr auto ceil_div(A a, B b) { return (a + b - 1) / b; }

// What to compute in and what to sum up in; on a GPU both are float for the 16-bit types, and sums of floats are floats.
template <class T> struct OpMathType { using type = T; };
template <> struct OpMathType<Half> { using type = float; };
template <> struct OpMathType<BFloat16> { using type = float; };
template <class T> using opmath_type = typename OpMathType<T>::type;
template <class T> struct AccumulateType : OpMathType<T> {};
#define SIMT_SUMMED_AS_LONG(T) template <> struct AccumulateType<T> { using type = int64_t; };
SIMT_SUMMED_AS_LONG(uint8_t)
SIMT_SUMMED_AS_LONG(int8_t)
SIMT_SUMMED_AS_LONG(char)
SIMT_SUMMED_AS_LONG(int16_t)
SIMT_SUMMED_AS_LONG(int32_t)
#undef SIMT_SUMMED_AS_LONG
template <class T, bool OnGpu> using acc_type = typename AccumulateType<T>::type;
}  // namespace at

namespace torch {
using namespace at;
using at::Tensor;
namespace cuda { using namespace c10::cuda; inline bool is_available() { return true; } }
struct NoGradGuard {};
}  // namespace torch
