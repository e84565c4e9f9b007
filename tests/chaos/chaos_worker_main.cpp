// chaos_worker: photoscribe-worker, whole, with faults around its decoder and its network.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <utility>

#include "tests/chaos/photo_faults.h"
#include "worker/commands/work_command.h"

namespace photoscribe::test {

std::vector<PhotoFault> parse_photo_faults(std::string_view text) {
  std::vector<PhotoFault> faults;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    PhotoFault fault;
    std::string last;
    words >> fault.stage >> fault.what >> fault.which >> last;
    fault.once = last == "once";
    if (fault.which.empty() || (!last.empty() && !fault.once)) {
      throw std::runtime_error("no fault: " + line);
    }
    faults.push_back(std::move(fault));
  }
  return faults;
}

namespace {

class Faults {
 public:
  Faults() {
    const char* const text = std::getenv(kFaultsVariable);
    if (text != nullptr) faults_ = parse_photo_faults(text);
    const char* const folder = std::getenv(kFaultsFolderVariable);
    if (folder != nullptr) folder_ = folder;
  }

  void strike(std::string_view stage, std::string_view which) const {
    for (std::size_t i = 0; i < faults_.size(); ++i) {
      const PhotoFault& fault = faults_[i];
      if (fault.stage != stage || (fault.which != which && fault.which != "*")) continue;
      if (fault.once && !first_time(i)) continue;
      if (fault.what == "tick") {
        std::this_thread::sleep_for(std::chrono::milliseconds(150));
        continue;
      }
      std::fprintf(stderr, "warning msg=\"fault\" stage=%s what=%s which=%s\n", fault.stage.c_str(),
                   fault.what.c_str(), std::string(which).c_str());
      if (fault.what == "kill") ::kill(::getpid(), SIGKILL);
      if (fault.what == "crash") {
        ::signal(SIGSEGV, SIG_DFL);  // a sanitizer would report it as a finding
        ::raise(SIGSEGV);
      }
      if (fault.what == "slow") std::this_thread::sleep_for(std::chrono::seconds(2));
      while (fault.what == "hang") ::pause();
    }
  }

 private:
  [[nodiscard]] bool first_time(std::size_t index) const {
    const std::string mark = folder_ + "/fault-" + std::to_string(index);
    const int fd = ::open(mark.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    if (fd >= 0) ::close(fd);
    return fd >= 0;
  }

  std::vector<PhotoFault> faults_;
  std::string folder_;
};

class FaultyCaptioner : public Captioner {
 public:
  FaultyCaptioner(std::unique_ptr<Captioner> real, const Faults& faults)
      : real_(std::move(real)), faults_(faults) {}
  [[nodiscard]] int input_side_px() const override { return real_->input_side_px(); }
  Expected<std::vector<Caption>> caption(std::span<const DecodedImage* const> batch) override {
    faults_.strike("network", std::to_string(++batches_));
    return real_->caption(batch);
  }

 private:
  std::unique_ptr<Captioner> real_;
  const Faults& faults_;
  int batches_ = 0;
};

WorkerParts with_faults(WorkerParts real, const Faults& faults) {
  WorkerParts parts;
  parts.factory = [open = std::move(real.factory), &faults](
                      const std::string& device,
                      const SearchSettings& search) -> Expected<std::unique_ptr<Captioner>> {
    auto opened = open(device, search);
    if (!opened) return opened;
    return std::make_unique<FaultyCaptioner>(std::move(*opened), faults);
  };
  parts.loader = [load = std::move(real.loader), &faults](const Job& job, FileBuffer& buffer,
                                                          const OnDecode& on_decode) {
    const auto struck = [&faults, path = job.task.path](const OnDecode& next) {
      return [&faults, path, next] {
        next();
        faults.strike("decoding", path);
      };
    };
    faults.strike("reading", job.task.path);
    LoadStep step = load(job, buffer, struck(on_decode));
    if (auto* rest = std::get_if<Unanswered>(&step)) {
      rest->go_on = [go_on = std::move(rest->go_on), struck](const OnDecode& decoding) {
        return go_on(struck(decoding));
      };
    }
    return step;
  };
  return parts;
}

int run(int argc, char** argv) {
  CLI::App app("photoscribe-worker with faults, for tests");
  WorkerOptions options;
  declare_options(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  static const Faults faults;
  return run_work_command(options,
                          [](WorkerParts real) { return with_faults(std::move(real), faults); });
}

}  // namespace
}  // namespace photoscribe::test

int main(int argc, char** argv) {
  photoscribe::prepare_worker_process(argv);
  return photoscribe::test::run(argc, argv);
}
