// Asynchronous copies to shared memory: done when the thread that asked for them waits for them, not before, so that a
// missing wait is as wrong as on a GPU. <cuda_pipeline.h> is here, the group's forms are in cooperative_groups.h.
#pragma once
#include "simt/device.h"

namespace simt {

// Copies now what may not be pending any longer when at most `prior` batches may be.
inline void async_wait(unsigned prior) {
    AsyncCopy copy;
    while (simt_async_next(prior, &copy)) {
        if (((uintptr_t(copy.to) | uintptr_t(copy.from) | copy.bytes | copy.zeros) & 3) == 0) {
            unsigned* to = static_cast<unsigned*>(copy.to);
            const unsigned* from = static_cast<const unsigned*>(copy.from);
            for (size_t i = 0; i < copy.bytes / 4; ++i) *to++ = *from++;
            for (size_t i = 0; i < copy.zeros / 4; ++i) *to++ = 0;
        } else {
            char* to = static_cast<char*>(copy.to);
            const char* from = static_cast<const char*>(copy.from);
            for (size_t i = 0; i < copy.bytes; ++i) *to++ = *from++;
            for (size_t i = 0; i < copy.zeros; ++i) *to++ = 0;
        }
    }
}

}  // namespace simt

inline void __pipeline_memcpy_async(void* to, const void* from, size_t bytes, size_t zeros = 0, int line = __builtin_LINE()) {
    if ((bytes != 4 && bytes != 8 && bytes != 16) || zeros > bytes)
        simt::simt_device_fail("assert", "__pipeline_memcpy_async copies 4, 8 or 16 bytes", line);
    if (((uintptr_t(to) | uintptr_t(from)) & (bytes - 1)) != 0)
        simt::simt_device_fail("misaligned", "__pipeline_memcpy_async at an address that is no multiple of its size", line);
    if (!simt::simt_is_shared(to))
        simt::simt_device_fail("out_of_bounds", "__pipeline_memcpy_async to memory that is not shared", line);
    simt::simt_async_copy({to, from, bytes - zeros, zeros});
}
inline void __pipeline_commit() { simt::simt_async_commit(); }
inline void __pipeline_wait_prior(unsigned prior) { simt::async_wait(prior); }
