// What a checkpoint says when it belongs to another run.
#include "models/train/settings_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace photoscribe {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(Settings, ThatDifferAreNamedWithBothValues) {
  const auto vocabulary = Vocabulary::make({"a", "dog"});
  const std::vector<CaptionedPhoto> photos{{"a.jpg", {{"a", "dog"}}}}, others{{"a.jpg", {{"dog"}}}};
  FitOptions o;
  const std::string before = settings_text(o, *vocabulary, photos, photos, 1);
  EXPECT_EQ(difference(before, before), "");
  o.epochs = 20;
  o.architecture.hidden_size = 99;
  const std::string here = settings_text(o, *vocabulary, others, photos, 1);
  EXPECT_THAT(difference(before, here),
              AllOf(HasSubstr("epochs 10, here 20"), HasSubstr("hidden_size 640, here 99"),
                    HasSubstr("train 1 photos")));
}

TEST(Settings, OfAnotherVersionDifferToo) {
  EXPECT_NE(difference("name 1 2 3", "name: 1\n"), "");
  EXPECT_NE(difference("1 2 3", ""), "");
}

}  // namespace
}  // namespace photoscribe
