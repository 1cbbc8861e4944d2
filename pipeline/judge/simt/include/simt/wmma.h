// <mma.h>: matrix fragments that the 32 lanes of a warp share. Which lane holds which element CUDA leaves open; here
// they lie row by row, equally many in each lane. What was never filled or loaded is poison.
#pragma once
#include "simt/device.h"
#include "simt/half.h"

namespace nvcuda::wmma {

struct matrix_a;
struct matrix_b;
struct accumulator;
struct row_major;
struct col_major;
namespace precision { struct tf32; }
enum layout_t { mem_row_major, mem_col_major };

namespace detail {

template <class T> struct Stored { using type = T; };
template <> struct Stored<precision::tf32> { using type = float; };

template <class Use, int M, int N, int K> struct Shape;
template <int M, int N, int K> struct Shape<matrix_a, M, N, K> { static constexpr int rows = M, cols = K; };
template <int M, int N, int K> struct Shape<matrix_b, M, N, K> { static constexpr int rows = K, cols = N; };
template <int M, int N, int K> struct Shape<accumulator, M, N, K> { static constexpr int rows = M, cols = N; };

template <class T, class... Ts>
constexpr bool is_any = (std::is_same_v<T, Ts> || ...);

template <class Use, class T, int M, int N, int K>
constexpr bool exists() {
    constexpr bool sums = std::is_same_v<Use, accumulator>;
    if (std::is_same_v<T, double>) return M == 8 && N == 8 && K == 4;
    if (sums ? std::is_same_v<T, float> && K == 8 : std::is_same_v<T, precision::tf32>)
        return M == 16 && N == 16 && K == 8;
    constexpr bool factors = is_any<T, __half, __nv_bfloat16, signed char, unsigned char>;
    const bool known = sums ? is_any<T, __half, float, int> : factors;
    return known && K == 16 && M * N == 256 && (M == 16 || M == 32 || M == 8);
}

// Products of 16-bit floats are exact in float, in which they are added up.
inline float factor(__half value) { return __half2float(value); }
inline float factor(__nv_bfloat16 value) { return __bfloat162float(value); }
inline int factor(signed char value) { return value; }
inline int factor(unsigned char value) { return value; }
inline double factor(double value) { return value; }
inline float factor(float value) {  // tf32: the hardware does not look at the last 13 bits
    return simt::from_bits<float>(simt::to_bits(value) & ~uint64_t(0x1fff));
}
inline float sum_of(__half value) { return __half2float(value); }
template <class T> T sum_of(T value) { return value; }
inline void set(__half& to, float value) { to = __float2half_rn(value); }
template <class T> void set(T& to, T value) { to = value; }

inline int lane_of_whole_warp(int line) {
    if (simt::simt_live_mask() != 0xffffffffu)
        simt::simt_device_fail("assert", "wmma in a warp of fewer than 32 threads", line);
    return int(simt::simt_lane());
}

template <class T>
void check(const T* address, unsigned stride, int line) {
    if (uintptr_t(address) % 16 || stride * sizeof(T) % 16)
        simt::simt_device_fail("misaligned", "wmma: address or stride is no multiple of 16 bytes", line);
}

// The elements that a lane holds, in each lane.
template <int Count, class T>
void elements_of(T* to, const T* own, int lane, int line) {
    constexpr int bytes = Count * sizeof(T);
    for (int at = 0; at < bytes; at += 8) {
        uint64_t piece = 0;
        const int size = bytes - at < 8 ? bytes - at : 8;
        memcpy(&piece, reinterpret_cast<const char*>(own) + at, size);
        piece = simt::simt_warp(simt::WarpOp::Shuffle, line, 0xffffffffu, piece, lane);
        memcpy(reinterpret_cast<char*>(to) + at, &piece, size);
    }
}

}  // namespace detail

template <class Use, int M, int N, int K, class T, class Layout = void>
struct fragment {
    static_assert(detail::exists<Use, T, M, N, K>(), "incomplete type: a fragment of a shape that there is not");
    using Shape = detail::Shape<Use, M, N, K>;
    using element_type = T;
    using storage_element_type = typename detail::Stored<T>::type;
    static constexpr int num_elements = Shape::rows * Shape::cols / 32, num_storage_elements = num_elements;
    storage_element_type x[num_elements];

    fragment() {
        const uint16_t poison = simt::kPoison;
        for (size_t at = 0; at < sizeof x; ++at)
            reinterpret_cast<unsigned char*>(x)[at] = reinterpret_cast<const unsigned char*>(&poison)[at % 2];
    }
};

template <class Use, int M, int N, int K, class T, class L>
void fill_fragment(fragment<Use, M, N, K, T, L>& f, const typename detail::Stored<T>::type& value) {
    for (auto& element : f.x) element = value;
}

namespace detail {

// `act` on each element of this lane's and where it lies.
template <class Fragment, class Pointer, class Act>
void each(Fragment& f, Pointer* memory, unsigned stride, bool by_rows, int line, Act act) {
    check(memory, stride, line);
    const int first = lane_of_whole_warp(line) * f.num_elements, cols = Fragment::Shape::cols;
    for (int i = 0; i < f.num_elements; ++i) {
        const size_t row = (first + i) / cols, col = (first + i) % cols;
        act(f.x[i], memory[by_rows ? row * stride + col : col * stride + row]);
    }
    simt::sync_warp(line);
}

}  // namespace detail

template <class Use, int M, int N, int K, class T, class L>
void load_matrix_sync(fragment<Use, M, N, K, T, L>& f, const typename detail::Stored<T>::type* from, unsigned stride,
                      int line = __builtin_LINE()) {
    detail::each(f, from, stride, std::is_same_v<L, row_major>, line, [](auto& x, const auto& y) { x = y; });
}
template <int M, int N, int K, class T>
void load_matrix_sync(fragment<accumulator, M, N, K, T>& f, const T* from, unsigned stride, layout_t layout,
                      int line = __builtin_LINE()) {
    detail::each(f, from, stride, layout == mem_row_major, line, [](T& x, const T& y) { x = y; });
}
template <int M, int N, int K, class T>
void store_matrix_sync(T* to, const fragment<accumulator, M, N, K, T>& f, unsigned stride, layout_t layout,
                       int line = __builtin_LINE()) {
    detail::each(f, to, stride, layout == mem_row_major, line, [](const T& x, T& y) { y = x; });
}

template <int M, int N, int K, class T, class LA, class LB, class To, class From>
void mma_sync(fragment<accumulator, M, N, K, To>& d, const fragment<matrix_a, M, N, K, T, LA>& a,
              const fragment<matrix_b, M, N, K, T, LB>& b, const fragment<accumulator, M, N, K, From>& c,
              bool = false, int line = __builtin_LINE()) {
    using Element = typename detail::Stored<T>::type;
    constexpr int in_a = a.num_elements, in_b = b.num_elements, in_c = c.num_elements;
    const int first = detail::lane_of_whole_warp(line) * in_c, row = first / N;
    Element row_of_a[K], all_of_b[K * N];
    for (int at = 0; at < K; at += in_a)
        detail::elements_of<in_a>(row_of_a + at, a.x, (row * K + at) / in_a, line);
    for (int lane = 0; lane < 32; ++lane) detail::elements_of<in_b>(all_of_b + lane * in_b, b.x, lane, line);
    for (int i = 0; i < in_c; ++i) {
        auto sum = detail::sum_of(c.x[i]);
        for (int k = 0; k < K; ++k)
            sum += detail::factor(row_of_a[k]) * detail::factor(all_of_b[k * N + (first + i) % N]);
        detail::set(d.x[i], sum);
    }
}

inline float __float_to_tf32(float value) {
    return simt::from_bits<float>((simt::to_bits(value) + 0x1000) & 0xffffe000u);
}

}  // namespace nvcuda::wmma
