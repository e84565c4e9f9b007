# Writes the blur model's text into a C++ file: cmake -DOUTPUT=… -DFILE=blur_model.txt -P embed_model.cmake
file(READ "${FILE}" text)
file(WRITE "${OUTPUT}" "// Made by common/image/embed_model.cmake.\n#include \"common/image/blur_evidence.h\"\n\n")
file(APPEND "${OUTPUT}" "namespace photoscribe::image {\n\n")
file(APPEND "${OUTPUT}" "std::string_view blur_model_text() {\n  return R\"model(${text})model\";\n}\n\n}  // namespace photoscribe::image\n")
