// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sw/workload/safetensors.h"
#include "sw/workload/tensor.h"

namespace aqpim::workload {

// The tensors of one safetensors file, or of the shards of one:
//   an index       *.json, {"weight_map": {tensor: shard, ...}}; shards are named relative to it
//   a folder       with one *.safetensors.index.json: as the index; with none: all its
//   *.safetensors
// An index counts: a tensor of a shard that it does not name is left alone. Only headers are read.
// Throws InputError, one sentence with the path, if a file is none of these, if a shard is missing,
// lacks a tensor that the index says it has, or has one that another shard has.
class Capture {
 public:
  explicit Capture(const std::filesystem::path& path);

  // As given, without a slash at its end.
  const std::string& path() const { return path_; }
  // The files that are read: the shards, after the index if there is one.
  std::vector<std::filesystem::path> files() const;
  // Of all shards; where they differ, that of the shard whose name comes first.
  std::map<std::string, std::string> metadata() const;
  std::vector<std::string_view> names() const;  // of tensors
  const TensorInfo* find(const std::string& tensor) const;
  Tensor tensor(const std::string& name) const;
  // Of a file, its SHA-256. Of shards, that of the text which `sha256sum SHARD ...` prints in their
  // folder: a line of digest, two blanks and name for each, by name.
  std::string sha256() const;

 private:
  struct Shard {
    std::string name;
    Reader reader;
  };

  // None if the index names no such tensor.
  const Reader* reader_of(const std::string& tensor) const;
  void open_index(const std::filesystem::path& index);
  void open_folder(const std::filesystem::path& folder);

  std::string path_;
  std::filesystem::path index_;  // empty: none
  bool sharded_ = false;
  std::vector<Shard> shards_;                    // by name
  std::map<std::string, std::size_t> shard_of_;  // tensors of shards
};

}  // namespace aqpim::workload
