// The forms that are JSON: lines, COCO's results and captions, Karpathy's datasets.
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/scores/caption_forms.h"
#include "common/scores/json_records.h"

namespace photoscribe {
namespace {

std::string_view last_part(std::string_view path) {
  return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

/// What stands before it.
std::string_view folder_of(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

/// The photo's two names, the first of which is what the file goes by, and its folder.
struct Names {
  std::string id, other, folder;
};

Names names_of(const JsonRecord& record) {
  Names names;
  const auto add = [&](const std::optional<std::string>& name) {
    if (!name || name->empty()) return;
    (names.id.empty() ? names.id : names.other) = *name;
  };
  add(record.id);
  if (names.id.empty()) add(record.image_id);
  if (names.other.empty()) add(record.name);
  if (names.id.empty() && record.path) names.id = last_part(*record.path);
  if (names.id.empty() && record.uri) names.id = percent_decoded(last_part(*record.uri));
  if (record.path) {
    names.folder = folder_of(*record.path);
  } else if (record.uri) {
    names.folder = percent_decoded(folder_of(*record.uri));
  }
  return names;
}

/// All captions of one photo; `photo` has the rest.
Status give_list(CaptionSource& source, FileCaption photo,
                 const std::vector<std::string>& captions) {
  photo.begins_list = true;
  for (const std::string& caption : captions) {
    photo.caption = caption;
    if (Status given = source.give(photo); !given) return given;
    photo.begins_list = false;
  }
  return {};
}

/// What is wrong in a record and was passed over when it was read.
Status leave_out_faults(CaptionSource& source, const JsonRecord& record) {
  for (const std::string& fault : record.faults) {
    if (Status left = source.leave_out(fault); !left) return left;
  }
  return {};
}

/// One line of JSON Lines or one item of COCO results.
Status give_record(CaptionSource& source, const JsonRecord& record) {
  if (Status left = leave_out_faults(source, record); !left) return left;
  const Names names = names_of(record);
  if (names.id.empty()) {
    return record.faults.empty() ? source.leave_out("no \"id\"") : Status();
  }
  FileCaption photo{names.id, names.other, {}, record.split ? *record.split : std::string_view()};
  photo.folder = names.folder;
  if (record.has_captions) {
    if (record.captions.empty() && record.faults.empty())
      return source.leave_out(names.id + " has no captions: an empty list");
    return give_list(source, photo, record.captions);
  }
  if (!record.caption) {
    if (source.facts.form == CaptionForm::json_lines) {
      source.without_caption();
      return {};
    }
    return source.leave_out(names.id + " has no \"caption\"");
  }
  photo.caption = *record.caption;
  return source.give(photo);
}

/// Counts the records of a JSON text, and passes those over that hold bytes that are no text.
class OneByOne {
 public:
  explicit OneByOne(CaptionSource& source) : source_(source) {}
  template <class Give>
  Status operator()(const JsonRecord& record, Give give) {
    ++source_.item;
    if (std::exchange(invalid_, source_.reader.invalid()) == source_.reader.invalid())
      return give(record);
    return source_.leave_out("is not UTF-8");
  }

 private:
  CaptionSource& source_;
  std::int64_t invalid_ = 0;
};

/// An error of a JSON text as a whole: its lines do not matter.
Status in_file(const CaptionSource& source, const Status& status) {
  if (status || status.error().code != Errc::bad_payload) return status;
  return fail(Errc::invalid_config, source.file + ": " + status.error().message);
}

/// COCO's captions: numbers in the annotations, names in the list of images, in either order.
class CocoCaptions {
 public:
  explicit CocoCaptions(CaptionSource& source) : source_(source) {}

  Status image(const JsonRecord& record) {
    if (record.id && record.name) names_[*record.id] = *record.name;
    return {};
  }
  Status annotation(const JsonRecord& record) {
    source_.facts.form = CaptionForm::coco_captions;
    if (!record.image_id || !record.caption)
      return source_.leave_out("an annotation lacks \"image_id\" or \"caption\"");
    if (names_.empty()) {
      early_.emplace_back(*record.image_id, *record.caption);
      return {};
    }
    return give(*record.image_id, *record.caption);
  }
  Status finish() {
    for (const auto& [id, caption] : early_) {
      if (Status given = give(id, caption); !given) return given;
    }
    return {};
  }

 private:
  Status give(const std::string& id, const std::string& caption) {
    const auto name = names_.find(id);
    return source_.give(
        {id, name == names_.end() ? std::string_view() : name->second, caption, {}});
  }
  CaptionSource& source_;
  std::unordered_map<std::string, std::string> names_;
  std::vector<std::pair<std::string, std::string>> early_;  // before any image was named
};

Status give_karpathy(CaptionSource& source, const JsonRecord& record) {
  source.facts.form = CaptionForm::karpathy;
  if (Status left = leave_out_faults(source, record); !left) return left;
  if (!record.name) return source.leave_out("an image has no \"filename\"");
  const std::string_view number = record.cocoid ? std::string_view(*record.cocoid) : "";
  const std::string_view split = record.split ? std::string_view(*record.split) : "";
  FileCaption photo{*record.name, number, {}, split};
  if (record.folder) photo.folder = *record.folder;
  return give_list(source, photo, record.captions);
}

}  // namespace

Status read_json_lines(CaptionSource& source) {
  JsonRecords records(1, [&](JsonRecord& record) { return give_record(source, record); });
  for (std::string_view line; source.reader.next_line(line);) {
    source.line = source.reader.line_number();
    if (line.find_first_not_of(" \t") == std::string_view::npos) continue;
    const std::int64_t before = records.records();
    nlohmann::json::sax_parse(line, &records);
    const Status parsed = records.failure();
    if (!parsed && parsed.error().code != Errc::bad_payload) return parsed;
    Status left;
    if (!parsed) left = source.leave_out(parsed.error().message);
    if (parsed && records.records() != before + 1) left = source.leave_out("is not a JSON object");
    if (!left) return left;
    records.begin_anew();
  }
  return {};
}

Status read_json_array(CaptionSource& source) {
  OneByOne one_by_one(source);
  JsonRecords records(2, [&](JsonRecord& record) {
    return one_by_one(record, [&](const JsonRecord& one) { return give_record(source, one); });
  });
  nlohmann::json::sax_parse(ByteIterator(source.reader), ByteIterator(), &records);
  return in_file(source, records.failure());
}

Status read_json_document(CaptionSource& source) {
  CocoCaptions coco(source);
  OneByOne one_by_one(source);
  const auto give = [&](const JsonRecord& record) -> Status {
    if (record.section == "images" && record.has_captions) return give_karpathy(source, record);
    if (record.section == "images") return coco.image(record);
    if (record.section == "annotations") return coco.annotation(record);
    return {};
  };
  JsonRecords records(3, [&](JsonRecord& record) { return one_by_one(record, give); });
  nlohmann::json::sax_parse(ByteIterator(source.reader), ByteIterator(), &records);
  if (!records.failure()) return in_file(source, records.failure());
  source.item = 0;
  return coco.finish();
}

}  // namespace photoscribe
