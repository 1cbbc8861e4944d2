// The registry of exported functions and the call from Python, where C++ exceptions end.
#include <string.h>
#include <stdio.h>
#include <stdlib.h>
#include <new>
#include <vector>
#include "simt/export.h"
#include "state.h"
#include "storage.h"

namespace simt {

struct Buffer {
    int references;
    size_t size, capacity;
    char* text;
};

Text::Text() : buffer_(new Buffer{1, 0, 0, nullptr}) {}
Text::Text(const Text& other) noexcept : buffer_(other.buffer_) { ++buffer_->references; }
Text::~Text() {
    if (--buffer_->references) return;
    free(buffer_->text);
    delete buffer_;
}
Text& Text::add(const char* text) {
    const size_t more = strlen(text ? text : "");
    if (buffer_->size + more + 1 > buffer_->capacity) {
        buffer_->capacity = 2 * (buffer_->size + more + 1);
        buffer_->text = static_cast<char*>(realloc(buffer_->text, buffer_->capacity));
    }
    memcpy(buffer_->text + buffer_->size, text ? text : "", more + 1);
    buffer_->size += more;
    return *this;
}
Text& Text::add(long long number) {
    char text[32];
    snprintf(text, sizeof text, "%lld", number);
    return add(text);
}
Text& Text::add(unsigned long long number) {
    char text[32];
    snprintf(text, sizeof text, "%llu", number);
    return add(text);
}
Text& Text::add(double number) {
    char text[32];
    snprintf(text, sizeof text, "%g", number);
    return add(text);
}
void add(Text& t, c10::IntArrayRef list) {
    t.add("[");
    for (size_t i = 0; i < list.size(); ++i) t.add(i ? ", " : "").add(static_cast<long long>(list[i]));
    t.add("]");
}
const char* Text::c_str() const noexcept { return buffer_->text ? buffer_->text : ""; }

void check_failed(Kind<c10::Error>, const char* text) { fail(text); }
void check_failed(Kind<c10::Error>, const char*, const char* message) { fail(message); }
void cuda_failed(cudaError_t error) { fail("CUDA error: ", cudaGetErrorString(error)); }

void set_string(Value& out, const char* text) {
    out.tag = Tag::String;
    out.s = strdup(text);
}

extern "C" Value* simt_new_values(int64_t count) {
    return static_cast<Value*>(calloc(static_cast<size_t>(count ? count : 1), sizeof(Value)));
}

struct Function {
    const char* name;
    void* address;
    void (*call)(void*, const Value*, Value*);
    const char* const* codes;
    int count;
    std::vector<Argument> arguments;
};
using Registry = std::vector<Function>;

void Module::add(const char* name, void* function, void (*call)(void*, const Value*, Value*), const char* const* codes,
                 int count, const Argument* arguments, int argument_count) {
    static_cast<Registry*>(registry)->push_back(
        {name, function, call, codes, count, std::vector<Argument>(arguments, arguments + argument_count)});
}

extern "C" {

enum Status { kDone, kRuntimeError, kIndexError, kValueError, kTypeError, kNotImplementedError, kFault };

Registry* simt_load(void (*define)(Module&)) {
    auto* registry = new Registry;
    Module module{registry};
    define(module);
    return registry;
}

int simt_function_count(const Registry* registry) { return static_cast<int>(registry->size()); }
const Function* simt_function(const Registry* registry, int i) { return &(*registry)[static_cast<size_t>(i)]; }
const char* simt_function_name(const Function* f) { return f->name; }
int simt_parameter_count(const Function* f) { return f->count; }
const char* simt_parameter_code(const Function* f, int i) { return f->codes[i]; }
const Argument* simt_parameter(const Function* f, int i) {
    return static_cast<size_t>(i) < f->arguments.size() ? &f->arguments[static_cast<size_t>(i)] : nullptr;
}

static thread_local char message[4096];
const char* simt_message() { return message; }

static int failed(const char* what, int status) {
    snprintf(message, sizeof message, "%s", what);
    return status;
}

bool simt_take_pending();

// Of host code, which may not touch device memory: what that takes is most of the cost of a small call.
static bool watching = true;
void simt_set_watching(bool on) { watching = on; }

int simt_call(const Function* f, const Value* arguments, Value* result) {
    install_signal_handler();
    int status = kDone;
    const bool watched = watching;
    if (watched) device_close();
    try {
        f->call(f->address, arguments, result);
    } catch (const c10::IndexError& error) {
        status = failed(error.what(), kIndexError);
    } catch (const c10::ValueError& error) {
        status = failed(error.what(), kValueError);
    } catch (const c10::TypeError& error) {
        status = failed(error.what(), kTypeError);
    } catch (const c10::NotImplementedError& error) {
        status = failed(error.what(), kNotImplementedError);
    } catch (const std::exception& error) {
        status = failed(error.what(), kRuntimeError);
    } catch (...) {
        status = failed("unknown C++ exception", kRuntimeError);
    }
    if (watched) device_open();
    return simt_take_pending() ? kFault : status;
}

// Frees what a result holds, except the tensors, which the caller has taken over.
void simt_free_result(Value* value) {
    if (value->tag == Tag::String) free(const_cast<char*>(value->s));
    if (value->tag != Tag::List && value->tag != Tag::Tuple) return;
    for (int64_t i = 0; i < value->count; ++i) simt_free_result(&value->items[i]);
    free(value->items);
}

}  // extern "C"
}  // namespace simt

namespace c10 {
Error::~Error() = default;
const char* Error::what() const noexcept { return text_.c_str(); }
IndexError::~IndexError() = default;
ValueError::~ValueError() = default;
TypeError::~TypeError() = default;
NotImplementedError::~NotImplementedError() = default;
}  // namespace c10
