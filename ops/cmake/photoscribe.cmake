# All build policy; the folders hold lists of files.
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

add_library(photoscribe_build INTERFACE)
add_library(photoscribe_build_plain INTERFACE)  # without sanitizers: for what is loaded into programs of others
foreach(build photoscribe_build photoscribe_build_plain)
  target_compile_features(${build} INTERFACE cxx_std_20)
  target_compile_options(${build} INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Woverloaded-virtual
    $<$<CXX_COMPILER_ID:GNU>:-Wno-mismatched-new-delete>  # false alarm on Asio frames, GCC 12
    # False alarms of GCC 12 at -O2 and above, in std::string's + and tl::expected (GCC bug 105329): the first command
    # of README would print 500 lines of them.
    "$<$<AND:$<CXX_COMPILER_ID:GNU>,$<CONFIG:Release>>:-Wno-restrict;-Wno-free-nonheap-object>"
    $<$<BOOL:${PHOTOSCRIBE_WERROR}>:-Werror>)
endforeach()
if(PHOTOSCRIBE_SANITIZE)
  target_compile_options(photoscribe_build INTERFACE -fsanitize=${PHOTOSCRIBE_SANITIZE} -fno-omit-frame-pointer)
  # GCC's instrumentation hides initialisations from its own warning: false alarms in LibTorch's headers.
  target_compile_options(photoscribe_build INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  target_link_options(photoscribe_build INTERFACE -fsanitize=${PHOTOSCRIBE_SANITIZE})
  if(PHOTOSCRIBE_SANITIZE MATCHES thread)
    target_compile_options(photoscribe_build INTERFACE -Wno-tsan)  # Asio's atomic_thread_fence
  endif()
endif()

# Several files at once to the compiler: third-party headers (LibTorch, Asio, nlohmann) are most of what it reads, and
# their templates most of what it makes. A third of the time from nothing, more for an edit of one file: so
# ops/test and ops/quickstart switch it on in a folder that they make, and `cmake --preset dev` has it off.
# Names in anonymous namespaces of one target must differ. Precompiled headers were measured and brought less:
# GCC takes 3 s to load one of 200 MB.
option(PHOTOSCRIBE_UNITY "Compile several files of a target at once" OFF)
set(photoscribe_unity_batch 8)
if(PHOTOSCRIBE_UNITY AND NOT PHOTOSCRIBE_SANITIZE)
  add_compile_options(-g0)  # line numbers take a tenth of the time; a sanitizer's reports need them
endif()
function(photoscribe_unity target wanted)
  if(PHOTOSCRIBE_UNITY AND wanted)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${photoscribe_unity_batch})
    # A coroutine's frame with a lambda of its own in it: false outside the main file.
    target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
  endif()
endfunction()

# photoscribe_library(<name> [UNITY] SOURCES ... [PUBLIC libs...] [PRIVATE libs...])
function(photoscribe_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "UNITY" "" "SOURCES;PUBLIC;PRIVATE")
  add_library(photoscribe_${name} STATIC ${arg_SOURCES})
  add_library(photoscribe::${name} ALIAS photoscribe_${name})
  target_include_directories(photoscribe_${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(photoscribe_${name} PUBLIC ${arg_PUBLIC} PRIVATE photoscribe_build ${arg_PRIVATE})
  photoscribe_unity(photoscribe_${name} ${arg_UNITY})
endfunction()

# photoscribe_executable(<name> [UNITY] SOURCES ... LIBS ...)
function(photoscribe_executable name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "UNITY" "" "SOURCES;LIBS")
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE photoscribe_build ${arg_LIBS})
  photoscribe_unity(${name} ${arg_UNITY})
endfunction()

# photoscribe_test(<name> [UNITY] LABELS unit|redis|process|parity|gpu|lint|slow SOURCES ... LIBS ... [TIMEOUT seconds])
function(photoscribe_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "UNITY" "TIMEOUT" "LABELS;SOURCES;LIBS")
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 60)
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE photoscribe_build ${arg_LIBS} GTest::gmock_main)
  photoscribe_unity(${name} ${arg_UNITY})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  target_compile_definitions(${name} PRIVATE
    PHOTOSCRIBE_SOURCE_DIR="${PROJECT_SOURCE_DIR}" PHOTOSCRIBE_BIN_DIR="${PROJECT_BINARY_DIR}/bin")
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT ${arg_TIMEOUT})
  # A list given to gtest_discover_tests() is flattened on its way: labels after the first became names of properties.
  set(labels ${CMAKE_CURRENT_BINARY_DIR}/${name}_labels.cmake)
  file(WRITE ${labels} "foreach(test IN LISTS ${name}_TESTS)\n"
    "  set_tests_properties(\"\${test}\" PROPERTIES LABELS \"${arg_LABELS}\")\nendforeach()\n")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${labels})
endfunction()

include(GoogleTest)
