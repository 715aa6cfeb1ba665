// SPDX-License-Identifier: Apache-2.0
#include "sw/workload/workload.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <fstream>
#include <limits>
#include <map>
#include <random>
#include <tuple>

#include "sw/config/test_support.h"
#include "sw/workload/safetensors.h"
#include "sw/workload/test_workload.h"

namespace {

using aqpim::test::sentence_of;
using aqpim::test::TemporaryFolder;
using aqpim::workload::Dtype;
using aqpim::workload::File;
using aqpim::workload::Head;
using aqpim::workload::HeadFacts;
using aqpim::workload::load;
using aqpim::workload::make_tensor;
using aqpim::workload::Nonfinite;
using aqpim::workload::Tensor;
using aqpim::workload::Workload;

constexpr std::size_t kGroups = 2;
constexpr std::size_t kQueryTokens = 3;
constexpr std::size_t kTokens = 5;
constexpr std::size_t kHeadDim = 4;

// Values that F16 and BF16 hold exactly.
std::vector<float> counting(std::size_t count, float first) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = first + static_cast<float>(i);
  return values;
}

void add_head(File& file, const std::string& name, std::size_t tokens = kTokens) {
  file.tensors[name + ".q"] = make_tensor<float>({kGroups, kQueryTokens, kHeadDim},
                                                 counting(kGroups * kQueryTokens * kHeadDim, 1));
  file.tensors[name + ".k"] =
      make_tensor<float>({tokens, kHeadDim}, counting(tokens * kHeadDim, -8));
  file.tensors[name + ".v"] =
      make_tensor<float>({tokens, kHeadDim}, counting(tokens * kHeadDim, 40));
}

File one_head() {
  File file;
  add_head(file, "l2.h0");
  return file;
}

std::vector<std::string> names(const Workload& workload) {
  std::vector<std::string> result;
  for (const HeadFacts& head : workload.heads) result.push_back(head.name);
  return result;
}

class Folder {
 public:
  Workload load_written(const File& file, const std::vector<std::string>& heads = {},
                        Nonfinite nonfinite = Nonfinite::kRefuse) {
    aqpim::workload::write(path(), file);
    return load(path(), {.heads = heads, .nonfinite = nonfinite});
  }

  // The values of the file's first head.
  Head first_head(const File& file, Nonfinite nonfinite = Nonfinite::kRefuse) {
    const Workload workload = load_written(file, {}, nonfinite);
    return workload.read(workload.heads.at(0));
  }

  // The sentence about the file, without its path.
  std::string sentence_about(const File& file, const std::vector<std::string>& heads = {}) {
    const std::string text = sentence_of([&] { load_written(file, heads); });
    return text.starts_with(path()) ? text.substr(path().size()) : text;
  }

  std::string path() const { return (folder_ / "w.safetensors").string(); }

 private:
  TemporaryFolder folder_;
};

// `tensor` (F32) with one element replaced.
Tensor with_element(const Tensor& tensor, std::size_t index, float value) {
  std::vector<float> values = aqpim::workload::values_of<float>(tensor);
  values[index] = value;
  return make_tensor<float>(tensor.shape, values);
}

}  // namespace

TEST_CASE("workload: a head comes with its shapes, values, metadata and hash") {
  Folder folder;
  File file = one_head();
  file.metadata["model"] = "m";
  const Workload workload = folder.load_written(file);
  CHECK(workload.path == folder.path());
  CHECK(workload.metadata == file.metadata);
  CHECK(workload.sha256 == aqpim::workload::Reader(folder.path()).sha256());
  REQUIRE(workload.heads.size() == 1);
  const Head head = workload.read(workload.heads[0]);
  CHECK(head.name == "l2.h0");
  CHECK(head.layer == 2);
  CHECK(head.kv_head == 0);
  CHECK(head.groups == kGroups);
  CHECK(head.query_tokens == kQueryTokens);
  CHECK(head.tokens == kTokens);
  CHECK(head.head_dim == kHeadDim);
  CHECK(head.q == counting(kGroups * kQueryTokens * kHeadDim, 1));
  CHECK(head.k == counting(kTokens * kHeadDim, -8));
  CHECK(head.v == counting(kTokens * kHeadDim, 40));
  CHECK(head.k_dtype == Dtype::kF32);
}

TEST_CASE("workload: each tensor may have its own format") {
  Folder folder;
  File file = one_head();
  const std::vector<float> k = counting(kTokens * kHeadDim, -8);
  std::vector<std::uint8_t> bytes;
  for (const float value : k) {
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
    bytes.push_back(static_cast<std::uint8_t>(bits >> 16));
    bytes.push_back(static_cast<std::uint8_t>(bits >> 24));
  }
  file.tensors["l2.h0.k"] = make_tensor(Dtype::kBf16, {kTokens, kHeadDim}, bytes);
  file.tensors["l2.h0.v"] = make_tensor(Dtype::kF16, {kTokens, kHeadDim},
                                        std::vector<std::uint8_t>(2 * kTokens * kHeadDim, 0x3c));
  const Head head = folder.first_head(file);
  CHECK(head.q_dtype == Dtype::kF32);
  CHECK(head.k_dtype == Dtype::kBf16);
  CHECK(head.v_dtype == Dtype::kF16);
  CHECK(head.k == k);
  CHECK(head.v == std::vector<float>(kTokens * kHeadDim, 0x1.0fp0f));
}

TEST_CASE("workload: heads are ordered by layer, then head, as numbers") {
  Folder folder;
  File file;
  for (const char* name : {"l10.h0", "l2.h10", "l2.h9", "l0.h0"}) add_head(file, name);
  CHECK(names(folder.load_written(file)) ==
        std::vector<std::string>{"l0.h0", "l2.h9", "l2.h10", "l10.h0"});
}

TEST_CASE("workload: only the heads asked for are read, each once") {
  Folder folder;
  File file = one_head();
  add_head(file, "l3.h1");
  file.tensors.erase("l3.h1.v");
  CHECK(names(folder.load_written(file, {"l2.h0", "l2.h0"})) == std::vector<std::string>{"l2.h0"});
}

TEST_CASE("workload: tensors that belong to no head are left alone") {
  Folder folder;
  File file = one_head();
  for (const char* name : {"l2.h0.x", "l2.h0.", "l2.h.q", "l.h0.q", "l2.h0.qq", "x.l2.h1.q",
                           "l-1.h0.q", "l99999999999999999999.h0.q", "", "embedding"}) {
    file.tensors[name] = make_tensor<std::uint8_t>({1}, std::vector<std::uint8_t>{0});
  }
  CHECK(names(folder.load_written(file)) == std::vector<std::string>{"l2.h0"});
}

TEST_CASE("workload: a head that is not in the file is named, with those that are") {
  Folder folder;
  File file = one_head();
  add_head(file, "l3.h1");
  CHECK(folder.sentence_about(file, {"l2.h1"}) == " has no head \"l2.h1\", it has l2.h0, l3.h1");
  CHECK(folder.sentence_about(file, {"l2.h0", ""}) == " has no head \"\", it has l2.h0, l3.h1");
}

TEST_CASE("workload: of many heads that are there, some are named") {
  Folder folder;
  File file;
  for (int i = 0; i < 20; ++i) add_head(file, fmt::format("l{}.h0", i));
  const std::string sentence = folder.sentence_about(file, {"l20.h0"});
  CHECK(sentence.ends_with("l14.h0, l15.h0 and 4 more"));
}

TEST_CASE("workload: headers alone say what heads there are; values are read one head at a time") {
  Folder folder;
  File file = one_head();
  add_head(file, "l3.h1");
  file.tensors["l3.h1.k"] = with_element(file.tensors["l3.h1.k"], 0, NAN);
  aqpim::workload::write(folder.path(), file);
  const Workload workload = aqpim::workload::open(folder.path());
  CHECK(names(workload) == std::vector<std::string>{"l2.h0", "l3.h1"});
  CHECK(workload.sha256.empty());
  CHECK(workload.digest() == aqpim::workload::Reader(folder.path()).sha256());
  CHECK(workload.read(workload.heads[0]).k == counting(kTokens * kHeadDim, -8));
  CHECK(sentence_of([&] { workload.read(workload.heads[1]); }) ==
        folder.path() + ": l3.h1.k has NaN at token 0, channel 0");
  // Nothing is played before all of them are known to be sound.
  CHECK(sentence_of([&] { load(folder.path()); }).find("l3.h1.k has NaN") != std::string::npos);
}

TEST_CASE("workload: queries that have the token first are read in the order of query heads") {
  Folder folder;
  File file = one_head();
  // [Tq, G, D]: token t of query head g has 100 g + 10 t + channel.
  std::vector<float> values;
  for (std::size_t t = 0; t < kQueryTokens; ++t) {
    for (std::size_t g = 0; g < kGroups; ++g) {
      for (std::size_t d = 0; d < kHeadDim; ++d) {
        values.push_back(static_cast<float>(100 * g + 10 * t + d));
      }
    }
  }
  file.tensors["l2.h0.q"] = make_tensor<float>({kQueryTokens, kGroups, kHeadDim}, values);
  aqpim::workload::write(folder.path(), file);
  const Workload workload = load(folder.path(), {.queries_first = true});
  const Head head = workload.read(workload.heads[0]);
  CHECK(head.groups == kGroups);
  CHECK(head.query_tokens == kQueryTokens);
  CHECK(head.q == std::vector<float>{0,   1,   2,   3,   10,  11,  12,  13,  20,  21,  22,  23,
                                     100, 101, 102, 103, 110, 111, 112, 113, 120, 121, 122, 123});
}

TEST_CASE("workload: query heads that must be tokens are refused with the shape and the option") {
  Folder folder;
  const auto sentence_with = [&](std::vector<std::size_t> shape, bool queries_first = false) {
    File file;
    file.tensors["l0.h0.q"] =
        make_tensor<float>(shape, std::vector<float>(shape[0] * shape[1] * shape[2]));
    for (const char* name : {"l0.h0.k", "l0.h0.v"}) {
      file.tensors[name] = make_tensor<float>({600, 1}, std::vector<float>(600));
    }
    aqpim::workload::write(folder.path(), file);
    const std::string text = sentence_of(
        [&] { aqpim::workload::open(folder.path(), {.queries_first = queries_first}); });
    return text.starts_with(folder.path()) ? text.substr(folder.path().size()) : text;
  };
  CHECK(sentence_with({512, 7, 1}) ==
        ": l0.h0.q has shape [512, 7, 1], read as [G, Tq, D] that is 512 query heads with 7 "
        "queries each; --queries-first takes it as [Tq, G, D]");
  CHECK(sentence_with({7, 512, 1}, true) ==
        ": l0.h0.q has shape [7, 512, 1], read as [Tq, G, D] that is 512 query heads with 7 "
        "queries each; without --queries-first it is [G, Tq, D]");
  const std::string fine = "nothing was thrown";
  CHECK(sentence_with({129, 1, 1}) != fine);
  CHECK(sentence_with({129, 200, 1}) != fine);
  CHECK(sentence_with({17, 16, 1}) != fine);
  CHECK(sentence_with({17, 2, 1}) != fine);
  CHECK(sentence_with({128, 1, 1}) == fine);  // a single token's queries
  CHECK(sentence_with({128, 128, 1}) == fine);
  CHECK(sentence_with({17, 17, 1}) == fine);
  CHECK(sentence_with({16, 2, 1}) == fine);
  // What the user says counts.
  CHECK(sentence_with({2, 17, 1}, true) == fine);
  CHECK(sentence_with({512, 7, 1}, true) == fine);
}

TEST_CASE("workload: a head's tensor of a format that nobody can multiply is refused by name") {
  Folder folder;
  const auto sentence_with = [&](const char* dtype) {
    const std::string header =
        fmt::format(R"({{"l0.h0.q":{{"dtype":"F32","shape":[1,1,1],"data_offsets":[0,4]}},)"
                    R"("l0.h0.v":{{"dtype":"F32","shape":[1,1],"data_offsets":[4,8]}},)"
                    R"("l0.h0.k":{{"dtype":"{}","shape":[1,1],"data_offsets":[8,9]}}}})",
                    dtype);
    std::string bytes(8, '\0');
    bytes[0] = static_cast<char>(header.size());
    REQUIRE(header.size() < 256);
    std::ofstream(folder.path(), std::ios::binary) << bytes << header << "123456789";
    const std::string text = sentence_of([&] { aqpim::workload::open(folder.path()); });
    return text.substr(std::min(text.size(), folder.path().size()));
  };
  CHECK(sentence_with("F8_E4M3") == ": l0.h0.k has dtype F8_E4M3, allowed are F16, BF16 and F32");
  CHECK(sentence_with("F9") == ": l0.h0.k has dtype \"F9\", allowed are F16, BF16 and F32");
}

TEST_CASE("workload: a file without heads is refused") {
  Folder folder;
  CHECK(folder.sentence_about(File{}) ==
        " holds no attention head: it has no tensors l{layer}.h{kvhead}.q, .k and .v");
}

TEST_CASE("workload: a head that lacks a tensor is refused") {
  Folder folder;
  for (const char* letter : {"q", "k", "v"}) {
    File file = one_head();
    file.tensors.erase(fmt::format("l2.h0.{}", letter));
    CHECK(folder.sentence_about(file) ==
          fmt::format(": head l2.h0 has no tensor l2.h0.{}", letter));
  }
}

TEST_CASE("workload: formats other than F16, BF16 and F32 are refused") {
  Folder folder;
  File file = one_head();
  file.tensors["l2.h0.k"] =
      make_tensor<double>({kTokens, kHeadDim}, std::vector<double>(kTokens * kHeadDim));
  CHECK(folder.sentence_about(file) == ": l2.h0.k has dtype F64, allowed are F16, BF16 and F32");
  file.tensors["l2.h0.k"] =
      make_tensor<std::int8_t>({kTokens, kHeadDim}, std::vector<std::int8_t>(kTokens * kHeadDim));
  CHECK(folder.sentence_about(file) == ": l2.h0.k has dtype I8, allowed are F16, BF16 and F32");
}

TEST_CASE("workload: wrong ranks and empty tensors are refused") {
  Folder folder;
  const auto sentence_with = [&](const char* name, std::vector<std::size_t> shape) {
    std::size_t elements = 1;
    for (const std::size_t extent : shape) elements *= extent;
    File file = one_head();
    file.tensors[name] = make_tensor<float>(std::move(shape), std::vector<float>(elements));
    return folder.sentence_about(file);
  };
  CHECK(sentence_with("l2.h0.q", {kQueryTokens, kHeadDim}) ==
        ": l2.h0.q has shape [3, 4], it must be [G, Tq, D] with nothing empty");
  CHECK(sentence_with("l2.h0.q", {0, kQueryTokens, kHeadDim}) ==
        ": l2.h0.q has shape [0, 3, 4], it must be [G, Tq, D] with nothing empty");
  CHECK(sentence_with("l2.h0.k", {1, kTokens, kHeadDim}) ==
        ": l2.h0.k has shape [1, 5, 4], it must be [T, D] with nothing empty");
  CHECK(sentence_with("l2.h0.v", {}) ==
        ": l2.h0.v has shape [], it must be [T, D] with nothing empty");
  CHECK(sentence_with("l2.h0.v", {kTokens, 0}) ==
        ": l2.h0.v has shape [5, 0], it must be [T, D] with nothing empty");
}

TEST_CASE("workload: tensors of a head that do not fit each other are refused") {
  Folder folder;
  File file = one_head();
  file.tensors["l2.h0.v"] = make_tensor<float>({kTokens + 1, kHeadDim}, counting(24, 0));
  CHECK(folder.sentence_about(file) == ": l2.h0.k has shape [5, 4], but .v has [6, 4]");

  file = one_head();
  file.tensors["l2.h0.q"] = make_tensor<float>({1, 2, kHeadDim + 1}, counting(10, 0));
  CHECK(folder.sentence_about(file) == ": l2.h0.q has 5 channels, but .k has 4");

  file = one_head();
  file.tensors["l2.h0.q"] = make_tensor<float>({1, kTokens + 1, kHeadDim}, counting(24, 0));
  CHECK(folder.sentence_about(file) == ": l2.h0.q has 6 tokens, more than the 5 of .k");
}

TEST_CASE("workload: variants of attention that cannot be played are refused, never ignored") {
  Folder folder;
  const auto sentence = [&](const std::string& key, const std::string& value) {
    File file = one_head();
    file.metadata[key] = value;
    return folder.sentence_about(file);
  };
  const std::string accepted = "nothing was thrown";
  // T is 5, D is 4.
  for (const auto& [key, values] : std::map<std::string, std::vector<std::string>>{
           {"sliding_window", {"0", "5", "9"}},
           {"softcap", {"0", "0.0"}},
           {"attention_scale", {"0.5", "0.500001", "5e-1"}},
           {"cache_of", {"l0.h0"}}}) {
    for (const std::string& value : values) {
      CHECK(sentence(key, value) == accepted);
      CHECK(sentence("l2.h0." + key, value) == accepted);
    }
  }
  const std::string others = ", which cannot be played; --heads takes others";
  for (const std::string prefix : {"", "l2.h0."}) {
    CHECK(sentence(prefix + "sliding_window", "4") ==
          ": head l2.h0 has a sliding window of 4 of its 5 tokens" + others);
    CHECK(sentence(prefix + "softcap", "50.0") ==
          ": head l2.h0 has scores with a soft-cap of 50.0" + others);
    CHECK(
        sentence(prefix + "attention_scale", "0.3") ==
        ": head l2.h0 has the attention scale 0.3, which cannot be played; queries times 0.6 mean "
        "the same under the scale 1/sqrt(D)");
    for (const std::string key : {"sliding_window", "softcap", "attention_scale"}) {
      for (const std::string value : {"", "-1", "4x", "nan", "1e999"}) {
        CHECK(sentence(prefix + key, value).find(": head l2.h0 has the metadata " + key) == 0);
      }
    }
  }
  File file = one_head();
  file.tensors["l2.h0.sink_logits"] = make_tensor<float>({kGroups}, counting(kGroups, 0));
  CHECK(folder.sentence_about(file) == ": head l2.h0 has learned sinks (.sink_logits)" + others);
}

TEST_CASE("workload: a variant of attention concerns its own head, and headers may be looked at") {
  Folder folder;
  File file = one_head();
  add_head(file, "l2.h1");
  file.metadata = {{"sliding_window", "4"}, {"l2.h1.sliding_window", "0"}};
  CHECK(names(folder.load_written(file, {"l2.h1"})) == std::vector<std::string>{"l2.h1"});
  const Workload workload = aqpim::workload::open(folder.path());
  CHECK_FALSE(workload.heads[0].obstacle.empty());
  CHECK(workload.heads[1].obstacle.empty());
  CHECK(folder.sentence_about(file).find("head l2.h0 has a sliding window") != std::string::npos);
}

TEST_CASE("workload: NaN and infinity are refused with head, tensor, token and channel") {
  Folder folder;
  File file = one_head();
  file.tensors["l2.h0.k"] = with_element(file.tensors["l2.h0.k"], 3 * kHeadDim + 2, NAN);
  CHECK(folder.sentence_about(file) == ": l2.h0.k has NaN at token 3, channel 2");

  file = one_head();
  file.tensors["l2.h0.v"] =
      with_element(file.tensors["l2.h0.v"], kTokens * kHeadDim - 1, -INFINITY);
  CHECK(folder.sentence_about(file) == ": l2.h0.v has an infinite value at token 4, channel 3");

  // Row 1 of 3 queries is the query of token 5 - 3 + 1.
  file = one_head();
  file.tensors["l2.h0.q"] =
      with_element(file.tensors["l2.h0.q"], (kQueryTokens + 1) * kHeadDim, INFINITY);
  CHECK(folder.sentence_about(file) ==
        ": l2.h0.q has an infinite value at query head 1, token 3, channel 0");
}

TEST_CASE("workload: infinite keys and values become FP16's largest number if asked") {
  Folder folder;
  const auto saturated = [&](const File& file) {
    return folder.first_head(file, Nonfinite::kSaturate);
  };
  File file = one_head();
  file.tensors["l2.h0.k"] = with_element(file.tensors["l2.h0.k"], 2, NAN);
  file.tensors["l2.h0.v"] = with_element(file.tensors["l2.h0.v"], 5, -INFINITY);
  Head head = saturated(file);
  CHECK(head.k[2] == 0.0f);
  CHECK(head.v[5] == -65504.0f);
  // All else stays.
  head.k[2] = -8 + 2;
  head.v[5] = 40 + 5;
  CHECK(head.k == counting(kTokens * kHeadDim, -8));
  CHECK(head.v == counting(kTokens * kHeadDim, 40));

  // Infinity of each 16-bit format, in every element.
  for (const auto& [dtype, high] : {std::pair(Dtype::kF16, 0x7c), std::pair(Dtype::kBf16, 0x7f)}) {
    std::vector<std::uint8_t> bytes;
    for (std::size_t i = 0; i < kTokens * kHeadDim; ++i) {
      bytes.push_back(dtype == Dtype::kF16 ? 0x00 : 0x80);
      bytes.push_back(static_cast<std::uint8_t>(high));
    }
    file.tensors["l2.h0.k"] = make_tensor(dtype, {kTokens, kHeadDim}, bytes);
    CHECK(saturated(file).k == std::vector<float>(kTokens * kHeadDim, 65504.0f));
  }
  // A larger one among the others stays, and infinity is no less.
  file = one_head();
  file.tensors["l2.h0.k"] = with_element(file.tensors["l2.h0.k"], 2, INFINITY);
  file.tensors["l2.h0.k"] = with_element(file.tensors["l2.h0.k"], 3, -1e6f);
  head = saturated(file);
  CHECK(head.k[2] == 1e6f);
  CHECK(head.k[3] == -1e6f);

  // Queries must be finite in any case.
  file = one_head();
  file.tensors["l2.h0.q"] = with_element(file.tensors["l2.h0.q"], 0, NAN);
  CHECK(sentence_of([&] { saturated(file); }).find("l2.h0.q has NaN at query head 0") !=
        std::string::npos);
}

TEST_CASE("workload: the largest finite values are welcome") {
  Folder folder;
  File file = one_head();
  file.tensors["l2.h0.k"] =
      with_element(file.tensors["l2.h0.k"], 0, std::numeric_limits<float>::max());
  file.tensors["l2.h0.v"] =
      with_element(file.tensors["l2.h0.v"], 0, std::numeric_limits<float>::denorm_min());
  const Head head = folder.first_head(file);
  CHECK(head.k[0] == std::numeric_limits<float>::max());
  CHECK(head.v[0] == std::numeric_limits<float>::denorm_min());
}

TEST_CASE("workload: no mutation of a file makes the loader crash") {
  Folder folder;
  File file = one_head();
  file.metadata["model"] = "m";
  const std::vector<std::uint8_t> whole = aqpim::workload::serialize(file);
  constexpr std::uint64_t kSeed = 2;
  std::mt19937_64 random(kSeed);
  unsigned refused = 0;
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::uint8_t> bytes = whole;
    for (std::uint64_t changes = 1 + random() % 4; changes > 0; --changes) {
      bytes[random() % bytes.size()] ^= static_cast<std::uint8_t>(1u << (random() % 8));
    }
    if (random() % 8 == 0) bytes.resize(random() % bytes.size());
    std::ofstream(folder.path(), std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    CAPTURE(round);
    try {
      for (const Head& head : aqpim::test::heads_of(load(folder.path()))) {
        REQUIRE(head.k.size() == head.tokens * head.head_dim);
        REQUIRE(head.q.size() == head.groups * head.query_tokens * head.head_dim);
      }
    } catch (const aqpim::InputError& error) {
      ++refused;
      REQUIRE(std::string(error.what()).starts_with(folder.path()));
    }
  }
  CHECK(refused > 500);
}

TEST_CASE("workload: the committed captures are sound") {
  struct Row {
    const char* name;
    const char* head;
    std::size_t head_dim, groups;
  };
  constexpr Row kRows[] = {{"gqa128_prose_2k", "l3.h1", 128, 2},
                           {"smollm2_prose_2k", "l17.h1", 64, 3}};
  for (const Row& row : kRows) {
    const Workload workload =
        load(fmt::format("{}/workloads/{}.safetensors", AQPIM_SOURCE_DIR, row.name));
    REQUIRE(workload.heads.size() == 1);
    const HeadFacts& head = workload.heads[0];
    CHECK(head.name == row.head);
    CHECK(head.tokens == 2048);
    CHECK(head.query_tokens == 512);
    CHECK(head.head_dim == row.head_dim);
    CHECK(head.groups == row.groups);
    CHECK(head.k_dtype == Dtype::kF16);
    for (const char* key : {"model", "source", "license", "rope_theta", "cut"}) {
      CHECK(workload.metadata.contains(key));
    }
  }
}
