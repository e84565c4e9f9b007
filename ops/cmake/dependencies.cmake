# Every library the project uses, with the quirks of Debian 12 and 13 and Ubuntu 24.04 kept in this one file.
if(NOT CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(PHOTOSCRIBE_CCACHE ccache)
  if(PHOTOSCRIBE_CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${PHOTOSCRIBE_CCACHE})
  endif()
endif()

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED)  # headers only: Asio, Beast
find_package(OpenSSL REQUIRED)
find_package(CURL 7.85 REQUIRED)  # the first with names of protocols
find_package(pugixml REQUIRED)
find_package(JPEG REQUIRED)
find_package(GIF REQUIRED)
find_package(PNG REQUIRED)
find_package(TIFF 4.5 REQUIRED)  # the first with handlers for one open file
find_package(OpenCV REQUIRED COMPONENTS core imgproc imgcodecs)
find_package(SQLiteCpp REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(tl-expected REQUIRED)
find_package(GTest REQUIRED)
pkg_check_modules(hiredis REQUIRED IMPORTED_TARGET hiredis)  # its own CMake file has no target in 0.14
pkg_check_modules(expat REQUIRED IMPORTED_TARGET expat)  # its own CMake file has had three names
pkg_check_modules(deflate REQUIRED IMPORTED_TARGET libdeflate)
pkg_check_modules(heif REQUIRED IMPORTED_TARGET libheif)
pkg_check_modules(webp REQUIRED IMPORTED_TARGET libwebp libwebpdemux)
pkg_check_modules(utf8proc REQUIRED IMPORTED_TARGET libutf8proc)
pkg_check_modules(sqlite3 REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(libarchive REQUIRED IMPORTED_TARGET libarchive)

if(NOT TARGET yaml-cpp::yaml-cpp)  # 0.7 exports the plain name
  add_library(yaml-cpp::yaml-cpp ALIAS yaml-cpp)
endif()

if(PHOTOSCRIBE_WITH_TORCH)
  find_package(Torch REQUIRED)
endif()
