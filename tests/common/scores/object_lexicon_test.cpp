#include "common/scores/object_lexicon.h"

#include <gmock/gmock.h>

#include "common/scores/singular.h"
#include "common/scores/tokenize.h"
#include "tests/support/temp_dir.h"

namespace photoscribe::test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

std::vector<std::string> names(const ObjectIds& ids) {
  std::vector<std::string> out;
  for (const int id : ids) out.push_back(ObjectLexicon::built_in().name(id));
  return out;
}

std::vector<std::string> named_in(std::string_view caption) {
  return names(ObjectLexicon::built_in().objects_in(caption));
}

std::vector<std::string> supported_by(std::string_view reference) {
  return names(ObjectLexicon::built_in().supported_by(ptb_tokens(reference)));
}

TEST(SingularOf, KnowsRegularAndIrregularPlurals) {
  const struct {
    const char *plural, *singular;
  } cases[] = {
      {"dogs", "dog"},       {"benches", "bench"}, {"buses", "bus"},
      {"bus", "bus"},        {"glasses", "glass"}, {"glass", "glass"},
      {"horses", "horse"},   {"vases", "vase"},    {"puppies", "puppy"},
      {"ties", "tie"},       {"knives", "knife"},  {"leaves", "leaf"},
      {"mice", "mouse"},     {"people", "person"}, {"women", "woman"},
      {"children", "child"}, {"sheep", "sheep"},   {"tomatoes", "tomato"},
      {"shoes", "shoe"},     {"canoes", "canoe"},  {"cameramen", "cameraman"},
      {"tennis", "tennis"},  {"boxes", "box"},     {"is", "is"},
      {"cookies", "cookie"}, {"oxen", "ox"},       {"geese", "goose"},
      {"dishes", "dish"},
  };
  for (const auto& one : cases) EXPECT_EQ(singular_of(one.plural), one.singular);
}

TEST(ObjectLexicon, HasTheEightyOfCocoFirst) {
  const ObjectLexicon& lexicon = ObjectLexicon::built_in();
  int coco = 0;
  for (int id = 0; id < lexicon.size(); ++id)
    coco += lexicon.class_of(id) == ObjectClass::coco ? 1 : 0;

  EXPECT_EQ(coco, 80);
  EXPECT_EQ(lexicon.class_of(79), ObjectClass::coco);
  EXPECT_EQ(lexicon.name(79), "toothbrush");
  EXPECT_GT(lexicon.size(), 250);
  EXPECT_EQ(lexicon.find("beach"), std::optional(80));
  EXPECT_EQ(lexicon.find("unicorn"), std::nullopt);
  EXPECT_EQ(lexicon.hash().size(), 12U);
}

TEST(ObjectLexicon, FindsSynonymsInSingularAndPluralWhateverTheCase) {
  EXPECT_THAT(named_in("Two WOMEN, some mice and three puppies."),
              UnorderedElementsAre("person", "mouse", "dog"));
  EXPECT_THAT(named_in("sheep graze near stop-signs"), UnorderedElementsAre("sheep", "stop sign"));
  EXPECT_THAT(named_in("Knives and wine glasses on dining tables"),
              UnorderedElementsAre("knife", "wine glass", "wine", "dining table"));
  EXPECT_THAT(named_in("the dog's bone"), ElementsAre("dog"));
  EXPECT_THAT(named_in("a man in glasses"), UnorderedElementsAre("person", "glasses"));
  EXPECT_THAT(named_in(""), ElementsAre());
}

TEST(ObjectLexicon, LetsTheLongestPhraseWin) {
  const struct {
    const char *caption, *there, *absent;
  } cases[] = {
      {"a hot dog with mustard", "hot dog", "dog"},
      {"two hot dogs on a grill", "hot dog", "dog"},
      {"a toilet seat", "toilet", "chair"},
      {"a roll of toilet paper", nullptr, "toilet"},
      {"weeds between the train tracks", "railroad track", "train"},
      {"a black bow tie", "tie", "bow"},
      {"a teddy bear on a bed", "teddy bear", "bear"},
      {"a grizzly bear", "bear", "teddy bear"},
      {"a red fire truck", "truck", "campfire"},
      {"he slides into home plate", "stadium", "plate"},
      {"a stop sign", "stop sign", "sign"},
      {"a dining table", "dining table", "dining room"},
      {"a potted plant", "potted plant", "pot"},
      {"a wine glass", "wine glass", "cup"},
      {"a computer mouse", "mouse", "desktop computer"},
      {"a seat belt", nullptr, "chair"},
      {"a traffic light", "traffic light", "lamp"},
      {"a parking meter", "parking meter", "park"},
      {"a tennis ball", "sports ball", "tennis"},
      {"a beach umbrella", "umbrella", "beach"},
      {"a dog park", nullptr, "dog"},
      {"a tie dyed shirt", "shirt", "tie"},
      {"a bed of lettuce", nullptr, "bed"},
      {"king size bed", "bed", "person"},
      {"a couple of zebras", "zebra", "person"},
      {"a swimming pool", "swimming pool", "water"},
      {"a polar bear", "bear", "teddy bear"},
      {"a christmas tree", "tree", "person"},
      {"a wood floor", nullptr, "tree"},
      {"a water bottle", "bottle", "water"},
  };
  for (const auto& one : cases) {
    const auto got = named_in(one.caption);
    if (one.there != nullptr) {
      EXPECT_THAT(got, Contains(one.there)) << one.caption;
    }
    EXPECT_THAT(got, Not(Contains(one.absent))) << one.caption;
  }
}

TEST(ObjectLexicon, TakesTheKinOfAnAnimalForNoPerson) {
  for (const char* caption :
       {"a baby elephant", "an adult giraffe and a baby giraffe", "a mother and baby zebra",
        "a mother bear and her two babies", "an elephant with its baby", "a family of elephants",
        "an adult elephant and a baby", "adult and baby sheep", "a mother and her baby elephant",
        "the elephant family", "elephants look after their babies",
        "a baby zebra drinks from its mother"})
    EXPECT_THAT(named_in(caption), Not(Contains("person"))) << caption;
  for (const char* caption : {"a baby and a dog", "a mother and child", "a mother with her baby",
                              "a dog and a baby", "a family with a dog", "a couple and their dog",
                              "a woman and a dog with her baby", "a baby holding a teddy bear"})
    EXPECT_THAT(named_in(caption), Contains("person")) << caption;
}

TEST(ObjectLexicon, TakesPassengerVehiclesForNoPerson) {
  EXPECT_THAT(named_in("a passenger jet"), ElementsAre("airplane"));
  EXPECT_THAT(named_in("passenger trains"), ElementsAre("train"));
  EXPECT_THAT(named_in("a passenger on a train"), UnorderedElementsAre("person", "train"));
}

TEST(ObjectLexicon, TellsTheFruitFromTheColour) {
  for (const char* caption :
       {"an orange cat", "a cat that is orange and white", "an orange and black bus",
        "a white and orange kitten", "a man in orange", "a wall painted orange", "bright orange"})
    EXPECT_THAT(named_in(caption), Not(Contains("orange"))) << caption;
  for (const char* caption :
       {"an orange on a plate", "a banana, an apple and an orange", "a pile of oranges",
        "a peeled orange", "orange oranges", "an orange sitting on a table"})
    EXPECT_THAT(named_in(caption), Contains("orange")) << caption;
}

TEST(ObjectLexicon, TakesAMaterialBeforeANounForNoThing) {
  EXPECT_THAT(named_in("a stone bench by a glass door"), UnorderedElementsAre("bench", "door"));
  EXPECT_THAT(named_in("a glass on a stone"), UnorderedElementsAre("cup", "rock"));
}

TEST(ObjectLexicon, TakesWhatIsDeniedForNotNamed) {
  EXPECT_THAT(named_in("a man without a shirt in a street with no cars"),
              UnorderedElementsAre("person", "street"));
}

TEST(ObjectLexicon, SupportsWhatAReferenceImpliesWithoutNamingIt) {
  EXPECT_THAT(named_in("a man surfing"), ElementsAre("person"));
  EXPECT_THAT(supported_by("a man surfing"),
              testing::IsSupersetOf({"person", "water", "surfboard", "beach"}));
  EXPECT_THAT(supported_by("a hot dog"), Not(Contains("dog")));
}

TEST(ObjectLexicon, ReadsAnOwnList) {
  const auto lexicon = ObjectLexicon::parse(
      "# mine\nunicorn, horned horse,\n    magic pony\nstar\n[implied]\nstar: night sky\n", "mine");

  ASSERT_TRUE(lexicon) << lexicon.error().message;
  EXPECT_EQ(lexicon->size(), 2);
  EXPECT_EQ(lexicon->class_of(0), ObjectClass::ours);
  EXPECT_THAT(lexicon->objects_in("Stars over a magic pony"), ElementsAre(0, 1));
  EXPECT_THAT(lexicon->supported_by(ptb_tokens("the night sky")), ElementsAre(1));
  EXPECT_NE(lexicon->hash(), ObjectLexicon::built_in().hash());
}

TEST(ObjectLexicon, SaysWhatIsWrongWithAListAndWhere) {
  const struct {
    const char *text, *why;
  } cases[] = {
      {"", "lists no object"},
      {"# nothing\n", "lists no object"},
      {"cat\ndog,, puppy\n", "line 2: a word is missing"},
      {"cat\ncat, kitten\n", "line 2: object \"cat\" is there twice"},
      {"cat, kitten, kitten\n", "line 1: \"kitten\" is there twice"},
      {"cat\n[C]\n", "line 2: no heading [C]"},
      {"cat\n[implied]\ndog: bark\n", "line 3: \"dog\" is not an object"},
      {"cat\n[implied]\ncat\n", "line 3: not OBJECT: WORD"},
      {"cat\n[nothing]\ncat\n", "line 3: \"cat\" names an object and stands under [nothing]"},
      {"cat\n[animals]\ncats\n", "line 3: \"cats\" is not an object"},
  };
  for (const auto& one : cases) {
    const auto got = ObjectLexicon::parse(one.text, "list");
    ASSERT_FALSE(got) << one.text;
    EXPECT_EQ(got.error().code, Errc::invalid_config);
    EXPECT_THAT(got.error().message, HasSubstr(one.why));
  }
  const TempDir folder;
  EXPECT_EQ(ObjectLexicon::read(folder.file("none")).error().code, Errc::environment);
}

}  // namespace
}  // namespace photoscribe::test
