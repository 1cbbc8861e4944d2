// cub's collectives of a warp and of a block: reductions and scans. They go through the storage that they are given as
// cub's own do, so that one used again without a barrier is a race here, too, and what cub leaves undefined is poison.
#pragma once
#include "simt/cooperative_groups.h"

namespace cub {

template <class Key, class Value>
struct KeyValuePair {
    Key key;
    Value value;
    KeyValuePair() = default;
    KeyValuePair(const Key& key, const Value& value) : key(key), value(value) {}
};

struct Sum { template <class T> T operator()(const T& a, const T& b) const { return a + b; } };
struct Max { template <class T> T operator()(const T& a, const T& b) const { return b > a ? b : a; } };
struct Min { template <class T> T operator()(const T& a, const T& b) const { return b < a ? b : a; } };
struct ArgMax {
    template <class Pair>
    Pair operator()(const Pair& a, const Pair& b) const {
        return b.value > a.value || (b.value == a.value && b.key < a.key) ? b : a;
    }
};
struct ArgMin {
    template <class Pair>
    Pair operator()(const Pair& a, const Pair& b) const {
        return b.value < a.value || (b.value == a.value && b.key < a.key) ? b : a;
    }
};

enum BlockReduceAlgorithm {
    BLOCK_REDUCE_RAKING_COMMUTATIVE_ONLY,
    BLOCK_REDUCE_RAKING,
    BLOCK_REDUCE_WARP_REDUCTIONS
};
enum BlockScanAlgorithm { BLOCK_SCAN_RAKING, BLOCK_SCAN_RAKING_MEMOIZE, BLOCK_SCAN_WARP_SCANS };

namespace detail {

template <class T>
T undefined() {
    T value;
    const uint16_t poison = simt::kPoison;
    for (size_t at = 0; at < sizeof(T); ++at)
        reinterpret_cast<unsigned char*>(&value)[at] = reinterpret_cast<const unsigned char*>(&poison)[at % 2];
    return value;
}

// Of the first `valid` of `Size` lanes; the first lane has the result.
template <unsigned Size, class T, class Operator>
T reduce_lanes(T value, int valid, Operator combine, int line) {
    const cooperative_groups::lanes group(Size);
    const int rank = int(group.thread_rank());
    for (unsigned offset = 1; offset < Size; offset *= 2) {
        const T other = group.shfl_down(value, offset, line);
        if (rank + int(offset) < valid) value = combine(value, other);
    }
    return value;
}

// A value of each warp of a block, and one more of the block's, in raw memory: storage may be part of a union.
template <class T, int Threads>
struct Storage {
    static constexpr int kWarps = (Threads + 31) / 32;
    alignas(T) unsigned char bytes[sizeof(T) * (kWarps + 1)];
    T& operator[](int warp) { return reinterpret_cast<T*>(bytes)[warp]; }
    T& block() { return (*this)[kWarps]; }
};

// The line is that of the constructor, which is mostly that of the call: BlockReduce(storage).Sum(value).
template <class T, int Threads>
struct Block {
    using TempStorage = Storage<T, Threads>;

protected:
    explicit Block(int line) : storage_(own()), line_(line) {}
    Block(TempStorage& storage, int line) : storage_(storage), line_(line) {}

    int rank() const {
        if (cooperative_groups::block_size() != unsigned(Threads))
            simt::simt_device_fail("assert", "cub's is for another number of threads than the block has", line_);
        return int(cooperative_groups::rank_in_block());
    }
    void sync() const { simt::simt_block_barrier(line_, ' ', 0); }
    static TempStorage& own() {
        static simt::SharedSlot slot{"storage of cub's", 0};
        return simt::shared<TempStorage>(slot);
    }
    TempStorage& storage_;
    int line_;
};

template <class T>
T (&array(T& value))[1] { return reinterpret_cast<T (&)[1]>(value); }

}  // namespace detail

template <class T, int X, BlockReduceAlgorithm = BLOCK_REDUCE_WARP_REDUCTIONS, int Y = 1, int Z = 1, int = 0>
struct BlockReduce : detail::Block<T, X * Y * Z> {
    static constexpr int kThreads = X * Y * Z;
    using typename detail::Block<T, kThreads>::TempStorage;
    explicit BlockReduce(int line = __builtin_LINE()) : detail::Block<T, kThreads>(line) {}
    explicit BlockReduce(TempStorage& storage, int line = __builtin_LINE())
        : detail::Block<T, kThreads>(storage, line) {}

    template <class Operator>
    T Reduce(T value, Operator combine, int valid = kThreads) {
        const int rank = this->rank(), warp = rank / 32;
        valid = valid < kThreads ? valid : kThreads;
        value = detail::reduce_lanes<32>(value, valid - warp * 32, combine, this->line_);
        if (rank % 32 == 0) this->storage_[warp] = value;
        this->sync();
        if (rank) return detail::undefined<T>();
        for (int other = 1; other * 32 < valid; ++other) value = combine(value, this->storage_[other]);
        return value;
    }
    template <int Items, class Operator>
    T Reduce(T (&items)[Items], Operator combine) {
        T value = items[0];
        for (int i = 1; i < Items; ++i) value = combine(value, items[i]);
        return Reduce(value, combine);
    }
    T Sum(T value, int valid = kThreads) { return Reduce(value, cub::Sum(), valid); }
    template <int Items>
    T Sum(T (&items)[Items]) { return Reduce(items, cub::Sum()); }
};

// Each takes one value or several of a thread. `more`: where the block's total goes, or what is called with it and
// returns what comes before the block.
template <class T, int X, BlockScanAlgorithm = BLOCK_SCAN_RAKING, int Y = 1, int Z = 1, int = 0>
struct BlockScan : detail::Block<T, X * Y * Z> {
    static constexpr int kThreads = X * Y * Z;
    using typename detail::Block<T, kThreads>::TempStorage;
    explicit BlockScan(int line = __builtin_LINE()) : detail::Block<T, kThreads>(line) {}
    explicit BlockScan(TempStorage& storage, int line = __builtin_LINE())
        : detail::Block<T, kThreads>(storage, line) {}

    template <class... More>
    void InclusiveSum(T value, T& out, More&... more) { InclusiveScan(value, out, Sum(), more...); }
    template <int Items, class... More>
    void InclusiveSum(T (&values)[Items], T (&out)[Items], More&... more) {
        InclusiveScan(values, out, Sum(), more...);
    }
    template <class... More>
    void ExclusiveSum(T value, T& out, More&... more) { ExclusiveScan(value, out, T(), Sum(), more...); }
    template <int Items, class... More>
    void ExclusiveSum(T (&values)[Items], T (&out)[Items], More&... more) {
        ExclusiveScan(values, out, T(), Sum(), more...);
    }
    template <class Operator, class... More>
    void InclusiveScan(T value, T& out, Operator combine, More&... more) {
        scan<true>(detail::array(value), detail::array(out), nullptr, combine, more...);
    }
    template <int Items, class Operator, class... More>
    void InclusiveScan(T (&values)[Items], T (&out)[Items], Operator combine, More&... more) {
        scan<true>(values, out, nullptr, combine, more...);
    }
    template <class Operator, class... More>
    void ExclusiveScan(T value, T& out, T initial, Operator combine, More&... more) {
        scan<false>(detail::array(value), detail::array(out), &initial, combine, more...);
    }
    template <int Items, class Operator, class... More>
    void ExclusiveScan(T (&values)[Items], T (&out)[Items], T initial, Operator combine, More&... more) {
        scan<false>(values, out, &initial, combine, more...);
    }

private:
    template <bool Inclusive, int Items, class Operator, class... More>
    void scan(T (&values)[Items], T (&out)[Items], const T* initial, Operator combine, More&... more) {
        const int rank = this->rank(), warp = rank / 32;
        T own = values[0];
        for (int i = 1; i < Items; ++i) own = combine(own, values[i]);
        const cooperative_groups::lanes lanes(32);
        const T upto = cooperative_groups::inclusive_scan(lanes, own, combine, this->line_);
        T before = lanes.shfl_up(upto, 1, this->line_);
        if (rank % 32 == 31 || rank == kThreads - 1) this->storage_[warp] = upto;
        this->sync();
        T total = this->storage_[0];
        for (int other = 1; other < detail::Storage<T, kThreads>::kWarps; ++other) {
            if (other == warp) before = rank % 32 ? combine(total, before) : total;
            total = combine(total, this->storage_[other]);
        }
        bool is_first = rank == 0;
        if (initial) before = is_first ? *initial : combine(*initial, before);
        is_first &= !initial;
        (tell(more, total, before, is_first, rank, combine), ...);
        for (int i = 0; i < Items; ++i) {
            const T next = is_first ? values[i] : combine(before, values[i]);
            out[i] = Inclusive ? next : before;
            before = next;
            is_first = false;
        }
    }
    template <class More, class Operator>
    void tell(More& more, T total, T& before, bool& is_first, int rank, Operator combine) {
        if constexpr (std::is_same_v<More, T>) {
            more = total;
        } else {
            if (rank < 32) {
                const T given = more(total);
                if (rank == 0) this->storage_.block() = given;
            }
            this->sync();
            before = rank ? combine(this->storage_.block(), before) : this->storage_.block();
            is_first = false;
        }
    }
};

template <class T, int Size = 32, int = 0>
struct WarpReduce {
    static_assert((Size & (Size - 1)) == 0 && Size <= 32, "cub:: warps of another size than a power of two");
    struct TempStorage {};
    explicit WarpReduce(TempStorage&, int line = __builtin_LINE()) : line_(line) {}
    template <class Operator>
    T Reduce(T value, Operator combine, int valid = Size) {
        value = detail::reduce_lanes<Size>(value, valid < Size ? valid : Size, combine, line_);
        return simt::simt_lane() % Size ? detail::undefined<T>() : value;
    }
    T Sum(T value, int valid = Size) { return Reduce(value, cub::Sum(), valid); }

private:
    int line_;
};

template <class T, int Size = 32, int = 0>
struct WarpScan {
    static_assert((Size & (Size - 1)) == 0 && Size <= 32, "cub:: warps of another size than a power of two");
    struct TempStorage {};
    explicit WarpScan(TempStorage&, int line = __builtin_LINE()) : line_(line) {}
    template <class Operator>
    void InclusiveScan(T value, T& out, Operator combine) {
        out = cooperative_groups::inclusive_scan(cooperative_groups::lanes(Size), value, combine, line_);
    }
    template <class Operator>
    void InclusiveScan(T value, T& out, Operator combine, T& total) {
        InclusiveScan(value, out, combine);
        total = cooperative_groups::lanes(Size).shfl(out, Size - 1, line_);
    }
    template <class Operator, class... Total>
    void ExclusiveScan(T value, T& out, T initial, Operator combine, Total&... total) {
        T upto;
        InclusiveScan(value, upto, combine, total...);
        const T before = cooperative_groups::lanes(Size).shfl_up(upto, 1, line_);
        out = simt::simt_lane() % Size ? combine(initial, before) : initial;
    }
    template <class... Total>
    void InclusiveSum(T value, T& out, Total&... total) { InclusiveScan(value, out, Sum(), total...); }
    template <class... Total>
    void ExclusiveSum(T value, T& out, Total&... total) { ExclusiveScan(value, out, T(), Sum(), total...); }

private:
    int line_;
};

}  // namespace cub
