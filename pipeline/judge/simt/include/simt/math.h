// CUDA's mathematical functions that <math.h> lacks. The approximate ones (__expf ...) are computed exactly: a judge
// of correctness must not depend on which error a given GPU makes.
#pragma once
#include <math.h>
#include <stdint.h>
#include <string.h>
#include "simt/rounding.h"

#define CUDART_INF_F __builtin_inff()
#define CUDART_NAN_F __builtin_nanf("")
#define CUDART_INF __builtin_inf()
#define CUDART_NAN __builtin_nan("")
#define CUDART_PI_F 3.141592654f
#define CUDART_PIO2_F 1.570796327f
#define CUDART_SQRT_2_F 1.414213562f
#define CUDART_SQRT_HALF_F 0.707106781f
#define CUDART_LN2_F 0.693147181f
#define CUDART_L2E_F 1.442695041f
#define CUDART_MAX_NORMAL_F 3.402823466e38f
#define CUDART_MIN_DENORM_F 1.401298464e-45f
#define CUDART_ZERO_F 0.0f
#define CUDART_ONE_F 1.0f
#define CUDART_PI 3.1415926535897931

#define SIMT_MIN_MAX(A, B, R)                                                              \
    constexpr R max(A a, B b) { return (R)a < (R)b ? (R)b : (R)a; }                        \
    constexpr R min(A a, B b) { return (R)b < (R)a ? (R)b : (R)a; }
#define SIMT_MIN_MAX_SIGNED(S)                       \
    SIMT_MIN_MAX(S, S, S)                            \
    SIMT_MIN_MAX(unsigned S, unsigned S, unsigned S) \
    SIMT_MIN_MAX(S, unsigned S, unsigned S)          \
    SIMT_MIN_MAX(unsigned S, S, unsigned S)
SIMT_MIN_MAX_SIGNED(int)
SIMT_MIN_MAX_SIGNED(long)
SIMT_MIN_MAX_SIGNED(long long)
#undef SIMT_MIN_MAX_SIGNED
#undef SIMT_MIN_MAX
inline float max(float a, float b) { return __builtin_fmaxf(a, b); }
inline float min(float a, float b) { return __builtin_fminf(a, b); }
inline double max(double a, double b) { return __builtin_fmax(a, b); }
inline double min(double a, double b) { return __builtin_fmin(a, b); }
inline double max(float a, double b) { return __builtin_fmax(a, b); }
inline double max(double a, float b) { return __builtin_fmax(a, b); }
inline double min(float a, double b) { return __builtin_fmin(a, b); }
inline double min(double a, float b) { return __builtin_fmin(a, b); }

inline unsigned umax(unsigned a, unsigned b) { return max(a, b); }
inline unsigned umin(unsigned a, unsigned b) { return min(a, b); }
inline long long llmax(long long a, long long b) { return max(a, b); }
inline long long llmin(long long a, long long b) { return min(a, b); }
inline unsigned long long ullmax(unsigned long long a, unsigned long long b) { return max(a, b); }
inline unsigned long long ullmin(unsigned long long a, unsigned long long b) { return min(a, b); }

inline float rsqrtf(float x) { return float(1.0 / __builtin_sqrt(double(x))); }
inline double rsqrt(double x) { return 1.0 / __builtin_sqrt(x); }
inline float rsqrt(float x) { return rsqrtf(x); }
inline float rcbrtf(float x) { return float(1.0 / __builtin_cbrt(x)); }
inline float sinpif(float x) { return float(__builtin_sin(CUDART_PI * x)); }
inline float cospif(float x) { return float(__builtin_cos(CUDART_PI * x)); }
inline float normcdff(float x) { return float(0.5 * __builtin_erfc(-x * 0.70710678118654752)); }
inline double rcbrt(double x) { return 1.0 / __builtin_cbrt(x); }
inline double sinpi(double x) { return __builtin_sin(CUDART_PI * x); }
inline double cospi(double x) { return __builtin_cos(CUDART_PI * x); }
inline double normcdf(double x) { return 0.5 * __builtin_erfc(-x * 0.70710678118654752); }
// By Winitzki's approximation and three steps of Newton's method.
inline double erfinv(double y) {
    if (!(y > -1 && y < 1)) return y == 1 ? CUDART_INF : y == -1 ? -CUDART_INF : CUDART_NAN;
    const double l = __builtin_log1p(-y * y), t = 4.3307467508 + l / 2;
    double x = __builtin_copysign(__builtin_sqrt(__builtin_sqrt(t * t - l / 0.147) - t), y);
    for (int i = 0; i < 3; ++i) {
        const double off = y > 0.5    ? (1 - y) - __builtin_erfc(x)
                           : y < -0.5 ? __builtin_erfc(-x) - (1 + y)
                                      : __builtin_erf(x) - y;
        x -= off * 0.88622692545275801 * __builtin_exp(x * x);
    }
    return x;
}
inline float erfinvf(float y) { return float(erfinv(y)); }
inline double erfcinv(double y) { return erfinv(1 - y); }
inline float erfcinvf(float y) { return float(erfinv(1.0 - y)); }
inline double normcdfinv(double p) { return 1.4142135623730951 * erfinv(2 * p - 1); }
inline float normcdfinvf(float p) { return float(normcdfinv(p)); }
inline float normf(int n, const float* list) {
    double sum = 0;
    for (int i = 0; i < n; ++i) sum += double(list[i]) * list[i];
    return float(__builtin_sqrt(sum));
}
inline float rnormf(int n, const float* list) { return 1.0f / normf(n, list); }
inline float erfcxf(float x) { return float(__builtin_exp(double(x) * x) * __builtin_erfc(x)); }
inline float fdividef(float a, float b) { return a / b; }
inline float __fdividef(float a, float b) { return a / b; }
inline float __saturatef(float x) { return x > 0.f ? (x < 1.f ? x : 1.f) : 0.f; }
inline float rhypotf(float x, float y) { return float(1.0 / __builtin_hypot(x, y)); }
inline float norm3df(float a, float b, float c) { return float(__builtin_sqrt(double(a) * a + double(b) * b + double(c) * c)); }
inline float norm4df(float a, float b, float c, float d) {
    return float(__builtin_sqrt(double(a) * a + double(b) * b + double(c) * c + double(d) * d));
}
inline float rnorm3df(float a, float b, float c) { return 1.0f / norm3df(a, b, c); }
inline float rnorm4df(float a, float b, float c, float d) { return 1.0f / norm4df(a, b, c, d); }
inline void sincospif(float x, float* s, float* c) { *s = sinpif(x); *c = cospif(x); }

#define SIMT_APPROXIMATE(NAME) \
    inline float __##NAME(float x) { return __builtin_##NAME(x); }
SIMT_APPROXIMATE(expf)
SIMT_APPROXIMATE(exp10f)
SIMT_APPROXIMATE(logf)
SIMT_APPROXIMATE(log2f)
SIMT_APPROXIMATE(log10f)
SIMT_APPROXIMATE(sinf)
SIMT_APPROXIMATE(cosf)
SIMT_APPROXIMATE(tanf)
SIMT_APPROXIMATE(tanhf)
#undef SIMT_APPROXIMATE
inline float __powf(float x, float y) { return __builtin_powf(x, y); }
inline float __exp2f(float x) { return __builtin_exp2f(x); }
inline void __sincosf(float x, float* s, float* c) { *s = __builtin_sinf(x); *c = __builtin_cosf(x); }

// Arithmetic rounded to nearest; for the other modes see rounding.h.
#define SIMT_ROUNDED(T, P)                                                        \
    inline T __##P##add_rn(T a, T b) { return a + b; }                            \
    inline T __##P##sub_rn(T a, T b) { return a - b; }                            \
    inline T __##P##mul_rn(T a, T b) { return a * b; }                            \
    inline T __##P##div_rn(T a, T b) { return a / b; }                            \
    inline T __##P##sqrt_rn(T a) { return T(__builtin_sqrt(a)); }                 \
    inline T __##P##rcp_rn(T a) { return T(1) / a; }
SIMT_ROUNDED(float, f)
SIMT_ROUNDED(double, d)
#undef SIMT_ROUNDED
inline float __fmaf_rn(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
inline double __fma_rn(double a, double b, double c) { return __builtin_fma(a, b, c); }
inline float __frsqrt_rn(float x) { return rsqrtf(x); }

// The GPU saturates where C++ leaves the result undefined; a NaN becomes 0.
#define SIMT_CONVERT(F, FN, I, IN, LOW, HIGH)                                                          \
    inline I __##FN##2##IN##_rz(F x) {                                                                 \
        return x != x ? (I)0 : x >= F(HIGH) ? (I)(HIGH) : x <= F(LOW) ? (I)(LOW) : (I)x;               \
    }                                                                                                  \
    inline I __##FN##2##IN##_rn(F x) { return __##FN##2##IN##_rz(F(__builtin_rint(x))); }              \
    inline I __##FN##2##IN##_rd(F x) { return __##FN##2##IN##_rz(F(__builtin_floor(x))); }             \
    inline I __##FN##2##IN##_ru(F x) { return __##FN##2##IN##_rz(F(__builtin_ceil(x))); }              \
    inline F __##IN##2##FN##_rn(I x) { return F(x); }
SIMT_CONVERT(float, float, int, int, INT32_MIN, INT32_MAX)
SIMT_CONVERT(float, float, unsigned, uint, 0, UINT32_MAX)
SIMT_CONVERT(float, float, long long, ll, INT64_MIN, INT64_MAX)
SIMT_CONVERT(float, float, unsigned long long, ull, 0, UINT64_MAX)
SIMT_CONVERT(double, double, unsigned, uint, 0, UINT32_MAX)
SIMT_CONVERT(double, double, unsigned long long, ull, 0, UINT64_MAX)
SIMT_CONVERT(double, double, int, int, INT32_MIN, INT32_MAX)
SIMT_CONVERT(double, double, long long, ll, INT64_MIN, INT64_MAX)
#undef SIMT_CONVERT
#define SIMT_BITS(NAME, TO, FROM)        \
    inline TO NAME(FROM from) {          \
        TO to;                           \
        memcpy(&to, &from, sizeof to);   \
        return to;                       \
    }
SIMT_BITS(__float_as_int, int, float)
SIMT_BITS(__float_as_uint, unsigned, float)
SIMT_BITS(__int_as_float, float, int)
SIMT_BITS(__uint_as_float, float, unsigned)
SIMT_BITS(__double_as_longlong, long long, double)
SIMT_BITS(__longlong_as_double, double, long long)
#undef SIMT_BITS
inline float __double2float_rn(double x) { return float(x); }

inline int __double2hiint(double x) { return int(__double_as_longlong(x) >> 32); }
inline int __double2loint(double x) { return int(__double_as_longlong(x)); }
inline double __hiloint2double(int high, int low) {
    return __longlong_as_double((long long)((uint64_t)(unsigned)high << 32 | (unsigned)low));
}

inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
inline int __clz(int x) { return x ? __builtin_clz(unsigned(x)) : 32; }
inline int __clzll(long long x) { return x ? __builtin_clzll(uint64_t(x)) : 64; }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __ffsll(long long x) { return __builtin_ffsll(x); }
inline int __mul24(int a, int b) { return a * b; }
inline unsigned __umul24(unsigned a, unsigned b) { return a * b; }
inline unsigned __sad(int a, int b, unsigned c) { return c + (a > b ? unsigned(a) - unsigned(b) : unsigned(b) - unsigned(a)); }
inline int __hadd(int a, int b) { return int((int64_t(a) + b) >> 1); }
inline int __rhadd(int a, int b) { return int((int64_t(a) + b + 1) >> 1); }
inline long long __mul64hi(long long a, long long b) { return (long long)((__int128)a * b >> 64); }
inline int __dp4a(int a, int b, int c) {
    for (int i = 0; i < 32; i += 8) c += int(int8_t(a >> i)) * int8_t(b >> i);
    return c;
}
inline unsigned __dp4a(unsigned a, unsigned b, unsigned c) {
    for (int i = 0; i < 32; i += 8) c += unsigned(uint8_t(a >> i)) * uint8_t(b >> i);
    return c;
}
#define SIMT_DP2A(T, NARROW, NAME, SHIFT)                                                    \
    inline T NAME(T a, T b, T c) {                                                           \
        for (int i = 0; i < 2; ++i)                                                          \
            c += T(NARROW##16_t(a >> 16 * i)) * T(NARROW##8_t(b >> (8 * i + SHIFT)));        \
        return c;                                                                            \
    }
SIMT_DP2A(int, int, __dp2a_lo, 0)
SIMT_DP2A(int, int, __dp2a_hi, 16)
SIMT_DP2A(unsigned, uint, __dp2a_lo, 0)
SIMT_DP2A(unsigned, uint, __dp2a_hi, 16)
#undef SIMT_DP2A
inline unsigned __byte_perm(unsigned x, unsigned y, unsigned selector) {
    const uint64_t bytes = uint64_t(y) << 32 | x;
    unsigned result = 0;
    for (int i = 0; i < 4; ++i) {
        const unsigned choice = selector >> 4 * i, byte = unsigned(bytes >> 8 * (choice & 7)) & 0xFF;
        result |= (choice & 8 ? (byte & 0x80 ? 0xFFu : 0u) : byte) << 8 * i;
    }
    return result;
}
inline unsigned __funnelshift_l(unsigned low, unsigned high, unsigned n) {
    return unsigned((uint64_t(high) << 32 | low) << (n & 31) >> 32);
}
inline unsigned __funnelshift_r(unsigned low, unsigned high, unsigned n) {
    return unsigned((uint64_t(high) << 32 | low) >> (n & 31));
}
inline int __mulhi(int a, int b) { return int((int64_t(a) * b) >> 32); }
inline unsigned __umulhi(unsigned a, unsigned b) { return unsigned((uint64_t(a) * b) >> 32); }
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
    return (unsigned long long)((unsigned __int128)a * b >> 64);
}
inline unsigned __brev(unsigned x) {
    unsigned r = 0;
    for (int i = 0; i < 32; ++i) r |= ((x >> i) & 1u) << (31 - i);
    return r;
}
inline unsigned long long __brevll(unsigned long long x) {
    return (unsigned long long)__brev(unsigned(x)) << 32 | __brev(unsigned(x >> 32));
}
