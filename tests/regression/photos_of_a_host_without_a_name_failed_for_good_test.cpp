// Reported: a worker that starts before its network is up, or before the name of a server or its
// certificate is there, failed every photo of that server for good, with `dns` or `tls`.
#include "common/core/remote_settings.h"
#include "tests/common/image/make_images.h"
#include "tests/support/host_names.h"
#include "tests/support/http_server.h"
#include "tests/worker/queue/consumer_fixture.h"
#include "worker/commands/options.h"
#include "worker/photo/load_task.h"

namespace photoscribe {
namespace {

using test::Answer;
using test::Asked;

class PhotosOfANewHost : public ConsumerTest {
 protected:
  PhotosOfANewHost() { remote.allow_private = true; }

  /// As photoscribe-worker opens it.
  void open_root(const std::string& url) {
    WorkerOptions options;
    options.roots = {"photos=" + url};
    options.remote = to_json(remote);
    auto opened = roots_of(options);
    ASSERT_TRUE(opened) << opened.error().message;
    roots = std::move(*opened);
  }
  RunningWorker start() {
    const Loader loader = [this](const Job& job, FileBuffer& buffer, const OnDecode& on_decode) {
      return load_task(job.task, job.run->spec, roots, device.side_px, buffer, on_decode);
    };
    return RunningWorker(server.url(), device, loader, roots, RootSettings());
  }
  void expect_all_done(const std::string& run, std::size_t photos) {
    for (const auto& [image, how] : await_results(run, photos))
      EXPECT_THAT(how, ::testing::StartsWith("value")) << "photo " << image;
  }
  static Answer photo(const Asked&) {
    const auto png = testing::encode_png(testing::sharp_picture(32, 32, 1));
    return {200, std::string(png.begin(), png.end())};
  }

  RemoteSettings remote;
};

TEST_F(PhotosOfANewHost, WaitForItsName) {
  const test::HttpServer web(photo);
  test::named_host().has_name = false;
  const int before = test::named_host().asked;
  open_root("http://photos.test:" + std::to_string(web.port()));
  const std::string run = make_run(6);
  RunningWorker one = start();
  ASSERT_TRUE(eventually([&] { return test::named_host().asked >= before + 6; }));
  EXPECT_TRUE(results(run).empty()) << "nobody is to blame yet";

  test::named_host().has_name = true;

  expect_all_done(run, 6);
}

TEST_F(PhotosOfANewHost, WaitForItsCertificate) {
  const test::TempDir folder, other;
  const test::Certificate good = test::make_certificate(folder),
                          bad = test::make_certificate(other);
  test::HttpServer web(photo, bad);
  remote.ca_file = good.certificate_file;
  open_root(web.url());
  const std::string run = make_run(6);
  RunningWorker one = start();
  ASSERT_TRUE(eventually([&] { return web.connections() >= 3; }));
  EXPECT_TRUE(results(run).empty()) << "nobody is to blame yet";

  web.stop();
  web.present(good);
  web.start();

  expect_all_done(run, 6);
}

}  // namespace
}  // namespace photoscribe
