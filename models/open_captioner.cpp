#include "models/format/model_store.h"
#include "models/open_model.h"

namespace photoscribe {

Expected<std::unique_ptr<Captioner>> open_captioner(const CaptionerConfig& config) {
  const auto model = load_model(config.model_folder);
  if (!model) return fail(model.error());
  return make_captioner(*model, config);
}

}  // namespace photoscribe
