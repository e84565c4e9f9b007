// model.yaml: YAML that came with a model.
#include <cstdio>
#include <fstream>

#include "common/core/model_folder.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/temp_dir.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace photoscribe;
  static const test::TempDir folder = [] {
    test::TempDir made;
    made.write("vocab.txt", "<end>\na\n");
    made.write("weights.safetensors", "");
    return made;
  }();
  folder.write("model.yaml", std::string(fuzz::text_of(data, size)));
  static_cast<void>(read_model_folder(folder.path().string()));
  return 0;
}
