#include "common/core/model_folder.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>
#include <vector>

#include "common/core/output_file.h"
#include "common/core/sha256.h"
#include "common/core/yaml_file.h"

namespace photoscribe {
namespace {

/// Adds a file's length and bytes. Throws when it cannot be read; read_model_folder guards.
void add_file(Sha256& hash, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(path + ": cannot be opened");
  std::vector<char> chunk(1 << 20);
  std::uint64_t size = 0;
  while (file) {
    file.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
    hash.add(chunk.data(), static_cast<std::size_t>(file.gcount()));
    size += static_cast<std::uint64_t>(file.gcount());
  }
  if (!file.eof()) throw std::runtime_error(path + ": cannot be read");
  hash.add(&size, sizeof size);
}

/// Reads named fields of one YAML map and remembers which it knows.
class Section {
 public:
  Section(YAML::Node map, std::string name) : map_(std::move(map)), name_(std::move(name)) {
    if (!map_.IsMap()) throw std::runtime_error(name_ + " is missing or not a map");
  }
  template <class T>
  void read(const char* name, T& field) {
    known_.insert(name);
    if (const YAML::Node value = map_[name]) field = value.template as<T>();
  }
  void reject_unknown() const {
    for (const auto& item : map_) {
      const auto key = item.first.as<std::string>();
      if (!known_.contains(key)) {
        throw std::runtime_error(name_ + "." + key + ": unknown key at line " +
                                 std::to_string(item.first.Mark().line + 1));
      }
    }
  }

 private:
  YAML::Node map_;
  std::string name_;
  std::set<std::string> known_;
};

void read_vector(Section& section, const char* name, std::array<double, 3>& field) {
  std::vector<double> values(field.begin(), field.end());
  section.read(name, values);
  if (values.size() != 3)
    throw std::runtime_error(std::string(name) + ": three numbers are needed");
  std::copy(values.begin(), values.end(), field.begin());
}

void in(const char* name, long value, long low, long high) {
  if (value >= low && value <= high) return;
  throw std::runtime_error(std::string(name) + ": " + std::to_string(value) + " is not in " +
                           std::to_string(low) + " to " + std::to_string(high));
}

void check(const ModelArchitecture& a) {
  in("architecture.input_side_px", a.input_side_px, 32, 2'048);
  in("architecture.feature_channels", a.feature_channels, 1, 65'536);
  in("architecture.grid_side", a.grid_side, 0, 64);
  in("architecture.annotation_size", a.annotation_size, 1, 65'536);
  in("architecture.embedding_size", a.embedding_size, 1, 65'536);
  in("architecture.hidden_size", a.hidden_size, 1, 65'536);
  in("architecture.attention_size", a.attention_size, 1, 65'536);
  in("architecture.concepts", a.concepts, 0, 65'536);
  in("architecture.concept_slots", a.concept_slots, 0, a.concepts);
  if (!(a.concept_weight >= 0)) throw std::runtime_error("architecture.concept_weight: below zero");
  if (!(a.concept_undecided > 0 && a.concept_undecided < 1))
    throw std::runtime_error("architecture.concept_undecided: must be above 0 and below 1");
  if (!(a.concept_said_min >= 0 && a.concept_said_min <= 1))
    throw std::runtime_error("architecture.concept_said_min: must be in 0 to 1");
  for (const double value : a.std) {
    if (!(value > 0)) throw std::runtime_error("architecture.std: must be above zero");
  }
}

void check(const SearchSettings& s) {
  in("search.beam", s.beam, 1, 64);
  in("search.tokens_max", s.tokens_max, 1, 256);
}

constexpr std::size_t kMembersMax = 64;

ModelArchitecture read_architecture(const YAML::Node& map) {
  ModelArchitecture a;
  Section net(map, "architecture");
  net.read("encoder", a.encoder);
  net.read("decoder", a.decoder);
  net.read("input_side_px", a.input_side_px);
  read_vector(net, "mean", a.mean);
  read_vector(net, "std", a.std);
  net.read("feature_channels", a.feature_channels);
  net.read("grid_side", a.grid_side);
  net.read("annotation_size", a.annotation_size);
  net.read("embedding_size", a.embedding_size);
  net.read("hidden_size", a.hidden_size);
  net.read("attention_size", a.attention_size);
  net.read("concepts", a.concepts);
  net.read("concept_slots", a.concept_slots);
  net.read("concept_weight", a.concept_weight);
  net.read("concept_undecided", a.concept_undecided);
  net.read("concept_said_min", a.concept_said_min);
  net.reject_unknown();
  check(a);
  return a;
}

SearchSettings read_search(const YAML::Node& map) {
  SearchSettings s;
  Section defaults(map, "search");
  defaults.read("beam", s.beam);
  defaults.read("length_alpha", s.length_alpha);
  defaults.read("tokens_max", s.tokens_max);
  defaults.reject_unknown();
  check(s);
  return s;
}

void read_terms(Section& section, ConfidenceTermValues& values) {
  for (std::size_t i = 0; i < values.size(); ++i)
    section.read(std::string(kConfidenceTerms[i]).c_str(), values[i]);
}

/// Of an older version, too: with the first terms alone, without `means` and `min`.
ConfidenceModel read_confidence(const YAML::Node& map) {
  ConfidenceModel fitted;
  Section section(map, "confidence");
  section.read("min", fitted.min);
  section.read("bias", fitted.bias);
  read_terms(section, fitted.weights);
  YAML::Node means, objects;
  section.read("means", means);
  section.read("objects", objects);
  section.reject_unknown();
  if (objects.IsDefined() && !objects.IsNull()) {
    if (!objects.IsMap())
      throw std::runtime_error("confidence.objects: must be a map of objects to numbers");
    for (const auto& one : objects) {
      const auto name = one.first.as<std::string>();
      double& offset = fitted.objects[name];
      if (!YAML::convert<double>::decode(one.second, offset) || !std::isfinite(offset))
        throw std::runtime_error("confidence.objects." + name + ": must be a number");
    }
  }
  if (means.IsDefined() && !means.IsNull()) {
    Section of_terms(means, "confidence.means");
    read_terms(of_terms, fitted.means);
    of_terms.reject_unknown();
  }
  const auto is_finite = [](double number) { return std::isfinite(number); };
  if (!is_finite(fitted.bias) ||
      !std::all_of(fitted.weights.begin(), fitted.weights.end(), is_finite) ||
      !std::all_of(fitted.means.begin(), fitted.means.end(), is_finite))
    throw std::runtime_error("confidence: its numbers must be finite");
  if (!(fitted.min >= 0 && fitted.min <= 1))
    throw std::runtime_error("confidence.min: must be in 0 to 1");
  return fitted;
}

/// The hash of one model: search settings are part of the run, and confidence is a judgement of
/// what came out, so both are left out.
std::string hash_of(const std::string& folder, const ModelArchitecture& architecture) {
  Sha256 hash;
  const std::string functional = to_yaml(architecture, SearchSettings{});
  hash.add(functional.data(), functional.size());
  add_file(hash, folder + "/vocab.txt");
  if (architecture.concepts > 0) add_file(hash, folder + "/concepts.txt");
  add_file(hash, folder + "/weights.safetensors");
  return to_hex(hash.digest());
}

ModelFolder read(const std::string& folder, bool may_have_members);

/// An ensemble's members: folders directly inside `folder`.
std::vector<ModelFolder> read_members(const std::string& folder,
                                      const std::vector<std::string>& names) {
  if (names.empty() || names.size() > kMembersMax)
    throw std::runtime_error("members: there must be 1 to " + std::to_string(kMembersMax));
  std::vector<ModelFolder> members;
  for (const std::string& name : names) {
    if (name.empty() || name.starts_with(".") || name.find('/') != std::string::npos)
      throw std::runtime_error("members: '" + name + "' is not the name of a folder beside " +
                               "model.yaml");
    members.push_back(read(folder + "/" + name, false));
  }
  return members;
}

ModelFolder read(const std::string& folder, bool may_have_members) {
  const std::string path = folder + "/model.yaml";
  if (!std::ifstream(path)) {
    throw std::runtime_error("no model.yaml in " + folder +
                             "; --model takes a folder that photoscribe-train wrote");
  }
  const YAML::Node root = load_yaml(path);
  ModelFolder model;
  model.folder = folder;
  Section top(root, "model.yaml");
  top.read("name", model.name);
  std::vector<std::string> members;
  YAML::Node architecture, search, training, confidence;
  top.read("members", members);
  top.read("architecture", architecture);
  top.read("search", search);
  top.read("confidence", confidence);
  top.read("training", training);  // the record of how it was made: for people
  top.reject_unknown();
  model.search = read_search(search);
  if (confidence.IsDefined() && !confidence.IsNull())
    model.confidence = read_confidence(confidence);
  if (!root["members"]) {
    model.architecture = read_architecture(architecture);
    model.hash = hash_of(folder, model.architecture);
    return model;
  }
  if (!may_have_members) throw std::runtime_error(folder + ": a member cannot have members");
  if (architecture.IsDefined() && !architecture.IsNull())
    throw std::runtime_error("architecture: an ensemble has none of its own, its members have");
  model.members = read_members(folder, members);
  model.architecture = model.members.front().architecture;
  Sha256 hash;
  for (const ModelFolder& member : model.members) hash.add(member.hash.data(), member.hash.size());
  model.hash = to_hex(hash.digest());
  return model;
}

}  // namespace

std::string to_yaml(const ModelArchitecture& a, const SearchSettings& s) {
  const auto triple = [](const std::array<double, 3>& v) {
    std::ostringstream out;
    out << "[" << v[0] << ", " << v[1] << ", " << v[2] << "]";
    return out.str();
  };
  std::ostringstream out;
  out << "architecture:\n"
      << "  encoder: " << a.encoder << "\n  decoder: " << a.decoder
      << "\n  input_side_px: " << a.input_side_px << "\n  mean: " << triple(a.mean)
      << "\n  std: " << triple(a.std) << "\n  feature_channels: " << a.feature_channels;
  // A model without some of these keeps the text, and the hash, that it had.
  if (a.grid_side > 0) out << "\n  grid_side: " << a.grid_side;
  out << "\n  annotation_size: " << a.annotation_size << "\n  embedding_size: " << a.embedding_size
      << "\n  hidden_size: " << a.hidden_size << "\n  attention_size: " << a.attention_size << "\n";
  if (a.concepts > 0) {
    out << "  concepts: " << a.concepts << "\n  concept_slots: " << a.concept_slots
        << "\n  concept_weight: " << a.concept_weight << "\n";
    if (a.concept_undecided != ModelArchitecture().concept_undecided)
      out << "  concept_undecided: " << a.concept_undecided << "\n";
    if (a.concept_said_min > 0) out << "  concept_said_min: " << a.concept_said_min << "\n";
  }
  out << to_yaml(s);
  return out.str();
}

std::string to_yaml(const SearchSettings& s) {
  std::ostringstream out;
  out << "search:\n"
      << "  beam: " << s.beam << "\n  length_alpha: " << s.length_alpha
      << "\n  tokens_max: " << s.tokens_max << "\n";
  return out.str();
}

std::string to_yaml(const ConfidenceModel& confidence) {
  std::ostringstream out;
  out.precision(10);
  const std::size_t count =  // versions that know no objects refuse their terms
      kConfidenceTerms.size() - (confidence.objects.empty() ? kObjectTerms : 0);
  const auto terms = [&out, count](const char* indent, const auto& values) {
    for (std::size_t i = 0; i < count; ++i)
      out << indent << kConfidenceTerms[i] << ": " << values[i] << "\n";
  };
  out << "confidence:  # log-odds that a caption names nothing false\n  min: " << confidence.min
      << "  # a caption less likely to be right is unsure\n  bias: " << confidence.bias << "\n";
  terms("  ", confidence.weights);
  out << "  means:  # what a term counts as where it is not known\n";
  terms("    ", confidence.means);
  if (confidence.objects.empty()) return out.str();
  out << "  objects:  # what each adds where a caption names it; no other object counts\n";
  out.precision(4);
  for (const auto& [name, offset] : confidence.objects)
    out << "    " << name << ": " << offset << "\n";
  return out.str();
}

Status write_confidence(const std::string& folder, const ConfidenceModel& confidence) {
  const std::string path = folder + "/model.yaml";
  std::ifstream in(path, std::ios::binary);
  std::string kept, line;
  bool inside = false;
  while (std::getline(in, line)) {
    const bool indented = line.starts_with(" ") || line.starts_with("#") || line.empty();
    inside = line.starts_with("confidence:") || (inside && indented);
    if (!inside) kept += line + "\n";
  }
  if (in.bad() || kept.empty()) return fail(Errc::environment, path + ": cannot be read");
  in.close();
  return write_output(path, kept + to_yaml(confidence));
}

Expected<ModelFolder> read_model_folder(const std::string& folder) {
  return guard(Errc::invalid_config, "model " + folder, [&] { return read(folder, true); });
}

}  // namespace photoscribe
