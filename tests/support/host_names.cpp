#include "tests/support/host_names.h"

#include <dlfcn.h>
#include <netdb.h>

#include <condition_variable>
#include <cstring>
#include <mutex>

namespace photoscribe::test {
namespace {

struct Door {
  std::mutex mutex;
  std::condition_variable changed;
  bool closed = false;
  int blocked = 0;
};
Door& door() {
  static Door one;
  return one;
}

}  // namespace

NamedHost& named_host() {
  static NamedHost one;
  return one;
}

HangingNames::HangingNames() {
  const std::lock_guard lock(door().mutex);
  door().closed = true;
}
HangingNames::~HangingNames() {
  std::unique_lock lock(door().mutex);
  door().closed = false;
  door().changed.notify_all();
  door().changed.wait(lock, [] { return door().blocked == 0; });
}
int HangingNames::blocked() const {
  const std::lock_guard lock(door().mutex);
  return door().blocked;
}

}  // namespace photoscribe::test

extern "C" int getaddrinfo(const char* node, const char* service, const addrinfo* hints,
                           addrinfo** result) {
  using photoscribe::test::door;
  if (node != nullptr && std::strcmp(node, photoscribe::test::kHangingHost) == 0) {
    std::unique_lock lock(door().mutex);
    ++door().blocked;
    door().changed.wait(lock, [] { return !door().closed; });
    --door().blocked;
    door().changed.notify_all();
    return EAI_AGAIN;
  }
  if (node != nullptr && std::strcmp(node, photoscribe::test::kNamedHost) == 0) {
    ++photoscribe::test::named_host().asked;
    if (!photoscribe::test::named_host().has_name) return EAI_NONAME;
    node = "127.0.0.1";
  }
  using Function = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
  static const auto real = reinterpret_cast<Function>(dlsym(RTLD_NEXT, "getaddrinfo"));
  return real(node, service, hints, result);
}
