// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "app/commands.h"
#include "app/options.h"
#include "sw/cache/timeline.h"
#include "sw/config/config.h"
#include "sw/config/error.h"
#include "sw/workload/workload.h"

namespace aqpim::app {

namespace {

using nlohmann::ordered_json;

// What a run would do with a head by default, or why it could not.
struct DefaultRun {
  std::optional<cache::Timeline> timeline;
  std::vector<std::size_t> queries;
  std::string obstacle;
};

DefaultRun default_run(const workload::HeadFacts& head) {
  DefaultRun run;
  try {
    run.timeline = cache::make_timeline(head.tokens, head.query_tokens);
    run.queries =
        cache::evaluated_queries(*run.timeline, cache::default_query_count(*run.timeline));
    run.obstacle = head.obstacle;
  } catch (const InputError& error) {
    run.obstacle = error.what();
  }
  if (!run.obstacle.empty()) run.timeline.reset();
  return run;
}

std::vector<std::string> fitting_configurations(const workload::HeadFacts& head) {
  std::vector<std::string> names;
  for (const std::string_view name : config::configuration_names()) {
    try {
      if (config::find_configuration(name).engine.head_dim == head.head_dim)
        names.emplace_back(name);
    } catch (const InputError&) {
      // Whoever asks for a configuration that is not legal is told so.
    }
  }
  return names;
}

// Keys and values of all tokens in FP16.
std::size_t fp16_bytes(const workload::HeadFacts& head) {
  return 2 * 2 * head.tokens * head.head_dim;
}

std::string formats(const workload::HeadFacts& head) {
  return fmt::format("{}/{}/{}", workload::dtype_name(head.q_dtype),
                     workload::dtype_name(head.k_dtype), workload::dtype_name(head.v_dtype));
}

ordered_json to_json(const workload::HeadFacts& head) {
  const DefaultRun run = default_run(head);
  ordered_json result = {
      {"name", head.name},
      {"tokens", head.tokens},
      {"head_dim", head.head_dim},
      {"query_heads", head.groups},
      {"query_tokens", head.query_tokens},
      {"dtypes",
       {{"q", workload::dtype_name(head.q_dtype)},
        {"k", workload::dtype_name(head.k_dtype)},
        {"v", workload::dtype_name(head.v_dtype)}}},
      {"fp16_bytes", fp16_bytes(head)},
      {"configurations", fitting_configurations(head)},
  };
  if (run.timeline) {
    result["prefill"] = run.timeline->prefill;
    result["queries"] = run.queries;
  } else {
    result["obstacle"] = run.obstacle;
  }
  return result;
}

void print_json(const workload::Workload& workload, const std::optional<std::string>& sha256) {
  ordered_json result = {{"file", workload.path}};
  if (sha256) result["sha256"] = *sha256;
  result["metadata"] = workload.metadata;
  result["heads"] = ordered_json::array();
  for (const workload::HeadFacts& head : workload.heads) result["heads"].push_back(to_json(head));
  // A path need not be UTF-8.
  fmt::print("{}\n", result.dump(2, ' ', false, ordered_json::error_handler_t::replace));
}

// A file's text without what a terminal would obey, and without the end of a long one; UTF-8 stays.
std::string printable(std::string text) {
  constexpr std::size_t kLongest = 160;
  std::string rest;
  if (text.size() > kLongest) {
    std::size_t end = kLongest;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
    rest = fmt::format(" ... ({} bytes, all with --json)", text.size());
    text.resize(end);
  }
  const auto is_control = [](unsigned char byte) { return byte < 0x20 || byte == 0x7f; };
  std::ranges::replace_if(text, is_control, '?');
  return text + rest;
}

void print_text(const workload::Workload& workload, const std::optional<std::string>& sha256) {
  fmt::print("{:<11} {}\n", "file", workload.path);
  if (sha256) fmt::print("{:<11} {}\n", "sha256", *sha256);
  for (const auto& [key, text] : workload.metadata) {
    fmt::print("{:<11} {}\n", printable(key), printable(text));
  }

  fmt::print("\n{:<10} {:>6} {:>4} {:>6} {:>7} {:>15} {:>10} {:>8} {:>17}  {}\n", "head", "T", "D",
             "heads", "queries", "format q/k/v", "FP16 bytes", "prefill", "evaluated", "fits");
  for (const workload::HeadFacts& head : workload.heads) {
    const DefaultRun run = default_run(head);
    const std::vector<std::string> fitting = fitting_configurations(head);
    fmt::print("{:<10} {:>6} {:>4} {:>6} {:>7} {:>15} {:>10} {:>8} {:>17}  {}\n", head.name,
               head.tokens, head.head_dim, head.groups, head.query_tokens, formats(head),
               fp16_bytes(head), run.timeline ? fmt::to_string(run.timeline->prefill) : "-",
               run.timeline ? fmt::format("{} of {}..{}", run.queries.size(), run.queries.front(),
                                          run.queries.back())
                            : "-",
               fitting.empty() ? "no configuration" : fmt::format("{}", fmt::join(fitting, " ")));
    if (!run.timeline) fmt::print("  cannot be run by default: {}\n", run.obstacle);
  }
  fmt::print(
      "\nT tokens of D channels; so many query heads share the KV head; the file holds the queries "
      "of\n"
      "the last tokens only. By default, codebooks are made from the first `prefill` tokens.\n");
}

}  // namespace

void add_info(CLI::App& app, int&) {
  struct Arguments {
    std::string file;
    bool json = false;
    bool sha256 = false;
    workload::LoadOptions load;
  };
  CLI::App* command =
      app.add_subcommand("info", "Describe a workload from its header, without its values.");
  const auto arguments = std::make_shared<Arguments>();
  command
      ->add_option("FILE", arguments->file,
                   "workload (safetensors file, index of shards or folder of shards)")
      ->required();
  command->add_flag("--json", arguments->json, "print JSON");
  command->add_flag("--sha256", arguments->sha256, "read all of the file for its SHA-256");
  add_queries_first_option(*command, arguments->load);
  command->callback([arguments] {
    const workload::Workload workload = workload::open(arguments->file, arguments->load);
    std::optional<std::string> sha256;
    if (arguments->sha256) sha256 = workload.digest();
    arguments->json ? print_json(workload, sha256) : print_text(workload, sha256);
  });
}

}  // namespace aqpim::app
