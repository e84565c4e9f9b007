#include "models/tensors.h"

#include <cstring>
#include <sstream>
#include <vector>

#include "models/safetensors.h"

namespace photoscribe {
namespace {

torch::ScalarType scalar_type(ElementType type) {
  switch (type) {
    case ElementType::f32:
      return torch::kFloat32;
    case ElementType::f16:
      return torch::kFloat16;
    case ElementType::bf16:
      return torch::kBFloat16;
    case ElementType::i64:
      return torch::kInt64;
  }
  throw std::runtime_error("no such element type");
}

ElementType element_type(const std::string& name, torch::ScalarType type) {
  switch (type) {
    case torch::kFloat32:
      return ElementType::f32;
    case torch::kFloat16:
      return ElementType::f16;
    case torch::kBFloat16:
      return ElementType::bf16;
    case torch::kInt64:
      return ElementType::i64;
    default:
      throw std::runtime_error("tensor " + name + " has a type that the format does not hold");
  }
}

}  // namespace

Expected<TensorMap> load_tensors(const std::string& path) {
  const Expected<SafetensorsFile> file = SafetensorsFile::open(path);
  if (!file) return fail(file.error());
  return guard(Errc::model_failure, path, [&] {
    TensorMap tensors;
    for (const auto& [name, array] : file->arrays()) {
      // Copied, not viewed: other writers' data may start at any byte.
      const torch::Tensor view = torch::empty(array.shape, scalar_type(array.type));
      if (!array.bytes.empty())
        std::memcpy(view.data_ptr(), array.bytes.data(), array.bytes.size());
      const bool whole = array.type == ElementType::i64;
      tensors.emplace(name, view.to(whole ? torch::kInt64 : torch::kFloat32));
    }
    return tensors;
  });
}

Status save_tensors(const std::string& path, const TensorMap& tensors,
                    const std::map<std::string, std::string>& metadata) {
  TensorMap plain;  // holds the memory that the views borrow
  std::map<std::string, ArrayView> views;
  const Status ready = guard(Errc::model_failure, path, [&] {
    for (const auto& [name, tensor] : tensors) {
      const torch::Tensor on_host = tensor.detach().cpu().contiguous();
      plain.emplace(name, on_host);
      const auto* data = static_cast<const std::byte*>(on_host.data_ptr());
      views.emplace(name, ArrayView{element_type(name, on_host.scalar_type()),
                                    on_host.sizes().vec(),
                                    {data, static_cast<std::size_t>(on_host.nbytes())}});
    }
  });
  if (!ready) return ready;
  return write_safetensors(path, views, metadata);
}

torch::Tensor take(const TensorMap& tensors, const std::string& name, c10::IntArrayRef shape) {
  const auto found = tensors.find(name);
  if (found == tensors.end()) throw std::runtime_error("there is no array '" + name + "'");
  if (found->second.sizes() != shape) {
    std::ostringstream text;
    text << "array '" << name << "' has the shape " << found->second.sizes() << ", the model needs "
         << shape;
    throw std::runtime_error(text.str());
  }
  return found->second;
}

}  // namespace photoscribe
