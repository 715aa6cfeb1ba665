// SPDX-License-Identifier: Apache-2.0
#include "sw/workload/safetensors.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <stdexcept>
#include <system_error>
#include <tuple>

#include "sw/config/error.h"
#include "sw/config/json.h"
#include "sw/workload/atomic_file.h"

namespace aqpim::workload {

namespace {

using nlohmann::json;

constexpr std::uint64_t kLengthBytes = 8;
constexpr std::uint64_t kLargestHeader = 100'000'000;  // the format's own limit
constexpr const char* kMetadataKey = "__metadata__";

std::map<std::string, std::string> read_metadata(const std::string& where, const json& value) {
  if (!value.is_object()) {
    throw InputError(fmt::format("{}: {} must be a JSON object", where, kMetadataKey));
  }
  std::map<std::string, std::string> metadata;
  for (const auto& [key, text] : value.items()) {
    if (!text.is_string()) {
      throw InputError(fmt::format("{}: the metadata {} must be a string, but is {} {}", where,
                                   in_quotes(key), text.is_object() || text.is_array() ? "an" : "a",
                                   text.type_name()));
    }
    metadata[key] = text.get<std::string>();
  }
  return metadata;
}

const json& member(const std::string& tensor, const json& value, const char* key) {
  const auto found = value.find(key);
  if (found == value.end()) throw InputError(fmt::format("{} has no {}", tensor, key));
  return *found;
}

// A list of integers that are not negative.
std::vector<std::uint64_t> read_integers(const std::string& tensor, const json& value,
                                         const char* key) {
  const json& list = member(tensor, value, key);
  if (!list.is_array()) throw InputError(fmt::format("{}: {} must be a list", tensor, key));
  std::vector<std::uint64_t> integers;
  for (const json& element : list) {
    if (!element.is_number_unsigned()) {
      throw InputError(fmt::format("{}: {} must hold integers that are not negative", tensor, key));
    }
    integers.push_back(element.get<std::uint64_t>());
  }
  return integers;
}

TensorInfo read_tensor_info(const std::string& where, const std::string& name, const json& value,
                            std::uint64_t data_begin, std::uint64_t data_bytes) {
  const std::string tensor = fmt::format("{}: tensor {}", where, in_quotes(name));
  if (!value.is_object()) throw InputError(fmt::format("{} must be a JSON object", tensor));

  const json& dtype_value = member(tensor, value, "dtype");
  if (!dtype_value.is_string()) throw InputError(fmt::format("{}: dtype must be a string", tensor));
  const auto& dtype_text = dtype_value.get_ref<const std::string&>();
  const auto dtype = dtype_from_name(dtype_text);
  if (!dtype)
    throw InputError(fmt::format("{} has the unknown dtype {}", tensor, in_quotes(dtype_text)));

  TensorInfo info;
  info.dtype = *dtype;
  info.shape = read_integers(tensor, value, "shape");
  std::uint64_t bytes = dtype_bytes(*dtype);
  for (const std::uint64_t extent : info.shape) {
    if (__builtin_mul_overflow(bytes, extent, &bytes)) {
      throw InputError(fmt::format("{}: its shape has more bytes than 64 bits can count", tensor));
    }
  }

  const auto offsets = read_integers(tensor, value, "data_offsets");
  if (offsets.size() != 2 || offsets[0] > offsets[1]) {
    throw InputError(
        fmt::format("{}: data_offsets must be [begin, end], begin not above end", tensor));
  }
  if (offsets[1] > data_bytes) {
    throw InputError(fmt::format("{} ends at byte {} of the data, but the file has only {}", tensor,
                                 offsets[1], data_bytes));
  }
  if (offsets[1] - offsets[0] != bytes) {
    throw InputError(fmt::format("{}: dtype and shape need {} bytes, but data_offsets span {}",
                                 tensor, bytes, offsets[1] - offsets[0]));
  }
  info.begin = data_begin + offsets[0];
  info.end = data_begin + offsets[1];
  return info;
}

// The tensors must cover the data exactly.
void check_coverage(const std::string& where, const std::map<std::string, TensorInfo>& tensors,
                    std::uint64_t data_begin, std::uint64_t file_size) {
  std::vector<std::pair<std::string, TensorInfo>> ordered(tensors.begin(), tensors.end());
  std::ranges::sort(ordered, {}, [](const auto& entry) {
    return std::tie(entry.second.begin, entry.second.end, entry.first);
  });
  std::uint64_t position = data_begin;
  for (const auto& [name, info] : ordered) {
    if (info.begin < position) {
      throw InputError(fmt::format("{}: tensor {} overlaps the tensor before it by {} bytes", where,
                                   in_quotes(name), position - info.begin));
    }
    if (info.begin > position) {
      throw InputError(fmt::format("{}: {} bytes before tensor {} belong to no tensor", where,
                                   info.begin - position, in_quotes(name)));
    }
    position = info.end;
  }
  if (position != file_size) {
    throw InputError(
        fmt::format("{}: {} bytes at its end belong to no tensor", where, file_size - position));
  }
}

std::string reason(int error_number) { return std::generic_category().message(error_number); }

std::string sentence_about_size(std::uint64_t size) {
  return size == 0 ? "is empty" : fmt::format("has only {} bytes", size);
}

}  // namespace

Header parse_header(const std::string& where, std::string_view json_text, std::uint64_t file_size) {
  if (json_text.empty() || json_text.front() != '{') {
    throw InputError(
        fmt::format("{} is no safetensors file: its header does not begin with {{", where));
  }
  const json root = parse_json(where + ": the header", json_text);
  const std::uint64_t data_begin = kLengthBytes + json_text.size();
  const std::uint64_t data_bytes = file_size - data_begin;
  Header header;
  for (const auto& [name, value] : root.items()) {
    if (name == kMetadataKey) {
      header.metadata = read_metadata(where, value);
    } else {
      header.tensors[name] = read_tensor_info(where, name, value, data_begin, data_bytes);
    }
  }
  check_coverage(where, header.tensors, data_begin, file_size);
  return header;
}

Reader::Reader(const std::filesystem::path& path) : path_(path.string()) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) {
    throw InputError(
        fmt::format("{} cannot be read: {}", path_, error ? error.message() : reason(ENOENT)));
  }
  if (!std::filesystem::is_regular_file(status)) {
    throw InputError(fmt::format("{} cannot be read: it is no regular file", path_));
  }
  errno = 0;
  stream_.open(path, std::ios::binary);
  if (!stream_) throw InputError(fmt::format("{} cannot be read: {}", path_, reason(errno)));
  size_ = std::filesystem::file_size(path, error);
  if (error) throw InputError(fmt::format("{} cannot be read: {}", path_, error.message()));

  if (size_ < kLengthBytes) {
    throw InputError(
        fmt::format("{} is no safetensors file: it {}", path_, sentence_about_size(size_)));
  }
  std::uint64_t length = 0;
  read_at(0, {reinterpret_cast<char*>(&length), sizeof length});
  if (length > kLargestHeader) {
    throw InputError(
        fmt::format("{} is no safetensors file: its header would have {} bytes, at most {} "
                    "are allowed",
                    path_, length, kLargestHeader));
  }
  if (length > size_ - kLengthBytes) {
    throw InputError(fmt::format("{} is truncated: its header has {} bytes, but the file only {}",
                                 path_, length, size_));
  }
  std::string text(length, '\0');
  read_at(kLengthBytes, text);
  header_ = parse_header(path_, text, size_);
}

Tensor Reader::tensor(const std::string& name) {
  const auto found = header_.tensors.find(name);
  if (found == header_.tensors.end()) {
    throw InputError(fmt::format("{} has no tensor {}", path_, in_quotes(name)));
  }
  const TensorInfo& info = found->second;
  std::vector<std::uint8_t> bytes(info.end - info.begin);
  read_at(info.begin, {reinterpret_cast<char*>(bytes.data()), bytes.size()});
  return make_tensor(info.dtype, info.shape, std::move(bytes));
}

std::string Reader::sha256() {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
  bool good = context && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1;
  std::vector<char> buffer(1 << 20);
  for (std::uint64_t position = 0; good && position < size_; position += buffer.size()) {
    buffer.resize(std::min<std::uint64_t>(buffer.size(), size_ - position));
    read_at(position, buffer);
    good = EVP_DigestUpdate(context.get(), buffer.data(), buffer.size()) == 1;
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned length = 0;
  good = good && EVP_DigestFinal_ex(context.get(), digest.data(), &length) == 1;
  if (!good) throw std::runtime_error("OpenSSL cannot compute SHA-256");
  std::string text;
  for (unsigned i = 0; i < length; ++i) text += fmt::format("{:02x}", digest[i]);
  return text;
}

void Reader::read_at(std::uint64_t position, std::span<char> bytes) {
  stream_.clear();
  stream_.seekg(static_cast<std::streamoff>(position));
  if (!stream_.read(bytes.data(), static_cast<std::streamsize>(bytes.size()))) {
    throw InputError(fmt::format("{} cannot be read: {} bytes at byte {} are missing", path_,
                                 bytes.size(), position));
  }
}

File read(const std::filesystem::path& path) {
  Reader reader(path);
  File file;
  file.metadata = reader.header().metadata;
  for (const auto& [name, info] : reader.header().tensors) file.tensors[name] = reader.tensor(name);
  return file;
}

namespace {

std::vector<std::pair<std::string, const Tensor*>> storage_order(const File& file) {
  std::vector<std::pair<std::string, const Tensor*>> tensors;
  for (const auto& [name, tensor] : file.tensors) tensors.emplace_back(name, &tensor);
  std::ranges::stable_sort(tensors, std::ranges::greater(),
                           [](const auto& entry) { return dtype_bytes(entry.second->dtype); });
  return tensors;
}

std::string header_text(const File& file) {
  nlohmann::ordered_json root = nlohmann::ordered_json::object();
  if (!file.metadata.empty()) root[kMetadataKey] = file.metadata;
  std::uint64_t position = 0;
  for (const auto& [name, tensor] : storage_order(file)) {
    const std::uint64_t end = position + tensor->bytes.size();
    root[name] = {{"dtype", dtype_name(tensor->dtype)},
                  {"shape", tensor->shape},
                  {"data_offsets", {position, end}}};
    position = end;
  }
  std::string text = root.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

}  // namespace

std::vector<std::uint8_t> serialize(const File& file) {
  const std::string text = header_text(file);
  const std::uint64_t length = text.size();
  std::size_t total = sizeof length + text.size();
  for (const auto& [name, tensor] : file.tensors) total += tensor.bytes.size();

  std::vector<std::uint8_t> bytes(total);
  std::memcpy(bytes.data(), &length, sizeof length);
  auto output = std::ranges::copy(text, bytes.begin() + sizeof length).out;
  for (const auto& [name, tensor] : storage_order(file)) {
    output = std::ranges::copy(tensor->bytes, output).out;
  }
  return bytes;
}

void write(const std::filesystem::path& path, const File& file) {
  AtomicFile output(path);
  output.write(serialize(file));
  output.commit();
}

}  // namespace aqpim::workload
