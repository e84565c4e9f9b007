#include "models/format/tensors.h"

#include <cstring>
#include <sstream>
#include <vector>

#include "models/format/safetensors.h"

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
    case ElementType::i8:
      return torch::kInt8;
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
    case torch::kInt8:
      return ElementType::i8;
    default:
      throw std::runtime_error("tensor " + name + " has a type that the format does not hold");
  }
}

constexpr const char* kScale = ".scale";

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
      tensors.emplace(name, torch::isIntegralType(view.scalar_type(), /*includeBool=*/false)
                                ? view
                                : view.to(torch::kFloat32));
    }
    widen_rows(tensors);
    return tensors;
  });
}

void narrow_rows(TensorMap& tensors, const std::string& name, const torch::Tensor& table) {
  const torch::Tensor plain = table.detach().to(torch::kFloat32).flatten(1);
  const torch::Tensor exact = std::get<0>(plain.abs().max(1)).clamp_min(1e-12F) / 127;
  // Of 16 bits (Veltkamp's splitting), so that products with integers up to 127 are exact, and a
  // table that was narrowed stays as it is when it is narrowed again.
  const torch::Tensor split = exact * 257, scale = split - (split - exact);
  tensors[name] =
      (plain / scale.unsqueeze(1)).round().clamp(-127, 127).to(torch::kInt8).view(table.sizes());
  tensors[name + kScale] = scale;
}

void widen_rows(TensorMap& tensors) {
  for (auto& [name, tensor] : tensors) {
    if (tensor.scalar_type() != torch::kInt8) continue;
    const auto scale = tensors.find(name + kScale);
    if (scale == tensors.end() || tensor.dim() < 2 || scale->second.dim() != 1 ||
        scale->second.size(0) != tensor.size(0))
      throw std::runtime_error("array '" + name + "' has no scale for each of its rows");
    tensor =
        (tensor.to(torch::kFloat32).flatten(1) * scale->second.unsqueeze(1)).view(tensor.sizes());
    tensors.erase(scale);
  }
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
