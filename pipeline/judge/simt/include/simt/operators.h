// What computes in torch's C++ interface, handed to torch in Python: a launcher may call it, and is found out by the
// same means as a module that calls it from Python. Names and the order of arguments are ATen's.
#pragma once
#include <optional>
#include <tuple>
#include "simt/value.h"

namespace simt {

class Operand {
public:
    Operand(const at::Tensor& tensor);
    Operand(const std::optional<at::Tensor>& tensor);
    Operand(at::TensorList list);
    Operand(c10::IntArrayRef list);
    Operand(const c10::Scalar& number);
    Operand(const std::optional<c10::Scalar>& number);
    Operand(double number);
    Operand(int64_t number);
    Operand(int number) : Operand(int64_t(number)) {}
    Operand(bool truth);

private:
    Value value_;
};

// The result of torch.ops.aten.NAME; throws c10::Error with Python's message if it raises.
at::Tensor call_torch(const char* name, std::initializer_list<Operand> operands);

}  // namespace simt

namespace at {
using OptionalTensor = std::optional<Tensor>;

#define SIMT_UNARY(NAME)                                                                       \
    inline Tensor NAME(const Tensor& x) { return simt::call_torch(#NAME, {x}); }               \
    inline Tensor Tensor::NAME() const { return simt::call_torch(#NAME, {*this}); }
#define SIMT_UNARY_IN_PLACE(NAME)                                                              \
    inline Tensor& Tensor::NAME() {                                                            \
        simt::call_torch(#NAME, {*this});                                                      \
        return *this;                                                                          \
    }
SIMT_UNARY_OPERATORS(SIMT_UNARY)
SIMT_IN_PLACE_OPERATORS(SIMT_UNARY_IN_PLACE)
#undef SIMT_UNARY
#undef SIMT_UNARY_IN_PLACE

#define SIMT_BINARY(NAME)                                                                                    \
    inline Tensor NAME(const Tensor& a, const Tensor& b) { return simt::call_torch(#NAME, {a, b}); }         \
    inline Tensor NAME(const Tensor& a, Scalar b) { return simt::call_torch(#NAME, {a, b}); }                \
    inline Tensor Tensor::NAME(const Tensor& b) const { return simt::call_torch(#NAME, {*this, b}); }        \
    inline Tensor Tensor::NAME(Scalar b) const { return simt::call_torch(#NAME, {*this, b}); }
#define SIMT_BINARY_IN_PLACE(NAME)                                                                           \
    inline Tensor& Tensor::NAME(const Tensor& b) {                                                           \
        simt::call_torch(#NAME, {*this, b});                                                                 \
        return *this;                                                                                        \
    }                                                                                                        \
    inline Tensor& Tensor::NAME(Scalar b) {                                                                  \
        simt::call_torch(#NAME, {*this, b});                                                                 \
        return *this;                                                                                        \
    }
SIMT_BINARY_OPERATORS(SIMT_BINARY)
SIMT_BINARY_IN_PLACE_OPERATORS(SIMT_BINARY_IN_PLACE)
#undef SIMT_BINARY
#undef SIMT_BINARY_IN_PLACE

#define SIMT_SYMBOL(OP, NAME)                                                                    \
    inline Tensor operator OP(const Tensor& a, const Tensor& b) { return a.NAME(b); }            \
    inline Tensor operator OP(const Tensor& a, Scalar b) { return a.NAME(b); }                   \
    inline Tensor operator OP(Scalar a, const Tensor& b) { return full({}, a, b.options()).NAME(b); }
SIMT_SYMBOL(+, add)
SIMT_SYMBOL(-, sub)
SIMT_SYMBOL(*, mul)
SIMT_SYMBOL(/, div)
SIMT_SYMBOL(<, lt)
SIMT_SYMBOL(>, gt)
SIMT_SYMBOL(<=, le)
SIMT_SYMBOL(>=, ge)
SIMT_SYMBOL(==, eq)
SIMT_SYMBOL(!=, ne)
#undef SIMT_SYMBOL
inline Tensor operator-(const Tensor& a) { return a.neg(); }
template <class T> Tensor operator+=(const Tensor& a, const T& b) { return Tensor(a).add_(b); }
template <class T> Tensor operator-=(const Tensor& a, const T& b) { return Tensor(a).sub_(b); }
template <class T> Tensor operator*=(const Tensor& a, const T& b) { return Tensor(a).mul_(b); }
template <class T> Tensor operator/=(const Tensor& a, const T& b) { return Tensor(a).div_(b); }

#define SIMT_REDUCTION(NAME)                                                                                    \
    inline Tensor Tensor::NAME() const { return simt::call_torch(#NAME, {*this}); }                             \
    inline Tensor Tensor::NAME(IntArrayRef dims, bool keep) const { return simt::call_torch(#NAME, {*this, dims, keep}); } \
    inline Tensor NAME(const Tensor& x) { return x.NAME(); }                                                    \
    inline Tensor NAME(const Tensor& x, IntArrayRef dims, bool keep = false) { return x.NAME(dims, keep); }
SIMT_REDUCTION(sum)
SIMT_REDUCTION(mean)
#undef SIMT_REDUCTION
#define SIMT_OVER_DIMS(NAME)                                                                                    \
    inline Tensor Tensor::NAME(IntArrayRef dims, bool keep) const { return simt::call_torch(#NAME, {*this, dims, keep}); } \
    inline Tensor NAME(const Tensor& x, IntArrayRef dims, bool keep = false) { return x.NAME(dims, keep); }
SIMT_OVER_DIMS(amax)
SIMT_OVER_DIMS(amin)
SIMT_OVER_DIMS(logsumexp)
#undef SIMT_OVER_DIMS
#define SIMT_OF_DIM(NAME)                                                                                       \
    inline Tensor Tensor::NAME(int64_t dim, bool keep) const { return simt::call_torch(#NAME, {*this, dim, keep}); } \
    inline Tensor NAME(const Tensor& x, int64_t dim, bool keep = false) { return x.NAME(dim, keep); }
SIMT_OF_DIM(argmax)
SIMT_OF_DIM(argmin)
#undef SIMT_OF_DIM
#define SIMT_ALONG_DIM(NAME)                                                                                    \
    inline Tensor Tensor::NAME(int64_t dim) const { return simt::call_torch(#NAME, {*this, dim}); }             \
    inline Tensor NAME(const Tensor& x, int64_t dim) { return x.NAME(dim); }
SIMT_ALONG_DIM(softmax)
SIMT_ALONG_DIM(log_softmax)
SIMT_ALONG_DIM(cumsum)
SIMT_ALONG_DIM(cumprod)
#undef SIMT_ALONG_DIM
inline Tensor Tensor::var(IntArrayRef dims, bool unbiased, bool keep) const { return simt::call_torch("var", {*this, dims, unbiased, keep}); }
inline Tensor var(const Tensor& x, IntArrayRef dims, bool unbiased = true, bool keep = false) { return x.var(dims, unbiased, keep); }
inline Tensor Tensor::repeat(IntArrayRef times) const { return simt::call_torch("repeat", {*this, times}); }
inline Tensor Tensor::index_select(int64_t dim, const Tensor& index) const { return simt::call_torch("index_select", {*this, dim, index}); }
inline Tensor index_select(const Tensor& x, int64_t dim, const Tensor& index) { return x.index_select(dim, index); }
inline Tensor Tensor::flip(IntArrayRef dims) const { return simt::call_torch("flip", {*this, dims}); }
inline Tensor flip(const Tensor& x, IntArrayRef dims) { return x.flip(dims); }
inline Tensor Tensor::clamp(const std::optional<Scalar>& low, const std::optional<Scalar>& high) const {
    return simt::call_torch("clamp", {*this, low, high});
}
inline Tensor clamp(const Tensor& x, const std::optional<Scalar>& low, const std::optional<Scalar>& high = {}) { return x.clamp(low, high); }
inline Tensor Tensor::masked_fill(const Tensor& mask, Scalar value) const { return simt::call_torch("masked_fill", {*this, mask, value}); }
inline std::tuple<Tensor, Tensor> Tensor::max(int64_t dim, bool keep) const { return {amax(dim, keep), argmax(dim, keep)}; }
inline std::tuple<Tensor, Tensor> Tensor::min(int64_t dim, bool keep) const { return {amin(dim, keep), argmin(dim, keep)}; }
inline std::tuple<Tensor, Tensor> max(const Tensor& x, int64_t dim, bool keep = false) { return x.max(dim, keep); }
inline std::tuple<Tensor, Tensor> min(const Tensor& x, int64_t dim, bool keep = false) { return x.min(dim, keep); }
inline Tensor max(const Tensor& a, const Tensor& b) { return a.maximum(b); }
inline Tensor min(const Tensor& a, const Tensor& b) { return a.minimum(b); }
inline Tensor max(const Tensor& x) { return x.max(); }
inline Tensor min(const Tensor& x) { return x.min(); }
inline Tensor Tensor::max() const { return simt::call_torch("max", {*this}); }
inline Tensor Tensor::min() const { return simt::call_torch("min", {*this}); }
inline Tensor cat(TensorList list, int64_t dim = 0) { return simt::call_torch("cat", {list, dim}); }
inline Tensor stack(TensorList list, int64_t dim = 0) { return simt::call_torch("stack", {list, dim}); }
inline Tensor where(const Tensor& c, const Tensor& a, const Tensor& b) { return simt::call_torch("where", {c, a, b}); }
inline Tensor addmm(const Tensor& c, const Tensor& a, const Tensor& b) { return simt::call_torch("addmm", {c, a, b}); }
inline Tensor linear(const Tensor& x, const Tensor& w, const OptionalTensor& b = {}) { return simt::call_torch("linear", {x, w, b}); }
inline Tensor leaky_relu(const Tensor& x, Scalar slope = 0.01) { return simt::call_torch("leaky_relu", {x, slope}); }
inline Tensor layer_norm(const Tensor& x, IntArrayRef shape, const OptionalTensor& w = {}, const OptionalTensor& b = {}, double eps = 1e-5) {
    return simt::call_torch("layer_norm", {x, shape, w, b, eps});
}
inline Tensor group_norm(const Tensor& x, int64_t groups, const OptionalTensor& w = {}, const OptionalTensor& b = {}, double eps = 1e-5) {
    return simt::call_torch("group_norm", {x, groups, w, b, eps});
}
inline Tensor batch_norm(const Tensor& x, const OptionalTensor& w, const OptionalTensor& b, const OptionalTensor& mean,
                         const OptionalTensor& var, bool training, double momentum, double eps, bool) {
    return simt::call_torch("batch_norm", {x, w, b, mean, var, training, momentum, eps, false});
}
#define SIMT_CONVOLUTION(N)                                                                                           \
    inline Tensor conv##N##d(const Tensor& x, const Tensor& w, const OptionalTensor& b = {}, IntArrayRef stride = 1,  \
                             IntArrayRef padding = 0, IntArrayRef dilation = 1, int64_t groups = 1) {                 \
        return simt::call_torch("conv" #N "d", {x, w, b, stride, padding, dilation, groups});                         \
    }                                                                                                                 \
    inline Tensor conv_transpose##N##d(const Tensor& x, const Tensor& w, const OptionalTensor& b = {},                \
                                       IntArrayRef stride = 1, IntArrayRef padding = 0, IntArrayRef output_padding = 0, \
                                       int64_t groups = 1, IntArrayRef dilation = 1) {                                \
        return simt::call_torch("conv_transpose" #N "d", {x, w, b, stride, padding, output_padding, groups, dilation}); \
    }                                                                                                                 \
    inline Tensor max_pool##N##d(const Tensor& x, IntArrayRef kernel, IntArrayRef stride = {}, IntArrayRef padding = 0, \
                                 IntArrayRef dilation = 1, bool ceil = false) {                                       \
        return simt::call_torch("max_pool" #N "d", {x, kernel, stride, padding, dilation, ceil});                     \
    }                                                                                                                 \
    inline Tensor avg_pool##N##d(const Tensor& x, IntArrayRef kernel, IntArrayRef stride = {}, IntArrayRef padding = 0, \
                                 bool ceil = false, bool include_pad = true) {                                        \
        return simt::call_torch("avg_pool" #N "d", {x, kernel, stride, padding, ceil, include_pad});                  \
    }                                                                                                                 \
    inline Tensor adaptive_avg_pool##N##d(const Tensor& x, IntArrayRef size) {                                        \
        return simt::call_torch("adaptive_avg_pool" #N "d", {x, size});                                               \
    }
SIMT_CONVOLUTION(1)
SIMT_CONVOLUTION(2)
SIMT_CONVOLUTION(3)
#undef SIMT_CONVOLUTION

}  // namespace at
