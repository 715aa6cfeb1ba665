// SPDX-License-Identifier: Apache-2.0
#include "sw/workload/capture.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <fstream>
#include <string>
#include <vector>

#include "sw/config/test_support.h"
#include "sw/workload/test_workload.h"
#include "sw/workload/workload.h"

namespace {

using aqpim::test::sentence_of;
using aqpim::test::TemporaryFolder;
using aqpim::workload::Capture;
using aqpim::workload::File;
using aqpim::workload::make_tensor;

// One head whose tensors lie in three files, as a folder and as an index of it.
class Shards {
 public:
  Shards() {
    put("model-00001-of-00003.safetensors", "l0.h0.q", {1, 2, 2}, 1, {{"model", "m"}});
    put("model-00002-of-00003.safetensors", "l0.h0.k", {3, 2}, 2, {{"model", "n"}, {"part", "2"}});
    put("model-00003-of-00003.safetensors", "l0.h0.v", {3, 2}, 3, {});
  }

  void put(const std::string& name, const std::string& tensor, std::vector<std::size_t> shape,
           float value, std::map<std::string, std::string> metadata) {
    std::size_t elements = 1;
    for (const std::size_t extent : shape) elements *= extent;
    File file;
    file.metadata = std::move(metadata);
    file.tensors[tensor] = make_tensor<float>(shape, std::vector<float>(elements, value));
    aqpim::workload::write(folder_ / name, file);
  }
  void put_text(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
  }
  void put_index(const std::string& name = "model.safetensors.index.json") {
    put_text(name, R"({"metadata":{"total_size":64},"weight_map":{)"
                   R"("l0.h0.q":"model-00001-of-00003.safetensors",)"
                   R"("l0.h0.k":"model-00002-of-00003.safetensors",)"
                   R"("l0.h0.v":"model-00003-of-00003.safetensors"}})");
  }
  void remove(const std::string& name) { std::filesystem::remove(folder_ / name); }

  std::string operator/(const std::string& name) const { return (folder_ / name).string(); }
  std::string path() const { return folder_.path().string(); }
  // The sentence about the capture at `path`, from its name on.
  std::string sentence(const std::string& path) const {
    const std::string text = sentence_of([&] { Capture capture(path); });
    return text.starts_with(path) ? text.substr(path.size()) : text;
  }

 private:
  TemporaryFolder folder_;
};

}  // namespace

TEST_CASE("capture: a head whose queries, keys and values lie in three shards is one head") {
  Shards shards;
  const auto check = [](const std::string& path) {
    CAPTURE(path);
    const auto workload = aqpim::workload::load(path);
    REQUIRE(workload.heads.size() == 1);
    const auto head = workload.read(workload.heads[0]);
    CHECK(head.q == std::vector<float>(4, 1));
    CHECK(head.k == std::vector<float>(6, 2));
    CHECK(head.v == std::vector<float>(6, 3));
    // The first shard that says something is right.
    CHECK(workload.metadata == std::map<std::string, std::string>{{"model", "m"}, {"part", "2"}});
    return workload;
  };
  const auto folder = check(shards.path() + "/");
  CHECK(folder.path == shards.path());
  CHECK(folder.files.size() == 3);
  shards.put_index();
  const auto index = check(shards / "model.safetensors.index.json");
  CHECK(index.files.size() == 4);
  CHECK(check(shards.path()).sha256 == folder.sha256);
  CHECK(index.sha256 == folder.sha256);
}

TEST_CASE("capture: the digest of shards is that of sha256sum's lines") {
  Shards shards;
  std::string lines;
  for (int i = 1; i <= 3; ++i) {
    const std::string name = fmt::format("model-0000{}-of-00003.safetensors", i);
    lines += aqpim::workload::Reader(shards / name).sha256() + "  " + name + "\n";
  }
  shards.put_text("lines", lines);
  // Of any file the same way, but through its bytes.
  const std::string command = "sha256sum " + (shards / "lines");
  std::FILE* const pipe = popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  char digest[65] = {};
  CHECK(std::fread(digest, 1, 64, pipe) == 64);
  pclose(pipe);
  CHECK(Capture(shards.path()).sha256() == digest);
}

TEST_CASE("capture: an index counts; what else lies in its folder does not") {
  Shards shards;
  shards.put_index();
  shards.put("other.safetensors", "l0.h0.q", {1, 2, 2}, 9, {});
  shards.put_text("pytorch_model.bin.index.json", "{}");
  CHECK(aqpim::workload::load(shards.path()).heads.size() == 1);
  shards.put_index("second.safetensors.index.json");
  CHECK(shards.sentence(shards.path()) ==
        " has several indexes of shards, name one: model.safetensors.index.json, "
        "second.safetensors.index.json");
  CHECK(shards.sentence(shards / "second.safetensors.index.json") == "nothing was thrown");
}

TEST_CASE("capture: shards that are missing, or lack what the index says, are named") {
  Shards shards;
  shards.put_index();
  const std::string index = shards / "model.safetensors.index.json";
  shards.put("model-00002-of-00003.safetensors", "l0.h0.x", {3, 2}, 2, {});
  CHECK(shards.sentence(index) ==
        ": the shard \"model-00002-of-00003.safetensors\" has no tensor \"l0.h0.k\"");
  shards.remove("model-00002-of-00003.safetensors");
  CHECK(shards.sentence(index) ==
        ": 1 of its 3 shards is missing, the first is \"model-00002-of-00003.safetensors\"");
  shards.remove("model-00003-of-00003.safetensors");
  CHECK(shards.sentence(index) ==
        ": 2 of its 3 shards are missing, the first is \"model-00002-of-00003.safetensors\"");
  shards.remove("model.safetensors.index.json");
  CHECK(shards.sentence(shards.path()) ==
        ": the shard model-00002-of-00003.safetensors is missing, "
        "model-00001-of-00003.safetensors is there");
  shards.remove("model-00001-of-00003.safetensors");
  CHECK(shards.sentence(shards.path()) == " is a folder without a safetensors file");
}

TEST_CASE("capture: a shard that is no safetensors file is named, not the index") {
  Shards shards;
  shards.put_index();
  shards.put_text("model-00003-of-00003.safetensors",
                  "version https://git-lfs.github.com/spec/v1\n");
  CHECK(shards.sentence(shards.path())
            .starts_with("/model-00003-of-00003.safetensors is a pointer of Git LFS"));
}

TEST_CASE("capture: a folder in which two files have the same tensor is no workload") {
  Shards shards;
  shards.put("other.safetensors", "l0.h0.q", {1, 2, 2}, 9, {});
  CHECK(shards.sentence(shards.path()) ==
        ": tensor \"l0.h0.q\" is in model-00001-of-00003.safetensors and in other.safetensors; a "
        "folder is one workload");
}

TEST_CASE("capture: an index that is none is refused") {
  Shards shards;
  const std::string index = shards / "i.json";
  const auto sentence = [&](const std::string& text) {
    shards.put_text("i.json", text);
    return shards.sentence(index);
  };
  const std::string no_map =
      " is no index of shards: it has no \"weight_map\" of tensors and their files";
  CHECK(sentence("{}") == no_map);
  CHECK(sentence("[]") == no_map);
  CHECK(sentence(R"({"weight_map":[]})") == no_map);
  CHECK(sentence(R"({"weight_map":{}})") == no_map);
  CHECK(sentence("\xef\xbb\xbf\n{}") == no_map);
  CHECK(sentence("") == " is not valid JSON (at byte 1)");
  CHECK(sentence("{") == " is not valid JSON (at byte 2)");
  CHECK(sentence("version https://git-lfs.github.com/spec/v1\n")
            .starts_with(" is a pointer of Git LFS"));
  CHECK(sentence(R"({"weight_map":{"a":"x","a":"x"}})") == " has the key \"a\" twice");
  for (const char* name : {R"(1)", R"("")", R"("/etc/passwd")", R"("../a")", R"("a/../../b")"}) {
    CHECK(sentence(fmt::format(R"({{"weight_map":{{"a":{}}}}})", name)) ==
          ": the shard of tensor \"a\" must be the name of a file beside the index");
  }
  CHECK(sentence(R"({"weight_map":{"a":"s/x"}})") ==
        ": 1 of its 1 shards is missing, the first is \"s/x\"");
  CHECK(shards.sentence(shards / "none.json") == " cannot be read: No such file or directory");
}

TEST_CASE("capture: what is made from a workload is called after it") {
  using aqpim::workload::stem;
  CHECK(stem("a/b.safetensors") == "b");
  CHECK(stem("a/model.safetensors.index.json") == "model");
  CHECK(stem("a/folder.of.shards") == "folder.of.shards");
  CHECK(stem("capture") == "capture");
}
