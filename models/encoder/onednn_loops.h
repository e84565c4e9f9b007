// onednn_loops: our own loops (silu.h, depthwise.h, pointwise.h) over oneDNN's memories, with
// photos and parts of them distributed over LibTorch's threads. Only built with oneDNN. Private to
// models/.
#pragma once

#include <functional>

#include "models/encoder/depthwise.h"
#include "models/encoder/onednn_layers.h"
#include "models/encoder/pointwise.h"

namespace photoscribe::onednn {

/// silu of all numbers, float32 or bfloat16, including those that pad a blocked layout, which are 0
/// and stay 0.
void activate(const dnnl::memory& memory);

/// depthwise.run() of each photo, after `expand` if it is not null. Maps in bfloat16, channels
/// last; `mean` (photos,C,1,1) may be empty. All must outlive the returned function and must not
/// move.
[[nodiscard]] std::function<void()> depthwise_loop(const Depthwise& depthwise,
                                                   const Pointwise* expand,
                                                   const dnnl::memory& from, const dnnl::memory& to,
                                                   const dnnl::memory& mean);

/// scale_channels() of each photo, under the same conditions; empty if it does not support these
/// memories or this CPU.
[[nodiscard]] std::function<void()> scale_loop(const dnnl::memory& main, const dnnl::memory& gate);

/// to = pointwise.run() of `from` times `gate` (photos,C,1,1; may be empty), plus `shortcut` (may
/// be empty, or `to`). Channels last, `to` float32 or bfloat16, all else bfloat16.
[[nodiscard]] std::function<void()> pointwise_loop(const Pointwise& pointwise,
                                                   const dnnl::memory& from,
                                                   const dnnl::memory& gate,
                                                   const dnnl::memory& shortcut,
                                                   const dnnl::memory& to);

}  // namespace photoscribe::onednn
