// Three hosts: a scheduler with its Redis, and two workers, each in a network namespace of its own
// with a cable to the first. One cable is pulled in the middle of a run.
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <stdexcept>

#include "tests/end_to_end/fixture.h"
#include "tests/support/redis_server.h"

namespace photoscribe::test {
namespace {

/// A network namespace, made and removed with ip(8); needs root.
class Host {
 public:
  explicit Host(const std::string& role)
      : name_("photoscribe-" + std::to_string(::getpid()) + "-" + role) {}
  ~Host() { (void)ip("netns del " + name_); }
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  [[nodiscard]] bool make() const {
    return ip("netns add " + name_) && ip("-n " + name_ + " link set lo up");
  }
  [[nodiscard]] const std::string& name() const { return name_; }
  static bool ip(const std::string& words) {
    return std::system(("ip " + words + " > /dev/null 2>&1").c_str()) == 0;
  }

 private:
  std::string name_;
};

/// This thread, and what it starts meanwhile, is on that host.
class OnHost {
 public:
  explicit OnHost(const Host& host)
      : home_(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)) {
    const int there = ::open(("/run/netns/" + host.name()).c_str(), O_RDONLY | O_CLOEXEC);
    const bool entered = there >= 0 && ::setns(there, CLONE_NEWNET) == 0;
    if (there >= 0) ::close(there);
    if (!entered || home_ < 0) throw std::runtime_error("cannot enter " + host.name());
  }
  ~OnHost() {
    if (::setns(home_, CLONE_NEWNET) != 0) std::abort();  // whatever follows would be elsewhere
    ::close(home_);
  }
  OnHost(const OnHost&) = delete;
  OnHost& operator=(const OnHost&) = delete;

 private:
  int home_;
};

class Hosts : public EndToEnd {
 protected:
  /// Puts a cable between `scheduler` (10.77.N.1) and `host` (10.77.N.2).
  static bool connect(const Host& scheduler, const Host& host, int number) {
    const std::string n = std::to_string(number), here = "-n " + scheduler.name() + " ",
                      there = "-n " + host.name() + " ", cable = "cable" + n;
    return Host::ip(here + "link add " + cable + " type veth peer name eth0 netns " +
                    host.name()) &&
           Host::ip(here + "addr add 10.77." + n + ".1/24 dev " + cable) &&
           Host::ip(there + "addr add 10.77." + n + ".2/24 dev eth0") &&
           Host::ip(here + "link set " + cable + " up") && Host::ip(there + "link set eth0 up");
  }
  [[nodiscard]] int workers_with_results() const {
    return std::stoi(
        query_one(database(), "SELECT count(DISTINCT worker) FROM caption_result_latest"));
  }
};

TEST_F(Hosts, OneThatLosesItsLinkCostsNothingAndComesBack) {
  const Host scheduler("s"), first("a"), second("b");
  if (!scheduler.make() || !first.make() || !second.make() || !connect(scheduler, first, 1) ||
      !connect(scheduler, second, 2)) {
    GTEST_SKIP() << "network namespaces are not allowed here (root, and ip of iproute2): a host "
                    "that loses its link is NOT tested";
  }
  constexpr int kPhotos = 500;
  add_photos(kPhotos);
  std::optional<RedisServer> redis;
  std::optional<Process> run, near, far;
  const std::string folder = folder_.path().string();
  {
    const OnHost here(scheduler);
    redis.emplace(RedisOptions{.directives = {"bind 0.0.0.0", "protected-mode no"}, .tcp = true});
    const std::string url = "redis://127.0.0.1:" + std::to_string(redis->port());
    run.emplace(run_command({"--redis", url, "--workers", "0", "--no-progress"}), folder);
  }
  const std::string port = std::to_string(redis->port());
  {
    const OnHost here(first);
    near.emplace(worker_command("redis://10.77.1.1:" + port), folder);
  }
  {
    const OnHost here(second);
    far.emplace(worker_command("redis://10.77.2.1:" + port), folder);
  }
  ASSERT_TRUE(eventually([&] { return recorded(1) && workers_with_results() == 2; }))
      << run->err_so_far();

  ASSERT_TRUE(Host::ip("-n " + scheduler.name() + " link set cable2 down"));
  const Finished end = run->wait();

  EXPECT_EQ(end.exit_status, 0) << end.err;
  expect_everything_once(kPhotos);
  EXPECT_FALSE(far->ended()) << far->err_so_far();
  // The cable is put back: the worker finds that the run is over, and takes part in the next one.
  ASSERT_TRUE(Host::ip("-n " + scheduler.name() + " link set cable2 up"));
  near->signal(15);
  EXPECT_EQ(near->wait().exit_status, 0);
  add_photos(20, kPhotos);
  {
    const OnHost here(scheduler);
    run.emplace(
        run_command({"--redis", "redis://127.0.0.1:" + port, "--workers", "0", "--no-progress"}),
        folder);
  }
  EXPECT_EQ(run->wait().exit_status, 0);
  expect_everything_once(kPhotos + 20);
  far->signal(15);
  EXPECT_EQ(far->wait().exit_status, 0);
}

}  // namespace
}  // namespace photoscribe::test
