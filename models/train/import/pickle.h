// pickle: a Python pickle, read as a tree of inert values. Private to models/train.
//
// A pickle is a program, and Python's own reader runs it: whatever function it names is called.
// This one calls nothing and knows no classes: a call of a function, or an object of a class,
// becomes a node that says which one and with what. All protocols are read, 0 to 5, as Python 2 and
// 3 wrote them. Memory is bounded by the pickle's own size, which is bounded itself; nothing here
// is recursive, so nesting costs no stack. It knows neither files nor tensors (torch_file.h).
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace photoscribe {

inline constexpr std::size_t kPickleBytesMax = std::size_t{64} << 20;
inline constexpr std::size_t kPickleNodesMax = 2'000'000;

class Pickle {
 public:
  /// Number of a node. Nodes may be shared, and may contain themselves.
  using Id = std::uint32_t;
  static constexpr Id kNothing = ~Id{0};

  enum class Kind : std::uint8_t {
    none,
    boolean,  // number is 0 or 1
    number,   // 64 bits; a larger one is `opaque`
    real,
    text,  // bytes, too
    name,  // text is "MODULE NAME" of a class or function
    tuple,
    list,
    dictionary,  // items are key, value, key, value …
    set,
    call,        // of function, or an object of the class `function`, with arguments
    persistent,  // arguments say what it is; its bytes lie outside the pickle
    opaque,
  };

  struct Node {
    Kind kind = Kind::none;
    std::int64_t number = 0;
    double real = 0;
    std::string_view text;
    std::vector<Id> items;  // of a call: key, value, … that were put into the object
    Id function = kNothing, arguments = kNothing, state = kNothing;
  };

  /// Reads the pickle that `bytes` begins with; they must live as long as the result. Throws
  /// std::runtime_error: it ends early, has an unknown opcode, gets what it has not put into the
  /// memo, is longer than kPickleBytesMax or makes more than kPickleNodesMax values.
  [[nodiscard]] static Pickle read(std::string_view bytes);

  [[nodiscard]] Id root() const noexcept { return root_; }
  /// The bytes read, its end included.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t nodes() const noexcept { return nodes_.size(); }
  [[nodiscard]] const Node& at(Id id) const { return nodes_.at(id); }

  /// The pairs of a dictionary, of an OrderedDict, or of another object that items were put into.
  [[nodiscard]] std::vector<std::pair<Id, Id>> pairs(Id id) const;
  /// The value of the text `key` in it.
  [[nodiscard]] std::optional<Id> find(Id id, std::string_view key) const;
  /// An object's attributes: a dictionary, or kNothing.
  [[nodiscard]] Id attributes(Id id) const;
  /// "MODULE NAME" of a class or function, or what a call calls; empty: neither.
  [[nodiscard]] std::string_view name_of(Id id) const;
  [[nodiscard]] bool is(Id id, Kind kind) const { return id != kNothing && at(id).kind == kind; }
  /// The items of a tuple or list; none of anything else.
  [[nodiscard]] const std::vector<Id>& items(Id id) const;

 private:
  friend class PickleReader;
  std::vector<Node> nodes_;
  std::deque<std::string> texts_;  // that are not in the pickle as they are
  Id root_ = kNothing;
  std::size_t size_ = 0;
};

}  // namespace photoscribe
