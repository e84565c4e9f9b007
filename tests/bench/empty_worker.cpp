// photoscribe-worker, whole but for its network, which is empty: what a photo costs outside
// decoding and the network (ops/bench/pipeline, tests/end_to_end/cost_guard_test.cpp). In builds
// without LibTorch, too.
#include <CLI/CLI.hpp>

#include "worker/commands/options.h"
#include "worker/commands/work_command.h"

namespace photoscribe {
namespace {

class EmptyNetwork : public Captioner {
 public:
  int input_side_px() const override { return 224; }
  Expected<std::vector<Caption>> caption(std::span<const DecodedImage* const> batch) override {
    return std::vector<Caption>(batch.size(), Caption{"a photo", -1.0, 2});
  }
};

}  // namespace

// What models/ has of it.
Expected<std::unique_ptr<Captioner>> open_captioner(const CaptionerConfig& /*config*/) {
  return std::make_unique<EmptyNetwork>();
}
void choose_blas_kernels(char** /*argv*/) {}
std::vector<std::string> available_devices() { return {"cpu"}; }

}  // namespace photoscribe

int main(int argc, char** argv) {
  using namespace photoscribe;
  prepare_worker_process(argv);
  CLI::App app;
  WorkerOptions options;
  declare_options(app, options);
  CLI11_PARSE(app, argc, argv);
  return run_work_command(options);
}
