// The machine that a pickle is a program for, except that it calls nothing.
#include <bit>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <unordered_map>

#include "models/train/import/pickle.h"
#include "models/train/import/pickle_text.h"

namespace photoscribe {
namespace {

using Id = Pickle::Id;
using Kind = Pickle::Kind;

[[noreturn]] void reject(const std::string& what) {
  throw std::runtime_error("not a pickle that can be read: " + what);
}

}  // namespace

class PickleReader {
 public:
  explicit PickleReader(std::string_view bytes) : bytes_(bytes.substr(0, kPickleBytesMax)) {}

  Pickle read() {
    none_ = make(Kind::none);
    for (std::int64_t truth = 0; truth < 2; ++truth) {
      truths_[truth] = make(Kind::boolean);
      node(truths_[truth]).number = truth;
    }
    while (true) {
      const auto code = static_cast<unsigned char>(take(1)[0]);
      if (code == '.') break;
      if (!constant(code) && !text(code) && !collection(code) && !object(code) && !memory(code))
        reject("opcode " + std::to_string(static_cast<int>(code)));
    }
    made_.root_ = pop();
    made_.size_ = at_;
    return std::move(made_);
  }

 private:
  // --- bytes ---
  std::string_view take(std::uint64_t count) {
    if (count > bytes_.size() - at_)
      reject(bytes_.size() == kPickleBytesMax ? "it is longer than 64 MiB" : "it ends early");
    const std::string_view part = bytes_.substr(at_, count);
    at_ += count;
    return part;
  }
  template <class T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  std::string_view line() {
    const std::size_t end = bytes_.find('\n', at_);
    if (end == std::string_view::npos) reject("it ends early");
    const std::string_view text = take(end - at_);
    at_ = end + 1;
    return text.ends_with('\r') ? text.substr(0, text.size() - 1) : text;
  }

  // --- values ---
  Pickle::Node& node(Id id) { return made_.nodes_[id]; }
  Id make(Kind kind) {
    if (made_.nodes_.size() >= kPickleNodesMax) reject("it makes millions of values");
    made_.nodes_.emplace_back().kind = kind;
    return static_cast<Id>(made_.nodes_.size() - 1);
  }
  std::string_view keep(std::string text) { return made_.texts_.emplace_back(std::move(text)); }
  bool push(Id id) {
    if (stack_.size() >= kPickleNodesMax) reject("it stacks millions of values");
    stack_.push_back(id);
    return true;
  }
  bool push_number(std::int64_t value) {
    const Id id = make(Kind::number);
    node(id).number = value;
    return push(id);
  }
  bool push_real(double value) {
    const Id id = make(Kind::real);
    node(id).real = value;
    return push(id);
  }
  bool push_text(std::string_view value, Kind kind = Kind::text) {
    const Id id = make(kind);
    node(id).text = value;
    return push(id);
  }
  bool push_items(Kind kind, std::vector<Id> items) {
    const Id id = make(kind);
    node(id).items = std::move(items);
    return push(id);
  }
  bool push_call(Id function, Id arguments) {
    const Id id = make(Kind::call);
    node(id).function = function;
    node(id).arguments = arguments;
    return push(id);
  }

  Id pop() {
    if (stack_.empty() || (!marks_.empty() && marks_.back() >= stack_.size()))
      reject("it pops an empty stack");
    const Id id = stack_.back();
    stack_.pop_back();
    return id;
  }
  Id top() const {
    if (stack_.empty()) reject("it pops an empty stack");
    return stack_.back();
  }
  /// What is above the last mark.
  std::vector<Id> above_mark() {
    if (marks_.empty() || marks_.back() > stack_.size()) reject("a mark is missing");
    const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<Id> above(first, stack_.end());
    stack_.erase(first, stack_.end());
    marks_.pop_back();
    return above;
  }
  std::vector<Id> last(std::size_t count) {
    std::vector<Id> values(count);
    for (std::size_t i = count; i-- > 0;) values[i] = pop();
    return values;
  }

  // --- opcodes ---
  bool constant(unsigned char code) {
    switch (code) {
      case 0x80:  // PROTO
        if (number<std::uint8_t>() > 5) reject("a newer protocol");
        return true;
      case 0x95:  // FRAME
        static_cast<void>(number<std::uint64_t>());
        return true;
      case 'N':
        return push(none_);
      case 0x88:
      case 0x89:
        return push(truths_[code == 0x88 ? 1 : 0]);
      case 'I': {
        const std::string_view digits = line();
        if (digits == "00" || digits == "01") return push(truths_[digits == "01" ? 1 : 0]);
        return push_digits(digits);
      }
      case 'L': {
        const std::string_view digits = line();
        return push_digits(digits.ends_with('L') ? digits.substr(0, digits.size() - 1) : digits);
      }
      case 'K':
        return push_number(number<std::uint8_t>());
      case 'M':
        return push_number(number<std::uint16_t>());
      case 'J':
        return push_number(number<std::int32_t>());
      case 0x8a:
        return push_long(take(number<std::uint8_t>()));
      case 0x8b: {
        const auto count = number<std::int32_t>();
        if (count < 0) reject("a number of negative length");
        return push_long(take(static_cast<std::uint64_t>(count)));
      }
      case 'F':
        return push_real(std::strtod(std::string(line()).c_str(), nullptr));
      case 'G':  // big-endian
        return push_real(std::bit_cast<double>(__builtin_bswap64(number<std::uint64_t>())));
      default:
        return false;
    }
  }

  bool push_digits(std::string_view digits) {
    std::int64_t value = 0;
    const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (failed == std::errc::result_out_of_range) return push(make(Kind::opaque));
    if (failed != std::errc{} || end != digits.data() + digits.size()) reject("a broken number");
    return push_number(value);
  }

  /// Little-endian two's complement.
  bool push_long(std::string_view bytes) {
    if (bytes.size() > 8) return push(make(Kind::opaque));
    std::uint64_t value = !bytes.empty() && (bytes.back() & 0x80) != 0 ? ~std::uint64_t{0} : 0;
    std::memcpy(&value, bytes.data(), bytes.size());
    return push_number(static_cast<std::int64_t>(value));
  }

  bool text(unsigned char code) {
    switch (code) {
      case 'S':
        return push_text(keep(text_of_literal(line())));
      case 'V':
        return push_text(keep(text_of_escapes(line())));
      case 'U':   // SHORT_BINSTRING
      case 'C':   // SHORT_BINBYTES
      case 0x8c:  // SHORT_BINUNICODE
        return push_text(take(number<std::uint8_t>()));
      case 'T':  // BINSTRING
      case 'B':  // BINBYTES
      case 'X':  // BINUNICODE
        return push_text(take(number<std::uint32_t>()));
      case 0x8d:  // BINUNICODE8
      case 0x8e:  // BINBYTES8
      case 0x96:  // BYTEARRAY8
        return push_text(take(number<std::uint64_t>()));
      default:
        return false;
    }
  }

  bool collection(unsigned char code) {
    switch (code) {
      case '(':
        if (marks_.size() >= kPickleNodesMax) reject("it stacks millions of marks");
        marks_.push_back(stack_.size());
        return true;
      case ')':
        return push_items(Kind::tuple, {});
      case 't':
        return push_items(Kind::tuple, above_mark());
      case 0x85:
      case 0x86:
      case 0x87:
        return push_items(Kind::tuple, last(code - 0x84U));
      case ']':
        return push_items(Kind::list, {});
      case 'l':
        return push_items(Kind::list, above_mark());
      case '}':
        return push_items(Kind::dictionary, {});
      case 'd':
        return push_items(Kind::dictionary, in_pairs(above_mark()));
      case 0x8f:
        return push_items(Kind::set, {});
      case 0x91:  // FROZENSET
        return push_items(Kind::set, above_mark());
      case 'a':
        return add(last(1), Kind::list);
      case 'e':
        return add(above_mark(), Kind::list);
      case 0x90:
        return add(above_mark(), Kind::set);
      case 's':
        return add(last(2), Kind::dictionary);
      case 'u':
        return add(in_pairs(above_mark()), Kind::dictionary);
      default:
        return false;
    }
  }

  static std::vector<Id> in_pairs(std::vector<Id> items) {
    if (items.size() % 2 != 0) reject("a key without a value");
    return items;
  }

  /// Puts `items` into what is on top: a `kind`, or an object of a similar class.
  bool add(const std::vector<Id>& items, Kind kind) {
    Pickle::Node& to = node(top());
    if (to.kind != kind && to.kind != Kind::call) reject("items without a collection");
    if (to.kind == Kind::call && kind != Kind::dictionary) return true;  // not needed
    to.items.insert(to.items.end(), items.begin(), items.end());
    return true;
  }

  bool object(unsigned char code) {
    switch (code) {
      case 'c': {
        const std::string module(line());
        return push_text(keep(module + " " + std::string(line())), Kind::name);
      }
      case 0x93: {  // STACK_GLOBAL
        const Id name = pop(), module = pop();
        if (node(name).kind != Kind::text || node(module).kind != Kind::text)
          reject("a name that is not text");
        return push_text(keep(std::string(node(module).text) + " " + std::string(node(name).text)),
                         Kind::name);
      }
      case 0x82:
      case 0x83:
      case 0x84:  // EXT1, EXT2, EXT4: numbers of a registry that only the writer had
        take(code == 0x82 ? 1 : code == 0x83 ? 2 : 4);
        return push_text("copyreg extension", Kind::name);
      case 'R':
      case 0x81: {  // REDUCE, NEWOBJ: nothing is called
        const Id arguments = pop(), function = pop();
        return push_call(function, arguments);
      }
      case 0x92: {  // NEWOBJ_EX
        static_cast<void>(pop());
        const Id arguments = pop(), function = pop();
        return push_call(function, arguments);
      }
      case 'i': {  // INST
        const std::string module(line());
        const std::string_view name = keep(module + " " + std::string(line()));
        std::vector<Id> items = above_mark();
        push_text(name, Kind::name);
        const Id function = pop();
        return make_object(function, std::move(items));
      }
      case 'o': {  // OBJ
        std::vector<Id> items = above_mark();
        if (items.empty()) reject("an object without a class");
        const Id function = items.front();
        items.erase(items.begin());
        return make_object(function, std::move(items));
      }
      case 'b': {
        const Id state = pop();
        if (node(top()).kind == Kind::call) node(top()).state = state;
        return true;
      }
      case 'P':
        push_text(line());
        return push_persistent(pop());
      case 'Q':
        return push_persistent(pop());
      default:
        return false;
    }
  }

  bool make_object(Id function, std::vector<Id> items) {
    push_items(Kind::tuple, std::move(items));
    const Id arguments = pop();
    return push_call(function, arguments);
  }

  bool push_persistent(Id what) {
    const Id id = make(Kind::persistent);
    node(id).arguments = what;
    return push(id);
  }

  bool memory(unsigned char code) {
    switch (code) {
      case '0':
        static_cast<void>(pop());
        return true;
      case '1':
        static_cast<void>(above_mark());
        return true;
      case '2':
        return push(top());
      case 'p':
        return remember(place(line()));
      case 'q':
        return remember(number<std::uint8_t>());
      case 'r':
        return remember(number<std::uint32_t>());
      case 0x94:
        return remember(static_cast<std::uint32_t>(memo_.size()));
      case 'g':
        return recall(place(line()));
      case 'h':
        return recall(number<std::uint8_t>());
      case 'j':
        return recall(number<std::uint32_t>());
      default:
        return false;
    }
  }

  static std::uint32_t place(std::string_view digits) {
    std::uint32_t value = 0;
    const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (failed != std::errc{} || end != digits.data() + digits.size()) reject("a broken place");
    return value;
  }
  bool remember(std::uint32_t place) {
    if (memo_.size() >= kPickleNodesMax) reject("it keeps millions of values");
    memo_[place] = top();
    return true;
  }
  bool recall(std::uint32_t place) {
    const auto found = memo_.find(place);
    if (found == memo_.end()) reject("it gets what is not in its memo");
    return push(found->second);
  }

  std::string_view bytes_;
  std::size_t at_ = 0;
  Pickle made_;
  Id none_ = 0, truths_[2] = {};
  std::vector<Id> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint32_t, Id> memo_;
};

Pickle Pickle::read(std::string_view bytes) { return PickleReader(bytes).read(); }

}  // namespace photoscribe
