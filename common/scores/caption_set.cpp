#include "common/scores/caption_set.h"

namespace photoscribe {

std::uint32_t CaptionSet::add(std::string_view photo, std::string_view caption) {
  numbers_.append(caption, tokens_);
  return end_caption(photo);
}

std::uint32_t CaptionSet::add(std::string_view photo, const LocalTokens& caption) {
  for (const TokenId id : caption.ids) tokens_.push_back(caption.words->in(words_, id));
  return end_caption(photo);
}

std::uint32_t CaptionSet::end_caption(std::string_view photo) {
  ends_.push_back(tokens_.size());
  photo_of_.push_back(names_.id_of(photo));
  return photo_of_.back();
}

void CaptionSet::group() {
  first_.assign(photos() + 1, 0);
  for (const std::uint32_t photo : photo_of_) ++first_[photo + 1];
  for (std::size_t photo = 0; photo < photos(); ++photo) first_[photo + 1] += first_[photo];
  order_.resize(photo_of_.size());
  std::vector<std::uint64_t> next(first_.begin(), first_.end() - 1);
  for (std::uint32_t caption = 0; caption < photo_of_.size(); ++caption)
    order_[next[photo_of_[caption]]++] = caption;
}

void CaptionSet::captions_of(std::uint32_t photo, std::vector<TokenSpan>& captions) const {
  captions.clear();
  for (std::uint64_t at = first_[photo]; at < first_[photo + 1]; ++at) {
    const std::uint64_t begin = ends_[order_[at]];
    captions.push_back(TokenSpan(tokens_).subspan(begin, ends_[order_[at] + 1] - begin));
  }
}

std::size_t CaptionSet::bytes() const noexcept {
  return names_.bytes() + tokens_.capacity() * sizeof(TokenId) +
         ends_.capacity() * sizeof(std::uint64_t) + photo_of_.capacity() * sizeof(std::uint32_t) +
         first_.capacity() * sizeof(std::uint64_t) + order_.capacity() * sizeof(std::uint32_t);
}

}  // namespace photoscribe
