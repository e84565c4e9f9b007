# Writes the page's style sheet and script into one C++ file: cmake -DOUTPUT=… -DCSS=… -DJS=… -P embed.cmake
file(READ "${CSS}" css)
file(READ "${JS}" js)
file(WRITE "${OUTPUT}" "// Made by ops/report/embed.cmake.\n#include \"ops/report/page_assets.h\"\n
namespace photoscribe::report {\n
const char* const kPageCss = R\"asset(${css})asset\";\n
const char* const kPageJs = R\"asset(${js})asset\";\n
}  // namespace photoscribe::report\n")
