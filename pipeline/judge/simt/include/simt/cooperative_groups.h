// Cooperative groups: the grid, the block, tiles of at most a warp, and the lanes that are at one place together.
#pragma once
#include <type_traits>
#include "simt/async.h"

namespace cooperative_groups {

inline unsigned rank_in_block() {
    return (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
}
inline unsigned block_size() { return blockDim.x * blockDim.y * blockDim.z; }

struct thread_block {
    static void sync(int line = __builtin_LINE()) { simt::simt_block_barrier(line, ' ', 0); }
    static unsigned thread_rank() { return rank_in_block(); }
    static unsigned size() { return block_size(); }
    static unsigned num_threads() { return block_size(); }
    static dim3 group_index() { return blockIdx; }
    static dim3 thread_index() { return threadIdx; }
    static dim3 group_dim() { return blockDim; }
    static dim3 dim_threads() { return blockDim; }
    // Whoever arrives may go on until it waits. A thread that waits at once shows nothing less.
    struct arrival_token { int line; };
    static arrival_token barrier_arrive(int line = __builtin_LINE()) { return {line}; }
    static void barrier_wait(arrival_token&& token) { sync(token.line); }
};
inline thread_block this_thread_block() { return {}; }

struct grid_group {
    static void sync(int line = __builtin_LINE()) { simt::simt_grid_barrier(line); }
    static unsigned long long block_rank() { return (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x; }
    static unsigned long long num_blocks() { return (unsigned long long)gridDim.x * gridDim.y * gridDim.z; }
    static unsigned long long thread_rank() { return block_rank() * block_size() + rank_in_block(); }
    static unsigned long long size() { return num_blocks() * block_size(); }
    static unsigned long long num_threads() { return size(); }
    static dim3 block_index() { return blockIdx; }
    static dim3 group_dim() { return gridDim; }
    static dim3 dim_blocks() { return gridDim; }
    static bool is_valid() { return simt::simt_launched_together(); }
};
inline grid_group this_grid() { return {}; }

// Some lanes of one warp, by rank. Their operations are the same for consecutive lanes and for others.
struct lane_group {
    void sync(int line = __builtin_LINE()) const { simt::sync_warp(line, mask_); }
    unsigned size() const { return unsigned(__builtin_popcount(mask_)); }
    unsigned num_threads() const { return size(); }
    unsigned thread_rank() const { return unsigned(__builtin_popcount(mask_ & ((1u << simt::simt_lane()) - 1))); }
    template <class T>
    T shfl(T value, int rank, int line = __builtin_LINE()) const { return from_rank(line, value, unsigned(rank) % size()); }
    template <class T>
    T shfl_up(T value, unsigned delta, int line = __builtin_LINE()) const {
        return from_rank(line, value, thread_rank() < delta ? thread_rank() : thread_rank() - delta);
    }
    template <class T>
    T shfl_down(T value, unsigned delta, int line = __builtin_LINE()) const {
        return from_rank(line, value, thread_rank() + delta < size() ? thread_rank() + delta : thread_rank());
    }
    unsigned ballot(int predicate, int line = __builtin_LINE()) const {
        return by_rank(simt::ballot(line, mask_, predicate != 0));
    }
    int any(int predicate, int line = __builtin_LINE()) const { return ballot(predicate, line) != 0; }
    int all(int predicate, int line = __builtin_LINE()) const { return ballot(predicate == 0, line) == 0; }
    template <class T>
    unsigned match_any(T value, int line = __builtin_LINE()) const { return by_rank(lanes_where_equal(value, line)); }
    template <class T>
    unsigned lanes_where_equal(T value, int line) const { return simt::match(line, mask_, value); }

protected:
    explicit lane_group(unsigned mask) : mask_(mask) {}
    unsigned by_rank(unsigned lanes) const {
        unsigned ranks = 0, rank = 0;
        for (unsigned rest = mask_; rest; rest &= rest - 1) ranks |= (lanes >> __builtin_ctz(rest) & 1) << rank++;
        return ranks;
    }
    // In pieces of 8 bytes: a group takes any type that can be copied.
    template <class T>
    T from_rank(int line, T value, unsigned rank) const {
        static_assert(std::is_trivially_copyable_v<T>, "a group exchanges trivially copyable values");
        unsigned rest = mask_;
        while (rank--) rest &= rest - 1;
        char* bytes = reinterpret_cast<char*>(&value);
        for (size_t at = 0; at < sizeof(T); at += 8) {
            const size_t count = sizeof(T) - at < 8 ? sizeof(T) - at : 8;
            uint64_t piece = 0;
            memcpy(&piece, bytes + at, count);
            piece = simt::simt_warp(simt::WarpOp::Shuffle, line, mask_, piece, __builtin_ctz(rest));
            memcpy(bytes + at, &piece, count);
        }
        return value;
    }
    unsigned mask_;
};

// The lanes that are at this call together.
struct coalesced_group : lane_group {
    explicit coalesced_group(unsigned mask) : lane_group(mask) {}
    static unsigned meta_group_rank() { return 0; }
    static unsigned meta_group_size() { return 1; }
};
inline coalesced_group coalesced_threads(int line = __builtin_LINE()) {
    return coalesced_group(simt::simt_active_mask(line));
}

// The lanes of a group that have one label in common.
template <class Group, class Label>
coalesced_group labeled_partition(const Group& group, Label label, int line = __builtin_LINE()) {
    return coalesced_group(group.lanes_where_equal(label, line));
}
template <class Group>
coalesced_group binary_partition(const Group& group, bool side, int line = __builtin_LINE()) {
    return labeled_partition(group, side, line);
}
template <class Group, class F, class... A>
void invoke_one(const Group& group, F&& function, A&&... arguments) {
    if (group.thread_rank() == 0) function(static_cast<A&&>(arguments)...);
}

// `size` consecutive lanes of one warp, a power of two.
struct lanes : lane_group {
    explicit lanes(unsigned size)
        : lane_group((size >= 32 ? 0xffffffffu : (1u << size) - 1) << (simt::simt_lane() & ~(size - 1) & 31)),
          size_(size) {}
    unsigned size() const { return size_; }
    unsigned num_threads() const { return size_; }
    unsigned thread_rank() const { return simt::simt_lane() & (size_ - 1); }
    unsigned meta_group_rank() const { return rank_in_block() / size_; }
    unsigned meta_group_size() const { return (block_size() + size_ - 1) / size_; }
    template <class T>
    T shfl_xor(T value, unsigned lane_mask, int line = __builtin_LINE()) const {
        const unsigned rank = thread_rank() ^ lane_mask;
        return from_rank(line, value, rank < size_ ? rank : thread_rank());
    }

protected:
    explicit lanes(const lane_group& group) : lane_group(group), size_(group.size()) {}
    unsigned size_;
};

template <unsigned Size, class Parent = void>
struct thread_block_tile : lanes {
    static_assert(Size <= 32 && (Size & (Size - 1)) == 0, "tiles of more than a warp");
    thread_block_tile() : lanes(Size) {}
    template <class Other> thread_block_tile(const thread_block_tile<Size, Other>&) : lanes(Size) {}
    static constexpr unsigned size() { return Size; }
    static constexpr unsigned num_threads() { return Size; }
};
// Any of them but the grid, for functions that take any group.
struct thread_group : lanes {
    thread_group(thread_block) : lanes(block_size()), is_block_(true) {}
    thread_group(const lanes& tile) : lanes(tile), is_block_(false) {}
    thread_group(const coalesced_group& group) : lanes(static_cast<const lane_group&>(group)), is_block_(false) {}
    void sync(int line = __builtin_LINE()) const { is_block_ ? thread_block::sync(line) : lanes::sync(line); }
    unsigned thread_rank() const { return is_block_ ? rank_in_block() : lane_group::thread_rank(); }

private:
    bool is_block_;
};

template <unsigned Size, class Parent>
thread_block_tile<Size, Parent> tiled_partition(const Parent&) { return {}; }
template <class Parent>
thread_group tiled_partition(const Parent&, unsigned size) { return lanes(size); }
template <class Group>
void sync(const Group& group, int line = __builtin_LINE()) { group.sync(line); }

// The group's threads share a copy; each waits for its own part and then for the group.
template <size_t Alignment> struct aligned_size_t {
    size_t bytes;
    constexpr explicit aligned_size_t(size_t bytes) : bytes(bytes) {}
    constexpr operator size_t() const { return bytes; }
};
template <class Group>
void memcpy_async(const Group& group, void* to, const void* from, size_t bytes) {
    const size_t piece = 16;
    for (size_t at = group.thread_rank() * piece; at < bytes; at += group.size() * piece) {
        const size_t count = bytes - at < piece ? bytes - at : piece;
        simt::simt_async_copy({static_cast<char*>(to) + at, static_cast<const char*>(from) + at, count, 0});
    }
    simt::simt_async_commit();
}
template <class Group, class To, class From>
void memcpy_async(const Group& group, To* to, size_t to_count, const From* from, size_t from_count) {
    memcpy_async(group, to, from, sizeof(To) * (to_count < from_count ? to_count : from_count));
}
template <class Group>
void wait(const Group& group, int line = __builtin_LINE()) {
    simt::async_wait(0);
    group.sync(line);
}
template <unsigned Prior, class Group>
void wait_prior(const Group& group, int line = __builtin_LINE()) {
    simt::async_wait(Prior);
    group.sync(line);
}

#define SIMT_GROUP_OPERATOR(NAME, RESULT)                              \
    template <class T = void> struct NAME {                            \
        T operator()(T a, T b) const { return RESULT; }                \
    };                                                                 \
    template <> struct NAME<void> {                                    \
        template <class T> T operator()(T a, T b) const { return RESULT; } \
    };
SIMT_GROUP_OPERATOR(plus, a + b)
SIMT_GROUP_OPERATOR(less, b < a ? b : a)
SIMT_GROUP_OPERATOR(greater, a < b ? b : a)
SIMT_GROUP_OPERATOR(bit_and, a & b)
SIMT_GROUP_OPERATOR(bit_or, a | b)
SIMT_GROUP_OPERATOR(bit_xor, a ^ b)
#undef SIMT_GROUP_OPERATOR

template <class T, class Operator>
T reduce(const coalesced_group& group, T value, Operator combine, int line = __builtin_LINE()) {
    T total = group.shfl(value, 0, line);
    for (unsigned rank = 1; rank < group.size(); ++rank) total = combine(total, group.shfl(value, int(rank), line));
    return total;
}
template <class Group, class T, class Operator>
T reduce(const Group& group, T value, Operator combine, int line = __builtin_LINE()) {
    for (unsigned offset = group.size() / 2; offset; offset /= 2)
        value = combine(value, group.shfl_xor(value, offset, line));
    return value;
}
template <class Group, class T, class Operator>
T inclusive_scan(const Group& group, T value, Operator combine, int line = __builtin_LINE()) {
    for (unsigned offset = 1; offset < group.size(); offset *= 2) {
        const T before = group.shfl_up(value, offset, line);
        if (group.thread_rank() >= offset) value = combine(before, value);
    }
    return value;
}
template <class Group, class T>
T inclusive_scan(const Group& group, T value, int line = __builtin_LINE()) {
    return inclusive_scan(group, value, plus<T>(), line);
}
template <class Group, class T, class Operator>
T exclusive_scan(const Group& group, T value, Operator combine, int line = __builtin_LINE()) {
    const T before = group.shfl_up(inclusive_scan(group, value, combine, line), 1, line);
    return group.thread_rank() ? before : T();
}
template <class Group, class T>
T exclusive_scan(const Group& group, T value, int line = __builtin_LINE()) {
    return exclusive_scan(group, value, plus<T>(), line);
}

}  // namespace cooperative_groups
