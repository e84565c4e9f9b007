// standard_output: what a program prints, and its error when that cannot be written.
//
// write_standard_output(), std::cout and printf go one way. The first write that fails is
// remembered and what comes behind it is dropped, so no verb has to look; main() asks at the end
// and reports it once. A reader that left (`| head`) is no error.
#pragma once

#include <string_view>

namespace photoscribe {

/// The first thing in main(). Numbers 0 to 2 that came closed are taken by something that can
/// neither be read nor written, lest a database that is opened later is printed into.
void open_standard_output();

/// False: it takes no more.
bool write_standard_output(std::string_view text);

/// True once a write has failed: a verb of many lines may end.
[[nodiscard]] bool standard_output_lost() noexcept;

/// The last thing in main(): writes what is buffered, and returns `status`, or 3 (environment)
/// after a line on standard error when something printed did not arrive. A usage error (2) and a
/// hard stop (130) stay what they are.
[[nodiscard]] int close_standard_output(std::string_view program, int status);

}  // namespace photoscribe
