// The names of torch, ATen and c10 around the tensor: namespaces, streams, guards.
#pragma once
#include <optional>
#include <tuple>
#include "simt/dispatch.h"
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

}  // namespace c10

namespace at {
inline Device device_of(const Tensor& t) { return t.device(); }
namespace cuda {
using namespace c10::cuda;
inline cudaDeviceProp* getCurrentDeviceProperties() {
    static cudaDeviceProp properties;
    cudaGetDeviceProperties(&properties, 0);
    return &properties;
}
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
