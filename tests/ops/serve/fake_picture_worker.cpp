// Replaces `photoscribe-worker thumbnails --stdin` and needs no photos: it draws a picture for each
// name. It ends at a name with "crash" in it and has no picture for one with "broken". Appends
// every request to $FAKE_PICTURE_LOG.
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <string>

#include "tests/common/image/make_images.h"

int main() {
  using namespace photoscribe::testing;
  const char* const log = std::getenv("FAKE_PICTURE_LOG");
  for (std::string request; std::getline(std::cin, request, '\0');) {
    if (log != nullptr) std::ofstream(log, std::ios::app) << request << "\n";
    if (request.find("crash") != std::string::npos) _exit(1);
    if (request.find("broken") != std::string::npos) {
      std::cout << "0\n" << std::flush;
      continue;
    }
    const int side = std::atoi(request.c_str());
    const auto seed = static_cast<std::uint32_t>(std::hash<std::string>{}(request));
    const Bytes jpeg = encode_jpeg(flat_picture(side, side * 3 / 4, static_cast<std::uint8_t>(seed),
                                                static_cast<std::uint8_t>(seed >> 8U),
                                                static_cast<std::uint8_t>(seed >> 16U)));
    std::cout << jpeg.size() << '\n';
    std::cout.write(reinterpret_cast<const char*>(jpeg.data()),
                    static_cast<std::streamsize>(jpeg.size()));
    std::cout.flush();
  }
}
