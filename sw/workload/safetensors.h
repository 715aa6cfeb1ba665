// SPDX-License-Identifier: Apache-2.0
// safetensors files (https://github.com/huggingface/safetensors, "Format"): 8 bytes length N, N
// bytes of JSON header, then the tensors' bytes without gap or overlap. Readers refuse every file
// that breaks the format, with InputError: one sentence that begins with the path. Tensors of a
// format that is not known here are legal; they cannot be read.
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "sw/workload/tensor.h"

namespace aqpim::workload {

// What the header says about a tensor. begin and end are byte positions in the file.
struct TensorInfo {
  std::string dtype;  // as in the file
  std::vector<std::size_t> shape;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

struct Header {
  // Without what is null.
  std::map<std::string, std::string> metadata;
  std::map<std::string, TensorInfo> tensors;
};

// Checks a header text against the size of its file. `where` begins each message. Takes time in
// proportion to the text, but for sorting the tensors.
Header parse_header(const std::string& where, std::string_view json_text, std::uint64_t file_size);

// An open file whose header is known to be sound. Tensors are read when asked for, by any number of
// threads at once.
class Reader {
 public:
  explicit Reader(const std::filesystem::path& path);

  const std::string& path() const { return path_; }
  const Header& header() const { return header_; }
  // Throws InputError if there is no such tensor, or if its values cannot be read.
  Tensor tensor(const std::string& name) const;
  // SHA-256 of the whole file, 64 hexadecimal digits.
  std::string sha256() const;

 private:
  std::uint64_t header_bytes() const;
  void read_at(std::uint64_t position, std::span<char> bytes) const;

  std::string path_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
  std::uint64_t size_ = 0;
  Header header_;
};

struct File {
  std::map<std::string, std::string> metadata;
  std::map<std::string, Tensor> tensors;

  bool operator==(const File&) const = default;
};

File read(const std::filesystem::path& path);

// The bytes of a file; equal files give equal bytes. Tensors stand in the order of falling element
// size, then by name, so that each is aligned.
std::vector<std::uint8_t> serialize(const File& file);

// Writes a temporary file in the same folder and renames it: `path` is complete or untouched.
void write(const std::filesystem::path& path, const File& file);

}  // namespace aqpim::workload
