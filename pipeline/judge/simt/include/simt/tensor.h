// The look-alike of at::Tensor: metadata, memory and views. What computes is torch's own, see operators.h; names that
// are missing here stay undeclared, and the build calls them unsupported.
#pragma once
#include <optional>
#include <tuple>
#include <vector>
#include "simt/accessor.h"
#include "simt/scalar_type.h"

namespace simt {
constexpr int kMaxDim = 12;
struct Storage;  // reference-counted memory, see runtime/tensor.cpp
struct TensorImpl {
    int64_t references;
    Storage* storage;
    char* data;
    int64_t numel;
    int64_t sizes[kMaxDim];
    int64_t strides[kMaxDim];
    int dim;
    c10::ScalarType type;
    bool requires_grad;
};
}  // namespace simt

#define SIMT_UNARY_OPERATORS(X)                                                                                     \
    X(abs) X(exp) X(log) X(log2) X(log1p) X(expm1) X(sqrt) X(rsqrt) X(reciprocal) X(sin) X(cos) X(tanh) X(sigmoid)  \
    X(relu) X(neg) X(square) X(floor) X(ceil) X(round) X(erf) X(sign) X(gelu) X(silu) X(softplus) X(mish)           \
    X(hardswish) X(hardsigmoid) X(hardtanh) X(elu) X(selu) X(all) X(any) X(prod)
#define SIMT_IN_PLACE_OPERATORS(X) X(exp_) X(log_) X(sqrt_) X(rsqrt_) X(tanh_) X(sigmoid_) X(relu_) X(neg_) X(abs_)
#define SIMT_BINARY_OPERATORS(X)                                                                                    \
    X(add) X(sub) X(mul) X(div) X(pow) X(eq) X(ne) X(lt) X(gt) X(le) X(ge) X(maximum) X(minimum) X(matmul) X(mm)    \
    X(bmm) X(mv) X(dot) X(outer) X(clamp_min) X(clamp_max)
#define SIMT_BINARY_IN_PLACE_OPERATORS(X) X(add_) X(sub_) X(mul_) X(div_) X(clamp_min_) X(clamp_max_)

namespace at {
using namespace c10;
namespace indexing { struct TensorIndex; }

class Tensor {
public:
    Tensor() noexcept : impl_(nullptr) {}
    explicit Tensor(simt::TensorImpl* owned) noexcept : impl_(owned) {}
    Tensor(const Tensor& other) noexcept;
    Tensor(Tensor&& other) noexcept : impl_(other.impl_) { other.impl_ = nullptr; }
    Tensor& operator=(const Tensor& other) & noexcept;
    Tensor& operator=(Tensor&& other) & noexcept;
    // `x[0] = y` writes into x, as in torch.
    Tensor& operator=(const Tensor& from) && { return copy_(from); }
    Tensor& operator=(Tensor&& from) && { return copy_(from); }
    Tensor& operator=(Scalar value) && { return fill_(value); }
    ~Tensor();

    bool defined() const { return impl_ != nullptr; }
    simt::TensorImpl* unsafeGetTensorImpl() const { return impl_; }
    bool is_same(const Tensor& other) const { return impl_ == other.impl_; }
    void reset();

    int64_t dim() const;
    int64_t ndimension() const { return dim(); }
    int64_t numel() const;
    int64_t size(int64_t dim) const;
    int64_t stride(int64_t dim) const;
    IntArrayRef sizes() const;
    IntArrayRef strides() const;
    ScalarType scalar_type() const;
    TypeMeta dtype() const { return {scalar_type()}; }
    DeprecatedTypeProperties type() const { return {scalar_type()}; }
    TensorOptions options() const { return TensorOptions(scalar_type()); }
    Device device() const { return {}; }
    int64_t get_device() const { return 0; }
    Layout layout() const { return kStrided; }
    int64_t element_size() const { return int64_t(elementSize(scalar_type())); }
    int64_t itemsize() const { return element_size(); }
    size_t nbytes() const { return size_t(numel() * element_size()); }
    bool is_cuda() const { return true; }
    bool is_cpu() const { return false; }
    bool is_sparse() const { return false; }
    bool requires_grad() const;
    bool is_floating_point() const { return isFloatingType(scalar_type()); }
    bool is_contiguous(MemoryFormat = MemoryFormat::Contiguous) const;
    MemoryFormat suggest_memory_format() const {
        if (is_contiguous()) return MemoryFormat::Contiguous;
        return is_contiguous(MemoryFormat::ChannelsLast)     ? MemoryFormat::ChannelsLast
               : is_contiguous(MemoryFormat::ChannelsLast3d) ? MemoryFormat::ChannelsLast3d
                                                             : MemoryFormat::Contiguous;
    }
    bool is_non_overlapping_and_dense() const { return is_contiguous(); }
    bool has_storage() const { return defined(); }

    void* data_ptr() const;
    const void* const_data_ptr() const { return data_ptr(); }
    void* mutable_data_ptr() const { return data_ptr(); }
    void* typed_data(ScalarType expected) const;
    template <class T> T* data_ptr() const { return static_cast<T*>(typed_data(CppTypeToScalarType<T>::value)); }
    template <class T> T* mutable_data_ptr() const { return data_ptr<T>(); }
    template <class T> const T* const_data_ptr() const { return data_ptr<T>(); }
    template <class T> T* data() const { return data_ptr<T>(); }

    template <class T, size_t N>
    TensorAccessor<T, N> accessor() const {
        expect_dim(N);
        return TensorAccessor<T, N>(data_ptr<T>(), sizes().data(), strides().data());
    }
    template <class T, size_t N, template <class> class P = DefaultPtrTraits>
    PackedTensorAccessor<T, N, P, int32_t> packed_accessor32() const {
        expect_dim(N);
        return PackedTensorAccessor<T, N, P, int32_t>(data_ptr<T>(), sizes().data(), strides().data());
    }
    template <class T, size_t N, template <class> class P = DefaultPtrTraits>
    PackedTensorAccessor<T, N, P, int64_t> packed_accessor64() const {
        expect_dim(N);
        return PackedTensorAccessor<T, N, P, int64_t>(data_ptr<T>(), sizes().data(), strides().data());
    }
    template <class T, size_t N, template <class> class P = DefaultPtrTraits, class I = int64_t>
    PackedTensorAccessor<T, N, P, I> packed_accessor() const {
        expect_dim(N);
        return PackedTensorAccessor<T, N, P, I>(data_ptr<T>(), sizes().data(), strides().data());
    }
    template <class T, size_t N, template <class> class P = DefaultPtrTraits, class I = int64_t>
    PackedTensorAccessor<T, N, P, I> generic_packed_accessor() const {
        return packed_accessor<T, N, P, I>();
    }

    Tensor contiguous(MemoryFormat = MemoryFormat::Contiguous) const;
    Tensor clone() const;
    Tensor clone(MemoryFormat format) const;
    Tensor detach() const { return *this; }
    Tensor alias() const { return *this; }
    const Tensor& set_requires_grad(bool) const { return *this; }
    Tensor cuda() const { return *this; }
    Tensor view(IntArrayRef sizes) const;
    Tensor reshape(IntArrayRef sizes) const;
    Tensor view_as(const Tensor& other) const { return view(other.sizes()); }
    Tensor reshape_as(const Tensor& other) const { return reshape(other.sizes()); }
    Tensor flatten(int64_t first = 0, int64_t last = -1) const;
    Tensor unsqueeze(int64_t dim) const;
    Tensor squeeze() const;
    Tensor squeeze(int64_t dim) const;
    Tensor transpose(int64_t a, int64_t b) const;
    Tensor swapaxes(int64_t a, int64_t b) const { return transpose(a, b); }
    Tensor t() const;
    Tensor permute(IntArrayRef dims) const;
    Tensor expand(IntArrayRef sizes) const;
    Tensor expand_as(const Tensor& other) const { return expand(other.sizes()); }
    Tensor select(int64_t dim, int64_t index) const;
    Tensor narrow(int64_t dim, int64_t start, int64_t length) const;
    Tensor slice(int64_t dim, int64_t start, int64_t end, int64_t step = 1) const;
    std::vector<Tensor> split(int64_t size, int64_t dim = 0) const;
    std::vector<Tensor> chunk(int64_t count, int64_t dim = 0) const;
    std::vector<Tensor> unbind(int64_t dim = 0) const;
    Tensor operator[](int64_t index) const { return select(0, index); }
    Tensor index(ArrayRef<indexing::TensorIndex> indices) const;  // views only, see indexing.h
    Tensor to(ScalarType type) const;
    Tensor to(TypeMeta meta) const { return to(meta.type); }
    Tensor to(Device) const { return *this; }
    Tensor to(Device, ScalarType type) const { return to(type); }
    Tensor to(TensorOptions options) const { return to(options.scalar_type()); }
    Tensor to(ScalarType type, bool, bool = false) const { return to(type); }
    Tensor toType(ScalarType type) const { return to(type); }
    Tensor new_empty(IntArrayRef sizes) const;
    Tensor new_empty(IntArrayRef sizes, TensorOptions options) const;
    Tensor new_zeros(IntArrayRef sizes) const;
    Tensor new_zeros(IntArrayRef sizes, TensorOptions options) const;
    Tensor new_ones(IntArrayRef sizes) const;
    Tensor new_full(IntArrayRef sizes, Scalar value) const;
    Tensor& zero_();
    Tensor& fill_(Scalar value);
    Tensor& copy_(const Tensor& from);
    Scalar item() const;
    template <class T> T item() const { return item().template to<T>(); }

#define SIMT_DECLARE(NAME) Tensor NAME() const;
#define SIMT_DECLARE_IN_PLACE(NAME) Tensor& NAME();
#define SIMT_DECLARE_BINARY(NAME) Tensor NAME(const Tensor& other) const; Tensor NAME(Scalar other) const;
#define SIMT_DECLARE_BINARY_IN_PLACE(NAME) Tensor& NAME(const Tensor& other); Tensor& NAME(Scalar other);
    SIMT_UNARY_OPERATORS(SIMT_DECLARE)
    SIMT_IN_PLACE_OPERATORS(SIMT_DECLARE_IN_PLACE)
    SIMT_BINARY_OPERATORS(SIMT_DECLARE_BINARY)
    SIMT_BINARY_IN_PLACE_OPERATORS(SIMT_DECLARE_BINARY_IN_PLACE)
#undef SIMT_DECLARE
#undef SIMT_DECLARE_IN_PLACE
#undef SIMT_DECLARE_BINARY
#undef SIMT_DECLARE_BINARY_IN_PLACE
    Tensor sum() const;
    Tensor sum(IntArrayRef dims, bool keep = false) const;
    Tensor mean() const;
    Tensor mean(IntArrayRef dims, bool keep = false) const;
    Tensor var(IntArrayRef dims, bool unbiased = true, bool keep = false) const;
    Tensor max() const;
    Tensor min() const;
    std::tuple<Tensor, Tensor> max(int64_t dim, bool keep = false) const;
    std::tuple<Tensor, Tensor> min(int64_t dim, bool keep = false) const;
    Tensor masked_fill(const Tensor& mask, Scalar value) const;
    Tensor amax(IntArrayRef dims = {}, bool keep = false) const;
    Tensor amin(IntArrayRef dims = {}, bool keep = false) const;
    Tensor logsumexp(IntArrayRef dims, bool keep = false) const;
    Tensor argmax(int64_t dim, bool keep = false) const;
    Tensor argmin(int64_t dim, bool keep = false) const;
    Tensor softmax(int64_t dim) const;
    Tensor log_softmax(int64_t dim) const;
    Tensor cumsum(int64_t dim) const;
    Tensor cumprod(int64_t dim) const;
    Tensor repeat(IntArrayRef times) const;
    Tensor index_select(int64_t dim, const Tensor& index) const;
    Tensor flip(IntArrayRef dims) const;
    Tensor clamp(const std::optional<Scalar>& low, const std::optional<Scalar>& high = {}) const;

private:
    void expect_dim(size_t n) const;
    simt::TensorImpl* impl_;
};

Tensor empty(IntArrayRef sizes, TensorOptions options = {});
Tensor zeros(IntArrayRef sizes, TensorOptions options = {});
Tensor ones(IntArrayRef sizes, TensorOptions options = {});
Tensor full(IntArrayRef sizes, Scalar value, TensorOptions options = {});
Tensor empty_strided(IntArrayRef sizes, IntArrayRef strides, TensorOptions options = {});
Tensor empty_like(const Tensor& like);
Tensor zeros_like(const Tensor& like);
Tensor ones_like(const Tensor& like);
Tensor full_like(const Tensor& like, Scalar value);
Tensor tensor(ArrayRef<Scalar> values, TensorOptions options);  // one dimension
inline Tensor tensor(Scalar value, TensorOptions options) { return full({}, value, options); }
inline Tensor scalar_tensor(Scalar value, TensorOptions options = {}) { return full({}, value, options); }
inline Tensor tensor(Scalar value) { return tensor(value, value.isIntegral(false) ? kLong : kFloat); }
Tensor empty_like(const Tensor& like, TensorOptions options);
inline Tensor empty(IntArrayRef sizes, TensorOptions options, MemoryFormat format) {
    return empty(sizes, options.memory_format(format));
}
inline Tensor zeros_like(const Tensor& like, TensorOptions options) { return zeros(like.sizes(), options); }
inline Tensor ones_like(const Tensor& like, TensorOptions options) { return ones(like.sizes(), options); }
inline Tensor empty_like(const Tensor& like, MemoryFormat format) {
    return empty_like(like, like.options().memory_format(format));
}
inline Tensor empty_like(const Tensor& like, TensorOptions options, MemoryFormat format) {
    return empty_like(like, options.memory_format(format));
}
inline Tensor Tensor::clone(MemoryFormat format) const { return empty_like(*this, format).copy_(*this); }
inline Tensor Tensor::new_empty(IntArrayRef sizes) const { return empty(sizes, options()); }
inline Tensor Tensor::new_empty(IntArrayRef sizes, TensorOptions options) const { return empty(sizes, options); }
inline Tensor Tensor::new_zeros(IntArrayRef sizes) const { return zeros(sizes, options()); }
inline Tensor Tensor::new_zeros(IntArrayRef sizes, TensorOptions options) const { return zeros(sizes, options); }
inline Tensor Tensor::new_ones(IntArrayRef sizes) const { return ones(sizes, options()); }
inline Tensor Tensor::new_full(IntArrayRef sizes, Scalar value) const { return full(sizes, value, options()); }
inline TensorOptions dtype(ScalarType type) { return TensorOptions(type); }
inline TensorOptions dtype(TypeMeta meta) { return TensorOptions(meta); }
inline TensorOptions device(Device) { return {}; }
inline TensorOptions requires_grad(bool = true) { return {}; }
inline std::vector<Tensor> Tensor::split(int64_t length, int64_t dim) const {
    if (length <= 0) simt::fail("split expects a positive split_size, got ", length);
    std::vector<Tensor> parts;
    for (int64_t start = 0, n = size(dim); start < n; start += length)
        parts.push_back(narrow(dim, start, n - start < length ? n - start : length));
    return parts;
}
inline std::vector<Tensor> Tensor::chunk(int64_t count, int64_t dim) const {
    if (count <= 0) simt::fail("chunk expects `chunks` to be greater than 0, got: ", count);
    return split((size(dim) + count - 1) / count, dim);
}
inline std::vector<Tensor> Tensor::unbind(int64_t dim) const {
    std::vector<Tensor> parts;
    for (int64_t i = 0, n = size(dim); i < n; ++i) parts.push_back(select(dim, i));
    return parts;
}
inline std::vector<Tensor> unbind(const Tensor& x, int64_t dim = 0) { return x.unbind(dim); }
inline std::vector<Tensor> split(const Tensor& x, int64_t size, int64_t dim = 0) { return x.split(size, dim); }
inline std::vector<Tensor> chunk(const Tensor& x, int64_t count, int64_t dim = 0) { return x.chunk(count, dim); }
using TensorList = ArrayRef<Tensor>;
int64_t maybe_wrap_dim(int64_t dim, int64_t count);

}  // namespace at
