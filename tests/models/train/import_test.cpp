#include "models/train/import/import.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>

#include "models/encoder/encoder.h"
#include "models/train/import/state_dict.h"
#include "tests/support/temp_dir.h"

namespace photoscribe {
namespace {

using testing::HasSubstr;

/// A state dict as torchvision has it: batch norms beside their convolutions.
TensorMap state_of(const std::string& architecture) {
  at::manual_seed(3);
  TensorMap state;
  for (const EncoderLayer& layer : encoder_layers(architecture)) {
    if (layer.kind != LayerKind::convolution) continue;
    state.emplace(layer.name + ".weight", at::randn(weight_shape(layer)));
    if (layer.norm.empty()) {
      state.emplace(layer.name + ".bias", at::randn({layer.out}));
      continue;
    }
    state.emplace(layer.norm + ".weight", at::rand({layer.out}) + 0.5);
    state.emplace(layer.norm + ".bias", at::randn({layer.out}));
    state.emplace(layer.norm + ".running_mean", at::randn({layer.out}));
    state.emplace(layer.norm + ".running_var", at::rand({layer.out}) + 0.5);
  }
  return state;
}

TEST(Import, FoldsABatchNormIntoItsConvolution) {
  const TensorMap state = state_of("resnet18");
  const auto made = import_encoder(state, "resnet18", 1e-5);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->folded, 20U);
  EXPECT_TRUE(made->left_over.empty());

  const torch::Tensor x = at::randn({1, 3, 16, 16});
  const torch::Tensor expected =
      at::batch_norm(at::conv2d(x, state.at("conv1.weight"), {}, 2, 3), state.at("bn1.weight"),
                     state.at("bn1.bias"), state.at("bn1.running_mean"),
                     state.at("bn1.running_var"), false, 0.1, 1e-5, false);
  const torch::Tensor folded =
      at::conv2d(x, made->tensors.at("conv1.weight"), made->tensors.at("conv1.bias"), 2, 3);
  EXPECT_LT((folded - expected).abs().max().item<double>(), 1e-3);
}

TEST(Import, NamesEveryArrayThatIsMissingOrHasAnotherShape) {
  TensorMap state = state_of("resnet18");
  state.erase("layer2.0.conv1.weight");
  state["bn1.bias"] = at::zeros({65});
  const auto made = import_encoder(state, "resnet18", 1e-5);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Errc::invalid_config);
  EXPECT_THAT(made.error().message, HasSubstr("layer2.0.conv1.weight is missing"));
  EXPECT_THAT(made.error().message, HasSubstr("bn1.bias has the shape [65], not [64]"));
}

TEST(Import, SaysWhatIsLeftOver) {
  TensorMap state = state_of("vgg16");
  state.emplace("classifier.0.weight", at::zeros({2, 2}));
  const auto made = import_encoder(state, "vgg16", 1e-5);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_THAT(made->left_over, testing::ElementsAre("classifier.0.weight"));
}

TEST(Import, TakesWhatIsFoldedAlreadyAsItIs) {
  at::manual_seed(4);
  const TensorMap folded = random_encoder("mobilenet_v2");
  const auto made = import_encoder(folded, "mobilenet_v2", 1e-5);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->folded, 0U);
  for (const auto& [name, tensor] : folded) EXPECT_TRUE(at::equal(tensor, made->tensors.at(name)));
}

/// torchvision's name of a parameter as timm's, by tables of its blocks' parts.
std::string timms(const std::string& name, bool second) {
  using Table = std::map<std::string, std::string>;
  static const Table kExpanding{{"block.0.0", "conv_pw"},
                                {"block.0.1", "bn1"},
                                {"block.1.0", "conv_dw"},
                                {"block.1.1", "bn2"},
                                {"block.2.fc1", "se.conv_reduce"},
                                {"block.2.fc2", "se.conv_expand"},
                                {"block.3.0", "conv_pwl"},
                                {"block.3.1", "bn3"},
                                {"conv.0.0", "conv_pw"},
                                {"conv.0.1", "bn1"},
                                {"conv.1.0", "conv_dw"},
                                {"conv.1.1", "bn2"},
                                {"conv.2", "conv_pwl"},
                                {"conv.3", "bn3"}};
  static const Table kPlain{{"block.0.0", "conv_dw"},
                            {"block.0.1", "bn1"},
                            {"block.1.fc1", "se.conv_reduce"},
                            {"block.1.fc2", "se.conv_expand"},
                            {"block.2.0", "conv_pw"},
                            {"block.2.1", "bn2"},
                            {"conv.0.0", "conv_dw"},
                            {"conv.0.1", "bn1"},
                            {"conv.1", "conv_pw"},
                            {"conv.2", "bn2"}};
  static const Table kFused{{"block.0.0", "conv_exp"},
                            {"block.0.1", "bn1"},
                            {"block.1.0", "conv_pwl"},
                            {"block.1.1", "bn2"}};
  static const Table kFusedPlain{{"block.0.0", "conv"}, {"block.0.1", "bn1"}};
  static const Table kEnds{{"features.0.0", "conv_stem"},  {"features.0.1", "bn1"},
                           {"features.7.0", "conv_head"},  {"features.7.1", "bn2"},
                           {"features.8.0", "conv_head"},  {"features.8.1", "bn2"},
                           {"features.18.0", "conv_head"}, {"features.18.1", "bn2"}};
  const std::size_t dot = name.rfind('.');
  const std::string layer = name.substr(0, dot), array = name.substr(dot);
  if (const auto end = kEnds.find(layer); end != kEnds.end()) return end->second + array;
  const bool mobilenet = layer.find(".conv.") != std::string::npos;
  const std::size_t part = layer.find(mobilenet ? "conv." : "block.");
  int stage = 0, block = 0;
  if (mobilenet) {
    block = std::stoi(layer.substr(9)) - 1;
    for (const int blocks : {1, 2, 3, 4, 3, 3, 1}) {
      if (block < blocks) break;
      block -= blocks;
      ++stage;
    }
  } else {
    stage = std::stoi(layer.substr(9)) - 1;
    block = std::stoi(layer.substr(11));
  }
  const Table& table = second && stage == 0  ? kFusedPlain
                       : second && stage < 3 ? kFused
                       : stage == 0          ? kPlain
                                             : kExpanding;
  return "blocks." + std::to_string(stage) + "." + std::to_string(block) + "." +
         table.at(layer.substr(part)) + array;
}

TEST(Import, KnowsTimmsNames) {
  for (const char* architecture : {"efficientnet_b0", "mobilenet_v2", "tf_efficientnetv2_b0"}) {
    const TensorMap state = state_of(architecture);
    const bool second = std::string_view(architecture).find("v2_b") != std::string_view::npos;
    TensorMap renamed;
    for (const auto& [name, tensor] : state) renamed.emplace(timms(name, second), tensor);
    ASSERT_EQ(renamed.size(), state.size());
    const auto from_torchvision = import_encoder(state, architecture, 1e-5),
               from_timm = import_encoder(renamed, architecture, 1e-5);
    ASSERT_TRUE(from_torchvision) << from_torchvision.error().message;
    ASSERT_TRUE(from_timm) << from_timm.error().message;
    EXPECT_TRUE(from_timm->left_over.empty());
    for (const auto& [name, tensor] : from_torchvision->tensors)
      EXPECT_TRUE(at::equal(tensor, from_timm->tensors.at(name))) << name;
    renamed.emplace("blocks.x.0.conv_pw.weight", at::zeros({1}));  // a stage that is no number
    const auto odd = import_encoder(renamed, architecture, 1e-5);
    ASSERT_TRUE(odd) << odd.error().message;
    EXPECT_EQ(odd->left_over.size(), 1U);
  }
}

TEST(Import, RefusesAPickleThatWantsToCallSomething) {
  const test::TempDir folder;
  const std::string script = folder.write("evil.py", R"(
import os, sys, zipfile
class Evil:
    def __reduce__(self):
        return (os.system, ('touch ' + sys.argv[2],))
import pickle
with zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_STORED) as archive:
    archive.writestr('archive/data.pkl', pickle.dumps({'weight': Evil()}, protocol=2))
    archive.writestr('archive/version', '3\n')
)");
  const std::string file = folder.file("evil.pth"), mark = folder.file("called");
  ASSERT_EQ(std::system(("/usr/bin/python3 " + script + " " + file + " " + mark).c_str()), 0);
  const auto state = read_state_dict(file);
  ASSERT_FALSE(state);
  EXPECT_EQ(state.error().code, Errc::model_failure);
  EXPECT_THAT(state.error().message, HasSubstr("it calls posix system"));
  EXPECT_FALSE(std::ifstream(mark));
}

TEST(EncoderLayers, NamesWhatIsKnownForWhatIsNot) {
  try {
    static_cast<void>(encoder_layers("resnet19"));
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("resnet34"));
  }
  EXPECT_THROW(static_cast<void>(encoder_layers("resnet18@layer9")), std::runtime_error);
  EXPECT_THROW(static_cast<void>(encoder_layers("tf_efficientnet_b4@features.5.0")),
               std::runtime_error);
}

TEST(EncoderLayers, SamePaddingPutsTheOddPixelAfter) {
  EncoderLayer layer;
  layer.kernel = 3;
  layer.stride = 2;
  layer.tf_same = true;
  const Padding even = padding_of(layer, 224);
  EXPECT_EQ(even.before, 0);
  EXPECT_EQ(even.after, 1);
  EXPECT_EQ(even.out, 112);
  const Padding odd = padding_of(layer, 7);
  EXPECT_EQ(odd.before, 1);
  EXPECT_EQ(odd.after, 1);
  EXPECT_EQ(odd.out, 4);
}

}  // namespace
}  // namespace photoscribe
