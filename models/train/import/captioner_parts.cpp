#include "models/train/import/captioner_parts.h"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "models/encoder/encoder_layers.h"

namespace photoscribe {
namespace {

struct Depth {
  std::array<int, 4> blocks;
  bool wide;
  const char* name;
};
constexpr std::array<Depth, 5> kDepths{{{{2, 2, 2, 2}, false, "resnet18"},
                                        {{3, 4, 6, 3}, false, "resnet34"},
                                        {{3, 4, 6, 3}, true, "resnet50"},
                                        {{3, 4, 23, 3}, true, "resnet101"},
                                        {{3, 8, 36, 3}, true, "resnet152"}}};

std::string depth_of(const TensorMap& state, const FoundResnet& found) {
  const auto has = [&](int stage, int block, const char* convolution) {
    return state.contains(found.name("layer" + std::to_string(stage) + "." + std::to_string(block) +
                                     "." + convolution) +
                          ".weight");
  };
  std::array<int, 4> blocks{};
  for (int stage = 1; stage <= 4; ++stage)
    while (blocks[static_cast<std::size_t>(stage - 1)] < 100 &&
           has(stage, blocks[static_cast<std::size_t>(stage - 1)], "conv1"))
      ++blocks[static_cast<std::size_t>(stage - 1)];
  for (const Depth& one : kDepths)
    if (one.blocks == blocks && one.wide == has(1, 0, "conv3")) return one.name;
  std::string text;
  for (const int count : blocks) text += (text.empty() ? "" : ", ") + std::to_string(count);
  throw std::runtime_error("its encoder is a ResNet of " + text +
                           " blocks; those of 18, 34, 50, 101 and 152 layers are supported");
}

bool is_first_convolution(const torch::Tensor& weight) {
  return weight.sizes() == c10::IntArrayRef({64, 3, 7, 7});
}

}  // namespace

std::string FoundResnet::name(const std::string& torchvisions) const {
  if (!sequential || torchvisions.empty()) return prefix + torchvisions;
  if (torchvisions == "conv1") return prefix + "0";
  if (torchvisions == "bn1") return prefix + "1";
  // layer1 is the fourth child, after a ReLU and a pooling
  return prefix + std::to_string(torchvisions[5] - '0' + 3) + torchvisions.substr(6);
}

FoundResnet find_resnet(const TensorMap& state) {
  for (const auto& [name, tensor] : state) {
    if (!is_first_convolution(tensor)) continue;
    for (const std::string_view first : {"conv1.weight", "0.weight"}) {
      if (!name.ends_with(first)) continue;
      FoundResnet found{name.substr(0, name.size() - first.size()), first == "0.weight", ""};
      if (!found.prefix.empty() && !found.prefix.ends_with('.')) continue;
      found.architecture = depth_of(state, found);
      return found;
    }
  }
  throw std::runtime_error("it holds no ResNet: give its encoder's file with --encoder");
}

std::string find_prefix(const TensorMap& state, const std::string& name, const std::string& kind) {
  const std::string* shortest = nullptr;
  for (const auto& [one, tensor] : state)
    if ((one == name || one.ends_with("." + name)) &&
        (shortest == nullptr || one.size() < shortest->size()))
      shortest = &one;
  if (shortest != nullptr) return shortest->substr(0, shortest->size() - name.size());
  std::string held;
  int shown = 0;
  for (const auto& item : state) {
    if (++shown > 5) break;
    held += (held.empty() ? "" : ", ") + item.first;
  }
  throw std::runtime_error("no captioner of " + kind + ": there is no array " + name +
                           "; it holds " + held + (state.size() > 5 ? " …" : ""));
}

void check_sizes(const ModelArchitecture& a, std::int64_t words) {
  constexpr std::int64_t kSizeMax = 8'192, kWordsMax = 1'000'000;
  for (const auto& [what, size] : {std::pair("embedding", a.embedding_size),
                                   {"state", a.hidden_size},
                                   {"attention", a.attention_size},
                                   {"annotation", a.annotation_size}})
    if (size < 1 || size > kSizeMax)
      throw std::runtime_error(std::string("its ") + what + " has the size " +
                               std::to_string(size) + ", not 1 to " + std::to_string(kSizeMax));
  if (words < 1 || words > kWordsMax)
    throw std::runtime_error("its word table has " + std::to_string(words) + " rows");
}

WordRows arrange(const CaptionerFiles& files, std::int64_t rows, ImportedCaptioner& made) {
  auto words = arrange_words(files.words, rows);
  if (!words) throw std::runtime_error(words.error().message);
  made.vocabulary = words->vocabulary;
  if (!words->left_out.empty())
    made.notes.push_back(std::to_string(words->left_out.size()) +
                         " words with white space in them, or listed twice, are skipped: " +
                         words->left_out.front() + " …");
  return std::move(*words);
}

}  // namespace photoscribe
