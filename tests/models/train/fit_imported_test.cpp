// Continuing from a model that others trained: its decoder has words straight out of its state, and
// may attend to a pooled grid.
#include <ATen/ATen.h>

#include "models/format/model_store.h"
#include "models/open_model.h"
#include "tests/models/train/fit_fixture.h"

namespace photoscribe {
namespace {

class FitImported : public test::Fit, public testing::WithParamInterface<std::string> {};

TEST_P(FitImported, GoesOnFromADecoderThatOthersTrained) {
  FitOptions o = options(GetParam());
  o.architecture.encoder = "mobilenet_v2";
  o.architecture.decoder = GetParam();
  o.architecture.feature_channels = o.architecture.annotation_size = 1280;
  const auto words = Vocabulary::make({"red", "green", "blue", "wall", "sea", "grass"});
  ASSERT_TRUE(words);
  ModelToStore stored;
  stored.name = "imported";
  stored.architecture = o.architecture;
  stored.architecture.grid_side = 2;
  const StoredModel random = random_model(stored.architecture, *words, 3);
  o.start = folder_.file("imported");
  ASSERT_TRUE(store_model(o.start, stored, *words, random.tensors));
  o.epochs = 1;
  const Status fitted = fit(o);
  ASSERT_TRUE(fitted) << fitted.error().message;
  const auto model = load_model(o.output);
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(model->folder.architecture, stored.architecture);
  CaptionerConfig config;
  config.model_folder = o.output;
  const auto captioner = open_captioner(config);
  EXPECT_TRUE(captioner) << captioner.error().message;
}

INSTANTIATE_TEST_SUITE_P(Decoders, FitImported,
                         testing::Values("gated_attend_tell", "attend_in", "maxout_show_tell"),
                         [](const auto& tested) { return tested.param; });

}  // namespace
}  // namespace photoscribe
