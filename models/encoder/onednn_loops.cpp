#ifdef PHOTOSCRIBE_ONEDNN
#include "models/encoder/onednn_loops.h"

#include <ATen/Parallel.h>

#include <algorithm>

#include "models/encoder/silu.h"
#include "models/encoder/vectors512.h"

namespace photoscribe::onednn {
namespace {

constexpr std::int64_t kRowsBytes = 96 << 10, kTile = 24;  // kTile: rows of several tiles

std::uint16_t* bits(const dnnl::memory& memory) {
  return memory ? static_cast<std::uint16_t*>(memory.get_data_handle()) : nullptr;
}

bool has_channels_last(const dnnl::memory& memory) {
  const Desc desc = memory.get_desc();
  return desc == Desc(dims_of(desc), Type::bf16, Tag::nhwc);
}

template <class Loop>
void each_photo(std::int64_t photos, const Loop& loop) {
  at::parallel_for(0, photos, 1, [&loop](std::int64_t first, std::int64_t last) {
    for (std::int64_t photo = first; photo < last; ++photo) loop(photo);
  });
}

}  // namespace

void activate(const dnnl::memory& memory) {
  const auto width = static_cast<std::int64_t>(dnnl::memory::data_type_size(type_of(memory)));
  const std::int64_t count = static_cast<std::int64_t>(memory.get_desc().get_size()) / width;
  // Cut where vectors end, so that a number's last bit does not depend on the number of threads.
  constexpr std::int64_t kVector = 32, kGrain = (1 << 15) / kVector;  // kGrain: worth a thread
  at::parallel_for(0, (count + kVector - 1) / kVector, kGrain, [&](auto first, auto last) {
    const std::int64_t from = first * kVector, to = std::min(last * kVector, count);
    if (type_of(memory) == kF32) {
      silu_in_place(static_cast<float*>(memory.get_data_handle()) + from, to - from);
    } else {
      silu_in_place(bits(memory) + from, to - from);
    }
  });
}

std::function<void()> depthwise_loop(const Depthwise& depthwise, const Pointwise* expand,
                                     const dnnl::memory& from, const dnnl::memory& to,
                                     const dnnl::memory& mean) {
  const dnnl::memory::dims in = dims_of(from.get_desc()), out = dims_of(to.get_desc());
  return
      [&depthwise, expand, photos = in[0], channels = out[1], in_size = in[1] * in[2] * in[3],
       out_size = out[1] * out[2] * out[3], from = bits(from), to = bits(to), mean = bits(mean)] {
        each_photo(photos, [&](std::int64_t photo) {
          const std::uint16_t* const map = from + photo * in_size;
          std::uint16_t* const result = to + photo * out_size;
          std::uint16_t* const means = mean == nullptr ? nullptr : mean + photo * channels;
          if (expand != nullptr) {
            depthwise.run(*expand, map, result, means);
          } else {
            depthwise.run(map, result, means);
          }
        });
      };
}

std::function<void()> scale_loop(const dnnl::memory& main, const dnnl::memory& gate) {
  if (!has_vectors512() || !has_channels_last(main) || !has_channels_last(gate)) return {};
  const dnnl::memory::dims size = dims_of(main.get_desc());
  return [photos = size[0], channels = size[1], positions = size[2] * size[3], main = bits(main),
          gate = bits(gate)] {
    each_photo(photos, [&](std::int64_t photo) {
      scale_channels(main + photo * positions * channels, gate + photo * channels, positions,
                     channels);
    });
  };
}

std::function<void()> pointwise_loop(const Pointwise& pointwise, const dnnl::memory& from,
                                     const dnnl::memory& gate, const dnnl::memory& shortcut,
                                     const dnnl::memory& to) {
  const dnnl::memory::dims size = dims_of(from.get_desc());
  const std::int64_t positions = size[2] * size[3], rows = size[0] * positions;
  // What is read again for every tile of columns stays in the cache.
  const std::int64_t chunk = std::min(rows, std::max(kRowsBytes / pointwise.in(), kTile));
  return [&pointwise, rows, positions, chunk, gate = bits(gate), shortcut = bits(shortcut),
          main = bits(from), to] {
    void* const results = to.get_data_handle();  // of the last layer, another at every call
    const bool is_float = type_of(to) == kF32;
    at::parallel_for(0, (rows + chunk - 1) / chunk, 1, [&](std::int64_t begin, std::int64_t end) {
      thread_local QuantisedRows quantised;
      const std::int64_t in = pointwise.in(), out = pointwise.out();
      for (std::int64_t first = begin * chunk; first < std::min(end * chunk, rows);
           first += chunk) {
        const std::int64_t count = std::min(chunk, rows - first);
        quantised.reserve(count, in);
        for (std::int64_t i = 0; i < count; ++i)
          quantised.set(i, main + (first + i) * in,
                        gate == nullptr ? nullptr : gate + (first + i) / positions * in);
        if (is_float) {
          pointwise.run(quantised, count, static_cast<float*>(results) + first * out);
        } else {
          pointwise.run(quantised, count, shortcut == nullptr ? nullptr : shortcut + first * out,
                        static_cast<std::uint16_t*>(results) + first * out);
        }
      }
    });
  };
}

}  // namespace photoscribe::onednn
#endif
