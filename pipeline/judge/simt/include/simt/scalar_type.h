// torch's dtypes and the small value types around them.
#pragma once
#include <stdint.h>
#include <initializer_list>
#include <vector>
#include "simt/error.h"
#include "simt/half.h"

namespace c10 {

enum class ScalarType : int8_t {
    Byte = 0, Char = 1, Short = 2, Int = 3, Long = 4, Half = 5, Float = 6, Double = 7,
    ComplexHalf = 8, ComplexFloat = 9, ComplexDouble = 10, Bool = 11, BFloat16 = 15, Undefined = 47
};
constexpr ScalarType kByte = ScalarType::Byte, kUInt8 = kByte, kChar = ScalarType::Char, kInt8 = kChar,
    kShort = ScalarType::Short, kInt16 = kShort, kInt = ScalarType::Int, kInt32 = kInt, kLong = ScalarType::Long,
    kInt64 = kLong, kHalf = ScalarType::Half, kFloat16 = kHalf, kFloat = ScalarType::Float, kFloat32 = kFloat,
    kDouble = ScalarType::Double, kFloat64 = kDouble, kBool = ScalarType::Bool, kBFloat16 = ScalarType::BFloat16;

template <class T> struct CppTypeToScalarType {
    static_assert(sizeof(T) < 0, "torch has no dtype for the type that data_ptr or an accessor is asked for");
    static constexpr ScalarType value = ScalarType::Undefined;
};
#define SIMT_SCALAR(T, NAME) \
    template <> struct CppTypeToScalarType<T> { static constexpr ScalarType value = ScalarType::NAME; };
SIMT_SCALAR(uint8_t, Byte)
SIMT_SCALAR(int8_t, Char)
SIMT_SCALAR(int16_t, Short)
SIMT_SCALAR(int, Int)
SIMT_SCALAR(long, Long)
SIMT_SCALAR(long long, Long)
SIMT_SCALAR(float, Float)
SIMT_SCALAR(double, Double)
SIMT_SCALAR(bool, Bool)
SIMT_SCALAR(Half, Half)
SIMT_SCALAR(BFloat16, BFloat16)
template <ScalarType> struct CppTypeOf;
#define SIMT_CPP(NAME, T) \
    template <> struct CppTypeOf<ScalarType::NAME> { using type = T; };
SIMT_CPP(Byte, uint8_t)
SIMT_CPP(Char, int8_t)
SIMT_CPP(Short, int16_t)
SIMT_CPP(Int, int)
SIMT_CPP(Long, int64_t)
SIMT_CPP(Half, Half)
SIMT_CPP(Float, float)
SIMT_CPP(Double, double)
SIMT_CPP(Bool, bool)
SIMT_CPP(BFloat16, BFloat16)
#undef SIMT_CPP
#undef SIMT_SCALAR
template <ScalarType T> using ScalarTypeToCPPType = typename CppTypeOf<T>::type;

const char* toString(ScalarType type);
size_t elementSize(ScalarType type);
inline bool isFloatingType(ScalarType t) {
    return t == kHalf || t == kFloat || t == kDouble || t == kBFloat16;
}
inline bool isIntegralType(ScalarType t, bool include_bool) {
    return static_cast<int8_t>(t) <= 4 || (include_bool && t == kBool);
}

// torch's caffe2::TypeMeta: what Tensor::dtype() returns.
struct TypeMeta {
    ScalarType type;
    ScalarType toScalarType() const { return type; }
    size_t itemsize() const { return elementSize(type); }
    const char* name() const { return toString(type); }
};
inline bool operator==(TypeMeta a, TypeMeta b) { return a.type == b.type; }
inline bool operator!=(TypeMeta a, TypeMeta b) { return a.type != b.type; }
inline bool operator==(TypeMeta a, ScalarType b) { return a.type == b; }
inline bool operator!=(TypeMeta a, ScalarType b) { return a.type != b; }
inline bool operator==(ScalarType a, TypeMeta b) { return a == b.type; }
inline bool operator!=(ScalarType a, TypeMeta b) { return a != b.type; }

// What the deprecated Tensor::type() returns; AT_DISPATCH still takes it.
struct DeprecatedTypeProperties {
    ScalarType type;
    ScalarType scalarType() const { return type; }
    bool is_cuda() const { return true; }
    operator ScalarType() const { return type; }
};

enum class DeviceType : int8_t { CPU = 0, CUDA = 1 };
constexpr DeviceType kCPU = DeviceType::CPU, kCUDA = DeviceType::CUDA;
struct Device {
    DeviceType kind = kCUDA;
    int8_t number = 0;
    Device(DeviceType kind = kCUDA, int8_t number = 0) : kind(kind), number(number) {}
    Device(const char*) {}
    DeviceType type() const { return kind; }
    int8_t index() const { return number; }
    bool is_cuda() const { return kind == kCUDA; }
    bool is_cpu() const { return kind == kCPU; }
    bool has_index() const { return true; }
};
inline bool operator==(Device a, Device b) { return a.kind == b.kind && a.number == b.number; }
inline bool operator!=(Device a, Device b) { return !(a == b); }

enum class Layout : int8_t { Strided };
constexpr Layout kStrided = Layout::Strided;
enum class MemoryFormat : int8_t { Contiguous, Preserve, ChannelsLast, ChannelsLast3d };

template <class T>
class ArrayRef {
public:
    ArrayRef() = default;
    ArrayRef(const T* data, size_t size) : data_(data), size_(size) {}
    ArrayRef(const std::initializer_list<T>& list) : data_(list.begin()), size_(list.size()) {}
    ArrayRef(const std::vector<T>& list) : data_(list.data()), size_(list.size()) {}
    ArrayRef(const T& one) : data_(&one), size_(1) {}
    template <size_t N> ArrayRef(const T (&list)[N]) : data_(list), size_(N) {}
    const T* begin() const { return data_; }
    const T* end() const { return data_ + size_; }
    const T* data() const { return data_; }
    size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    const T& operator[](size_t i) const { return data_[i]; }
    const T& at(size_t i) const { return data_[i]; }
    const T& front() const { return data_[0]; }
    const T& back() const { return data_[size_ - 1]; }
    std::vector<T> vec() const { return std::vector<T>(begin(), end()); }
    ArrayRef slice(size_t first, size_t count) const { return {data_ + first, count}; }
    ArrayRef slice(size_t first) const { return slice(first, size_ - first); }
    ArrayRef drop_front(size_t count = 1) const { return slice(count); }
    ArrayRef drop_back(size_t count = 1) const { return slice(0, size_ - count); }
    bool equals(ArrayRef other) const {
        if (size_ != other.size_) return false;
        for (size_t i = 0; i < size_; ++i)
            if (!(data_[i] == other.data_[i])) return false;
        return true;
    }

private:
    const T* data_ = nullptr;
    size_t size_ = 0;
};
template <class T> bool operator==(ArrayRef<T> a, ArrayRef<T> b) { return a.equals(b); }
template <class T> bool operator!=(ArrayRef<T> a, ArrayRef<T> b) { return !a.equals(b); }
using IntArrayRef = ArrayRef<int64_t>;

class TensorOptions {
public:
    TensorOptions() = default;
    TensorOptions(ScalarType type) : type_(type) {}
    TensorOptions(TypeMeta meta) : type_(meta.type) {}
    TensorOptions(Device) {}
    TensorOptions(DeviceType) {}
    TensorOptions dtype(ScalarType type) const {
        TensorOptions other = *this;
        other.type_ = type;
        return other;
    }
    TensorOptions dtype(TypeMeta meta) const { return dtype(meta.type); }
    TensorOptions device(Device) const { return *this; }
    TensorOptions device(DeviceType, int = 0) const { return *this; }
    TensorOptions layout(Layout) const { return *this; }
    TensorOptions requires_grad(bool) const { return *this; }
    TensorOptions memory_format(MemoryFormat format) const {
        TensorOptions other = *this;
        other.format_ = format;
        return other;
    }
    MemoryFormat format() const { return format_; }
    TypeMeta dtype() const { return {type_}; }
    Device device() const { return {}; }
    ScalarType scalar_type() const { return type_; }

private:
    ScalarType type_ = kFloat;
    MemoryFormat format_ = MemoryFormat::Preserve;  // that nobody asked for one
};

// A number of either kind, as torch passes to fill_.
class Scalar {
public:
    Scalar(double v) : d_(v), i_(static_cast<int64_t>(v)), integral_(false) {}
    Scalar(float v) : Scalar(double(v)) {}
    Scalar(long v) : d_(double(v)), i_(v), integral_(true) {}
    Scalar(long long v) : Scalar(long(v)) {}
    Scalar(int v) : Scalar(long(v)) {}
    Scalar(bool v) : Scalar(long(v)) {}
    Scalar(unsigned v) : Scalar(long(v)) {}
    Scalar(unsigned long v) : Scalar(long(v)) {}
    double toDouble() const { return d_; }
    float toFloat() const { return float(d_); }
    int64_t toLong() const { return i_; }
    int toInt() const { return int(i_); }
    bool toBool() const { return d_ != 0; }
    bool isIntegral(bool) const { return integral_; }
    bool isFloatingPoint() const { return !integral_; }
    template <class T> T to() const { return integral_ ? T(i_) : T(d_); }

private:
    double d_;
    int64_t i_;
    bool integral_;
};

}  // namespace c10

namespace simt {
inline void add(Text& t, c10::ScalarType v) { t.add(c10::toString(v)); }
inline void add(Text& t, c10::TypeMeta v) { t.add(v.name()); }
inline void add(Text& t, c10::Device v) { t.add(v.is_cuda() ? "cuda:0" : "cpu"); }
void add(Text& t, c10::IntArrayRef list);
}  // namespace simt
