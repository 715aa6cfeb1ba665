// SPDX-License-Identifier: Apache-2.0
#include "sw/performance/decoding.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "sw/config/error.h"
#include "sw/performance/decoding_files.h"
#include "sw/performance/test_channel.h"

namespace {

using aqpim::InputError;
using aqpim::config::Configuration;
using aqpim::config::find_memory;
using aqpim::performance::LanguageModel;
using aqpim::performance::Node;
using aqpim::performance::NodeModel;
using aqpim::performance::Overlap;
using aqpim::performance::Server;
using aqpim::performance::Serving;
using aqpim::performance::Step;

std::string text_of(const std::string& file) {
  std::ifstream stream(std::string(AQPIM_SOURCE_DIR "/configs/") + file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

LanguageModel model(const std::string& name) {
  return aqpim::performance::parse_language_model(name, text_of("model/" + name + ".json"));
}

Node node(const std::string& name) {
  return aqpim::performance::parse_node(name, text_of("node/" + name + ".json"));
}

const Server kGpu{.kind = Server::Kind::kGpu};
const Server kAttacc{.kind = Server::Kind::kAttacc};

const Configuration& pq4_w256() {
  static const Configuration configuration{.name = "pq4-w256",
                                           .description = "",
                                           .engine = aqpim::test::four_bit_engine(256),
                                           .window = 256};
  return configuration;
}

Server pairs() { return {.kind = Server::Kind::kEngines, .design = {&pq4_w256(), 2}}; }

NodeModel system_model() { return NodeModel(find_memory("hbm3-5200")); }

constexpr Serving kOnPaper{.deal = aqpim::performance::Deal::kEven};

}  // namespace

TEST_CASE("decoding: weights of the shipped models are those that their names say") {
  for (const auto& [name, billions] :
       std::vector<std::pair<std::string, double>>{{"llama-2-7b", 6.738},
                                                   {"llama-2-13b", 13.016},
                                                   {"llama-3-8b", 8.030},
                                                   {"mistral-7b", 7.242},
                                                   {"qwen2.5-7b", 7.616},
                                                   {"llama-3-70b", 70.554},
                                                   {"gemma-3-4b", 3.880}}) {
    CAPTURE(name);
    CHECK(model(name).weights() == doctest::Approx(1e9 * billions).epsilon(0.001));
  }
}

TEST_CASE("decoding: an estimate on paper of Mistral 7B at 32K tokens, FP16 on one GPU") {
  // 14.5 GB of weights at 3,352 GB/s; a sequence's cache is 2 · 32 · 8 · 128 · 2 B · 32,768 = 4.295
  // GB; 61.5 GB of 76 are left for it; the rest crosses a link of 64 GB/s.
  NodeModel system = system_model();
  for (const auto& [batch, share] :
       std::vector<std::pair<unsigned, double>>{{16, 0.83}, {32, 0.981}, {64, 0.993}}) {
    CAPTURE(batch);
    const Step step = system.step(kGpu, model("mistral-7b"), node("h100"), batch, 32768, kOnPaper);
    CHECK(step.link_share == doctest::Approx(share).epsilon(0.03));
    CHECK(step.cache_bytes == doctest::Approx(batch * 4.294967296e9));
    CHECK(step.link == doctest::Approx((step.cache_bytes + 14.483e9 - 76e9) / 64e9).epsilon(0.001));
    CHECK_FALSE(step.fits());
  }
}

TEST_CASE("decoding: an estimate on paper of where everything fits, next to the banks") {
  // Batch 8: 32 layers · 8 · 32 query heads / 320 sets of 64 heads; 266,436 and 28,692 cycles of
  // 0.769 ns; 14.5 GB of weights: 9.57 and 4.89 ms.
  NodeModel system = system_model();
  const LanguageModel mistral = model("mistral-7b");
  const Step attacc = system.step(kAttacc, mistral, node("h100"), 8, 32768, kOnPaper);
  const Step engines = system.step(pairs(), mistral, node("h100"), 8, 32768, kOnPaper);
  CHECK(attacc.attention == doctest::Approx(25.6 * 266436 * 0.769e-9).epsilon(0.001));
  CHECK(engines.attention == doctest::Approx(25.6 * 28692 * 0.769e-9).epsilon(0.02));
  CHECK(attacc.total / engines.total == doctest::Approx(1.96).epsilon(0.03));
  CHECK(attacc.link_share == 0.0);
  CHECK(attacc.fits());
  CHECK(attacc.cache_bytes / engines.cache_bytes == doctest::Approx(7.4).epsilon(0.01));
}

TEST_CASE("decoding: attention is that of the stack that has the most heads") {
  NodeModel system = system_model();
  const LanguageModel llama = model("llama-2-7b");
  // 32 heads of one sequence on five stacks: seven on the fullest one.
  const Step one = system.step(pairs(), llama, node("h100"), 1, 4096);
  const double cycles = system.stack_cycles(pairs(), 128, 4096, 7, 1);
  CHECK(one.attention == doctest::Approx(32 * cycles * 0.769e-9));
  // The same that a comparison of stacks writes, for its 64 heads.
  aqpim::performance::Comparison comparison({{&pq4_w256(), 2}}, find_memory("hbm3-5200"));
  CHECK(system.stack_cycles(pairs(), 128, 4096, 64, 1) ==
        comparison.row(0, true, {.tokens = 4096, .heads = 64}).cycles);
  CHECK(system.stack_cycles(pairs(), 128, 4096, 65, 1) ==
        2 * system.stack_cycles(pairs(), 128, 4096, 64, 1));
  // AttAcc: 16 heads at a time.
  CHECK(system.stack_cycles(kAttacc, 128, 4096, 17, 1) ==
        2 * system.stack_cycles(kAttacc, 128, 4096, 16, 1));
  CHECK(system.stack_cycles(kAttacc, 128, 4096, 64, 1) == 32595);
  CHECK(system.stack_cycles(kAttacc, 128, 4096, 128, 1) == 2 * 32595);
}

TEST_CASE("decoding: a step takes no less with more sequences or a longer context") {
  NodeModel system = system_model();
  for (const Server& server : {kGpu, kAttacc, pairs()}) {
    for (const char* name : {"llama-3-8b", "qwen2.5-7b", "gemma-3-4b"}) {
      CAPTURE(server.name());
      CAPTURE(name);
      double before = 0.0;
      for (const unsigned batch : {1u, 4u, 16u, 64u, 256u}) {
        const Step step = system.step(server, model(name), node("h100"), batch, 8192);
        CHECK(step.total >= before);
        before = step.total;
      }
      before = 0.0;
      for (const unsigned context : {1024u, 4096u, 16384u, 65536u, 131072u}) {
        const Step step = system.step(server, model(name), node("h100"), 16, context);
        CHECK(step.total >= before);
        before = step.total;
      }
    }
  }
}

TEST_CASE("decoding: bytes that are accounted are bytes that are held or moved") {
  NodeModel system = system_model();
  for (const Server& server : {kGpu, kAttacc, pairs()}) {
    for (const unsigned batch : {1u, 16u, 256u}) {
      CAPTURE(server.name());
      CAPTURE(batch);
      const Step step = system.step(server, model("llama-3-8b"), node("h100"), batch, 32768);
      CHECK(step.resident_bytes + step.link_bytes ==
            doctest::Approx(step.weight_bytes + step.cache_bytes));
      CHECK(step.resident_bytes <= 76e9);
      CHECK(step.link == doctest::Approx(step.link_bytes / 64e9));
      // New keys and values of 32 layers and 8 heads; of FP16 queries and results, too.
      const double vector = 32.0 * batch * 128 * 2;
      CHECK(step.transfer_bytes ==
            vector * (2 * 8 + (server.kind == Server::Kind::kAttacc ? 2 * 32 : 0)));
    }
  }
}

TEST_CASE("decoding: what halves and what doubles") {
  NodeModel system = system_model();
  LanguageModel llama = model("llama-2-7b");
  const Step step = system.step(kGpu, llama, node("h100"), 2, 8192);
  CHECK(system.step(kGpu, llama, node("h100"), 4, 8192).attention ==
        doctest::Approx(2 * step.attention));
  CHECK(system.step(kGpu, llama, node("h100"), 2, 16384).cache_bytes == 2 * step.cache_bytes);
  Node fast = node("h100");
  fast.gpu_gb_per_s *= 2;
  CHECK(system.step(kGpu, llama, fast, 2, 8192).weights == doctest::Approx(step.weights / 2));
  llama.layers *= 2;
  CHECK(system.step(kAttacc, llama, node("h100"), 2, 8192).attention ==
        doctest::Approx(
            2 * system.step(kAttacc, model("llama-2-7b"), node("h100"), 2, 8192).attention));
  // From 295 sequences on (989 TFLOP/s over 3,352 GB/s), multiplying takes longer than reading.
  const double reading = system.step(kGpu, model("llama-2-7b"), node("h100"), 290, 16).weights;
  CHECK(reading == doctest::Approx(step.weights));
  CHECK(system.step(kGpu, model("llama-2-7b"), node("h100"), 590, 16).weights ==
        doctest::Approx(2 * step.weights).epsilon(0.001));
}

TEST_CASE("decoding: several GPUs share a layer and add up its results") {
  NodeModel system = system_model();
  const LanguageModel llama = model("llama-3-70b");
  const Step step = system.step(kGpu, llama, node("h100x8"), 4, 8192);
  // Two all-reduces of a layer: 2 · 7/8 of 4 · 8,192 values each, at 450 GB/s.
  CHECK(step.reduction == doctest::Approx(80 * 2 * 2 * 7.0 / 8 * 4 * 8192 * 2 / 450e9));
  CHECK(step.cache_bytes == 80.0 * 4 * 1 * 2 * 128 * 2 * 8192);  // one head of keys and values
  CHECK(system.step(kGpu, model("llama-3-8b"), node("h100"), 4, 8192).reduction == 0.0);
}

TEST_CASE("decoding: a layer with a window holds and reads its window") {
  NodeModel system = system_model();
  const LanguageModel gemma = model("gemma-3-4b");
  REQUIRE(gemma.global_layers() == 5);
  const Step step = system.step(kGpu, gemma, node("h100"), 1, 32768);
  CHECK(step.cache_bytes == 4.0 * 2 * 256 * 2 * (5.0 * 32768 + 29.0 * 1024));
  CHECK(system.step(pairs(), gemma, node("h100"), 1, 32768).attention ==
        doctest::Approx(0.769e-9 * (5 * system.stack_cycles(pairs(), 256, 32768, 1, 2) +
                                    29 * system.stack_cycles(pairs(), 256, 1024, 1, 2))));
}

TEST_CASE("decoding: what may overlap") {
  NodeModel system = system_model();
  const LanguageModel llama = model("llama-3-8b");
  const auto step = [&](const Server& server, Overlap overlap) {
    return system.step(server, llama, node("h100"), 32, 32768, {.overlap = overlap});
  };
  for (const Server& server : {kGpu, kAttacc}) {
    CAPTURE(server.name());
    const Step none = step(server, Overlap::kNone);
    REQUIRE(none.link > none.attention);
    CHECK(none.total ==
          doctest::Approx(none.weights + none.attention + none.transfers + none.link));
    CHECK(none.link_share == doctest::Approx(none.link / none.total));
    CHECK(step(server, Overlap::kLink).total == doctest::Approx(none.total - none.attention));
    CHECK(step(server, Overlap::kLayers).total == doctest::Approx(none.link));
  }
  const Step engines = step(pairs(), Overlap::kLayers);
  CHECK(engines.link == 0.0);
  CHECK(engines.total ==
        doctest::Approx(std::max(engines.attention, engines.weights + engines.transfers)));
}

TEST_CASE("decoding: logic on the die takes capacity") {
  NodeModel system = system_model();
  Server charged = kAttacc;
  charged.die_share = 0.1084;
  const LanguageModel llama = model("llama-3-8b");
  CHECK(system.step(charged, llama, node("h100"), 64, 32768).resident_bytes ==
        doctest::Approx(76e9 * (1 - 0.1084)));
  // (76 GB - 16.06 GB) / 4.295 GB, and with less memory.
  CHECK(system.most_sequences(kAttacc, llama, node("h100"), 32768) == 13);
  CHECK(system.most_sequences(charged, llama, node("h100"), 32768) == 12);
}

TEST_CASE("decoding: energy of a token, where it is only weights and one cache") {
  NodeModel system = system_model();
  const LanguageModel llama = model("llama-2-7b");
  const Step step = system.step(kGpu, llama, node("h100"), 1, 1024);
  const double read = llama.weights() - 32000.0 * 4096;
  const double bits = 8 * (2 * read + step.cache_bytes + step.transfer_bytes);
  const double macs = read + 32.0 * 32 * 2 * 128 * 1024;
  CHECK(step.energy == doctest::Approx(1e-12 * (3.59 * bits + 0.32 * macs)));
}

TEST_CASE("decoding: prefill hides clustering, but for the last layer") {
  NodeModel system = system_model();
  const LanguageModel llama = model("llama-3-8b");
  const auto prefill = system.prefill(pairs(), llama, node("h100"), 1, 32768);
  // 2 · 7.50 G weights · 32,768 tokens, and 32 · 4 · 32 · 128 · 32,768² / 2 for attention.
  CHECK(prefill.gpu == doctest::Approx((491.9e12 + 281.5e12) / 989e12).epsilon(0.001));
  // 256 heads of 320 ranks: one each. Keys and values: 5 passes of 4,096 tokens per engine, 2,048
  // elements by 32 multipliers; 2 ranks' 4 passes of 32 windows' 2,048 quotients.
  const double head = 2 * (5.0 * 4096 * 2048 / 32 + 2.0 * 4 * 32 * 2048) * 2 * 0.769e-9;
  CHECK(prefill.quantize == doctest::Approx(head));
  CHECK(prefill.exposed == doctest::Approx(head));
  // 40 sequences: 32 heads of each rank, of these one of the last layer.
  const auto many = system.prefill(pairs(), llama, node("h100"), 40, 32768);
  CHECK(many.quantize == doctest::Approx(32 * head));
  CHECK(many.exposed == doctest::Approx(head));
  CHECK(system.prefill(kGpu, llama, node("h100"), 1, 32768).quantize == 0.0);
}

TEST_CASE("decoding: files of models and nodes that are not legal") {
  const std::string good = text_of("model/llama-3-8b.json");
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    return text;
  };
  const auto parse = [](const std::string& text) {
    return aqpim::performance::parse_language_model("mine", text);
  };
  CHECK(parse(good).layers == 32);
  CHECK_THROWS_WITH_AS(parse(changed("\"layers\": 32", "\"layers\": 0")),
                       "model mine: layers is 0, allowed are 1 to 4096", InputError);
  CHECK_THROWS_WITH_AS(parse(changed("\"kv_heads\": 8", "\"kv_heads\": 5")),
                       "model mine: 32 query heads cannot share 5 kv_heads evenly", InputError);
  CHECK_THROWS_WITH_AS(parse(changed("\"source\":", "\"sauce\":")),
                       "model mine lacks the key \"source\"", InputError);
  CHECK_THROWS_WITH_AS(parse(changed("\"hidden\": 4096", "\"hidden\": \"4096\"")),
                       "model mine: hidden is \"4096\", allowed are 1 to 1048576", InputError);
  CHECK_THROWS_WITH_AS(parse(changed("\"global_every\": 0", "\"global_every\": 6")),
                       "model mine: global_every is 6, but there is no sliding_window", InputError);
  CHECK_THROWS_AS(aqpim::performance::parse_node("mine", "{}"), InputError);
  NodeModel system = system_model();
  CHECK_THROWS_AS(system.step(kGpu, model("llama-3-8b"), node("h100"), 1, 0), InputError);
}

TEST_CASE("decoding: rows of the table begin with the point and its figures") {
  NodeModel system = system_model();
  const aqpim::performance::SystemGrid grid{.models = {model("llama-3-8b")},
                                            .nodes = {node("h100")},
                                            .servers = {kGpu, pairs()},
                                            .batches = {1, 64},
                                            .contexts = {32768},
                                            .serving = {}};
  const auto rows = aqpim::performance::serve(system, grid);
  REQUIRE(rows.size() == 4);
  const auto json = aqpim::performance::to_json(system, rows, "the command");
  REQUIRE(json.size() == 4);
  CHECK(json[3]["model"] == "llama-3-8b");
  CHECK(json[3]["node"] == "h100");
  CHECK(json[3]["design"] == "pq4-w256-2");
  CHECK(json[3]["batch"] == 64);
  CHECK(json[3]["context"] == 32768);
  CHECK(json[3]["link_share"] == 0.0);
  CHECK(json[3]["fits"] == "memory");
  CHECK(json[3]["speedup_attacc"].is_null());
  CHECK(json[3]["speedup_gpu"] == rows[2].step.total / rows[3].step.total);
  CHECK(json[3]["most_sequences"].get<double>() >= 64.0);
  CHECK(json[3]["command"] == "the command");
  CHECK(json[2]["link_share"].get<double>() > 0.9);
  CHECK(json[2]["prefill_quantize_ms"] == 0.0);
}
