// SPDX-License-Identifier: Apache-2.0
#include "sw/workload/safetensors.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <ctime>
#include <fstream>
#include <random>
#include <string>

#include "sw/config/test_support.h"
#include "sw/workload/atomic_file.h"

namespace {

using aqpim::test::sentence_of;
using aqpim::test::TemporaryFolder;
using aqpim::workload::Dtype;
using aqpim::workload::File;
using aqpim::workload::make_tensor;

void put(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

std::string with_length(std::uint64_t length, const std::string& rest) {
  std::string bytes(8, '\0');
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(length >> (8 * i));
  return bytes + rest;
}

// The sentence about a file of this header and so many bytes of data, without the path.
std::string sentence_about(const std::string& header, std::size_t data_bytes = 0) {
  return sentence_of(
      [&] { aqpim::workload::parse_header("FILE", header, 8 + header.size() + data_bytes); });
}

// The same with one tensor "t" of this dtype, shape and offsets.
std::string sentence_about_tensor(const std::string& dtype, const std::string& shape,
                                  const std::string& offsets, std::size_t data_bytes) {
  return sentence_about(
      fmt::format(R"({{"t":{{"dtype":{},"shape":{},"data_offsets":{}}}}})", dtype, shape, offsets),
      data_bytes);
}

File sample() {
  File file;
  file.metadata = {{"model", "a \"model\"\n"}, {"empty", ""}};
  file.tensors["bytes"] = make_tensor<std::uint8_t>({3}, std::vector<std::uint8_t>{1, 2, 255});
  file.tensors["long"] = make_tensor<std::int64_t>({1, 2}, std::vector<std::int64_t>{-1, 5});
  file.tensors["half"] = make_tensor(Dtype::kF16, {2, 1}, {0, 0x3c, 1, 0});
  file.tensors["scalar"] = make_tensor<float>({}, std::vector<float>{1.5f});
  file.tensors["none"] = make_tensor<double>({0, 7}, std::vector<double>{});
  return file;
}

std::string as_text(const std::vector<std::uint8_t>& bytes) {
  return std::string(bytes.begin(), bytes.end());
}

}  // namespace

TEST_CASE("safetensors: what is written is read back equal") {
  const TemporaryFolder folder;
  aqpim::workload::write(folder / "a", sample());
  CHECK(aqpim::workload::read(folder / "a") == sample());
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("safetensors: a file without tensors and metadata is legal") {
  const TemporaryFolder folder;
  aqpim::workload::write(folder / "a", File{});
  CHECK(aqpim::workload::read(folder / "a") == File{});
}

TEST_CASE("safetensors: the bytes written are those of the format, elements aligned") {
  File file;
  file.metadata = {{"a", "b"}};
  file.tensors["x"] = make_tensor<std::uint8_t>({1}, std::vector<std::uint8_t>{7});
  file.tensors["y"] = make_tensor<float>({1}, std::vector<float>{1.0f});
  const std::string header =
      R"({"__metadata__":{"a":"b"},"y":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
      R"("x":{"dtype":"U8","shape":[1],"data_offsets":[4,5]}})";
  const std::size_t padded = (header.size() + 7) / 8 * 8;
  CHECK(as_text(aqpim::workload::serialize(file)) ==
        with_length(padded, header + std::string(padded - header.size(), ' ') +
                                std::string("\0\0\x80\x3f\x07", 5)));
}

TEST_CASE("safetensors: files of other writers, in any key order and padding, are read") {
  const TemporaryFolder folder;
  const std::string header =
      "{ \"b\": {\"data_offsets\":[1,2], \"shape\":[1], \"dtype\":\"BOOL\", \"more\": null},\n"
      "\"a\": {\"dtype\":\"I8\",\"shape\":[1],\"data_offsets\":[0,1]} } \n ";
  put(folder / "a", with_length(header.size(), header + "\x7f\x01"));
  const File file = aqpim::workload::read(folder / "a");
  CHECK(file.tensors.at("a").bytes == std::vector<std::uint8_t>{0x7f});
  CHECK(file.tensors.at("b").bytes == std::vector<std::uint8_t>{1});
}

TEST_CASE("safetensors: SHA-256 is that of the whole file") {
  const TemporaryFolder folder;
  put(folder / "a", with_length(2, "{}"));
  // sha256sum of 02 00 00 00 00 00 00 00 7b 7d
  CHECK(aqpim::workload::Reader(folder / "a").sha256() ==
        "411a485216e432ece6b9af94fa32154cf79a2a56d4f81266baa50063f45092bd");
}

TEST_CASE("safetensors: a file that cannot be opened is named with the reason") {
  const TemporaryFolder folder;
  const std::string missing = (folder / "missing").string();
  CHECK(sentence_of([&] { aqpim::workload::read(missing); }) ==
        missing + " cannot be read: No such file or directory");
  CHECK(sentence_of([&] { aqpim::workload::read(folder.path()); }) ==
        folder.path().string() + " cannot be read: it is no regular file");
}

TEST_CASE("safetensors: empty, short, truncated and oversized files are refused") {
  const TemporaryFolder folder;
  const std::string path = (folder / "a").string();
  const auto sentence = [&](const std::string& bytes) {
    put(path, bytes);
    const std::string text = sentence_of([&] { aqpim::workload::read(path); });
    REQUIRE(text.starts_with(path));
    return text.substr(path.size());
  };
  CHECK(sentence("") == " is no safetensors file: it is empty");
  CHECK(sentence("1234567") == " is no safetensors file: it has only 7 bytes");
  CHECK(sentence(with_length(3, "{}")) ==
        " is truncated: its header has 3 bytes, but the file only 10");
  CHECK(sentence(with_length(UINT64_MAX, "{}")) ==
        " is no safetensors file: its header would have 18446744073709551615 bytes, at most "
        "100000000 are allowed");
  CHECK(sentence(with_length(100'000'001, "{}")).ends_with("at most 100000000 are allowed"));
  CHECK(sentence(with_length(0, "")) ==
        " is no safetensors file: its header does not begin with {");
  CHECK(sentence(with_length(4, " {} ")) ==
        " is no safetensors file: its header does not begin with {");
  CHECK(sentence(with_length(2, "{}x")) == ": 1 bytes at its end belong to no tensor");

  const std::string whole = as_text(aqpim::workload::serialize(sample()));
  for (std::size_t length = 0; length < whole.size(); ++length) {
    put(path, whole.substr(0, length));
    REQUIRE(sentence_of([&] { aqpim::workload::read(path); }).starts_with(path));
  }
}

TEST_CASE("safetensors: a file of another format is named, with what to do") {
  const TemporaryFolder folder;
  const std::string path = (folder / "a").string();
  const auto sentence = [&](const std::string& bytes) {
    put(path, bytes);
    return sentence_of([&] { aqpim::workload::read(path); }).substr(path.size());
  };
  const auto contains = [](const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
  };
  CHECK(sentence("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n") ==
        " is a pointer of Git LFS, no safetensors file; \"git lfs pull\" fetches the file itself");
  CHECK(contains(sentence("/annex/objects/x"), "git-annex"));
  CHECK(contains(sentence("PK\x03\x04" + std::string(40, '\0')), "a zip archive"));
  CHECK(contains(sentence("\x80\x02\x8a\nl\xfc\x9c"), "a pickle"));
  CHECK(contains(sentence(std::string("\x80\x04\x95\x20\0\0\0\0\0\0\0]", 12)), "a pickle"));
  CHECK(contains(sentence("(dp0\nVl0.h0.q\np1\n(lp2\n"), "a pickle"));
  CHECK(contains(sentence(std::string("}q\0X\x07\0\0\0l0.h0.q", 15)), "a pickle"));
  CHECK(contains(sentence("GGUF\x03" + std::string(40, '\0')), "a GGUF file"));
  CHECK(contains(sentence("\x89HDF\r\n\x1a\n" + std::string(8, '\0')), "an HDF5 file"));
  CHECK(contains(sentence("\x93NUMPY\x01" + std::string(8, '\0')), "an array of NumPy"));
  CHECK(contains(sentence("\x1f\x8b\x08" + std::string(8, '\0')), "compressed"));
  CHECK(contains(sentence(std::string(257, 'a') + "ustar"), "a tar archive"));
  CHECK(contains(sentence("\n<!DOCTYPE html><html>"), "a web page"));
  CHECK(contains(sentence("<HTML>404"), "a web page"));
  CHECK(contains(sentence("{\"weight_map\": {}}"), "JSON text"));
  // What only looks so: files that end too early, with headers of 640 and of 123 bytes.
  CHECK(contains(sentence(with_length(0x280, "{\"a")), "is truncated"));
  CHECK(contains(sentence(with_length(0x7b, "{\"a")), "is truncated"));
  CHECK(sentence("\nEntry not found\nat all") ==
        " is text that begins with \"Entry not found\", no safetensors file");
  CHECK(contains(sentence("what is\x01 this?"), "its header would have"));
}

TEST_CASE("safetensors: a header that is not JSON, or says something twice, is refused") {
  CHECK(sentence_about("{") == "FILE: the header is not valid JSON (at byte 2)");
  CHECK(sentence_about("{}x") == "FILE: the header is not valid JSON (at byte 3)");
  CHECK(sentence_about("{\"\xff\":1}").starts_with("FILE: the header is not valid JSON"));
  CHECK(sentence_about(std::string("{}\0", 3)).starts_with("FILE: the header is not valid JSON"));
  const std::string entry = R"("a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
  CHECK(sentence_about("{" + entry + "," + entry + "}") ==
        "FILE: the header has the key \"a\" twice");
  CHECK(sentence_about(R"({"__metadata__":{"a":"","a":""}})") ==
        "FILE: the header has the key \"a\" twice");
  CHECK(sentence_about(R"({"t":{"dtype":"U8","dtype":"U8","shape":[],"data_offsets":[0,1]}})", 1) ==
        "FILE: the header has the key \"dtype\" twice");
}

TEST_CASE("safetensors: metadata that is not an object of strings is refused") {
  CHECK(sentence_about(R"({"__metadata__":[]})") == "FILE: __metadata__ must be a JSON object");
  CHECK(sentence_about(R"({"__metadata__":{"a":1}})") ==
        "FILE: the metadata \"a\" must be a string, but is a number");
  CHECK(sentence_about(R"({"__metadata__":{"a":null}})") ==
        "FILE: the metadata \"a\" must be a string, but is a null");
}

TEST_CASE("safetensors: an incomplete or mistyped tensor entry is refused") {
  CHECK(sentence_about(R"({"t":1})") == "FILE: tensor \"t\" must be a JSON object");
  CHECK(sentence_about(R"({"t":{}})") == "FILE: tensor \"t\" has no dtype");
  CHECK(sentence_about(R"({"t":{"dtype":"U8"}})") == "FILE: tensor \"t\" has no shape");
  CHECK(sentence_about(R"({"t":{"dtype":"U8","shape":[]}})") ==
        "FILE: tensor \"t\" has no data_offsets");
  CHECK(sentence_about_tensor("1", "[1]", "[0,1]", 1) ==
        "FILE: tensor \"t\": dtype must be a string");
  CHECK(sentence_about_tensor("\"U8\"", "1", "[0,1]", 1) ==
        "FILE: tensor \"t\": shape must be a list");
  CHECK(sentence_about_tensor("\"U8\"", "[-1]", "[0,1]", 1) ==
        "FILE: tensor \"t\": shape must hold integers that are not negative");
  CHECK(sentence_about_tensor("\"U8\"", "[1.0]", "[0,1]", 1) ==
        "FILE: tensor \"t\": shape must hold integers that are not negative");
  CHECK(sentence_about_tensor("\"U8\"", "[\"1\"]", "[0,1]", 1) ==
        "FILE: tensor \"t\": shape must hold integers that are not negative");
  CHECK(sentence_about_tensor("\"U8\"", "[1]", "{}", 1) ==
        "FILE: tensor \"t\": data_offsets must be a list");
  CHECK(sentence_about_tensor("\"U8\"", "[[1]]", "[0,1]", 1) ==
        "FILE: tensor \"t\": shape must hold integers that are not negative");
  CHECK(sentence_about_tensor("\"U8\"", "[{\"shape\":[1]}]", "[0,1]", 1) ==
        "FILE: tensor \"t\": shape must hold integers that are not negative");
  CHECK(sentence_about_tensor("{\"a\":\"U8\"}", "[1]", "[0,1]", 1) ==
        "FILE: tensor \"t\": dtype must be a string");
  for (const char* offsets : {"[]", "[0]", "[0,1,1]", "[1,0]"}) {
    CHECK(sentence_about_tensor("\"U8\"", "[1]", offsets, 1) ==
          "FILE: tensor \"t\": data_offsets must be [begin, end], begin not above end");
  }
}

TEST_CASE(
    "safetensors: formats that are not read are legal, of the size they have if it is known") {
  const auto sentence = [](const char* dtype, const char* shape, unsigned bytes) {
    return sentence_about_tensor(fmt::format("\"{}\"", dtype), shape, fmt::format("[0,{}]", bytes),
                                 bytes);
  };
  const std::string fine = "nothing was thrown";
  CHECK(sentence("F8_E4M3", "[16,16]", 256) == fine);
  CHECK(sentence("F8_E5M2FNUZ", "[3]", 3) == fine);
  CHECK(sentence("C64", "[2]", 16) == fine);
  CHECK(sentence("F4", "[3,2]", 3) == fine);
  CHECK(sentence("F6_E2M3", "[4]", 3) == fine);
  CHECK(sentence("F6_E3M2", "[20]", 15) == fine);
  CHECK(sentence("F8_E8M0", "[3]", 2) ==
        "FILE: tensor \"t\": dtype and shape need 3 bytes, but data_offsets span 2");
  CHECK(sentence("F4", "[8]", 8) ==
        "FILE: tensor \"t\": dtype and shape need 4 bytes, but data_offsets span 8");
  CHECK(sentence("F4", "[3]", 2) ==
        "FILE: tensor \"t\": 3 elements of 4 bits do not fill whole bytes");
  CHECK(sentence("F4", "[18446744073709551615,2]", 2) ==
        "FILE: tensor \"t\": its shape has more bytes than 64 bits can count");
  // Whatever comes next.
  CHECK(sentence("F3_E1M1", "[7,5]", 2) == fine);
  CHECK(sentence("", "[]", 2) == fine);
  CHECK(sentence_about_tensor("\"F3_E1M1\"", "[7]", "[0,3]", 2) ==
        "FILE: tensor \"t\" ends at byte 3 of the data, but the file has only 2");
  CHECK(sentence_about_tensor("\"F3_E1M1\"", "[7]", "[1,2]", 2) ==
        "FILE: 1 bytes before tensor \"t\" belong to no tensor");
}

TEST_CASE("safetensors: a tensor of another format stays unread, the others are read") {
  const TemporaryFolder folder;
  const std::string header =
      R"({"__metadata__":null,"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
      R"("b":{"dtype":"F3","shape":[],"data_offsets":[1,3],"scale":{"of":["a",{"dtype":1}]}}})";
  put(folder / "a", with_length(header.size(), header + "\x07??"));
  const aqpim::workload::Reader reader(folder / "a");
  CHECK(reader.header().metadata.empty());
  CHECK(reader.tensor("a").bytes == std::vector<std::uint8_t>{7});
  CHECK(reader.header().tensors.at("b").dtype == "F3");
  CHECK(sentence_of([&] { reader.tensor("b"); }) ==
        reader.path() + ": tensor \"b\" has dtype \"F3\", whose values cannot be read");
}

TEST_CASE("safetensors: the time for a header grows with its size, not with its square") {
  const auto seconds = [](int tensors) {
    std::string header = "{";
    for (int i = 0; i < tensors; ++i) {
      header += fmt::format(R"({}"sample.{}":{{"dtype":"U8","shape":[1],"data_offsets":[{},{}]}})",
                            i == 0 ? "" : ",", i, i, i + 1);
    }
    header += "}";
    const std::clock_t start = std::clock();
    const auto parsed = aqpim::workload::parse_header("FILE", header, 8 + header.size() + tensors);
    const std::clock_t end = std::clock();
    CHECK(parsed.tensors.size() == tensors);
    return static_cast<double>(end - start) / CLOCKS_PER_SEC;
  };
  // Sixteen times the tensors; the square would take 256 times the time.
  CHECK(seconds(32'000) < 64 * std::max(seconds(2'000), 0.001));
}

TEST_CASE("safetensors: shapes that overflow, and offsets that do not fit them, are refused") {
  for (const char* shape : {"[4294967296,4294967296]", "[18446744073709551615,2]",
                            "[9223372036854775808]", "[3037000500,3037000500]"}) {
    CHECK(sentence_about_tensor("\"F16\"", shape, "[0,0]", 0) ==
          "FILE: tensor \"t\": its shape has more bytes than 64 bits can count");
  }
  CHECK(sentence_about_tensor("\"U8\"", "[18446744073709551616]", "[0,0]", 0) ==
        "FILE: tensor \"t\": shape must hold integers that are not negative");
  CHECK(sentence_about_tensor("\"F16\"", "[2]", "[0,3]", 3) ==
        "FILE: tensor \"t\": dtype and shape need 4 bytes, but data_offsets span 3");
  CHECK(sentence_about_tensor("\"F16\"", "[2]", "[0,4]", 3) ==
        "FILE: tensor \"t\" ends at byte 4 of the data, but the file has only 3");
  CHECK(sentence_about_tensor("\"U8\"", "[1]", "[18446744073709551614,18446744073709551615]", 3) ==
        "FILE: tensor \"t\" ends at byte 18446744073709551615 of the data, but the file has only "
        "3");
}

TEST_CASE("safetensors: overlaps, holes and bytes that nobody owns are refused") {
  const auto two = [](const char* first, const char* second) {
    return fmt::format(R"({{"a":{{"dtype":"U8","shape":[4],"data_offsets":{}}},)"
                       R"("b":{{"dtype":"U8","shape":[4],"data_offsets":{}}}}})",
                       first, second);
  };
  CHECK(sentence_about(two("[0,4]", "[4,8]"), 8) == "nothing was thrown");
  CHECK(sentence_about(two("[4,8]", "[0,4]"), 8) == "nothing was thrown");
  CHECK(sentence_about(two("[0,4]", "[3,7]"), 8) ==
        "FILE: tensor \"b\" overlaps the tensor before it by 1 bytes");
  CHECK(sentence_about(two("[0,4]", "[0,4]"), 4) ==
        "FILE: tensor \"b\" overlaps the tensor before it by 4 bytes");
  CHECK(sentence_about(two("[0,4]", "[5,9]"), 9) ==
        "FILE: 1 bytes before tensor \"b\" belong to no tensor");
  CHECK(sentence_about(two("[1,5]", "[5,9]"), 9) ==
        "FILE: 1 bytes before tensor \"a\" belong to no tensor");
  CHECK(sentence_about(two("[0,4]", "[4,8]"), 9) == "FILE: 1 bytes at its end belong to no tensor");
  CHECK(sentence_about("{}", 1) == "FILE: 1 bytes at its end belong to no tensor");
}

TEST_CASE("safetensors: a tensor that is not there is named") {
  const TemporaryFolder folder;
  aqpim::workload::write(folder / "a", sample());
  const aqpim::workload::Reader reader(folder / "a");
  CHECK(sentence_of([&] { reader.tensor("x"); }) == reader.path() + " has no tensor \"x\"");
}

TEST_CASE("safetensors: no mutation of a file makes the reader crash or accept a broken file") {
  const std::string whole = as_text(aqpim::workload::serialize(sample()));
  const std::size_t header_end =
      8 + static_cast<unsigned char>(whole[0]) + 256u * static_cast<unsigned char>(whole[1]);
  const TemporaryFolder folder;
  constexpr std::uint64_t kSeed = 1;
  std::mt19937_64 random(kSeed);
  const auto below = [&](std::uint64_t bound) { return random() % bound; };
  // Bytes that mean something in JSON hit more of the parser than any byte.
  const std::string_view interesting = "{}[]\",:0123456789-eE.\\ntf\xff\x80";
  unsigned refused = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = whole;
    for (std::uint64_t changes = 1 + below(3); changes > 0; --changes) {
      const std::size_t position = below(header_end);
      switch (below(4)) {
        case 0:
          bytes[position] = static_cast<char>(below(256));
          break;
        case 1:
          bytes[position] = interesting[below(interesting.size())];
          break;
        case 2:
          bytes[position] ^= static_cast<char>(1 << below(8));
          break;
        default:
          bytes.resize(1 + below(bytes.size()), ' ');
          bytes.resize(std::max<std::size_t>(bytes.size(), header_end), ' ');
      }
    }
    put(folder / "a", bytes);
    CAPTURE(round);
    try {
      const File file = aqpim::workload::read(folder / "a");
      // What was accepted must be sound: it survives a round trip.
      put(folder / "b", as_text(aqpim::workload::serialize(file)));
      REQUIRE(aqpim::workload::read(folder / "b") == file);
    } catch (const aqpim::InputError& error) {
      ++refused;
      REQUIRE(std::string(error.what()).starts_with((folder / "a").string()));
      REQUIRE(std::string(error.what()).find('\n') == std::string::npos);
    }
  }
  CHECK(refused > 1500);
}

TEST_CASE("atomic file: without commit nothing appears and the older file stays") {
  const TemporaryFolder folder;
  put(folder / "a", "old");
  {
    aqpim::workload::AtomicFile file(folder / "a");
    file.write("new");
  }
  CHECK(std::filesystem::file_size(folder / "a") == 3);
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
  {
    aqpim::workload::AtomicFile file(folder / "a");
    file.write("newer");
    file.commit();
  }
  CHECK(std::filesystem::file_size(folder / "a") == 5);
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("atomic file: a folder that does not exist, or a folder in its place, is named") {
  const TemporaryFolder folder;
  const std::string inside = (folder / "no/such").string();
  CHECK(sentence_of([&] { aqpim::workload::write(inside, File{}); }) ==
        inside + " cannot be written: No such file or directory");
  CHECK(sentence_of([&] { aqpim::workload::write(folder.path(), File{}); }) ==
        folder.path().string() + " cannot be written: it exists and is no regular file");
  CHECK(sentence_of([&] { aqpim::workload::write("/dev/null", File{}); }) ==
        "/dev/null cannot be written: it exists and is no regular file");
}

TEST_CASE("atomic file: a full disk is reported and leaves nothing behind") {
  const TemporaryFolder folder;
  File file;
  file.tensors["t"] = make_tensor<std::uint8_t>({1 << 16}, std::vector<std::uint8_t>(1 << 16));
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto previous = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{.rlim_cur = 4096, .rlim_max = before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  const std::string sentence = sentence_of([&] { aqpim::workload::write(folder / "a", file); });
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, previous);
  CHECK(sentence == (folder / "a").string() + " cannot be written: File too large");
  CHECK(std::filesystem::is_empty(folder.path()));
}
