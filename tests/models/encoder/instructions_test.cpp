// How oneDNN runs the encoder on processors with fewer instructions than this one: if no kernel
// fits a layer's layout it uses a reference implementation, a hundred times slower.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>
#include <sstream>

#include "models/encoder/fast_encoder.h"
#include "models/encoder/pointwise.h"
#include "models/format/model_store.h"
#include "models/open_model.h"
#include "tests/models/train/train_process.h"
#include "tests/support/temp_dir.h"

namespace photoscribe {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// An environment variable, set for this object's lifetime.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  ~Variable() { ::unsetenv(name_); }

 private:
  const char* name_;
};

class Instructions : public testing::Test {
 protected:
  /// A small model of random weights with this encoder, and scales if it can have some.
  std::string model(const std::string& encoder) const {
    ModelArchitecture a;
    a.encoder = encoder;
    a.input_side_px = 64;
    a.feature_channels = static_cast<int>(feature_channels(encoder_layers(encoder)));
    a.annotation_size = a.embedding_size = a.hidden_size = 32;
    a.attention_size = 16;
    std::vector<std::string> words;
    for (int i = 0; i < 50; ++i) words.push_back("word" + std::to_string(i));
    const StoredModel made = random_model(a, *Vocabulary::make(words), 4);
    const std::string folder = folder_.file(encoder);
    EXPECT_TRUE(store_model(folder, {encoder, a, {}, "", {}}, made.vocabulary, made.tensors));
    return folder;
  }

  static void add_scales(const std::string& folder) {
    const auto stored = load_model(folder);
    ASSERT_TRUE(stored) << stored.error().message;
    Int8Scales scales;
    scales.photos = 0.02F;
    for (const EncoderLayer& layer : encoder_layers(stored->folder.architecture.encoder))
      if (layer.kind == LayerKind::convolution) scales.by_layer.emplace(layer.name, 0.02F);
    ASSERT_TRUE(write_int8_scales(folder, stored->folder.hash, scales));
  }

  /// The convolutions that the reference implementation ran with at most `isa`.
  static std::set<std::string> slow(const std::string& folder, const char* isa,
                                    const std::string& precision) {
    const Variable most("ONEDNN_MAX_CPU_ISA", isa), verbose("ONEDNN_VERBOSE", "1");
    const test::Ended ended =
        test::run_train({"bench-network", folder, "--precision", precision, "--batch", "2",
                         "--seconds", "0.01", "--threads", "1"});
    EXPECT_EQ(ended.outcome, 0) << ended.output;
    std::istringstream lines(ended.output);
    std::set<std::string> found;
    int convolutions = 0;
    for (std::string line; std::getline(lines, line);) {
      if (line.find(",convolution,") == std::string::npos) continue;
      ++convolutions;
      if (line.find(",convolution,ref") != std::string::npos)
        found.insert(line.substr(0, line.rfind(',')));
    }
    EXPECT_GT(convolutions, 0) << ended.output;
    return found;
  }

  test::TempDir folder_;
};

TEST_F(Instructions, NoConvolutionIsLeftToTheReferenceImplementation) {
  if (std::string(FastEncoder(Encoder("resnet18", random_encoder("resnet18")), 64).backend()) ==
      "LibTorch")
    GTEST_SKIP() << "built without oneDNN";
  for (const char* encoder : {"mobilenet_v2", "resnet50", "efficientnet_b0"}) {
    const std::string folder = model(encoder);
    for (const char* isa : {"SSE41", "AVX2", "AVX512_CORE"})
      EXPECT_THAT(slow(folder, isa, "float32"), IsEmpty()) << encoder << ", " << isa;
  }
}

TEST_F(Instructions, NorAreTheseInInt8) {
  if (!has_int8()) GTEST_SKIP() << "this CPU has no int8";
  for (const char* encoder : {"mobilenet_v2", "resnet50"}) {
    const std::string folder = model(encoder);
    add_scales(folder);
    EXPECT_THAT(slow(folder, "ALL", "int8"), IsEmpty()) << encoder;
  }
  if (has_pointwise() && has_bfloat16()) {
    EXPECT_THAT(slow(model("efficientnet_b0"), "ALL", "int8"), IsEmpty());
  }
}

TEST_F(Instructions, EfficientNetIsRefusedInInt8WithoutThoseForBfloat16AndAutoPassesIt) {
  if (!has_pointwise() || !has_bfloat16()) GTEST_SKIP() << "this CPU has no such loops";
  const std::string folder = model("efficientnet_b0");
  const Variable most("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_VNNI");
  const auto bench = [&folder](const std::string& precision) {
    return test::run_train({"bench-network", folder, "--precision", precision, "--batch", "2",
                            "--seconds", "0.01", "--threads", "1"});
  };
  const test::Ended asked = bench("int8");
  EXPECT_NE(asked.outcome, 0);
  EXPECT_THAT(asked.output, HasSubstr("avx512_bf16"));
  const test::Ended automatic = bench("auto");
  EXPECT_EQ(automatic.outcome, 0) << automatic.output;
  EXPECT_THAT(automatic.output, Not(HasSubstr("int8")));
}

}  // namespace
}  // namespace photoscribe
