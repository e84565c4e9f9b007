// Which objects a caption names, and how probable concepts make them.
#include "common/scores/named_objects.h"

#include <gmock/gmock.h>

namespace photoscribe {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

TEST(NamedObjects, AreProbableUnlessAllConceptsThatSpeakForThemAreWrong) {
  const std::vector<Concept> concepts{{"man", 0.5F}, {"cyclist", 0.2F}, {"dog", 0.25F}};

  EXPECT_THAT(named_objects("A woman walks two dogs.", concepts),
              UnorderedElementsAre(NamedObject{"person", 0.6}, NamedObject{"dog", 0.25}));
}

TEST(NamedObjects, ThatNoConceptSpeaksForHaveNone) {
  EXPECT_THAT(named_objects("a giraffe", std::vector<Concept>{{"dog", 0.9F}}),
              ElementsAre(NamedObject{"giraffe", 0}));
  EXPECT_THAT(named_objects("a giraffe", {}), ElementsAre(NamedObject{"giraffe", 0}));
}

TEST(NamedObjects, AreReadAsChairReadsThem) {
  const std::vector<Concept> dog{{"dog", 0.9F}};

  EXPECT_THAT(named_objects("a hot dog", dog), ElementsAre(NamedObject{"hot dog", 0}));
  EXPECT_THAT(named_objects("it is very nice", dog), IsEmpty());
  EXPECT_THAT(named_objects("", dog), IsEmpty());
}

TEST(NamedObjects, HaveTheFourDecimalsThatTheDatabaseKeeps) {
  EXPECT_THAT(named_objects("a dog", std::vector<Concept>{{"dog", 0.123456F}}),
              ElementsAre(NamedObject{"dog", 1 - (1 - 0.1235)}));
}

/// Else the confidence of a caption would depend on how many concepts a run keeps.
TEST(KeptConcepts, AreTheProbableOnesAndThoseThatSpeakForWhatTheCaptionNames) {
  const std::vector<Concept> all{{"grass", 0.9F},   {"ball", 0.5F}, {"man", 0.45F},
                                 {"cyclist", 0.2F}, {"cat", 0.1F},  {"dog", 0.01F}};
  std::vector<Concept> kept = all;

  keep_probable(kept, 0.5, "a woman walks her dog");

  EXPECT_THAT(kept, ElementsAre(all[0], all[1], all[2], all[3], all[5]));
  EXPECT_EQ(named_objects("a woman walks her dog", kept),
            named_objects("a woman walks her dog", all));
  keep_probable(kept, 0.5, "it is nice");
  EXPECT_THAT(kept, ElementsAre(all[0], all[1]));
  kept = all;
  keep_probable(kept, 0, "it is nice");
  EXPECT_EQ(kept, all);
}

}  // namespace
}  // namespace photoscribe
