// Checkpoints that strangers hand out: files of torch.save, old and new, and pickles alone.
#include "models/train/import/torch_file.h"

#include <stdexcept>

#include "models/train/import/pickle_text.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace photoscribe;
  const std::string_view bytes = fuzz::text_of(data, size);
  static_cast<void>(utf8_of_latin1(bytes.substr(0, 1000)));
  try {
    const TorchFile file = TorchFile::read(bytes);
    const Pickle& p = file.pickle();
    // An opcode makes two values at most, and there are three before the first.
    fuzz::require(p.nodes() <= 2 * size + 3 && p.size() <= size);
    std::size_t linked = 0;
    for (std::size_t i = 0; i < p.nodes(); ++i) {
      const auto id = static_cast<Pickle::Id>(i);
      for (const Pickle::Id item : p.at(id).items) fuzz::require(item < p.nodes());
      linked += p.at(id).items.size() + p.pairs(id).size() + p.items(id).size();
      fuzz::require(p.name_of(id).size() <= 2 * size + 1);
      static_cast<void>(p.attributes(id));
      static_cast<void>(p.find(id, "vocab"));
      if (!p.is(id, Pickle::Kind::persistent)) continue;
      try {
        const TorchStorage storage = file.storage(id);
        std::size_t sum = 0;
        for (const char byte : storage.bytes) sum += static_cast<unsigned char>(byte);
        fuzz::require(sum <= 255 * size);
      } catch (const std::runtime_error&) {
      }
    }
    fuzz::require(linked <= 64 * (size + 1) * (size + 1));
  } catch (const std::runtime_error&) {
  }
  return 0;
}
