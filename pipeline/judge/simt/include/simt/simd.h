// CUDA's SIMD intrinsics: a word is four bytes or two halves, and each is computed by itself.
#pragma once
#include <stdint.h>

namespace simt {
// `each` gives the new value of one part from one of `a` and one of `b`; what does not fit into it is cut off.
template <class Part, class Each>
unsigned by_parts(unsigned a, unsigned b, Each each) {
    constexpr int bits = 8 * sizeof(Part);
    unsigned result = 0;
    for (int at = 0; at < 32; at += bits) {
        const int64_t value = each(int64_t(Part(a >> at)), int64_t(Part(b >> at)));
        result |= (unsigned(value) & ((1u << bits) - 1)) << at;
    }
    return result;
}
template <class Part> int64_t clamped(int64_t value) {
    constexpr bool is_signed = Part(-1) < Part(0);
    constexpr int64_t span = int64_t(1) << 8 * sizeof(Part), low = is_signed ? -span / 2 : 0, high = low + span - 1;
    return value < low ? low : value > high ? high : value;
}
inline unsigned sum_of_parts(unsigned word, int bits) {
    unsigned sum = 0;
    for (int at = 0; at < 32; at += bits) sum += (word >> at) & ((1u << bits) - 1);
    return sum;
}
}  // namespace simt

#define SIMT_PARTS(NAME, PART, VALUE) \
    inline unsigned NAME(unsigned a, unsigned b) { return simt::by_parts<PART>(a, b, [](int64_t x, int64_t y) { return int64_t(VALUE); }); }
#define SIMT_PARTS_OF_ONE(NAME, PART, VALUE) \
    inline unsigned NAME(unsigned a) { return simt::by_parts<PART>(a, 0, [](int64_t x, int64_t) { return int64_t(VALUE); }); }
#define SIMT_COMPARED(NAME, N, PART, SIGN, CONDITION)                 \
    SIMT_PARTS(__vcmp##NAME##SIGN##N, PART, (CONDITION) ? -1 : 0)     \
    SIMT_PARTS(__vset##NAME##SIGN##N, PART, (CONDITION) ? 1 : 0)
#define SIMT_SIMD_OF_A_SIGN(N, PART, SIGN)                            \
    SIMT_PARTS(__vmax##SIGN##N, PART, x > y ? x : y)                  \
    SIMT_PARTS(__vmin##SIGN##N, PART, x < y ? x : y)                  \
    SIMT_PARTS(__vadd##SIGN##s##N, PART, simt::clamped<PART>(x + y))  \
    SIMT_PARTS(__vsub##SIGN##s##N, PART, simt::clamped<PART>(x - y))  \
    SIMT_PARTS(__vabsdiff##SIGN##N, PART, x > y ? x - y : y - x)      \
    inline unsigned __vsad##SIGN##N(unsigned a, unsigned b) { return simt::sum_of_parts(__vabsdiff##SIGN##N(a, b), 32 / N); } \
    SIMT_COMPARED(gt, N, PART, SIGN, x > y)                           \
    SIMT_COMPARED(ge, N, PART, SIGN, x >= y)                          \
    SIMT_COMPARED(lt, N, PART, SIGN, x < y)                           \
    SIMT_COMPARED(le, N, PART, SIGN, x <= y)
#define SIMT_SIMD(N, WIDTH)                                           \
    SIMT_PARTS(__vadd##N, uint##WIDTH##_t, x + y)                     \
    SIMT_PARTS(__vsub##N, uint##WIDTH##_t, x - y)                     \
    SIMT_PARTS(__vavgu##N, uint##WIDTH##_t, (x + y + 1) / 2)          \
    SIMT_PARTS(__vhaddu##N, uint##WIDTH##_t, (x + y) / 2)             \
    SIMT_PARTS(__vavgs##N, int##WIDTH##_t, (x + y + (x + y >= 0)) >> 1) \
    SIMT_PARTS_OF_ONE(__vneg##N, int##WIDTH##_t, -x)                  \
    SIMT_PARTS_OF_ONE(__vabs##N, int##WIDTH##_t, x < 0 ? -x : x)      \
    SIMT_PARTS_OF_ONE(__vnegss##N, int##WIDTH##_t, simt::clamped<int##WIDTH##_t>(-x))              \
    SIMT_PARTS_OF_ONE(__vabsss##N, int##WIDTH##_t, simt::clamped<int##WIDTH##_t>(x < 0 ? -x : x))  \
    SIMT_COMPARED(eq, N, uint##WIDTH##_t, , x == y)                   \
    SIMT_COMPARED(ne, N, uint##WIDTH##_t, , x != y)                   \
    SIMT_SIMD_OF_A_SIGN(N, uint##WIDTH##_t, u)                        \
    SIMT_SIMD_OF_A_SIGN(N, int##WIDTH##_t, s)
SIMT_SIMD(4, 8)
SIMT_SIMD(2, 16)
#undef SIMT_SIMD
#undef SIMT_SIMD_OF_A_SIGN
#undef SIMT_COMPARED
#undef SIMT_PARTS_OF_ONE
#undef SIMT_PARTS
