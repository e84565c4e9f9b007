# Writes a text file into a C++ file, as a string: cmake -DOUTPUT=… -DINPUT=… -DHEADER=… -DNAMESPACE=… -DNAME=… -P embed.cmake
file(READ "${INPUT}" text)
file(WRITE "${OUTPUT}" "// Made by common/page/embed.cmake.\n#include \"${HEADER}\"\n
namespace ${NAMESPACE} {\n
const char* const ${NAME} = R\"asset(${text})asset\";\n
}  // namespace ${NAMESPACE}\n")
