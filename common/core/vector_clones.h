// vector_clones: one copy of a loop for each set of vector instructions.
//
// Packages are built for the oldest machine that they must run on; the copy for this one is chosen
// when the program starts. By levels of x86-64, since the copy for a processor's name, such as
// arch=haswell, is for no other processor. The sanitizers and clang 14 cannot work with it.
//
// Nothing of the library may be called in such a loop or in what it inlines: GCC 12 inlines
// std::min and the like into the copy for the oldest machine alone, and the loops of the others
// come out without vectors. ops/cmake/check_vectors.cmake looks at what came out.
#pragma once

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define PHOTOSCRIBE_VECTOR_CLONES \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#define PHOTOSCRIBE_VECTOR_COPY(level) __attribute__((target(level)))
#else
#define PHOTOSCRIBE_VECTOR_CLONES
#endif
