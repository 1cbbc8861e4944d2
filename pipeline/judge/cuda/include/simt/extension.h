// What torch/extension.h and the headers that it brings are here: declarations over a prebuilt library, so that nvcc
// has a few thousand lines to read instead of half a million. What is missing is undeclared, and the build falls back
// to torch's own. SIMT_FULL: the source uses more of the standard library, which costs nvcc 0.7 s.
#pragma once
#include <algorithm>
#include <array>
#include <cfloat>
#include <climits>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
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
#include <cuda_runtime.h>
#include "simt/export.h"
#ifdef SIMT_FULL
#include "simt/strings.h"
#endif
