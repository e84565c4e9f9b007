#include "common/text/words.h"

#include <utf8proc.h>

namespace photoscribe {
namespace {

utf8proc_category_t category(const Character& one) noexcept {
  if (!one.is_utf8()) return UTF8PROC_CATEGORY_CN;
  return utf8proc_category(static_cast<utf8proc_int32_t>(one.code_point));
}

}  // namespace

bool makes_word(const Character& one) noexcept {
  const utf8proc_category_t is = category(one);
  return (is >= UTF8PROC_CATEGORY_LU && is <= UTF8PROC_CATEGORY_LO) ||
         (is >= UTF8PROC_CATEGORY_ND && is <= UTF8PROC_CATEGORY_NO) || is == UTF8PROC_CATEGORY_CO;
}

bool is_of_word(const Character& one) noexcept {
  const utf8proc_category_t is = category(one);
  return makes_word(one) || (is >= UTF8PROC_CATEGORY_MN && is <= UTF8PROC_CATEGORY_ME);
}

}  // namespace photoscribe
