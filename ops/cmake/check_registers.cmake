# Usage: cmake -DOBJDUMP=objdump -DOBJECTS=pointwise.cpp.o -P check_registers.cmake
# Fails when an inner loop of models/encoder/pointwise.cpp stores a sum of products before its end: then a tile does not
# fit into the registers, or GCC has moved it to memory, which is slow and changes no value that a test could see.
cmake_minimum_required(VERSION 3.25)
execute_process(COMMAND ${OBJDUMP} -d --no-show-raw-insn --disassembler-options=intel ${OBJECTS}
  OUTPUT_VARIABLE code RESULT_VARIABLE status ERROR_QUIET)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "${OBJDUMP} cannot read ${OBJECTS}")
endif()
string(REPLACE ";" "," code "${code}")
# What lies between two jumps is one list item: a loop's body, or what is before or behind it.
string(REGEX REPLACE "\n[^\n]*\tj[a-z]+ +[^\n]*" ";" bodies "${code}")
list(FILTER bodies INCLUDE REGEX "vpdpbusd")
list(LENGTH bodies count)
if(count LESS 48)
  message(FATAL_ERROR "only ${count} loops of products")
endif()
set(failed 0)
foreach(body IN LISTS bodies)
  # Sums are stored behind the jump that ends their loop, so in another item.
  if(body MATCHES "vpdpbusd[^\n]*(\n.*)?\n([^\n]*PTR \\[[^]\n]*\\],zmm[^\n]*)")
    message(SEND_ERROR "a loop of products stores a sum at each step:${CMAKE_MATCH_2}")
    math(EXPR failed "${failed} + 1")
  endif()
endforeach()
if(failed EQUAL 0)
  message(STATUS "${count} loops of products keep their sums in registers")
endif()
