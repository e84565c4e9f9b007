# What models/ needs no package for but LibTorch; ops/gpu/CMakeLists.txt builds it by itself.
set(photoscribe_model_sources
  beams.cpp blas.cpp caption_network.cpp captioner.cpp cells.cpp concept_list.cpp concepts.cpp decoder.cpp device.cpp encoder.cpp encoder_layers.cpp evidence.cpp fast_encoder.cpp fast_linear.cpp kernels.cpp mapped_file.cpp plain_decoders.cpp plain_networks.cpp
  safetensors.cpp safetensors_header.cpp search.cpp step_network.cpp step_parts.cpp tensors.cpp vocabulary.cpp wishes.cpp)
# The loops of kernels.cpp are only worth having when sums may be reordered into vectors.
set(photoscribe_kernel_options
  -O3 -fno-math-errno -fno-trapping-math -fassociative-math -fno-signed-zeros -freciprocal-math -ffp-contract=fast)
