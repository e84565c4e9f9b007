#include "worker/queue/holdings.h"

#include <gmock/gmock.h>

namespace photoscribe {
namespace {

using redis::Delivery;
using redis::EntryId;
using State = Holdings::State;
using testing::ElementsAre;
using testing::IsEmpty;

Delivery delivery(std::uint64_t id, int deliveries = 1) {
  Delivery made;
  made.id = EntryId{id, 0};
  made.task.image_id = static_cast<std::int64_t>(id);
  made.deliveries = deliveries;
  return made;
}

EntryId id(std::uint64_t number) { return EntryId{number, 0}; }

TEST(Holdings, GivesFreshTasksFirstComeFirstServed) {
  Holdings held;
  held.add({delivery(3), delivery(1), delivery(2, 2)});

  EXPECT_THAT(held.fresh(10), ElementsAre(id(1), id(3)));
  EXPECT_THAT(held.fresh(1), ElementsAre(id(1)));
  EXPECT_EQ(held.fresh_count(), 2U);
}

TEST(Holdings, KeepsSuspectsApartLeastDeliveredFirst) {
  Holdings held;
  held.add({delivery(1, 3), delivery(2, 2), delivery(3)});

  EXPECT_EQ(held.suspect(), id(2));
  held.move({id(2)}, State::in_hand);
  EXPECT_EQ(held.suspect(), id(1));
}

TEST(Holdings, DoesNotForgetHowFarATaskHasCome) {
  Holdings held;
  held.add({delivery(1)});
  held.move({id(1)}, State::done);

  held.add({delivery(1, 2)});  // a renewal found it again

  EXPECT_TRUE(held.is(id(1), State::done));
  EXPECT_EQ(held.ids().size(), 1U);
}

TEST(Holdings, ListsByState) {
  Holdings held;
  held.add({delivery(1), delivery(2), delivery(3)});
  held.put_in_hand(delivery(4, 2));
  held.move({id(2), id(99)}, State::returning);

  EXPECT_THAT(held.ids(State::waiting), ElementsAre(id(1), id(3)));
  EXPECT_THAT(held.ids(State::in_hand), ElementsAre(id(4)));
  EXPECT_THAT(held.ids(State::returning), ElementsAre(id(2)));
  EXPECT_EQ(held.count(State::waiting), 2U);
  held.remove({id(1), id(2), id(3), id(4)});
  EXPECT_THAT(held.ids(), IsEmpty());
  EXPECT_EQ(held.find(id(1)), nullptr);
}

TEST(Holdings, CountsAsTasksComeAndGo) {
  Holdings held;
  held.add({delivery(1), delivery(2), delivery(3, 2)});
  held.add({delivery(1, 5)});  // known already
  EXPECT_EQ(held.count(State::waiting), 3U);
  EXPECT_EQ(held.fresh_count(), 2U);

  held.move({id(1), id(3)}, State::in_hand);
  held.move({id(1)}, State::in_hand);  // twice
  held.put_in_hand(delivery(2, 2));    // claimed, though it waited here
  EXPECT_EQ(held.count(State::waiting), 0U);
  EXPECT_EQ(held.count(State::in_hand), 3U);
  EXPECT_EQ(held.fresh_count(), 0U);
  EXPECT_FALSE(held.suspect());

  held.remove({id(1), id(1), id(9)});
  EXPECT_EQ(held.count(State::in_hand), 2U);
  held.move({id(2), id(3)}, State::waiting);
  EXPECT_EQ(held.suspect(), id(2));
  held.remove({id(2), id(3)});
  for (const State state : {State::waiting, State::in_hand, State::done, State::returning})
    EXPECT_EQ(held.count(state), 0U);
}

}  // namespace
}  // namespace photoscribe
