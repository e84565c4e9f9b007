#include "common/scores/json_records.h"

namespace photoscribe {

bool JsonRecords::refuse(const std::string& why) {
  failure_ = fail(Errc::bad_payload, why);
  return false;
}

bool JsonRecords::start_object(std::size_t /*size*/) {
  ++depth_;
  if (depth_ != record_depth_) return true;
  record_ = {};
  record_.section = section_;
  member_.clear();
  in_record_ = true;
  return true;
}

bool JsonRecords::finish_record() {
  in_record_ = false;
  ++records_;
  if (Status taken = take_(record_); !taken) {
    failure_ = taken;
    return false;
  }
  return true;
}

bool JsonRecords::end_object() {
  if (depth_ == record_depth_ && in_record_ && !finish_record()) return false;
  --depth_;
  return true;
}

void JsonRecords::begin_anew() {
  in_record_ = false;
  depth_ = 0;
  failure_ = Status();
}

bool JsonRecords::start_array(std::size_t /*size*/) {
  ++depth_;
  const bool of_record = in_record_ && depth_ == record_depth_ + 1;
  if (of_record && (member_ == "captions" || member_ == "references" || member_ == "sentences"))
    record_.has_captions = true;
  return true;
}

bool JsonRecords::end_array() {
  --depth_;
  return true;
}

bool JsonRecords::key(std::string& name) {
  if (in_record_) {
    if (depth_ == record_depth_) member_ = std::move(name);
    if (depth_ == record_depth_ + 2) inner_ = std::move(name);
  } else if (depth_ == 1) {
    section_ = std::move(name);
  }
  return true;
}

bool JsonRecords::scalar(std::optional<std::string> value) {
  if (!in_record_) {
    if (record_depth_ != 2 || depth_ != 1) return true;
    record_ = {};
    record_.faults.emplace_back("an item is not an object");
    return finish_record();
  }
  if (depth_ == record_depth_) {
    std::optional<std::string>* const field = member_ == "id"         ? &record_.id
                                              : member_ == "image_id" ? &record_.image_id
                                              : member_ == "image" || member_ == "image_name" ||
                                                      member_ == "file_name" ||
                                                      member_ == "filename"
                                                  ? &record_.name
                                              : member_ == "path"     ? &record_.path
                                              : member_ == "filepath" ? &record_.folder
                                              : member_ == "uri"      ? &record_.uri
                                              : member_ == "cocoid"   ? &record_.cocoid
                                              : member_ == "split"    ? &record_.split
                                              : member_ == "caption"  ? &record_.caption
                                                                      : nullptr;
    if (field != nullptr) *field = std::move(value);
    return true;
  }
  const bool listed =
      depth_ == record_depth_ + 1 && (member_ == "captions" || member_ == "references");
  const bool sentence = depth_ == record_depth_ + 2 && member_ == "sentences" && inner_ == "raw";
  if (listed || sentence) {
    if (value) {
      record_.captions.push_back(std::move(*value));
    } else {
      record_.faults.emplace_back("a caption is not a text");
    }
  }
  return true;
}

bool JsonRecords::parse_error(std::size_t position, const std::string& /*token*/,
                              const nlohmann::json::exception& error) {
  std::string why = error.what();
  if (const auto colon = why.rfind(": "); colon != std::string::npos) why.erase(0, colon + 2);
  return refuse("not JSON at byte " + std::to_string(position) + " (" + why + ")");
}

}  // namespace photoscribe
