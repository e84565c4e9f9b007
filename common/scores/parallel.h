// parallel: one loop on several threads. Private to common/scores.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

namespace photoscribe {

/// Calls `work(begin, end)` for blocks of [0, size), each block once, on up to `threads` threads.
/// What is done to a block must not depend on the thread. `work` must not throw.
template <class Work>
void parallel_blocks(std::size_t size, std::size_t block, int threads, Work work) {
  std::atomic<std::size_t> next{0};
  const auto run = [&] {
    for (std::size_t begin = next.fetch_add(block); begin < size; begin = next.fetch_add(block))
      work(begin, std::min(size, begin + block));
  };
  const std::size_t blocks = (size + block - 1) / block;
  std::vector<std::jthread> helpers;
  for (std::size_t i = 1; i < std::min<std::size_t>(blocks, static_cast<std::size_t>(threads)); ++i)
    helpers.emplace_back(run);
  run();
}

}  // namespace photoscribe
