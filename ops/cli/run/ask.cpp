#include "ops/cli/run/ask.h"

#include <chrono>
#include <string>
#include <thread>

#include "common/text/safe_text.h"
#include "ops/cli/run/writer.h"
#include "scheduler/control/control_socket.h"
#include "scheduler/store/store.h"

namespace photoscribe::cli {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kPatience = 10s;                     // for a scheduler that is starting or ending
constexpr std::chrono::milliseconds kAnswer = 30s;  // a full disk may delay it
constexpr std::chrono::milliseconds kWalk = 24h;    // to scan folders of any size
constexpr auto kPause = 50ms;

Expected<ControlReply> apply_here(Store& store, const ControlRequest& request) {
  if (request.verb == ControlVerb::drain) return ControlReply{};
  Expected<AppliedRequest> applied = apply_request(store, request);
  if (!applied) return fail(applied.error());
  return std::move(applied->reply);
}

}  // namespace

Expected<ControlReply> ask_or_do(const DatabasePlace& place, const ControlRequest& request,
                                 const DoHere& do_here) {
  const Clock::time_point until = Clock::now() + kPatience;
  for (;;) {
    // Ask first: taking the lock could make a scheduler that is just starting give up.
    const Expected<ControlReply> reply = ask_scheduler(
        place.state_folder, request, request.verb == ControlVerb::submit ? kWalk : kAnswer);
    const bool not_now =
        !reply && (reply.error().code == Errc::run_gone || reply.error().code == Errc::cancelled);
    if (!not_now) return reply;
    Expected<Store> store = Store::open_writer(place.database);
    if (store) return do_here ? do_here(*store) : apply_here(*store, request);
    if (store.error().code != Errc::store_locked) return fail(store.error());
    if (Clock::now() >= until) {
      return fail(Errc::environment,
                  store.error().message + "; it does not listen in " + shown(place.state_folder) +
                      " (it is looking for photos, is ending, or was given another state folder)");
    }
    std::this_thread::sleep_for(kPause);
  }
}

void wait_for_writer_to_end(const std::string& database) {
  while (current_writer(database)) std::this_thread::sleep_for(kPause);
}

}  // namespace photoscribe::cli
