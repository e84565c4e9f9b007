// The arrays of each kind of captioner, and how they are converted.
#include <ATen/ATen.h>

#include <array>
#include <stdexcept>

#include "models/train/import/captioner_parts.h"

namespace photoscribe {
namespace {

using torch::Tensor;

/// The tables of words: `embedding` (V,E) and the last layer (V,H) with its bias.
void put_words(ImportedCaptioner& made, const WordRows& words, const Tensor& embedding,
               const Tensor& weight, const Tensor& bias) {
  made.tensors["decoder.embedding.weight"] = take_rows(embedding, words);
  made.tensors["decoder.word.weight"] = take_rows(weight, words);
  made.tensors["decoder.word.bias"] = take_rows(bias, words);
}

/// A softmax over positions does not change with a number that is added to all scores.
void discard_score_bias(DecoderArrays& decoder, const std::string& layer) {
  static_cast<void>(decoder.bias(layer, 1));
}

void use_search(ImportedCaptioner& made, const CaptionerFiles& files, int beam, int tokens_max) {
  made.search.beam = beam;
  made.search.length_alpha = 0;  // they rank by the sum of log-probabilities
  const std::int64_t stated = files.words.words_max;
  made.search.tokens_max = stated > 0 && stated <= 256 ? static_cast<int>(stated) : tokens_max;
}

/// Takes the sizes from a table of words (V,E) and the last layer (V,H).
std::int64_t use_sizes(const DecoderArrays& decoder, const std::string& embedding,
                       const std::string& last, ModelArchitecture& a) {
  a.embedding_size = static_cast<int>(decoder.extent(embedding, 1));
  a.hidden_size = static_cast<int>(decoder.extent(last + ".weight", 1));
  return decoder.extent(embedding, 0);
}

}  // namespace

void import_sgrvinod(DecoderArrays& decoder, const CaptionerFiles& files, std::int64_t C,
                     ImportedCaptioner& made) {
  ModelArchitecture& a = made.architecture;
  made.network = "attention LSTM with a gate";
  a.decoder = "gated_attend_tell";
  a.input_side_px = 256;
  a.grid_side = 14;
  for (const auto& [name, number] : files.checkpoint.numbers)
    if (name.ends_with("enc_image_size") && number > 0 && number <= 64)
      a.grid_side = static_cast<int>(number);
  a.annotation_size = static_cast<int>(C);
  a.attention_size = static_cast<int>(decoder.extent("attention.encoder_att.weight", 0));
  const std::int64_t V = use_sizes(decoder, "embedding.weight", "fc", a);
  check_sizes(a, V);
  use_search(made, files, 5, 50);
  const std::int64_t A = a.attention_size, E = a.embedding_size, H = a.hidden_size;

  const Tensor embedding = decoder.get("embedding.weight", {V, E});
  const Tensor last = decoder.weight("fc", V, H), last_bias = decoder.bias("fc", V);
  const Tensor key = decoder.weight("attention.encoder_att", A, C),
               key_bias = decoder.bias("attention.encoder_att", A);
  const Tensor query = decoder.weight("attention.decoder_att", A, H),
               query_bias = decoder.bias("attention.decoder_att", A);
  const Tensor score = decoder.weight("attention.full_att", 1, A);
  discard_score_bias(decoder, "attention.full_att");
  const Tensor gate = decoder.weight("f_beta", C, H), gate_bias = decoder.bias("f_beta", C);
  const Tensor h = decoder.weight("init_h", H, C), h_bias = decoder.bias("init_h", H),
               c = decoder.weight("init_c", H, C), c_bias = decoder.bias("init_c", H);
  const Tensor input = decoder.get("decode_step.weight_ih", {4 * H, E + C}),
               hidden = decoder.get("decode_step.weight_hh", {4 * H, H}),
               input_bias = decoder.get("decode_step.bias_ih", {4 * H}),
               hidden_bias = decoder.get("decode_step.bias_hh", {4 * H});
  put_words(made, arrange(files, V, made), embedding, last, last_bias);
  TensorMap& t = made.tensors;
  t["decoder.attention.key.weight"] = key;
  t["decoder.attention.query.weight"] = query;
  t["decoder.attention.query.bias"] = query_bias + key_bias;
  t["decoder.attention.score.weight"] = score.reshape({A});
  t["decoder.gate.weight"] = gate;
  t["decoder.gate.bias"] = gate_bias;
  t["decoder.start.weight"] = at::cat({h, c});
  t["decoder.start.bias"] = at::cat({h_bias, c_bias});
  t["decoder.cell.input.weight"] = input.narrow(1, 0, E).contiguous();
  t["decoder.cell.context.weight"] = input.narrow(1, E, C).contiguous();
  t["decoder.cell.hidden.weight"] = hidden;
  t["decoder.cell.bias"] = input_bias + hidden_bias;
}

void import_yunjey(DecoderArrays& decoder, DecoderArrays& head, const CaptionerFiles& files,
                   std::int64_t C, ImportedCaptioner& made) {
  ModelArchitecture& a = made.architecture;
  made.network = "LSTM that is shown the photo first";
  a.decoder = "plain_show_tell";
  a.input_side_px = 224;
  const std::int64_t V = use_sizes(decoder, "embed.weight", "linear", a);
  a.annotation_size = a.attention_size = 1;  // it does not use the grid
  check_sizes(a, V);
  use_search(made, files, 3, 20);
  const std::int64_t E = a.embedding_size, H = a.hidden_size;

  const Tensor embedding = decoder.get("embed.weight", {V, E});
  const Tensor last = decoder.weight("linear", V, H), last_bias = decoder.bias("linear", V);
  const Tensor input = decoder.get("lstm.weight_ih_l0", {4 * H, E}),
               hidden = decoder.get("lstm.weight_hh_l0", {4 * H, H}),
               input_bias = decoder.get("lstm.bias_ih_l0", {4 * H}),
               hidden_bias = decoder.get("lstm.bias_hh_l0", {4 * H});
  const Tensor photo = head.weight("linear", E, C), photo_bias = head.bias("linear", E);
  const Tensor gain = head.get("bn.weight", {E}), shift = head.get("bn.bias", {E}),
               mean = head.get("bn.running_mean", {E}), variance = head.get("bn.running_var", {E});
  put_words(made, arrange(files, V, made), embedding, last, last_bias);
  const Tensor scale = gain.to(torch::kFloat64) / (variance.to(torch::kFloat64) + 1e-5).sqrt();
  TensorMap& t = made.tensors;
  t["decoder.photo.weight"] = (photo * scale.unsqueeze(1)).to(torch::kFloat32);
  t["decoder.photo.bias"] = ((photo_bias - mean) * scale + shift).to(torch::kFloat32);
  t["decoder.cell.input.weight"] = input;
  t["decoder.cell.hidden.weight"] = hidden;
  t["decoder.cell.bias"] = input_bias + hidden_bias;
}

namespace {

/// fc and newfc: the photo first, then words, through a maxout LSTM.
void import_fc(DecoderArrays& decoder, const CaptionerFiles& files, std::int64_t C, bool newer,
               ImportedCaptioner& made) {
  ModelArchitecture& a = made.architecture;
  const std::string photo = newer ? "fc_embed" : "img_embed", core = newer ? "_core" : "core";
  a.decoder = "maxout_show_tell";
  const std::int64_t V = use_sizes(decoder, "embed.weight", "logit", a);
  a.annotation_size = a.attention_size = 1;
  check_sizes(a, V);
  const std::int64_t E = a.embedding_size, H = a.hidden_size;
  const Tensor embedding = decoder.get("embed.weight", {V, E});
  const Tensor last = decoder.weight("logit", V, H), last_bias = decoder.bias("logit", V);
  TensorMap& t = made.tensors;
  t["decoder.photo.weight"] = decoder.weight(photo, E, C);
  t["decoder.photo.bias"] = decoder.bias(photo, E);
  t["decoder.cell.input.weight"] = decoder.weight(core + ".i2h", 5 * H, E);
  t["decoder.cell.hidden.weight"] = decoder.weight(core + ".h2h", 5 * H, H);
  t["decoder.cell.bias"] = decoder.bias(core + ".i2h", 5 * H) + decoder.bias(core + ".h2h", 5 * H);
  put_words(made, arrange(files, V, made), embedding, last, last_bias);
}

/// show_tell: an LSTM without biases.
void import_show_tell(DecoderArrays& decoder, const CaptionerFiles& files, std::int64_t C,
                      ImportedCaptioner& made) {
  ModelArchitecture& a = made.architecture;
  a.decoder = "plain_show_tell";
  const std::int64_t V = use_sizes(decoder, "embed.weight", "logit", a);
  a.annotation_size = a.attention_size = 1;
  check_sizes(a, V);
  const std::int64_t E = a.embedding_size, H = a.hidden_size;
  const Tensor embedding = decoder.get("embed.weight", {V, E});
  const Tensor last = decoder.weight("logit", V, H), last_bias = decoder.bias("logit", V);
  TensorMap& t = made.tensors;
  t["decoder.photo.weight"] = decoder.weight("img_embed", E, C);
  t["decoder.photo.bias"] = decoder.bias("img_embed", E);
  t["decoder.cell.input.weight"] = decoder.get("core.weight_ih_l0", {4 * H, E});
  t["decoder.cell.hidden.weight"] = decoder.get("core.weight_hh_l0", {4 * H, H});
  t["decoder.cell.bias"] = at::zeros({4 * H});
  put_words(made, arrange(files, V, made), embedding, last, last_bias);
}

/// show_attend_tell: an LSTM without biases, whose two initial states are one.
void import_attend_tell(DecoderArrays& decoder, const CaptionerFiles& files, std::int64_t C,
                        ImportedCaptioner& made) {
  ModelArchitecture& a = made.architecture;
  a.decoder = "plain_attend_tell";
  a.grid_side = 14;
  a.annotation_size = static_cast<int>(C);
  a.attention_size = static_cast<int>(decoder.extent("core.ctx2att.weight", 0));
  const std::int64_t V = use_sizes(decoder, "embed.weight", "logit", a);
  check_sizes(a, V);
  const std::int64_t A = a.attention_size, E = a.embedding_size, H = a.hidden_size;
  const Tensor embedding = decoder.get("embed.weight", {V, E});
  const Tensor last = decoder.weight("logit", V, H), last_bias = decoder.bias("logit", V);
  const Tensor start = decoder.weight("linear", H, C), start_bias = decoder.bias("linear", H);
  const Tensor input = decoder.get("core.rnn.weight_ih_l0", {4 * H, E + C});
  const Tensor score = decoder.weight("core.alpha_net", 1, A);
  discard_score_bias(decoder, "core.alpha_net");
  TensorMap& t = made.tensors;
  t["decoder.attention.key.weight"] = decoder.weight("core.ctx2att", A, C);
  t["decoder.attention.query.weight"] = decoder.weight("core.h2att", A, H);
  t["decoder.attention.query.bias"] =
      decoder.bias("core.h2att", A) + decoder.bias("core.ctx2att", A);
  t["decoder.attention.score.weight"] = score.reshape({A});
  t["decoder.start.weight"] = at::cat({start, start});
  t["decoder.start.bias"] = at::cat({start_bias, start_bias});
  t["decoder.cell.input.weight"] = input.narrow(1, 0, E).contiguous();
  t["decoder.cell.context.weight"] = input.narrow(1, E, C).contiguous();
  t["decoder.cell.hidden.weight"] = decoder.get("core.rnn.weight_hh_l0", {4 * H, H});
  t["decoder.cell.bias"] = at::zeros({4 * H});
  put_words(made, arrange(files, V, made), embedding, last, last_bias);
}

/// A batch norm as a factor and an addend, float64.
struct Norm {
  Tensor scale, shift;
};
Norm norm_of(DecoderArrays& decoder, const std::string& layer, std::int64_t size) {
  const Tensor gain = decoder.get(layer + ".weight", {size}), shift = decoder.bias(layer, size),
               mean = decoder.get(layer + ".running_mean", {size}),
               variance = decoder.get(layer + ".running_var", {size});
  const Tensor scale = gain.to(torch::kFloat64) / (variance.to(torch::kFloat64) + 1e-5).sqrt();
  return {scale, shift - mean * scale};
}

/// Folds a norm of its input into a layer.
void fold_in_front(const Norm& norm, Tensor& weight, Tensor& bias) {
  const Tensor exact = weight.to(torch::kFloat64);
  bias = (bias + at::mv(exact, norm.shift)).to(torch::kFloat32);
  weight = (exact * norm.scale).to(torch::kFloat32);
}

/// att2in2. Its features may be normalised before their layer (use_bn 1) and after it (2): the
/// first is folded into the layer, the second into the layers that use the annotations.
void import_att2in2(DecoderArrays& decoder, const CaptionerFiles& files, std::int64_t C,
                    ImportedCaptioner& made) {
  ModelArchitecture& a = made.architecture;
  a.decoder = "attend_in";
  a.grid_side = 14;
  a.attention_size = static_cast<int>(decoder.extent("ctx2att.weight", 0));
  const std::int64_t V = use_sizes(decoder, "embed.0.weight", "logit", a);
  a.annotation_size = a.hidden_size;
  check_sizes(a, V);
  const std::int64_t A = a.attention_size, E = a.embedding_size, H = a.hidden_size;
  const bool normed = decoder.has("att_embed.1.weight");
  const bool normed_behind = decoder.has("att_embed.4.running_mean");
  const std::string layer = normed ? "att_embed.1" : "att_embed.0";
  Tensor annotate = decoder.weight(layer, H, C), annotate_bias = decoder.bias(layer, H);
  Tensor key = decoder.weight("ctx2att", A, H), key_bias = decoder.bias("ctx2att", A);
  Tensor choice = decoder.weight("core.a2c", 2 * H, H),
         choice_bias = decoder.bias("core.a2c", 2 * H);
  if (normed) fold_in_front(norm_of(decoder, "att_embed.0", C), annotate, annotate_bias);
  if (normed_behind) {  // attention weights add up to 1, so the addend passes unchanged
    const Norm norm = norm_of(decoder, "att_embed.4", H);
    fold_in_front(norm, key, key_bias);
    fold_in_front(norm, choice, choice_bias);
  }
  const Tensor embedding = at::relu(decoder.get("embed.0.weight", {V, E}));
  const Tensor last = decoder.weight("logit", V, H), last_bias = decoder.bias("logit", V);
  const Tensor score = decoder.weight("core.attention.alpha_net", 1, A);
  discard_score_bias(decoder, "core.attention.alpha_net");
  TensorMap& t = made.tensors;
  t["decoder.annotate.weight"] = annotate;
  t["decoder.annotate.bias"] = annotate_bias;
  t["decoder.attention.key.weight"] = key;
  t["decoder.attention.query.weight"] = decoder.weight("core.attention.h2att", A, H);
  t["decoder.attention.query.bias"] = decoder.bias("core.attention.h2att", A) + key_bias;
  t["decoder.attention.score.weight"] = score.reshape({A});
  t["decoder.cell.input.weight"] = decoder.weight("core.i2h", 5 * H, E);
  t["decoder.cell.hidden.weight"] = decoder.weight("core.h2h", 5 * H, H);
  t["decoder.cell.bias"] = decoder.bias("core.i2h", 5 * H) + decoder.bias("core.h2h", 5 * H) +
                           at::cat({at::zeros({3 * H}), choice_bias});
  t["decoder.cell.choice.weight"] = choice;
  put_words(made, arrange(files, V, made), embedding, last, last_bias);
}

/// For each of ruotianluo's captioners an array that only it has, and its name there.
constexpr std::array<std::array<const char*, 2>, 5> kRuotianluo{
    {{"_core.i2h.weight", "newfc"},
     {"core.rnn.weight_ih_l0", "show_attend_tell"},
     {"core.a2c.weight", "att2in2"},
     {"core.weight_ih_l0", "show_tell"},
     {"core.i2h.weight", "fc"}}};

}  // namespace

std::string find_ruotianluo(const TensorMap& state) {
  for (const auto& [mark, name] : kRuotianluo)
    for (const auto& item : state)
      if (item.first == mark || item.first.ends_with("." + std::string(mark))) return mark;
  return "core.i2h.weight";
}

void import_ruotianluo(DecoderArrays& decoder, const CaptionerFiles& files, std::int64_t C,
                       ImportedCaptioner& made) {
  const std::string mark = find_ruotianluo(files.checkpoint.tensors);
  for (const auto& [array, name] : kRuotianluo)
    if (mark == array) made.network = name;
  const std::string& stated = files.words.kind;
  if (!stated.empty() && stated != made.network)
    throw std::runtime_error("its infos call it " + stated +
                             "; fc, newfc, show_tell, att2in2 and show_attend_tell are supported, "
                             "and the arrays look like " +
                             made.network);
  // Photos had no common size: this is the square with the area of COCO's 640 x 480.
  made.architecture.input_side_px = 544;
  if (made.network == "att2in2") {
    import_att2in2(decoder, files, C, made);
  } else if (made.network == "show_attend_tell") {
    import_attend_tell(decoder, files, C, made);
  } else if (made.network == "show_tell") {
    import_show_tell(decoder, files, C, made);
  } else {
    import_fc(decoder, files, C, made.network == "newfc", made);
  }
  use_search(made, files, 5, 20);
  const bool regions = files.words.features.find("bu_") != std::string::npos;
  if (made.architecture.grid_side > 0 && regions)
    made.notes.push_back("it was trained on " + files.words.features +
                         ", which look like bottom-up region features: on a grid it will caption "
                         "badly. Use one that was trained on ResNet-101 features");
}

}  // namespace photoscribe
