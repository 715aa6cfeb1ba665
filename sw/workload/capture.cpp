// SPDX-License-Identifier: Apache-2.0
#include "sw/workload/capture.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <regex>
#include <set>
#include <system_error>
#include <utility>

#include "sw/config/error.h"
#include "sw/config/json.h"
#include "sw/workload/foreign_format.h"
#include "sw/workload/sha256.h"

namespace aqpim::workload {

namespace {

namespace fs = std::filesystem;

constexpr const char* kIndexEnding = ".safetensors.index.json";
constexpr std::uint64_t kLargestIndex = 100'000'000;  // as a header

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

fs::path without_last_slash(const fs::path& path) {
  return path.has_filename() || !path.has_relative_path() ? path : path.parent_path();
}

std::string index_text(const std::string& path) {
  std::error_code error;
  const std::uint64_t size = fs::file_size(path, error);
  if (error) throw InputError(fmt::format("{} cannot be read: {}", path, error.message()));
  if (size > kLargestIndex) {
    throw InputError(
        fmt::format("{} is no index of shards: it has {} bytes, at most {} are allowed", path, size,
                    kLargestIndex));
  }
  std::ifstream stream(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(stream), {}};
  if (text.size() != size) throw InputError(fmt::format("{} cannot be read", path));
  return text;
}

// The shard of each tensor.
std::map<std::string, std::string> weight_map(const std::string& path) {
  const std::string text = index_text(path);
  const auto first = text.find_first_not_of("\xef\xbb\xbf \t\r\n");  // JSON may have a mark, too
  if (first == text.npos || (text[first] != '{' && text[first] != '[')) {
    if (const auto format = foreign_format(std::string_view(text).substr(0, kFormatBytes))) {
      throw InputError(fmt::format("{} is {}", path, *format));
    }
  }
  const nlohmann::json root = parse_json(path, text);
  const auto map = root.is_object() ? root.find("weight_map") : root.end();
  if (map == root.end() || !map->is_object() || map->empty()) {
    throw InputError(fmt::format(
        "{} is no index of shards: it has no \"weight_map\" of tensors and their files", path));
  }
  std::map<std::string, std::string> shards;
  for (const auto& [tensor, shard] : map->items()) {
    const bool text_given = shard.is_string() && !shard.get_ref<const std::string&>().empty();
    const fs::path name = text_given ? shard.get<std::string>() : std::string();
    if (!text_given || name.is_absolute() || std::ranges::find(name, "..") != name.end()) {
      throw InputError(
          fmt::format("{}: the shard of tensor {} must be the name of a file beside the index",
                      path, in_quotes(tensor)));
    }
    shards.emplace(tensor, name.string());
  }
  return shards;
}

std::vector<std::string> names_ending(const fs::path& folder, std::string_view ending) {
  std::vector<std::string> names;
  std::error_code error;
  fs::directory_iterator entries(folder, error);
  if (error) {
    throw InputError(fmt::format("{} cannot be read: {}", folder.string(), error.message()));
  }
  for (const fs::directory_entry& entry : entries) {
    std::string name = entry.path().filename().string();
    if (name.ends_with(ending) && !name.starts_with('.')) names.push_back(std::move(name));
  }
  std::ranges::sort(names);
  return names;
}

// Names like model-00002-of-00003.safetensors say how many there must be.
void check_complete(const std::string& folder, const std::vector<std::string>& names) {
  static const std::regex numbered(R"((.*-)(\d{1,9})-of-(\d{1,9})\.safetensors)");
  for (const std::string& name : names) {
    std::smatch parts;
    if (!std::regex_match(name, parts, numbered)) continue;
    const std::size_t width = parts[2].str().size();
    for (unsigned long i = 1; i <= std::stoul(parts[3]); ++i) {
      const std::string wanted =
          fmt::format("{}{:0{}}-of-{}.safetensors", parts[1].str(), i, width, parts[3].str());
      if (!std::ranges::binary_search(names, wanted)) {
        throw InputError(
            fmt::format("{}: the shard {} is missing, {} is there", folder, wanted, name));
      }
    }
  }
}

void refuse_missing(const std::string& index, const fs::path& folder,
                    const std::set<std::string>& names) {
  std::vector<std::string> missing;
  std::ranges::copy_if(names, std::back_inserter(missing),
                       [&](const std::string& name) { return !is_file(folder / name); });
  if (missing.empty()) return;
  throw InputError(fmt::format("{}: {} of its {} shards {} missing, the first is {}", index,
                               missing.size(), names.size(), missing.size() == 1 ? "is" : "are",
                               in_quotes(missing.front())));
}

}  // namespace

Capture::Capture(const fs::path& path) : path_(without_last_slash(path).string()) {
  std::error_code ignored;
  if (fs::is_directory(path_, ignored)) {
    open_folder(path_);
  } else if (path_.ends_with(".json") && is_file(path_)) {
    open_index(path_);
  } else {
    shards_.push_back({path_, Reader(path_)});
  }
}

void Capture::open_index(const fs::path& index) {
  sharded_ = true;
  index_ = index;
  const std::map<std::string, std::string> map = weight_map(index.string());
  std::set<std::string> names;
  for (const auto& [tensor, shard] : map) names.insert(shard);
  refuse_missing(index.string(), index.parent_path(), names);
  for (const std::string& name : names) {
    shards_.push_back({name, Reader(index.parent_path() / name)});
  }
  for (const auto& [tensor, name] : map) {
    const auto shard = std::ranges::lower_bound(shards_, name, {}, &Shard::name);
    if (!shard->reader.header().tensors.contains(tensor)) {
      throw InputError(fmt::format("{}: the shard {} has no tensor {}", index.string(),
                                   in_quotes(name), in_quotes(tensor)));
    }
    shard_of_.emplace_hint(shard_of_.end(), tensor, shard - shards_.begin());
  }
}

void Capture::open_folder(const fs::path& folder) {
  const std::vector<std::string> indexes = names_ending(folder, kIndexEnding);
  if (indexes.size() > 1) {
    throw InputError(fmt::format("{} has several indexes of shards, name one: {}", path_,
                                 fmt::join(indexes, ", ")));
  }
  if (!indexes.empty()) return open_index(folder / indexes.front());

  sharded_ = true;
  const std::vector<std::string> names = names_ending(folder, ".safetensors");
  if (names.empty()) {
    throw InputError(fmt::format("{} is a folder without a safetensors file", path_));
  }
  check_complete(path_, names);
  for (const std::string& name : names) shards_.push_back({name, Reader(folder / name)});
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    for (const auto& [tensor, info] : shards_[i].reader.header().tensors) {
      const auto [found, first] = shard_of_.emplace(tensor, i);
      if (first) continue;
      throw InputError(fmt::format("{}: tensor {} is in {} and in {}; a folder is one workload",
                                   path_, in_quotes(tensor), shards_[found->second].name,
                                   shards_[i].name));
    }
  }
}

std::vector<fs::path> Capture::files() const {
  std::vector<fs::path> files;
  if (!index_.empty()) files.push_back(index_);
  for (const Shard& shard : shards_) files.emplace_back(shard.reader.path());
  return files;
}

std::map<std::string, std::string> Capture::metadata() const {
  std::map<std::string, std::string> metadata;
  for (const Shard& shard : shards_) {
    metadata.insert(shard.reader.header().metadata.begin(), shard.reader.header().metadata.end());
  }
  return metadata;
}

std::vector<std::string_view> Capture::names() const {
  std::vector<std::string_view> names;
  if (sharded_) {
    for (const auto& [name, shard] : shard_of_) names.emplace_back(name);
  } else {
    for (const auto& [name, info] : shards_.front().reader.header().tensors) {
      names.emplace_back(name);
    }
  }
  return names;
}

const Reader* Capture::reader_of(const std::string& tensor) const {
  if (!sharded_) return &shards_.front().reader;
  const auto found = shard_of_.find(tensor);
  return found == shard_of_.end() ? nullptr : &shards_[found->second].reader;
}

const TensorInfo* Capture::find(const std::string& tensor) const {
  const Reader* const reader = reader_of(tensor);
  if (reader == nullptr) return nullptr;
  const auto found = reader->header().tensors.find(tensor);
  return found == reader->header().tensors.end() ? nullptr : &found->second;
}

Tensor Capture::tensor(const std::string& name) const {
  const Reader* const reader = reader_of(name);
  if (reader == nullptr) {
    throw InputError(fmt::format("{} has no tensor {}", path_, in_quotes(name)));
  }
  return reader->tensor(name);
}

std::string Capture::sha256() const {
  if (!sharded_) return shards_.front().reader.sha256();
  Sha256 digest;
  for (const Shard& shard : shards_) {
    digest.add(fmt::format("{}  {}\n", shard.reader.sha256(), shard.name));
  }
  return digest.hex();
}

}  // namespace aqpim::workload
