// The shipped model, on generated photos: the same words for a photo alone and in a batch.
#include "tests/models/search/batch_parity.h"

namespace photoscribe::test {
namespace {

TEST(BatchParity, WordsOfMadePhotosDoNotDependOnTheirBatch) {
  const auto captioner = open_shipped_model();
  ASSERT_TRUE(captioner);
  const auto images =
      decode_folder(PHOTOSCRIBE_SOURCE_DIR "/tests/data/photos", captioner->input_side_px(), 1000);
  ASSERT_EQ(images.size(), 34U);

  expect_words_independent_of_the_batch(*captioner, images);
}

}  // namespace
}  // namespace photoscribe::test
