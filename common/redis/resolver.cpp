#include "common/redis/resolver.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <mutex>
#include <system_error>
#include <thread>

namespace photoscribe::redis {

namespace asio = boost::asio;
using boost::system::error_code;
using Places = std::vector<asio::ip::tcp::endpoint>;

struct Resolver::Lookup {
  std::mutex mutex;
  Resolver* owner = nullptr;  // none: nobody waits any more; changed on the owner's thread only
  asio::any_io_executor executor;
  bool done = false;
  error_code failed;
  Places places;

  /// The thread's body.
  static void run(const std::shared_ptr<Lookup>& lookup, const std::string& host,
                  std::uint16_t port) {
    asio::io_context here;
    asio::ip::tcp::resolver resolver(here);
    error_code failed;
    const auto found = resolver.resolve(host, std::to_string(port), failed);
    const std::lock_guard lock(lookup->mutex);
    lookup->done = true;
    lookup->failed = failed;
    for (const auto& entry : found) lookup->places.push_back(entry.endpoint());
    // With the lock held: as long as the owner is there, so is its io_context.
    if (lookup->owner == nullptr) return;
    asio::post(lookup->executor, [lookup] {
      if (lookup->owner != nullptr) lookup->owner->timer_.cancel();
    });
  }
};

asio::awaitable<Places> Resolver::resolve(std::string host, std::uint16_t port,
                                          error_code& failed) {
  cancel();
  error_code no_address;
  const auto address = asio::ip::make_address(host, no_address);
  if (!no_address) {
    failed = error_code();
    co_return Places(1, asio::ip::tcp::endpoint(address, port));
  }
  const auto lookup = std::make_shared<Lookup>();
  lookup->owner = this;
  lookup->executor = timer_.get_executor();
  lookup_ = lookup;
  try {
    std::thread([lookup, host, port] { Lookup::run(lookup, host, port); }).detach();
  } catch (const std::system_error& error) {  // no thread left on this machine
    failed = error_code(error.code().value(), boost::system::generic_category());
    co_return Places();
  }
  timer_.expires_at(asio::steady_timer::time_point::max());
  error_code woken;
  auto token = asio::redirect_error(asio::use_awaitable, woken);
  co_await timer_.async_wait(token);
  const std::lock_guard lock(lookup->mutex);
  failed = lookup->done ? lookup->failed : error_code(asio::error::operation_aborted);
  co_return std::move(lookup->places);
}

void Resolver::cancel() noexcept {
  if (!lookup_) return;
  {
    const std::lock_guard lock(lookup_->mutex);
    lookup_->owner = nullptr;
  }
  lookup_.reset();
  timer_.cancel();
}

}  // namespace photoscribe::redis
