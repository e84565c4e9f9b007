// pickle_writer: pickles for tests, opcode by opcode; also ones that Python would not write.
#pragma once

#include <cstdint>
#include <string>

namespace photoscribe::test::pickle {

template <class T>
std::string little(T number) {
  return {reinterpret_cast<const char*>(&number), sizeof number};
}
inline std::string text(const std::string& words) {
  return "X" + little(static_cast<std::uint32_t>(words.size())) + words;
}
inline std::string number(std::int32_t value) { return "J" + little(value); }
inline std::string name(const std::string& module, const std::string& function) {
  return "c" + module + "\n" + function + "\n";
}
/// `items` are its contents, one after the other.
inline std::string tuple(const std::string& items) { return "(" + items + "t"; }
/// `pairs`: key, value, key, value …
inline std::string dictionary(const std::string& pairs) { return "}(" + pairs + "u"; }
inline std::string call(const std::string& function, const std::string& arguments) {
  return function + tuple(arguments) + "R";
}
inline std::string object(const std::string& function, const std::string& state) {
  return function + ")\x81" + state + "b";
}

/// A float tensor over the storage `key`.
inline std::string tensor(const std::string& key, const std::string& sizes,
                          const std::string& strides, std::int32_t elements,
                          std::int32_t offset = 0) {
  const std::string storage = tuple(text("storage") + name("torch", "FloatStorage") + text(key) +
                                    text("cpu") + number(elements)) +
                              "Q";
  return call(name("torch._utils", "_rebuild_tensor_v2"),
              storage + number(offset) + tuple(sizes) + tuple(strides) + "\x89" +
                  call(name("collections", "OrderedDict"), ""));
}

/// A file as PyTorch before 1.6 wrote it, with one storage "0" of `elements` floats.
inline std::string old_file(const std::string& pickle, std::uint64_t elements) {
  const std::string magic{"\x80\x02\x8a\nl\xfc\x9c\x46\xf9 j\xa8P\x19.", 15};
  std::string file = magic + "\x80\x02M\xe9\x03." + "\x80\x02}." + "\x80\x02" + pickle + "." +
                     "\x80\x02](" + text("0") + "e." + little(elements);
  for (std::uint64_t i = 0; i < elements; ++i) file += little(static_cast<float>(i));
  return file;
}

}  // namespace photoscribe::test::pickle
