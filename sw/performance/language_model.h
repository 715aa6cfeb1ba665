// SPDX-License-Identifier: Apache-2.0
//
// What a decoding step needs to know of a language model and of the node that runs it: the files
// configs/model/NAME.json and configs/node/NAME.json.
#pragma once

#include <string>
#include <string_view>

namespace aqpim::performance {

// A decoder with the same shape in all layers.
struct LanguageModel {
  std::string name;
  std::string description, source;
  unsigned layers = 0;
  unsigned query_heads = 0;
  unsigned kv_heads = 0;  // divides query_heads
  unsigned head_dim = 0;
  unsigned hidden = 0;
  unsigned feed_forward = 0;
  unsigned feed_forward_matrices = 0;  // 3 if gated
  unsigned vocabulary = 0;
  bool tied_embeddings = false;  // the output layer is the embedding
  unsigned bytes_per_weight = 0;
  unsigned sliding_window = 0;  // tokens; 0: none
  unsigned global_every = 0;    // with a window: every so many layers, one sees the whole context

  bool operator==(const LanguageModel&) const = default;

  unsigned group() const { return query_heads / kv_heads; }
  unsigned global_layers() const;  // that see the whole context
  // Weights of all layers and of the output; and those that a step does not read: the embedding.
  double weights() const;
  double embedding_only() const;
};

struct Node {
  std::string name;
  std::string description, source_gpu, source_links;
  unsigned gpus = 0;                // that share each layer
  unsigned gpu_tflops = 0;          // FP16, of one GPU
  unsigned gpu_gb_per_s = 0;        // its memory's, all stacks; 1 GB is 10^9 bytes
  unsigned stacks = 0;              // of one GPU
  unsigned stack_gb = 0;            // of one stack
  unsigned usable_percent = 0;      // of the capacity: the rest is for activations
  unsigned host_link_gb_per_s = 0;  // in one direction, of each GPU
  unsigned gpu_link_gb_per_s = 0;   // between GPUs, in one direction, of each GPU
  unsigned host_memory_gb = 0;      // of the node

  bool operator==(const Node&) const = default;
};

// Read the text of such a file. Every key is required, none may be added; throw InputError with the
// key and what is allowed.
LanguageModel parse_language_model(std::string_view name, std::string_view json_text);
Node parse_node(std::string_view name, std::string_view json_text);

}  // namespace aqpim::performance
