# GCC 12 destroys braced temporaries and captured closures inside a co_await expression twice (style.md 5).
# Reads line by line, so it catches most, not all; ASan on the redis tests catches the rest.
file(GLOB_RECURSE sources ${ROOT}/common/*.cpp ${ROOT}/common/*.h ${ROOT}/worker/*.cpp ${ROOT}/scheduler/*.cpp
                          ${ROOT}/ops/cli/*.cpp ${ROOT}/tests/*.cpp)
foreach(source ${sources})
  file(STRINGS ${source} lines REGEX "co_await[^;]*(\\[[=&a-z_, ]+\\] *[({]|[(,] *{|[A-Z][A-Za-z]*{)")
  foreach(line ${lines})
    message(SEND_ERROR "${source}: name this temporary before awaiting: ${line}")
  endforeach()
endforeach()
