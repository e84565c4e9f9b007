#include "models/train/pickle.h"

#include <ATen/ATen.h>
#include <caffe2/serialize/inline_container.h>

#include <bit>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <unordered_map>
#include <variant>
#include <vector>

namespace photoscribe {
namespace {

struct Value;
using List = std::vector<Value>;
using Pairs = std::vector<std::pair<Value, Value>>;

struct None {};
struct Name {  // of a class or function
  std::string text;
};
struct Storage {
  std::string key;
  torch::ScalarType type = torch::kFloat32;
};

/// Whatever may lie on the stack. Lists and dictionaries are shared, as in Python.
struct Value {
  std::variant<None, bool, std::int64_t, double, std::string, Name, Storage, torch::Tensor,
               std::shared_ptr<List>, std::shared_ptr<Pairs>>
      is;
};

[[noreturn]] void refuse(const std::string& what) {
  throw std::runtime_error("not a state dict of tensors alone: " + what);
}

template <class T>
const T& as(const Value& value, const char* what) {
  if (const T* found = std::get_if<T>(&value.is)) return *found;
  refuse(std::string(what) + " was expected");
}

torch::ScalarType storage_type(const std::string& name) {
  static const std::unordered_map<std::string, torch::ScalarType> kTypes{
      {"torch FloatStorage", torch::kFloat32},     {"torch HalfStorage", torch::kFloat16},
      {"torch DoubleStorage", torch::kFloat64},    {"torch LongStorage", torch::kInt64},
      {"torch BFloat16Storage", torch::kBFloat16}, {"torch IntStorage", torch::kInt32},
      {"torch ByteStorage", torch::kUInt8},        {"torch BoolStorage", torch::kBool}};
  const auto found = kTypes.find(name);
  if (found == kTypes.end()) refuse("a storage of type " + name);
  return found->second;
}

std::vector<std::int64_t> numbers(const Value& value) {
  std::vector<std::int64_t> all;
  for (const Value& one : *as<std::shared_ptr<List>>(value, "a tuple of numbers"))
    all.push_back(as<std::int64_t>(one, "a number"));
  return all;
}

class Unpickler {
 public:
  explicit Unpickler(const std::string& path) : archive_(path) {
    const auto [data, size] = archive_.getRecord("data.pkl");
    program_.assign(static_cast<const char*>(data.get()), size);
  }

  Value run() {
    while (true) {
      const auto code = static_cast<unsigned char>(take(1)[0]);
      if (code == '.') return pop();
      if (!push_constant(code) && !build(code)) {
        refuse("opcode " + std::to_string(static_cast<int>(code)));
      }
    }
  }

 private:
  std::string_view take(std::size_t bytes) {
    if (bytes > program_.size() - at_) refuse("it ends early");
    const std::string_view part(program_.data() + at_, bytes);
    at_ += bytes;
    return part;
  }
  template <class T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  std::string line() {
    const std::size_t end = program_.find('\n', at_);
    if (end == std::string::npos) refuse("it ends early");
    const std::string text = program_.substr(at_, end - at_);
    at_ = end + 1;
    return text;
  }

  Value pop() {
    if (stack_.empty()) refuse("it takes more than it has");
    Value value = std::move(stack_.back());
    stack_.pop_back();
    return value;
  }
  Value& top() {
    if (stack_.empty()) refuse("it takes more than it has");
    return stack_.back();
  }
  template <class T>
  bool push(T value) {
    stack_.push_back({std::move(value)});
    return true;
  }
  /// What lies above the last mark.
  List above_mark() {
    if (marks_.empty() || marks_.back() > stack_.size()) refuse("a mark is missing");
    const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    List above(std::make_move_iterator(first), std::make_move_iterator(stack_.end()));
    stack_.erase(first, stack_.end());
    marks_.pop_back();
    return above;
  }
  List last(std::size_t count) {
    List values(count);
    for (std::size_t i = count; i-- > 0;) values[i] = pop();
    return values;
  }
  bool push_tuple(List values) { return push(std::make_shared<List>(std::move(values))); }
  bool remember(std::uint32_t place) {
    memo_[place] = top();
    return true;
  }
  bool recall(std::uint32_t place) {
    const auto found = memo_.find(place);
    if (found == memo_.end()) refuse("it recalls what it has not kept");
    stack_.push_back(found->second);
    return true;
  }

  bool push_constant(unsigned char code) {
    switch (code) {
      case 0x80:  // PROTO
        if (number<std::uint8_t>() > 5) refuse("a newer pickle protocol");
        return true;
      case 'N':
        return push(None{});
      case 0x88:
        return push(true);
      case 0x89:
        return push(false);
      case 'K':
        return push(std::int64_t{number<std::uint8_t>()});
      case 'M':
        return push(std::int64_t{number<std::uint16_t>()});
      case 'J':
        return push(std::int64_t{number<std::int32_t>()});
      case 0x8a: {  // LONG1, little-endian two's complement
        const std::string_view bytes = take(number<std::uint8_t>());
        if (bytes.size() > 8) refuse("a number of more than 64 bits");
        std::uint64_t value = !bytes.empty() && (bytes.back() & 0x80) != 0 ? ~std::uint64_t{0} : 0;
        std::memcpy(&value, bytes.data(), bytes.size());
        return push(static_cast<std::int64_t>(value));
      }
      case 'G': {  // BINFLOAT, big-endian
        return push(std::bit_cast<double>(__builtin_bswap64(number<std::uint64_t>())));
      }
      case 'X':
        return push(std::string(take(number<std::uint32_t>())));
      case 0x8c:
        return push(std::string(take(number<std::uint8_t>())));
      case '}':
        return push(std::make_shared<Pairs>());
      case ']':
      case ')':
        return push(std::make_shared<List>());
      case 'c': {
        std::string module = line();
        return push(Name{module + " " + line()});
      }
      default:
        return false;
    }
  }

  bool build(unsigned char code) {
    switch (code) {
      case '(':
        marks_.push_back(stack_.size());
        return true;
      case 't':
        return push_tuple(above_mark());
      case 0x85:
      case 0x86:
      case 0x87:
        return push_tuple(last(code - 0x84U));
      case 'q':
        return remember(number<std::uint8_t>());
      case 'r':
        return remember(number<std::uint32_t>());
      case 'h':
        return recall(number<std::uint8_t>());
      case 'j':
        return recall(number<std::uint32_t>());
      case 's':
        return set_items(last(2));
      case 'u':
        return set_items(above_mark());
      case 'a':
        return append(last(1));
      case 'e':
        return append(above_mark());
      case 'Q':
        return push(storage(pop()));
      case 'R':
        return call();
      case 'b':  // attributes, such as _metadata: no tensor is among them
        static_cast<void>(pop());
        static_cast<void>(as<std::shared_ptr<Pairs>>(top(), "a dictionary with attributes"));
        return true;
      default:
        return false;
    }
  }

  bool set_items(List items) {
    const auto& pairs = as<std::shared_ptr<Pairs>>(top(), "a dictionary");
    if (items.size() % 2 != 0) refuse("a key without a value");
    for (std::size_t i = 0; i < items.size(); i += 2)
      pairs->emplace_back(std::move(items[i]), std::move(items[i + 1]));
    return true;
  }
  bool append(List items) {
    const auto& list = as<std::shared_ptr<List>>(top(), "a list");
    for (Value& one : items) list->push_back(std::move(one));
    return true;
  }

  /// ('storage', type, key, device, elements)
  static Storage storage(const Value& id) {
    const List& parts = *as<std::shared_ptr<List>>(id, "a storage");
    if (parts.size() != 5 || as<std::string>(parts[0], "a storage") != "storage")
      refuse("something else that is kept beside it");
    return {as<std::string>(parts[2], "a storage's key"),
            storage_type(as<Name>(parts[1], "a storage's type").text)};
  }

  bool call() {
    const auto arguments = as<std::shared_ptr<List>>(pop(), "arguments");
    const std::string function = as<Name>(pop(), "a function").text;
    if (function == "collections OrderedDict") {
      if (!arguments->empty()) refuse("an OrderedDict made of something");
      return push(std::make_shared<Pairs>());
    }
    if (function == "torch._utils _rebuild_tensor_v2") return push(tensor(*arguments));
    if (function == "torch._utils _rebuild_parameter" && !arguments->empty()) {
      stack_.push_back(arguments->front());
      return true;
    }
    refuse("it calls " + function);
  }

  /// (storage, offset, sizes, strides, …)
  torch::Tensor tensor(const List& arguments) {
    if (arguments.size() < 4) refuse("a tensor without sizes");
    const auto& from = as<Storage>(arguments[0], "a storage");
    const std::int64_t offset = as<std::int64_t>(arguments[1], "an offset");
    const auto sizes = numbers(arguments[2]), strides = numbers(arguments[3]);
    torch::Tensor& flat = storages_[from.key];
    if (!flat.defined()) {
      const auto [data, bytes] = archive_.getRecord("data/" + from.key);
      flat = at::empty({static_cast<std::int64_t>(bytes / c10::elementSize(from.type))}, from.type);
      std::memcpy(flat.data_ptr(), data.get(), flat.nbytes());
    }
    std::int64_t reach = offset;  // the last element that is looked at
    bool empty = false;
    if (sizes.size() != strides.size() || offset < 0) refuse("a tensor of broken sizes");
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      constexpr std::int64_t kMost = std::int64_t{1} << 40;
      if (sizes[i] < 0 || strides[i] < 0 || sizes[i] > kMost || strides[i] > kMost / (sizes[i] + 1))
        refuse("a tensor of broken sizes");
      empty = empty || sizes[i] == 0;
      reach += (sizes[i] - 1) * strides[i];
    }
    if (!empty && reach >= flat.numel()) refuse("a tensor that passes the end of its storage");
    if (empty) return at::empty(sizes, from.type);
    return flat.as_strided(sizes, strides, offset).contiguous();
  }

  caffe2::serialize::PyTorchStreamReader archive_;
  std::string program_;
  std::size_t at_ = 0;
  List stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint32_t, Value> memo_;
  std::unordered_map<std::string, torch::Tensor> storages_;
};

TensorMap tensors_of(const Value& value) {
  TensorMap tensors;
  for (const auto& [key, entry] : *as<std::shared_ptr<Pairs>>(value, "a dictionary")) {
    const auto* name = std::get_if<std::string>(&key.is);
    if (name == nullptr) refuse("a key that is no text");
    if (const auto* tensor = std::get_if<torch::Tensor>(&entry.is)) {
      tensors.emplace(*name, *tensor);
    } else if ((*name == "state_dict" || *name == "model") &&
               std::holds_alternative<std::shared_ptr<Pairs>>(entry.is)) {
      return tensors_of(entry);
    }
  }
  return tensors;
}

}  // namespace

TensorMap read_state_dict_pickle(const std::string& path) {
  try {
    return tensors_of(Unpickler(path).run());
  } catch (const c10::Error& error) {
    const std::string text = error.what_without_backtrace();
    throw std::runtime_error("a damaged zip file: " + text.substr(0, text.find('\n')));
  }
}

}  // namespace photoscribe
