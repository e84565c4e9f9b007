# The sources of models/ that need no package but LibTorch; ops/gpu/CMakeLists.txt builds them on their own.
set(photoscribe_model_sources
  blas.cpp
  captioner.cpp
  decoder/attend_tell_network.cpp
  decoder/cells.cpp
  decoder/decoder.cpp
  decoder/fast_linear.cpp
  decoder/kernels.cpp
  decoder/photo_annotator.cpp
  decoder/plain_decoders.cpp
  decoder/plain_networks.cpp
  decoder/quantised.cpp
  decoder/step_network.cpp
  decoder/step_parts.cpp
  device.cpp
  encoder/calibration.cpp
  encoder/depthwise.cpp
  encoder/encoder.cpp
  encoder/encoder_layers.cpp
  encoder/fast_encoder.cpp
  encoder/int8_layers.cpp
  encoder/layer_loops.cpp
  encoder/onednn_layers.cpp
  encoder/onednn_loops.cpp
  encoder/onednn_weights.cpp
  encoder/pixels.cpp
  encoder/pointwise.cpp
  encoder/silu.cpp
  format/concept_list.cpp
  format/concepts.cpp
  format/mapped_file.cpp
  format/precision.cpp
  format/safetensors.cpp
  format/safetensors_header.cpp
  format/tensors.cpp
  format/vocabulary.cpp
  search/attention.cpp
  search/beams.cpp
  search/caption_network.cpp
  search/endings.cpp
  search/evidence.cpp
  search/search.cpp
  search/constraints.cpp)
# The loops of decoder/kernels.cpp, decoder/quantised.cpp and encoder/silu.cpp are only worth having if sums may be reordered into vectors.
set(photoscribe_kernel_options
  -O3 -fno-math-errno -fno-trapping-math -fassociative-math -fno-signed-zeros -freciprocal-math -ffp-contract=fast)
# `folder`: the path of models/. Properties belong to a directory, so each one that compiles these sources calls this.
function(photoscribe_compile_kernels folder)
  set_source_files_properties(${folder}/decoder/kernels.cpp ${folder}/decoder/quantised.cpp PROPERTIES COMPILE_OPTIONS "${photoscribe_kernel_options}")
  # No scores of words that are never predicted, which are -inf, occur here.
  set_source_files_properties(${folder}/encoder/silu.cpp PROPERTIES COMPILE_OPTIONS "${photoscribe_kernel_options};-ffinite-math-only")
  # Their vectors are written by hand, their tiles are unrolled.
  set_source_files_properties(${folder}/encoder/depthwise.cpp ${folder}/encoder/pointwise.cpp PROPERTIES COMPILE_OPTIONS "-O3")
endfunction()
