// c10::Error and the checks that throw it. Messages are built by the runtime: no <string>, no streams here.
#pragma once
#include <exception>
#include "simt/cuda_api.h"

namespace simt {

// A reference-counted text: cheap to copy in a throw.
class Text {
public:
    Text();
    Text(const Text& other) noexcept;
    Text& operator=(const Text&) = delete;
    ~Text();
    Text& add(const char* text);
    Text& add(long long number);
    Text& add(unsigned long long number);
    Text& add(double number);
    const char* c_str() const noexcept;

private:
    struct Buffer* buffer_;
};

}  // namespace simt

namespace c10 {

class Error : public std::exception {
public:
    explicit Error(const simt::Text& text) : text_(text) {}
    ~Error() override;
    const char* what() const noexcept override;
    const char* what_without_backtrace() const noexcept { return what(); }
    const char* msg() const noexcept { return what(); }

private:
    simt::Text text_;
};
// What torch raises as another Python exception.
class IndexError : public Error { using Error::Error; public: ~IndexError() override; };
class ValueError : public Error { using Error::Error; public: ~ValueError() override; };
class TypeError : public Error { using Error::Error; public: ~TypeError() override; };
class NotImplementedError : public Error { using Error::Error; public: ~NotImplementedError() override; };

}  // namespace c10

namespace simt {

inline void add(Text& t, const char* v) { t.add(v); }
inline void add(Text& t, bool v) { t.add((long long)v); }
inline void add(Text& t, char v) { char s[2] = {v, 0}; t.add(s); }
inline void add(Text& t, int v) { t.add((long long)v); }
inline void add(Text& t, long v) { t.add((long long)v); }
inline void add(Text& t, long long v) { t.add(v); }
inline void add(Text& t, unsigned v) { t.add((unsigned long long)v); }
inline void add(Text& t, unsigned long v) { t.add((unsigned long long)v); }
inline void add(Text& t, unsigned long long v) { t.add(v); }
inline void add(Text& t, double v) { t.add(v); }
template <class T>
auto add(Text& t, const T& v) -> decltype((void)v.c_str()) { t.add(v.c_str()); }

template <class E = c10::Error, class... A>
[[noreturn, gnu::noinline, gnu::cold]] void fail(A... parts) {
    Text text;
    (add(text, parts), ...);
    throw E(text);
}

// What a failed check calls: the check's own text counts if there is no message. The usual forms are no templates.
template <class E> struct Kind {};
[[noreturn]] void check_failed(Kind<c10::Error>, const char* text);
[[noreturn]] void check_failed(Kind<c10::Error>, const char* text, const char* message);
template <class E>
[[noreturn]] void check_failed(Kind<E>, const char* text) { fail<E>(text); }
template <class E, class... A>
[[noreturn]] void check_failed(Kind<E>, const char*, A... parts) { fail<E>(parts...); }
[[noreturn]] void cuda_failed(cudaError_t error);

}  // namespace simt

#define SIMT_CHECK(TYPE, condition, ...)                                                                   \
    do {                                                                                                   \
        if (__builtin_expect(!(condition), 0))                                                             \
            simt::check_failed(simt::Kind<TYPE>(), "Expected " #condition " to be true, but got false.",   \
                               ##__VA_ARGS__);                                                             \
    } while (0)
#define TORCH_CHECK(...) SIMT_CHECK(c10::Error, __VA_ARGS__)
#define TORCH_CHECK_INDEX(...) SIMT_CHECK(c10::IndexError, __VA_ARGS__)
#define TORCH_CHECK_VALUE(...) SIMT_CHECK(c10::ValueError, __VA_ARGS__)
#define TORCH_CHECK_TYPE(...) SIMT_CHECK(c10::TypeError, __VA_ARGS__)
#define TORCH_CHECK_NOT_IMPLEMENTED(...) SIMT_CHECK(c10::NotImplementedError, __VA_ARGS__)
#define TORCH_CHECK_EQ(a, b) TORCH_CHECK((a) == (b), "Check failed: " #a " == " #b)
#define TORCH_CHECK_NE(a, b) TORCH_CHECK((a) != (b), "Check failed: " #a " != " #b)
#define TORCH_CHECK_LT(a, b) TORCH_CHECK((a) < (b), "Check failed: " #a " < " #b)
#define TORCH_CHECK_LE(a, b) TORCH_CHECK((a) <= (b), "Check failed: " #a " <= " #b)
#define TORCH_CHECK_GT(a, b) TORCH_CHECK((a) > (b), "Check failed: " #a " > " #b)
#define TORCH_CHECK_GE(a, b) TORCH_CHECK((a) >= (b), "Check failed: " #a " >= " #b)
#define TORCH_INTERNAL_ASSERT(...) SIMT_CHECK(c10::Error, __VA_ARGS__)
#define TORCH_INTERNAL_ASSERT_DEBUG_ONLY(...) ((void)0)
#define AT_ASSERTM(...) SIMT_CHECK(c10::Error, __VA_ARGS__)
#define AT_ASSERT(...) SIMT_CHECK(c10::Error, __VA_ARGS__)
#define AT_ERROR(...) simt::check_failed(simt::Kind<c10::Error>(), "", ##__VA_ARGS__)
#define TORCH_WARN(...) ((void)0)
#define TORCH_WARN_ONCE(...) ((void)0)
#define C10_CUDA_CHECK(call)                                  \
    do {                                                      \
        const cudaError_t simt_error = (call);                \
        if (simt_error != cudaSuccess) simt::cuda_failed(simt_error); \
    } while (0)
#define AT_CUDA_CHECK(call) C10_CUDA_CHECK(call)
#define TORCH_CUDA_CHECK(call) C10_CUDA_CHECK(call)
#define C10_CUDA_KERNEL_LAUNCH_CHECK() C10_CUDA_CHECK(cudaGetLastError())
#define TORCH_CUDA_KERNEL_LAUNCH_CHECK() C10_CUDA_KERNEL_LAUNCH_CHECK()
