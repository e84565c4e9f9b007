#include "worker/health/root_probes.h"

#include <boost/asio/post.hpp>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace photoscribe {

struct RootProbes::Mailbox {
  std::mutex mutex;
  RootProbes* owner = nullptr;  // none: gone; changed on the executor's thread only
  boost::asio::any_io_executor executor;

  static void deliver(const std::shared_ptr<Mailbox>& box, Answer answer) {
    // With the lock held: as long as the owner is there, so is its io_context.
    const std::lock_guard lock(box->mutex);
    if (box->owner == nullptr) return;
    boost::asio::post(box->executor, [box, answer = std::move(answer)]() mutable {
      RootProbes* const owner = box->owner;
      if (owner == nullptr) return;
      owner->on_their_way_.erase(answer.root);
      owner->on_answer_(std::move(answer));
    });
  }
};

RootProbes::RootProbes(const Roots& roots, RootCheck check, boost::asio::any_io_executor executor,
                       std::function<void(Answer)> on_answer)
    : roots_(roots),
      check_(std::move(check)),
      on_answer_(std::move(on_answer)),
      mailbox_(std::make_shared<Mailbox>()) {
  mailbox_->owner = this;
  mailbox_->executor = std::move(executor);
}

RootProbes::~RootProbes() {
  const std::lock_guard lock(mailbox_->mutex);
  mailbox_->owner = nullptr;
}

void RootProbes::ask(const std::string& root) {
  const auto known = roots_.find(root);
  if (known == roots_.end() || on_their_way_.contains(root)) return;
  const auto now = Clock::now();
  on_their_way_[root] = now;
  try {
    std::thread([box = mailbox_, check = check_, folder = known->second, now] {
      Answer answer;
      answer.root = folder.name();
      answer.asked = now;
      answer.alive = check(folder);
      Mailbox::deliver(box, std::move(answer));
    }).detach();
  } catch (const std::system_error& error) {
    Answer answer;
    answer.root = root;
    answer.asked = now;
    answer.alive =
        fail(Errc::environment,
             "root " + root + ": cannot be checked, as this machine can start no more threads: " +
                 error.code().message());
    Mailbox::deliver(mailbox_, std::move(answer));
  }
}

std::optional<RootProbes::Clock::time_point> RootProbes::asked(const std::string& root) const {
  const auto found = on_their_way_.find(root);
  if (found == on_their_way_.end()) return std::nullopt;
  return found->second;
}

}  // namespace photoscribe
