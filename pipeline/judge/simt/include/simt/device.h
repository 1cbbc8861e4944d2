// Barriers, warp operations, atomics and memory intrinsics of device code.
#pragma once
#include <string.h>
#include <time.h>
#include "simt/atomics.h"
#include "simt/types.h"

// Macros, because the call site's line is what tells one barrier from another.
#define __syncthreads() ((void)simt::simt_block_barrier(__LINE__, ' ', 0))
#define __syncthreads_count(p) simt::simt_block_barrier(__LINE__, '+', (p) ? 1 : 0)
#define __syncthreads_and(p) simt::simt_block_barrier(__LINE__, '&', (p) ? 1 : 0)
#define __syncthreads_or(p) simt::simt_block_barrier(__LINE__, '|', (p) ? 1 : 0)
#define __syncwarp(...) simt::sync_warp(__LINE__, ##__VA_ARGS__)
#define __shfl_sync(...) simt::shuffle(__LINE__, 'i', __VA_ARGS__)
#define __shfl_up_sync(...) simt::shuffle(__LINE__, 'u', __VA_ARGS__)
#define __shfl_down_sync(...) simt::shuffle(__LINE__, 'd', __VA_ARGS__)
#define __shfl_xor_sync(...) simt::shuffle(__LINE__, 'x', __VA_ARGS__)
#define __ballot_sync(mask, p) simt::ballot(__LINE__, mask, (p) ? 1 : 0)
#define __any_sync(mask, p) (simt::ballot(__LINE__, mask, (p) ? 1 : 0) != 0)
#define __all_sync(mask, p) (simt::ballot(__LINE__, mask, (p) ? 0 : 1) == 0)
#define __match_any_sync(mask, value) simt::match(__LINE__, mask, value)
#define __reduce_add_sync(mask, value) simt::reduce(simt::WarpOp::Add, __LINE__, mask, value)
#define __reduce_min_sync(mask, value) simt::reduce(simt::WarpOp::Min, __LINE__, mask, value)
#define __reduce_max_sync(mask, value) simt::reduce(simt::WarpOp::Max, __LINE__, mask, value)
#define __reduce_and_sync(mask, value) simt::reduce(simt::WarpOp::And, __LINE__, mask, value)
#define __reduce_or_sync(mask, value) simt::reduce(simt::WarpOp::Or, __LINE__, mask, value)
#define __reduce_xor_sync(mask, value) simt::reduce(simt::WarpOp::Xor, __LINE__, mask, value)
#define __match_all_sync(mask, value, all) simt::match_all(__LINE__, mask, value, all)
#define __activemask() simt::simt_active_mask(__LINE__)
#define __trap() simt::simt_device_fail("illegal_instruction", "__trap()", __LINE__)
#undef assert
#define assert(condition) ((condition) ? (void)0 : simt::simt_device_fail("assert", #condition, __LINE__))

inline void __threadfence() { simt::fence(); }
inline void __threadfence_block() { simt::fence(); }
inline void __threadfence_system() { simt::fence(); }
inline void __nanosleep(unsigned) {}
inline long long clock64() { return clock(); }
// At most as much text as fits a GPU's buffer is printed.
extern "C" int simt_print(const char* format, ...);
namespace std { using ::simt_print; }
#define printf simt_print

namespace simt {

// What a kernel's __launch_bounds__ says is checked as it begins; `line` is theirs.
template <class... Others>
void within_bounds(int line, unsigned threads, Others...) {
    if (blockDim.x * blockDim.y * blockDim.z > threads)
        simt_device_fail("launch_error", "more threads in a block than the kernel's __launch_bounds__ allow", line);
}

inline void sync_warp(int line, unsigned mask = 0xffffffffu) { simt_warp(WarpOp::Sync, line, mask, 0, 0); }

inline unsigned ballot(int line, unsigned mask, int predicate) {
    return static_cast<unsigned>(simt_warp(WarpOp::Ballot, line, mask, predicate, 0));
}

template <class T>
uint64_t to_bits(T value) {
    static_assert(sizeof(T) <= 8, "warp operations take values of at most 8 bytes");
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof(T));
    return bits;
}

template <class T>
T from_bits(uint64_t bits) {
    T value;
    memcpy(&value, &bits, sizeof(T));
    return value;
}

// PTX ISA, shfl.sync: lanes outside the segment of `width` keep their own value.
template <class T>
T shuffle(int line, char mode, unsigned mask, T value, int delta, int width = 32) {
    int lane = static_cast<int>(simt_lane()), first = lane & ~(width - 1), source = lane;
    if (mode == 'i') source = first + (delta & (width - 1));
    if (mode == 'u' && lane - delta >= first) source = lane - delta;
    if (mode == 'd' && lane + delta < first + width) source = lane + delta;
    if (mode == 'x' && (lane ^ delta) < first + width) source = lane ^ delta;
    return from_bits<T>(simt_warp(WarpOp::Shuffle, line, mask, to_bits(value), source));
}

template <class T>
unsigned match(int line, unsigned mask, T value) {
    return static_cast<unsigned>(simt_warp(WarpOp::Match, line, mask, to_bits(value), 0));
}

template <class T>
unsigned match_all(int line, unsigned mask, T value, int* all) {
    *all = match(line, mask, value) == (mask & simt_live_mask());
    return *all ? mask : 0;
}

inline int reduce(WarpOp op, int line, unsigned mask, int value) {
    return static_cast<int>(simt_warp(op, line, mask, static_cast<uint32_t>(value), 0));
}

inline unsigned reduce(WarpOp op, int line, unsigned mask, unsigned value) {
    if (op == WarpOp::Min) op = WarpOp::UMin;
    if (op == WarpOp::Max) op = WarpOp::UMax;
    return static_cast<unsigned>(simt_warp(op, line, mask, value, 0));
}

template <class T>
struct Same { using type = T; };

}  // namespace simt

template <class T> T __ldg(const T* p) { return *p; }
template <class T> T __ldca(const T* p) { return *p; }
template <class T> T __ldcg(const T* p) { return *p; }
template <class T> T __ldcs(const T* p) { return *p; }
template <class T> T __ldlu(const T* p) { return *p; }
template <class T> T __ldcv(const T* p) { return *p; }
template <class T> void __stwb(T* p, typename simt::Same<T>::type v) { *p = v; }
template <class T> void __stcg(T* p, typename simt::Same<T>::type v) { *p = v; }
template <class T> void __stcs(T* p, typename simt::Same<T>::type v) { *p = v; }
template <class T> void __stwt(T* p, typename simt::Same<T>::type v) { *p = v; }
inline int __dp4a(char4 a, char4 b, int c) { return __dp4a(simt::from_bits<int>(simt::to_bits(a)), simt::from_bits<int>(simt::to_bits(b)), c); }
inline unsigned __dp4a(uchar4 a, uchar4 b, unsigned c) { return __dp4a(simt::from_bits<unsigned>(simt::to_bits(a)), simt::from_bits<unsigned>(simt::to_bits(b)), c); }
