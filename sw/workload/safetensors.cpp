// SPDX-License-Identifier: Apache-2.0
#include "sw/workload/safetensors.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>
#include <tuple>
#include <utility>

#include "sw/config/error.h"
#include "sw/config/json.h"
#include "sw/workload/atomic_file.h"
#include "sw/workload/foreign_format.h"
#include "sw/workload/sha256.h"

namespace aqpim::workload {

namespace {

using nlohmann::json;

constexpr std::uint64_t kLengthBytes = 8;
constexpr std::uint64_t kLargestHeader = 100'000'000;  // the format's own limit
constexpr const char* kMetadataKey = "__metadata__";

// Hears a header's JSON value by value and keeps what it says.
class HeaderReader : public nlohmann::json_sax<json> {
 public:
  HeaderReader(const std::string& where, std::uint64_t data_begin, std::uint64_t data_bytes)
      : where_(where), data_begin_(data_begin), data_bytes_(data_bytes) {}

  Header take() { return std::move(header_); }

  bool null() override { return depth_ == 1 && in_metadata() ? true : other("a null"); }
  bool boolean(bool) override { return other("a boolean"); }
  bool number_integer(number_integer_t) override { return other("a number"); }
  bool number_unsigned(number_unsigned_t value) override {
    if (depth_ != 3 || list_ == nullptr) return other("a number");
    list_->push_back(value);
    return true;
  }
  bool number_float(number_float_t, const string_t&) override { return other("a number"); }
  bool string(string_t& value) override {
    if (depth_ == 2 && in_metadata()) {
      header_.metadata[member_] = std::move(value);
    } else if (depth_ == 2 && member_ == "dtype") {
      dtype_ = std::move(value);
    } else {
      return other("a string");
    }
    return true;
  }
  bool binary(binary_t&) override { return other("binary"); }

  bool start_object(std::size_t) override {
    if (depth_ >= 2) other("an object");
    if (depth_ == 1) {
      dtype_.reset();
      shape_.reset();
      offsets_.reset();
    }
    ++depth_;
    return true;
  }
  bool key(string_t& key) override {
    if (depth_ == 1) name_ = key;
    if (depth_ == 2) member_ = key;
    return true;
  }
  bool end_object() override {
    --depth_;
    if (depth_ == 1 && !in_metadata()) header_.tensors[name_] = tensor_info();
    return true;
  }
  bool start_array(std::size_t) override {
    if (depth_ == 2 && !in_metadata() && member_ == "shape") {
      list_ = &shape_.emplace();
    } else if (depth_ == 2 && !in_metadata() && member_ == "data_offsets") {
      list_ = &offsets_.emplace();
    } else {
      other("an array");
    }
    ++depth_;
    return true;
  }
  bool end_array() override {
    --depth_;
    if (depth_ == 2) list_ = nullptr;
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const json::exception&) override {
    return false;
  }

 private:
  bool in_metadata() const { return name_ == kMetadataKey; }

  std::string tensor() const { return fmt::format("{}: tensor {}", where_, in_quotes(name_)); }

  // A value of a type that has no meaning where it stands: an error, or something of later versions
  // of the format.
  bool other(const char* type) const {
    if (in_metadata()) {
      if (depth_ == 1) {
        throw InputError(fmt::format("{}: {} must be a JSON object", where_, kMetadataKey));
      }
      throw InputError(fmt::format("{}: the metadata {} must be a string, but is {}", where_,
                                   in_quotes(member_), type));
    }
    if (depth_ == 1) throw InputError(fmt::format("{} must be a JSON object", tensor()));
    if (depth_ == 2 && member_ == "dtype") {
      throw InputError(fmt::format("{}: dtype must be a string", tensor()));
    }
    if (depth_ == 2 && (member_ == "shape" || member_ == "data_offsets")) {
      throw InputError(fmt::format("{}: {} must be a list", tensor(), member_));
    }
    if (depth_ == 3 && list_ != nullptr) {
      throw InputError(
          fmt::format("{}: {} must hold integers that are not negative", tensor(), member_));
    }
    return true;
  }

  // Of the object that has just ended.
  TensorInfo tensor_info() {
    if (!dtype_) throw InputError(fmt::format("{} has no dtype", tensor()));
    if (!shape_) throw InputError(fmt::format("{} has no shape", tensor()));
    if (!offsets_) throw InputError(fmt::format("{} has no data_offsets", tensor()));
    if (offsets_->size() != 2 || (*offsets_)[0] > (*offsets_)[1]) {
      throw InputError(
          fmt::format("{}: data_offsets must be [begin, end], begin not above end", tensor()));
    }
    const std::uint64_t begin = (*offsets_)[0];
    const std::uint64_t end = (*offsets_)[1];
    if (end > data_bytes_) {
      throw InputError(fmt::format("{} ends at byte {} of the data, but the file has only {}",
                                   tensor(), end, data_bytes_));
    }
    TensorInfo info{.dtype = std::move(*dtype_),
                    .shape = std::move(*shape_),
                    .begin = data_begin_ + begin,
                    .end = data_begin_ + end};
    const auto bytes = needed_bytes(info);
    if (bytes && end - begin != *bytes) {
      throw InputError(fmt::format("{}: dtype and shape need {} bytes, but data_offsets span {}",
                                   tensor(), *bytes, end - begin));
    }
    return info;
  }

  // None if the format is not known.
  std::optional<std::uint64_t> needed_bytes(const TensorInfo& info) const {
    const auto bits = dtype_bits(info.dtype);
    if (!bits) return std::nullopt;
    std::uint64_t elements = 1;
    std::uint64_t bytes = 0;
    bool overflow = false;
    for (const std::uint64_t extent : info.shape) {
      overflow |= __builtin_mul_overflow(elements, extent, &elements);
    }
    const std::uint64_t last_bits = elements % 8 * *bits;
    overflow |= __builtin_mul_overflow(elements / 8, *bits, &bytes);
    overflow |= __builtin_add_overflow(bytes, last_bits / 8, &bytes);
    if (overflow) {
      throw InputError(
          fmt::format("{}: its shape has more bytes than 64 bits can count", tensor()));
    }
    if (last_bits % 8 != 0) {
      throw InputError(fmt::format("{}: {} elements of {} bits do not fill whole bytes", tensor(),
                                   elements, *bits));
    }
    return bytes;
  }

  const std::string& where_;
  std::uint64_t data_begin_;
  std::uint64_t data_bytes_;
  Header header_;
  std::size_t depth_ = 0;  // of open objects and arrays
  std::string name_;       // last key of the header
  std::string member_;     // last key of the tensor or of the metadata
  std::optional<std::string> dtype_;
  std::optional<std::vector<std::uint64_t>> shape_, offsets_;
  std::vector<std::uint64_t>* list_ = nullptr;  // the open one of these two
};

// The tensors must cover the data exactly.
void check_coverage(const std::string& where, const std::map<std::string, TensorInfo>& tensors,
                    std::uint64_t data_begin, std::uint64_t file_size) {
  using Entry = std::map<std::string, TensorInfo>::value_type;
  std::vector<const Entry*> ordered;
  for (const Entry& entry : tensors) ordered.push_back(&entry);
  std::ranges::sort(ordered, {}, [](const Entry* entry) {
    return std::tie(entry->second.begin, entry->second.end, entry->first);
  });
  std::uint64_t position = data_begin;
  for (const Entry* entry : ordered) {
    const auto& [name, info] = *entry;
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

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw InputError(fmt::format("{} cannot be read: {}", path, why));
}

}  // namespace

Header parse_header(const std::string& where, std::string_view json_text, std::uint64_t file_size) {
  if (json_text.empty() || json_text.front() != '{') {
    throw InputError(
        fmt::format("{} is no safetensors file: its header does not begin with {{", where));
  }
  const std::uint64_t data_begin = kLengthBytes + json_text.size();
  HeaderReader reader(where, data_begin, file_size - data_begin);
  read_json(where + ": the header", json_text, reader);
  Header header = reader.take();
  check_coverage(where, header.tensors, data_begin, file_size);
  return header;
}

Reader::Reader(const std::filesystem::path& path)
    : path_(path.string()), file_(nullptr, std::fclose) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) refuse(path_, error ? error.message() : reason(ENOENT));
  if (!std::filesystem::is_regular_file(status)) refuse(path_, "it is no regular file");
  file_.reset(std::fopen(path_.c_str(), "rbe"));
  if (!file_) refuse(path_, reason(errno));
  size_ = std::filesystem::file_size(path, error);
  if (error) refuse(path_, error.message());

  std::string text(header_bytes(), '\0');
  read_at(kLengthBytes, text);
  header_ = parse_header(path_, text, size_);
}

// The length of the header, if the file may be a safetensors file.
std::uint64_t Reader::header_bytes() const {
  std::string beginning(std::min<std::uint64_t>(size_, kFormatBytes), '\0');
  read_at(0, beginning);
  std::uint64_t length = 0;
  std::memcpy(&length, beginning.data(), std::min(beginning.size(), sizeof length));
  const bool plausible =
      length <= kLargestHeader && size_ > kLengthBytes && beginning[kLengthBytes] == '{';
  if (!plausible) {
    if (const auto format = foreign_format(beginning)) {
      throw InputError(fmt::format("{} is {}", path_, *format));
    }
  }
  if (size_ < kLengthBytes) {
    throw InputError(
        fmt::format("{} is no safetensors file: it {}", path_,
                    size_ == 0 ? "is empty" : fmt::format("has only {} bytes", size_)));
  }
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
  return length;
}

Tensor Reader::tensor(const std::string& name) const {
  const auto found = header_.tensors.find(name);
  if (found == header_.tensors.end()) {
    throw InputError(fmt::format("{} has no tensor {}", path_, in_quotes(name)));
  }
  const TensorInfo& info = found->second;
  const auto dtype = dtype_from_name(info.dtype);
  if (!dtype) {
    throw InputError(fmt::format("{}: tensor {} has dtype {}, whose values cannot be read", path_,
                                 in_quotes(name), in_quotes(info.dtype)));
  }
  std::vector<std::uint8_t> bytes(info.end - info.begin);
  read_at(info.begin, {reinterpret_cast<char*>(bytes.data()), bytes.size()});
  return make_tensor(*dtype, info.shape, std::move(bytes));
}

std::string Reader::sha256() const {
  Sha256 digest;
  std::vector<char> buffer(1 << 20);
  for (std::uint64_t position = 0; position < size_; position += buffer.size()) {
    buffer.resize(std::min<std::uint64_t>(buffer.size(), size_ - position));
    read_at(position, buffer);
    digest.add(buffer);
  }
  return digest.hex();
}

void Reader::read_at(std::uint64_t position, std::span<char> bytes) const {
  while (!bytes.empty()) {
    const ssize_t count =
        ::pread(fileno(file_.get()), bytes.data(), bytes.size(), static_cast<off_t>(position));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) refuse(path_, reason(errno));
    if (count == 0) {
      refuse(path_, fmt::format("{} bytes at byte {} are missing", bytes.size(), position));
    }
    position += static_cast<std::uint64_t>(count);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

File read(const std::filesystem::path& path) {
  const Reader reader(path);
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
