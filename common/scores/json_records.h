// json_records: the photos and captions in a JSON text, one record after the other, without holding
// the text. Private to common/scores.
//
// A record is an object at a known depth: a line of JSON Lines (1), an item of an array (2), an
// item of an array that is a member of the one object (3: COCO's and Karpathy's files). Members
// that say nothing about a caption are skipped whatever they hold.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "common/core/error.h"

namespace photoscribe {

struct JsonRecord {
  std::string section;  // depth 3: the member that holds the array
  std::optional<std::string> id, image_id, name, path, folder, cocoid, split, caption;
  std::vector<std::string> captions;  // of "captions" or "references", or "raw" of "sentences"
  bool has_captions = false;          // that member is there
  std::optional<std::string> uri;
  std::vector<std::string> faults;  // what is wrong in it, and was passed over
};

class JsonRecords final : public nlohmann::json_sax<nlohmann::json> {
 public:
  JsonRecords(int record_depth, std::function<Status(JsonRecord&)> take)
      : record_depth_(record_depth), take_(std::move(take)) {}

  /// What stopped the parse: `take`'s error, or bad_payload with what is wrong and at which byte.
  [[nodiscard]] const Status& failure() const noexcept { return failure_; }
  /// As before the first byte, after a line that is not JSON.
  void begin_anew();
  /// Records seen; for another line.
  [[nodiscard]] std::int64_t records() const noexcept { return records_; }

  bool null() override { return scalar(std::nullopt); }
  bool boolean(bool /*value*/) override { return scalar(std::nullopt); }
  bool number_integer(std::int64_t value) override { return scalar(std::to_string(value)); }
  bool number_unsigned(std::uint64_t value) override { return scalar(std::to_string(value)); }
  bool number_float(double /*value*/, const std::string& text) override { return scalar(text); }
  bool string(std::string& value) override { return scalar(std::move(value)); }
  bool binary(nlohmann::json::binary_t& /*value*/) override { return true; }
  bool start_object(std::size_t /*size*/) override;
  bool end_object() override;
  bool start_array(std::size_t /*size*/) override;
  bool end_array() override;
  bool key(std::string& name) override;
  bool parse_error(std::size_t position, const std::string& token,
                   const nlohmann::json::exception& error) override;

 private:
  bool scalar(std::optional<std::string> value);
  bool refuse(const std::string& why);
  bool finish_record();

  int record_depth_;
  std::function<Status(JsonRecord&)> take_;
  JsonRecord record_;
  bool in_record_ = false;
  int depth_ = 0;
  std::string section_;
  std::string member_;  // of the record
  std::string inner_;   // of an item of the record's "sentences"
  std::int64_t records_ = 0;
  Status failure_;
};

}  // namespace photoscribe
