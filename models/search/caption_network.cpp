#include "models/search/caption_network.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "models/encoder/int8_layers.h"

namespace photoscribe {
namespace {

TensorMap moved(const TensorMap& tensors, const torch::Device& device, torch::ScalarType type) {
  TensorMap all;
  for (const auto& [name, tensor] : tensors) {
    const bool numbers = !torch::isFloatingType(tensor.scalar_type());
    torch::Tensor converted = numbers ? tensor.to(device) : tensor.to(device, type);
    if (converted.dim() == 4) converted = converted.contiguous(at::MemoryFormat::ChannelsLast);
    all.emplace(name, converted);
  }
  return all;
}

bool same_encoder(const StoredModel& a, const StoredModel& b) {
  if (a.folder.architecture.encoder != b.folder.architecture.encoder) return false;
  return std::all_of(a.tensors.begin(), a.tensors.end(), [&b](const auto& item) {
    if (!item.first.starts_with("encoder.")) return true;
    const auto other = b.tensors.find(item.first);
    return other != b.tensors.end() && at::equal(item.second, other->second);
  });
}

/// Throws unless both take the same pixels and know the same words.
void check_fit(const StoredModel& first, const StoredModel& other) {
  const ModelArchitecture &a = first.folder.architecture, &b = other.folder.architecture;
  const char* what = nullptr;
  if (a.input_side_px != b.input_side_px) what = "another input_side_px";
  if (a.mean != b.mean || a.std != b.std) what = "another mean or std";
  if (first.vocabulary.words() != other.vocabulary.words()) what = "another vocabulary";
  if (what == nullptr) return;
  throw std::runtime_error(other.folder.folder + ": has " + what + " than " + first.folder.folder +
                           "; models of an ensemble take the same pixels and know the same words");
}

}  // namespace

Status check_scales(const StoredModel& model, Precision asked) {
  if (asked != Precision::int8) return {};
  for (const StoredModel* member : members_of(model)) {
    const auto fixed = guard(Errc::invalid_config, "model " + member->folder.folder, [&] {
      const auto layers = encoder_layers(member->folder.architecture.encoder);
      check_int8(layers);
      return have_fixed_scales(layers);
    });
    if (!fixed) return fail(fixed.error());
    if (!*fixed) continue;
    if (!member->int8_scales) return fail(member->int8_scales.error());
    if (!member->int8_scales->empty()) continue;
    const std::string& folder = member->folder.folder;
    return fail(Errc::invalid_config, "precision int8: the model " + folder +
                                          " has no scales for it (" + kInt8File +
                                          "); make them with photoscribe-train quantize " + folder +
                                          " --photos DIR, or use auto or float32");
  }
  return {};
}

CaptionNetwork::Parts CaptionNetwork::take_apart(const std::vector<const StoredModel*>& members,
                                                 const torch::Device& device,
                                                 torch::ScalarType type, Precision precision) {
  if (members.empty()) throw std::runtime_error("an ensemble of no models");
  Parts parts;
  std::vector<const StoredModel*> owners;  // of each encoder
  for (const StoredModel* member : members) {
    check_fit(*members.front(), *member);
    const ModelArchitecture& a = member->folder.architecture;
    const TensorMap tensors = moved(member->tensors, device, type);
    const auto owner = std::find_if(owners.begin(), owners.end(), [&](const StoredModel* other) {
      return same_encoder(*other, *member);
    });
    parts.encoder_of.push_back(static_cast<std::size_t>(owner - owners.begin()));
    if (owner == owners.end()) {
      owners.push_back(member);
      parts.encoders.emplace_back(Encoder(a.encoder, tensors, "encoder."), a.input_side_px,
                                  precision, member->int8_scales.value_or(Int8Scales{}));
    }
    parts.decoders.push_back(take_decoder(tensors, a, member->vocabulary.size()));
  }
  parts.endings = EndingRule(members.front()->vocabulary, device);
  return parts;
}

CaptionNetwork::CaptionNetwork(const std::vector<const StoredModel*>& members,
                               const torch::Device& device, torch::ScalarType type,
                               Precision precision)
    : CaptionNetwork(take_apart(members, device, type, precision), precision) {}

CaptionNetwork::CaptionNetwork(Parts parts, Precision precision)
    : encoders_(std::move(parts.encoders)),
      encoder_of_(std::move(parts.encoder_of)),
      search_(parts.decoders.size() == 1
                  ? CaptionSearch(parts.decoders.front(), precision, std::move(parts.endings))
                  : CaptionSearch(parts.decoders, precision, std::move(parts.endings))) {}

torch::Tensor CaptionNetwork::encode(const torch::Tensor& images) const {
  std::vector<torch::Tensor> encoded, features;
  encoded.reserve(encoders_.size());
  for (const FastEncoder& encoder : encoders_) encoded.push_back(encoder.forward(images));
  if (encoder_of_.size() == 1) return encoded.front();
  features.reserve(encoder_of_.size());
  for (const std::size_t which : encoder_of_) features.push_back(encoded[which]);
  return at::cat(features, 2);
}

}  // namespace photoscribe
