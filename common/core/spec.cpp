#include "common/core/spec.h"

namespace photoscribe {
namespace {

/// A spec's whole table. In JSON the run's settings stand among the others.
std::vector<SettingField> spec_fields(RunSpec& spec) {
  std::vector<SettingField> fields{
      {"protocol_version", &spec.protocol_version, 1, 1'000'000},
      {"run", &spec.run, 0, 1'000},
      {"remembers", &spec.remembers},
      {"roots", &spec.roots},
  };
  for (const SettingField& field : setting_fields(spec.settings)) fields.push_back(field);
  for (const SettingField& field : lease_fields(spec.lease)) fields.push_back(field);
  return fields;
}

}  // namespace

std::vector<SettingField> lease_fields(LeaseSettings& lease) {
  return {
      {"lease.lease_ms", &lease.lease_ms, 20, 86'400'000,
       "a worker whose heartbeat stands still this long is dead"},
      {"lease.beat_ms", &lease.beat_ms, 1, 86'400'000, "between two heartbeats"},
      {"lease.max_deliveries", &lease.max_deliveries, 1, 1'000,
       "a photo that was in hand at this many crashes of workers has failed"},
  };
}

bool operator==(const RunSpec& a, const RunSpec& b) { return to_json(a) == to_json(b); }

std::string to_json(const RunSpec& spec) {
  RunSpec shown = spec, defaults;
  return write_settings(spec_fields(shown), spec_fields(defaults), SettingForm::spec);
}

Expected<RunSpec> parse_spec(std::string_view json) {
  return guard(Errc::bad_payload, "run spec", [&] {
    RunSpec spec;
    read_settings(json, spec_fields(spec), SettingForm::spec);
    return spec;
  });
}

}  // namespace photoscribe
