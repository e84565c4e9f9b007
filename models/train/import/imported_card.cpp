#include "models/train/import/imported_card.h"

#include "common/core/output_file.h"

namespace photoscribe {
namespace {

struct Source {
  const char* repository;
  const char* photos;  // how they were prepared there, and how they are here
  const char* scores;  // theirs
};

Source source_of(CaptionerKind kind) {
  switch (kind) {
    case CaptionerKind::sgrvinod:
      return {"sgrvinod/a-PyTorch-Tutorial-to-Image-Captioning",
              "squashed to 256 x 256 px, there and here; the grid is pooled to 14 x 14, there "
              "and here",
              "BLEU-4 of COCO's test split, of the author's own checkpoint: 30.28, 33.06 and 33.29 "
              "with beams of 1, 3 and 5 (NLTK's rule)"};
    case CaptionerKind::ruotianluo:
      return {
          "ruotianluo/ImageCaptioning.pytorch",
          "there as large as they were; here squashed to a square of about as many pixels",
          "CIDEr of Karpathy's test split with a beam of 5, on ResNet-101 features: newfc 0.953, "
          "after self-critical training 1.045 to 1.053"};
    case CaptionerKind::yunjey:
      return {"yunjey/pytorch-tutorial, tutorials/03-advanced/image_captioning",
              "squashed to 224 x 224 px, there and here", "none published"};
  }
  return {};
}

}  // namespace

std::string imported_yaml(const std::string& kind, const std::vector<SourceFile>& files) {
  std::string text =
      "  imported: " + yaml_quoted(source_of(captioner_kind(kind)).repository) + "\n  files:\n";
  for (const SourceFile& file : files)
    text += "    - {name: " + yaml_quoted(file.name) + ", sha256: " + file.sha256 + "}\n";
  return text;
}

Status write_imported_card(const std::string& folder, const std::string& kind,
                           const ModelToStore& model, const ImportedCaptioner& made,
                           const std::vector<SourceFile>& files) {
  const Source source = source_of(captioner_kind(kind));
  const ModelArchitecture& a = model.architecture;
  std::string text = "# Model card: " + model.name +
                     "\n\nA captioner that others trained: " + made.network + " of " +
                     source.repository +
                     ", imported by photoscribe-train. Its licence is its authors'.\n\n";
  text += "| | |\n| --- | --- |\n| Encoder | " + a.encoder + ", " +
          std::to_string(a.input_side_px) + " px |\n| Decoder | " + a.decoder + ", " +
          std::to_string(a.hidden_size) + " hidden units |\n| Vocabulary | " +
          std::to_string(made.vocabulary.size() - 4) + " words |\n| Search | beam " +
          std::to_string(model.search.beam) + ", by the sum of log-probabilities |\n";
  text += "\n## Photos\n\n" + std::string(source.photos) +
          ".\n\n## Scores\n\nTheirs: " + source.scores +
          ".\nMeasure your own: `photoscribe-train evaluate`.\n\n## Files\n\n";
  for (const SourceFile& file : files) text += "- " + file.name + ", SHA-256 " + file.sha256 + "\n";
  if (!made.notes.empty()) text += "\n## Notes\n\n";
  for (const std::string& note : made.notes) text += "- " + note + "\n";
  return write_output(folder + "/MODEL_CARD.md", text);
}

}  // namespace photoscribe
