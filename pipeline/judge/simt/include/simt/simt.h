// Everything a candidate may assume is included. Precompiled; see build.py for what is deliberately left out.
#pragma once
#include <bits/c++config.h>
// C++17's special functions (std::riemann_zeta ...) cost every translation unit 40 ms that includes <math.h>.
#undef _GLIBCXX_USE_STD_SPEC_FUNCS
#define _GLIBCXX_USE_STD_SPEC_FUNCS 0
#include <cfloat>
#include <climits>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>
#ifdef SIMT_FULL
#include <bitset>
#include <chrono>
#include <complex>
#include <deque>
#include <functional>
#include <iomanip>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <queue>
#include <random>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#endif
#include "simt/math.h"
#include "simt/device.h"
#include "simt/async.h"
#include "simt/aten.h"
#include "simt/export.h"
#ifdef SIMT_FULL
#include "simt/cooperative_groups.h"
#include "simt/cub.h"
#include "simt/simd.h"
#include "simt/strings.h"
#endif
#ifdef SIMT_CUDA_16_BITS
#include "simt/wmma.h"
#endif
