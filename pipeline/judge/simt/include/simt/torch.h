// The names of torch, ATen and c10 around the tensor: namespaces, streams, guards, dispatch.
#pragma once
#include <optional>
#include <tuple>
#include "simt/streams.h"
#include "simt/tensor.h"

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
}  // namespace at

namespace torch {
using namespace at;
using at::Tensor;
namespace cuda { using namespace c10::cuda; inline bool is_available() { return true; } }
struct NoGradGuard {};
}  // namespace torch

#define SIMT_CASE(TYPE, T, ...)          \
    case TYPE: {                         \
        using scalar_t = T;              \
        return __VA_ARGS__();            \
    }
#define SIMT_SWITCH(TYPE, NAME, CASES)                                                                    \
    [&] {                                                                                                 \
        const c10::ScalarType simt_type = c10::TensorOptions(TYPE).scalar_type();                         \
        switch (simt_type) {                                                                              \
            CASES default : simt::fail<c10::NotImplementedError>("\"", NAME, "\" not implemented for '",  \
                                                                 c10::toString(simt_type), "'");          \
        }                                                                                                 \
    }()
#define SIMT_FLOATING(...) \
    SIMT_CASE(c10::ScalarType::Float, float, __VA_ARGS__) SIMT_CASE(c10::ScalarType::Double, double, __VA_ARGS__)
#define SIMT_INTEGRAL(...)                                      \
    SIMT_CASE(c10::ScalarType::Byte, uint8_t, __VA_ARGS__)      \
    SIMT_CASE(c10::ScalarType::Char, int8_t, __VA_ARGS__)       \
    SIMT_CASE(c10::ScalarType::Short, int16_t, __VA_ARGS__)     \
    SIMT_CASE(c10::ScalarType::Int, int, __VA_ARGS__)           \
    SIMT_CASE(c10::ScalarType::Long, int64_t, __VA_ARGS__)
#define AT_DISPATCH_FLOATING_TYPES(TYPE, NAME, ...) SIMT_SWITCH(TYPE, NAME, SIMT_FLOATING(__VA_ARGS__))
#define SIMT_CASE_OF(TYPE, ...) SIMT_CASE(TYPE, c10::ScalarTypeToCPPType<TYPE>, __VA_ARGS__)
#define AT_DISPATCH_FLOATING_TYPES_AND(EXTRA, TYPE, NAME, ...) \
    SIMT_SWITCH(TYPE, NAME, SIMT_FLOATING(__VA_ARGS__) SIMT_CASE_OF(EXTRA, __VA_ARGS__))
#define AT_DISPATCH_FLOATING_TYPES_AND_HALF(TYPE, NAME, ...) \
    AT_DISPATCH_FLOATING_TYPES_AND(c10::ScalarType::Half, TYPE, NAME, __VA_ARGS__)
#define AT_DISPATCH_FLOATING_TYPES_AND2(FIRST, SECOND, TYPE, NAME, ...)                         \
    SIMT_SWITCH(TYPE, NAME, SIMT_FLOATING(__VA_ARGS__) SIMT_CASE_OF(FIRST, __VA_ARGS__)         \
                                SIMT_CASE_OF(SECOND, __VA_ARGS__))
#define AT_DISPATCH_INTEGRAL_TYPES(TYPE, NAME, ...) SIMT_SWITCH(TYPE, NAME, SIMT_INTEGRAL(__VA_ARGS__))
#define AT_DISPATCH_ALL_TYPES(TYPE, NAME, ...) \
    SIMT_SWITCH(TYPE, NAME, SIMT_FLOATING(__VA_ARGS__) SIMT_INTEGRAL(__VA_ARGS__))
#define AT_DISPATCH_INDEX_TYPES(TYPE, NAME, ...)                                       \
    SIMT_SWITCH(TYPE, NAME, SIMT_INDEX(c10::ScalarType::Int, int, __VA_ARGS__)         \
                                SIMT_INDEX(c10::ScalarType::Long, int64_t, __VA_ARGS__))
#define SIMT_INDEX(TYPE, T, ...)         \
    case TYPE: {                         \
        using index_t = T;               \
        return __VA_ARGS__();            \
    }
