# Targets format, format-check and tidy; format-check is also a test where its clang-format is the one we format with.
file(GLOB_RECURSE photoscribe_sources
  ${PROJECT_SOURCE_DIR}/common/*.h ${PROJECT_SOURCE_DIR}/common/*.cpp
  ${PROJECT_SOURCE_DIR}/migrations/*.h ${PROJECT_SOURCE_DIR}/migrations/*.cpp
  ${PROJECT_SOURCE_DIR}/models/*.h ${PROJECT_SOURCE_DIR}/models/*.cpp
  ${PROJECT_SOURCE_DIR}/worker/*.h ${PROJECT_SOURCE_DIR}/worker/*.cpp
  ${PROJECT_SOURCE_DIR}/scheduler/*.h ${PROJECT_SOURCE_DIR}/scheduler/*.cpp
  ${PROJECT_SOURCE_DIR}/ops/*.h ${PROJECT_SOURCE_DIR}/ops/*.cpp
  ${PROJECT_SOURCE_DIR}/tests/*.h ${PROJECT_SOURCE_DIR}/tests/*.cpp)

find_program(PHOTOSCRIBE_CLANG_FORMAT NAMES clang-format-14 clang-format)
if(PHOTOSCRIBE_CLANG_FORMAT)
  add_custom_target(format COMMAND ${PHOTOSCRIBE_CLANG_FORMAT} -i ${photoscribe_sources} VERBATIM)
  add_custom_target(format-check
    COMMAND ${PHOTOSCRIBE_CLANG_FORMAT} --dry-run --Werror ${photoscribe_sources} VERBATIM)
  execute_process(COMMAND ${PHOTOSCRIBE_CLANG_FORMAT} --version OUTPUT_VARIABLE photoscribe_clang_format_version)
  if(photoscribe_clang_format_version MATCHES "version 14\\.")  # other versions wrap other lines
    add_test(NAME format COMMAND ${PHOTOSCRIBE_CLANG_FORMAT} --dry-run --Werror ${photoscribe_sources})
    set_tests_properties(format PROPERTIES LABELS lint)
  endif()
endif()

find_program(PHOTOSCRIBE_RUN_CLANG_TIDY NAMES run-clang-tidy-14 run-clang-tidy)
if(PHOTOSCRIBE_RUN_CLANG_TIDY)
  add_custom_target(tidy
    COMMAND ${PHOTOSCRIBE_RUN_CLANG_TIDY} -quiet -p ${PROJECT_BINARY_DIR}
            -extra-arg=-Wno-unknown-warning-option "^${PROJECT_SOURCE_DIR}/(common|migrations|models|worker|scheduler|ops|tests)/"
    VERBATIM)
endif()
