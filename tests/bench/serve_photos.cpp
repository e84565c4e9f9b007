// A web server of a folder, for measurements on loopback: prints its URL, serves until its input
// ends.
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/support/http_server.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("serve_photos FOLDER\n", stderr);
    return 2;
  }
  const std::string folder = argv[1];
  photoscribe::test::HttpServer server([&folder](const photoscribe::test::Asked& asked) {
    photoscribe::test::Answer answer;
    if (asked.target.find("..") != std::string::npos) return answer;
    std::ifstream file(folder + asked.target, std::ios::binary);
    if (!file) answer.status = 404;
    answer.body.assign(std::istreambuf_iterator<char>(file), {});
    return answer;
  });
  std::printf("%s\n", server.url().c_str());
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
}
