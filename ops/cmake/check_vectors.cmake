# Usage: cmake -DOBJDUMP=objdump -DOBJECTS=kernels.cpp.o;quantised.cpp.o;silu.cpp.o -P check_vectors.cmake
# Fails when a loop of models/decoder/kernels.cpp, models/decoder/quantised.cpp or models/encoder/silu.cpp has no wide vectors in its copy for AVX-512: then GCC has given up on it, which
# no test of values shows.
execute_process(COMMAND ${OBJDUMP} -d --no-show-raw-insn --disassembler-options=intel ${OBJECTS}
  OUTPUT_VARIABLE code RESULT_VARIABLE status ERROR_QUIET)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "${OBJDUMP} cannot read ${OBJECTS}")
endif()
string(REGEX MATCHALL "<[^>\n]*\\.arch_x86_64_v4>:\n[^<>]*(<[^>\n]*>[^:][^<>]*)*" copies "${code}")
list(FILTER copies EXCLUDE REGEX "^<[^>]*vector_bytes")
list(LENGTH copies count)
if(count LESS 18)
  message(FATAL_ERROR "only ${count} loops have a copy for AVX-512")
endif()
foreach(copy IN LISTS copies)
  string(REGEX MATCH "^<[^>]*>" name "${copy}")
  if(NOT copy MATCHES "zmm")
    message(SEND_ERROR "no wide vectors in ${name}")
  endif()
endforeach()
message(STATUS "${count} loops have wide vectors")
