// SPDX-License-Identifier: Apache-2.0
#include "sw/workload/foreign_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "sw/config/json.h"

namespace aqpim::workload {

namespace {

struct Format {
  std::size_t position;
  std::string_view bytes;
  const char* sentence;
};

constexpr const char* kPickle =
    "a pickle, as torch.save writes it, no safetensors file; save the tensors with "
    "safetensors.torch.save_file";
constexpr const char* kCompressed = "compressed, no safetensors file; unpack it first";

using namespace std::string_view_literals;

constexpr Format kFormats[] = {
    {0, "version https://git-lfs.github.com/"sv,
     "a pointer of Git LFS, no safetensors file; \"git lfs pull\" fetches the file itself"},
    {0, "/annex/objects/"sv,
     "a pointer of git-annex, no safetensors file; \"git annex get\" fetches the file itself"},
    {0, "PK\x03\x04"sv,
     "a zip archive, as torch.save and numpy.savez write it, no safetensors file; save the tensors "
     "with safetensors.torch.save_file or safetensors.numpy.save_file"},
    // Protocols 0 and 1 have no mark: a dictionary, a list, or a function that makes the object.
    {0, "(dp"sv, kPickle},
    {0, "(lp"sv, kPickle},
    {0, "}q\0"sv, kPickle},
    {0, "]q\0"sv, kPickle},
    {0, "ccopy_reg\n"sv, kPickle},
    {0, "ccollections\n"sv, kPickle},
    {0, "cnumpy"sv, kPickle},
    {0, "ctorch"sv, kPickle},
    {0, "\x80\x02"sv, kPickle},
    {0, "\x80\x03"sv, kPickle},
    {0, "\x80\x04"sv, kPickle},
    {0, "\x80\x05"sv, kPickle},
    {0, "GGUF"sv, "a GGUF file, no safetensors file"},
    {0, "\x89HDF\r\n\x1a\n"sv, "an HDF5 file, no safetensors file"},
    {0, "\x93NUMPY"sv,
     "an array of NumPy, no safetensors file; save it with safetensors.numpy.save_file"},
    {0, "PAR1"sv, "a Parquet file, no safetensors file"},
    {0, "\x1f\x8b"sv, kCompressed},
    {0, "BZh"sv, kCompressed},
    {0, "\xfd\x37zXZ\0"sv, kCompressed},
    {0, "\x28\xb5\x2f\xfd"sv, kCompressed},
    {257, "ustar"sv, "a tar archive, no safetensors file; unpack it first"},
};

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

bool is_text(std::string_view text) {
  return std::ranges::all_of(text,
                             [](unsigned char c) { return std::isprint(c) || std::isspace(c); });
}

}  // namespace

std::optional<std::string> foreign_format(std::string_view beginning) {
  for (const Format& format : kFormats) {
    if (beginning.size() < format.position) continue;
    if (beginning.substr(format.position).starts_with(format.bytes)) return format.sentence;
  }
  if (beginning.starts_with("\xef\xbb\xbf")) beginning.remove_prefix(3);  // byte order mark
  const auto first = beginning.find_first_not_of(" \t\r\n");
  if (first == beginning.npos) return std::nullopt;
  const std::string text = lower(beginning.substr(first));
  for (const char* tag : {"<!doctype", "<html", "<head", "<?xml", "<!--"}) {
    if (text.starts_with(tag)) {
      return "a web page, no safetensors file; the download gave an answer instead of the file";
    }
  }
  if (text.starts_with('{') || text.starts_with('[')) {
    return "JSON text, no safetensors file; an index of shards must be called *.index.json";
  }
  // Of a safetensors file, these are the length of its header, with zeros at the end.
  constexpr std::size_t kLength = 8;
  if (beginning.size() >= kLength && is_text(beginning.substr(0, kLength))) {
    const auto line = beginning.substr(first, beginning.find_first_of("\r\n", first) - first);
    return fmt::format("text that begins with {}, no safetensors file", in_quotes(line));
  }
  return std::nullopt;
}

}  // namespace aqpim::workload
