# Writes the list of objects into one C++ file: cmake -DOUTPUT=… -DLIST=objects.txt -P embed_objects.cmake
file(READ "${LIST}" list)
file(WRITE "${OUTPUT}" "// Made by common/scores/embed_objects.cmake.\n#include \"common/scores/object_list.h\"\n
namespace photoscribe {\n
const char* const kBuiltInObjects = R\"objects(${list})objects\";\n
}  // namespace photoscribe\n")
