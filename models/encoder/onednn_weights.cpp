#ifdef PHOTOSCRIBE_ONEDNN
#include "models/encoder/onednn_weights.h"

#include <ATen/ATen.h>

namespace photoscribe::onednn {

dnnl::memory Weights::weight(std::size_t layer, const Desc& wanted) {
  for (const dnnl::memory& made : weights_[layer])
    if (made.get_desc() == wanted) return made;
  const EncoderLayer& l = encoder_.layers()[layer];
  const torch::Tensor plain =
      is_int8_ ? narrowed(layer).numbers : encoder_.weight(layer).contiguous();
  const Desc desc(weight_dims(l), is_int8_ ? Type::s8 : kF32,
                  l.groups > 1 ? Tag::goihw : Tag::oihw);
  dnnl::memory source(desc, engine_, plain.data_ptr()), made(wanted, engine_);
  dnnl::reorder(source, made).execute(stream_, source, made);
  stream_.wait();
  weights_[layer].push_back(made);
  return made;
}

const Int8Weight& Weights::narrowed(std::size_t layer) {
  const auto found = narrowed_.find(layer);
  return found != narrowed_.end()
             ? found->second
             : narrowed_.emplace(layer, narrow(encoder_.weight(layer))).first->second;
}

dnnl::memory Weights::bias(std::size_t layer) const {
  return {Desc({encoder_.layers()[layer].out}, kF32, Tag::x), engine_,
          encoder_.bias(layer).data_ptr()};
}

dnnl::memory Weights::bias(std::size_t layer, const Rescaling& rescaling, float to) const {
  const torch::Tensor& plain = encoder_.bias(layer);
  dnnl::memory made(Desc({plain.numel()}, kF32, Tag::x), engine_);
  auto* numbers = static_cast<float*>(made.get_data_handle());
  for (std::size_t i = 0; i < rescaling.sums.size(); ++i)
    numbers[i] = plain.data_ptr<float>()[i] / bias_unit(rescaling, i, to);
  return made;
}

}  // namespace photoscribe::onednn
#endif
