#include "models/train/import/import_captioner.h"

#include <algorithm>
#include <stdexcept>

#include "models/decoder/decoder.h"
#include "models/encoder/encoder.h"
#include "models/train/import/captioner_parts.h"

namespace photoscribe {
namespace {

/// The array of a state dict that locates its decoder.
std::string landmark(CaptionerKind kind, const TensorMap& state) {
  switch (kind) {
    case CaptionerKind::sgrvinod:
      return "decode_step.weight_ih";
    case CaptionerKind::ruotianluo:
      return find_ruotianluo(state);
    case CaptionerKind::yunjey:
      return "lstm.weight_ih_l0";
  }
  return {};
}

bool is_counter(const std::string& name) { return name.ends_with("num_batches_tracked"); }

/// Lists the arrays that were not taken as left over, or as a problem if they are the decoder's: a
/// network with more layers is another network.
void sort_left_over(StateArrays& arrays, const std::string& decoder, const std::string& encoder,
                    ImportedCaptioner& made) {
  for (const std::string& name : arrays.left_over()) {
    if (is_counter(name)) continue;
    const bool encoders = !encoder.empty() && name.starts_with(encoder);
    if (name.starts_with(decoder) && !encoders) {
      arrays.add_problem(name + " is left over");
    } else {
      made.left_over.push_back(name);
    }
  }
}

void take_encoder(StateArrays& arrays, const FoundResnet& found, const std::string& architecture,
                  double epsilon, ImportedCaptioner& made) {
  const auto source = [&found](const std::string& name) { return found.name(name); };
  ImportedEncoder encoder = fold_encoder(arrays, architecture, epsilon, source);
  for (auto& [name, tensor] : encoder.tensors)
    made.tensors.emplace("encoder." + name, std::move(tensor));
}

ImportedCaptioner import(CaptionerKind kind, const CaptionerFiles& files,
                         const ImportOverrides& overrides) {
  ImportedCaptioner made;
  ModelArchitecture& a = made.architecture;
  const TensorMap& state = files.checkpoint.tensors;
  const TensorMap& encoder_state = files.encoder ? files.encoder->tensors : state;
  const std::string mark = landmark(kind, state);
  const std::string& own = captioner_kinds()[static_cast<std::size_t>(kind)];
  const std::string prefix = find_prefix(state, mark, own);
  const FoundResnet resnet = find_resnet(encoder_state);
  a.encoder = !overrides.encoder.empty()          ? overrides.encoder
              : kind == CaptionerKind::ruotianluo ? "caffe_" + resnet.architecture
                                                  : resnet.architecture;
  const auto layers = encoder_layers(a.encoder);
  a.feature_channels = static_cast<int>(feature_channels(layers));

  StateArrays arrays(state), encoder_file_arrays(encoder_state);
  StateArrays& encoder_arrays = files.encoder ? encoder_file_arrays : arrays;
  DecoderArrays decoder{arrays, prefix};
  take_encoder(encoder_arrays, resnet, a.encoder, overrides.norm_epsilon, made);
  switch (kind) {
    case CaptionerKind::sgrvinod:
      import_sgrvinod(decoder, files, a.feature_channels, made);
      break;
    case CaptionerKind::ruotianluo:
      import_ruotianluo(decoder, files, a.feature_channels, made);
      break;
    case CaptionerKind::yunjey: {
      std::string base = resnet.prefix;
      if (base.ends_with("resnet.")) base.resize(base.size() - 7);
      DecoderArrays head{encoder_arrays, base};
      import_yunjey(decoder, head, files, a.feature_channels, made);
      break;
    }
  }
  sort_left_over(arrays, prefix, files.encoder ? "" : resnet.prefix, made);
  arrays.check("the arrays are not those of " + own + "'s " + made.network);
  if (files.encoder) {
    encoder_file_arrays.check("the encoder's arrays are not those of " + a.encoder);
    for (const std::string& name : encoder_file_arrays.left_over())
      if (!is_counter(name)) made.left_over.push_back(name);
  }
  if (overrides.side_px > 0) a.input_side_px = overrides.side_px;
  if (overrides.grid_side > 0 && a.grid_side > 0) a.grid_side = overrides.grid_side;
  if (a.input_side_px % 32 != 0) throw std::runtime_error("the side must be a multiple of 32 px");
  static_cast<void>(take_decoder(made.tensors, a, made.vocabulary.size()));
  static_cast<void>(Encoder(a.encoder, made.tensors, "encoder."));
  return made;
}

}  // namespace

const std::vector<std::string>& captioner_kinds() {
  static const std::vector<std::string> names{"sgrvinod", "ruotianluo", "yunjey"};
  return names;
}

CaptionerKind captioner_kind(const std::string& name) {
  const auto found = std::find(captioner_kinds().begin(), captioner_kinds().end(), name);
  if (found == captioner_kinds().end())
    throw std::runtime_error("unknown kind of captioner '" + name + "'");
  return static_cast<CaptionerKind>(found - captioner_kinds().begin());
}

Expected<ImportedCaptioner> import_captioner(CaptionerKind kind, const CaptionerFiles& files,
                                             const ImportOverrides& overrides) {
  return guard(Errc::invalid_config, "import", [&] { return import(kind, files, overrides); });
}

}  // namespace photoscribe
