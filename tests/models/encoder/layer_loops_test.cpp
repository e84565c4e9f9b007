// Which layers of a trunk run in loops of ours.
#include "models/encoder/layer_loops.h"

#include <gtest/gtest.h>

#include "models/encoder/depthwise.h"
#include "models/encoder/pointwise.h"

namespace photoscribe {
namespace {

bool has_depthwise() {
  EncoderLayer layer;
  layer.in = layer.out = layer.groups = 16;
  layer.kernel = 3;
  return Depthwise::supports(layer);
}

struct Count {
  int depthwise = 0, pointwise = 0, expanded = 0, silu = 0;
};

Count count(const char* trunk, Precision precision) {
  const std::vector<EncoderLayer> layers = encoder_layers(trunk);
  const LayerLoops loops(layers, precision);
  Count found;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    found.depthwise += loops.is_depthwise(i) ? 1 : 0;
    found.pointwise += loops.is_pointwise(i) ? 1 : 0;
    found.expanded += loops.is_expanded_by_next(i) ? 1 : 0;
    found.silu += i + 1 < layers.size() && loops.leaves_silu(i) ? 1 : 0;
    EXPECT_FALSE(loops.is_expanded_by_next(i) && loops.leaves_silu(i)) << layers[i].name;
  }
  return found;
}

void expect_none(const Count& found) {
  EXPECT_EQ(found.depthwise + found.pointwise + found.expanded + found.silu, 0);
}

TEST(LayerLoopsOf, TrunksOfReluAndFloat32AreLeftToOneDnn) {
  for (const Precision precision : {Precision::float32, Precision::bfloat16, Precision::int8})
    expect_none(count("mobilenet_v2", precision));
  expect_none(count("efficientnet_b0", Precision::float32));
}

TEST(LayerLoopsOf, EfficientNetInBfloat16AreItsDepthwiseConvolutions) {
  if (!has_depthwise()) GTEST_SKIP() << "this CPU or build has no such loops";
  const Count found = count("efficientnet_b0", Precision::bfloat16);
  EXPECT_EQ(found.depthwise, 16);
  EXPECT_EQ(found.pointwise + found.expanded, 0);
  EXPECT_EQ(found.silu, 16) << "the first convolution's and those of the 15 that expand";
}

TEST(LayerLoopsOf, EfficientNetInInt8AreItsProductsToo) {
  if (!has_pointwise()) GTEST_SKIP() << "this CPU or build has no such loops";
  const Count found = count("efficientnet_b0", Precision::int8);
  EXPECT_EQ(found.depthwise, 16);
  EXPECT_EQ(found.pointwise, 15 + 16 + 1) << "those that expand, those that project, the last";
  EXPECT_EQ(found.expanded, 15);
  EXPECT_EQ(found.silu, 1) << "the first convolution's";
}

TEST(LayerLoopsOf, ALastSumIsLeftToOneDnn) {
  if (!has_pointwise()) GTEST_SKIP() << "this CPU or build has no such loops";
  const std::vector<EncoderLayer> layers = encoder_layers("efficientnet_b0@features.6.1");
  ASSERT_TRUE(layers.back().adds_residual);
  EXPECT_FALSE(LayerLoops(layers, Precision::int8).is_pointwise(layers.size() - 1));
}

}  // namespace
}  // namespace photoscribe
