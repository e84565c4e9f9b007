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
foreach(body IN LISTS bodies)
  if(body MATCHES "vpdpbusd.*PTR \\[[^]\n]*\\],zmm.*vpdpbusd")
    string(REGEX MATCH "[^\n]*PTR \\[[^]\n]*\\],zmm[^\n]*" store "${body}")
    message(SEND_ERROR "a loop of products stores a sum at each step:${store}")
  endif()
endforeach()
message(STATUS "${count} loops of products keep their sums in registers")
