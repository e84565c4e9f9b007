// blas: the number of threads that the network's libraries use. Private to models/.
#pragma once

namespace photoscribe {

/// Sets the threads of LibTorch, oneDNN and OpenBLAS; 0 leaves their defaults. OpenBLAS built on
/// pthreads ignores LibTorch's own setting.
void set_network_threads(int threads);

}  // namespace photoscribe
