#include "models/train/import/state_dict.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <unordered_map>
#include <vector>

#include "models/format/mapped_file.h"
#include "models/train/import/torch_file.h"

namespace photoscribe {
namespace {

using Id = Pickle::Id;
using Kind = Pickle::Kind;

constexpr int kDepthMax = 64;                // of modules in modules
constexpr std::size_t kVisitsMax = 300'000;  // of values; the largest captioners have thousands
constexpr std::int64_t kElementsMax = std::int64_t{1} << 29;  // of all tensors together
constexpr std::int64_t kReachMax = std::int64_t{1} << 40;

[[noreturn]] void refuse_tensors(const std::string& what) {
  throw std::runtime_error("not a state dict of tensors alone: " + what);
}

torch::ScalarType scalar_type(const std::string& storage) {
  static const std::unordered_map<std::string, torch::ScalarType> kTypes{
      {"Float", torch::kFloat32}, {"Half", torch::kFloat16},      {"Double", torch::kFloat64},
      {"Long", torch::kInt64},    {"BFloat16", torch::kBFloat16}, {"Int", torch::kInt32},
      {"Short", torch::kInt16},   {"Char", torch::kInt8},         {"Byte", torch::kUInt8},
      {"Bool", torch::kBool}};
  const auto found = kTypes.find(storage);
  if (found == kTypes.end()) refuse_tensors("a storage of type " + storage);
  return found->second;
}

class StateReader {
 public:
  StateReader(const TorchFile& file, std::size_t file_bytes)
      : file_(file), p_(file.pickle()), file_bytes_(file_bytes) {}

  StateDict read() {
    Id root = p_.root();
    if (!is_module(root) && !is_dictionary(root)) refuse_tensors("a dictionary was expected");
    for (const char* inner : {"state_dict", "model"})
      if (const auto found = p_.find(root, inner); found && is_dictionary(*found)) {
        root = *found;
        break;
      }
    visit("", root, 0);
    if (state_.tensors.empty())
      refuse_tensors(inert_.empty() ? "it holds no tensors"
                                    : "it holds no tensors; it calls " + std::string(inert_) +
                                          ", which was not called");
    return std::move(state_);
  }

 private:
  [[nodiscard]] bool is_dictionary(Id id) const {
    return p_.is(id, Kind::dictionary) || (p_.is(id, Kind::call) && !p_.pairs(id).empty());
  }
  [[nodiscard]] bool is_module(Id id) const {
    const Id own = p_.attributes(id);
    constexpr std::size_t kMost = 1'000;  // attributes and their values; modules have some dozens
    if (own == Pickle::kNothing || p_.at(own).items.size() > kMost) return false;
    return p_.find(own, "_parameters") && p_.find(own, "_modules");
  }
  [[nodiscard]] static std::string joined(const std::string& before, std::string_view name) {
    return before.empty() ? std::string(name) : before + "." + std::string(name);
  }

  void visit(const std::string& name, Id id, int depth) {
    if (depth > kDepthMax) refuse_tensors("modules in modules, " + std::to_string(depth) + " deep");
    if (++visits_ > kVisitsMax) refuse_tensors("it names values endlessly");
    if (is_module(id)) {
      visit_module(name, id, depth);
    } else if (const auto tensor = tensor_of(id)) {
      keep(name, *tensor);
    } else if (is_dictionary(id)) {
      const auto pairs = p_.pairs(id);
      visits_ += pairs.size();
      for (const auto& [key, value] : pairs)
        if (p_.is(key, Kind::text)) visit(joined(name, p_.at(key).text), value, depth + 1);
    } else if (const std::string_view called = p_.name_of(id); !called.empty()) {
      inert_ = called;
    }
  }

  void visit_module(const std::string& name, Id id, int depth) {
    const Id own = p_.attributes(id);
    for (const auto& [key, value] : p_.pairs(own)) {
      if (!p_.is(key, Kind::text)) continue;
      const std::string_view part = p_.at(key).text;
      if (part == "_parameters" || part == "_buffers" || part == "_modules") {
        for (const auto& [inner, what] : p_.pairs(value))
          if (p_.is(inner, Kind::text)) visit(joined(name, p_.at(inner).text), what, depth + 1);
      } else if (p_.is(value, Kind::number)) {
        state_.numbers.emplace(joined(name, part), p_.at(value).number);
      }
    }
  }

  void keep(const std::string& name, const torch::Tensor& tensor) {
    elements_ += tensor.numel();
    if (elements_ > kElementsMax) refuse_tensors("tensors of more than 500 million elements");
    state_.tensors.emplace(name, tensor);
  }

  /// A tensor, or a parameter around one.
  std::optional<torch::Tensor> tensor_of(Id id) {
    for (int around = 0; around < 4 && p_.is(id, Kind::call); ++around) {
      const std::string_view function = p_.name_of(id);
      const std::vector<Id>& arguments = p_.items(p_.at(id).arguments);
      if (function == "torch._utils _rebuild_tensor_v2" ||
          function == "torch._utils _rebuild_tensor")
        return make(arguments);
      if (arguments.empty() || (function != "torch._utils _rebuild_parameter" &&
                                function != "torch._utils _rebuild_parameter_with_state" &&
                                function != "torch.nn.parameter Parameter" &&
                                function != "torch.autograd.variable Variable"))
        return std::nullopt;
      id = arguments[0];
    }
    return std::nullopt;
  }

  std::vector<std::int64_t> numbers(Id id) const {
    std::vector<std::int64_t> all;
    // A torch.Size is a call with the numbers in a tuple.
    const Id tuple = p_.is(id, Kind::call) && !p_.items(p_.at(id).arguments).empty()
                         ? p_.items(p_.at(id).arguments)[0]
                         : id;
    if (!p_.is(tuple, Kind::tuple) && !p_.is(tuple, Kind::list))
      refuse_tensors("a tensor without sizes");
    for (const Id one : p_.items(tuple)) {
      if (!p_.is(one, Kind::number)) refuse_tensors("a size that is not a number");
      all.push_back(p_.at(one).number);
    }
    return all;
  }

  /// (storage, offset, sizes, strides, …)
  torch::Tensor make(const std::vector<Id>& arguments) {
    if (arguments.size() < 4 || !p_.is(arguments[1], Kind::number))
      refuse_tensors("a tensor without sizes");
    const torch::Tensor flat = storage(arguments[0]);
    const std::int64_t offset = p_.at(arguments[1]).number;
    const auto sizes = numbers(arguments[2]), strides = numbers(arguments[3]);
    if (sizes.size() != strides.size() || sizes.size() > 8 || offset < 0 || offset > kReachMax)
      refuse_tensors("a tensor with invalid sizes");
    std::int64_t reach = offset, elements = 1;  // the last element used
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      if (sizes[i] < 0 || strides[i] < 0 || sizes[i] > kElementsMax ||
          strides[i] > kReachMax / (sizes[i] + 1) ||
          (sizes[i] > 0 && elements > kElementsMax / sizes[i]))
        refuse_tensors("a tensor with invalid sizes");
      elements *= sizes[i];
      reach += std::max<std::int64_t>(sizes[i] - 1, 0) * strides[i];
    }
    if (elements == 0) return at::empty(sizes, flat.options());
    if (reach >= flat.numel()) refuse_tensors("a tensor that passes the end of its storage");
    return flat.as_strided(sizes, strides, offset);
  }

  /// One copy of each storage: in files it may start at any byte.
  torch::Tensor storage(Id id) {
    const auto found = storages_.find(id);
    if (found != storages_.end()) return found->second;
    const TorchStorage from = file_.storage(id);
    const std::string_view bytes = from.bytes;
    torch::Tensor& flat = copies_[bytes.data()];
    const torch::ScalarType type = scalar_type(from.type);
    const auto count = static_cast<std::int64_t>(bytes.size() / torch_element_bytes(from.type));
    if (!flat.defined() || flat.scalar_type() != type || flat.numel() != count) {
      copied_ += bytes.size();
      if (copied_ > 4 * file_bytes_) refuse_tensors("storages that overlap");
      flat = at::empty({count}, type);
      if (count > 0) std::memcpy(flat.data_ptr(), bytes.data(), flat.nbytes());
    }
    storages_.emplace(id, flat);
    return flat;
  }

  const TorchFile& file_;
  const Pickle& p_;
  const std::size_t file_bytes_;
  std::size_t copied_ = 0;
  StateDict state_;
  std::string_view inert_;  // the function or class of a value that is not a tensor
  std::size_t visits_ = 0;
  std::int64_t elements_ = 0;
  std::unordered_map<Id, torch::Tensor> storages_;
  std::unordered_map<const char*, torch::Tensor> copies_;  // by the address of the bytes
};

}  // namespace

Expected<StateDict> read_state_dict(const std::string& path) {
  if (path.ends_with(".safetensors")) {
    auto tensors = load_tensors(path);
    if (!tensors) return fail(tensors.error());
    return StateDict{std::move(*tensors), {}};
  }
  return guard(Errc::model_failure, path, [&] {
    const MappedFile file(path);
    const TorchFile read = TorchFile::read(file.bytes());
    return StateReader(read, file.bytes().size()).read();
  });
}

}  // namespace photoscribe
