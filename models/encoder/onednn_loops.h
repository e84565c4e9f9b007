// onednn_loops: loops of ours (silu.h, depthwise.h) over oneDNN's memories, photos and parts of
// them shared out among LibTorch's threads. Only where oneDNN is at hand. Private to models/.
#pragma once

#include <functional>

#include "models/encoder/depthwise.h"
#include "models/encoder/onednn_layers.h"

namespace photoscribe::onednn {

/// silu of all numbers, float32 or bfloat16, of those too that fill up a blocked layout, which are
/// 0 and stay so.
void activate(const dnnl::memory& memory);

/// depthwise.run() of each photo. Maps in bfloat16, channels last; `mean` (photos,C,1,1) may be
/// empty. All must outlive what is returned, where they are now.
[[nodiscard]] std::function<void()> depthwise_loop(const Depthwise& depthwise,
                                                   const dnnl::memory& from, const dnnl::memory& to,
                                                   const dnnl::memory& mean);

/// scale_channels() of each photo, under the same conditions; nothing where these memories or this
/// CPU are not such as it takes.
[[nodiscard]] std::function<void()> scale_loop(const dnnl::memory& main, const dnnl::memory& gate);

}  // namespace photoscribe::onednn
