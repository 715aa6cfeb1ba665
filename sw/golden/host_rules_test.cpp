// SPDX-License-Identifier: Apache-2.0
#include "sw/golden/host_rules.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <stdexcept>
#include <vector>

#include "sw/golden/channel_test_support.h"

namespace {

using aqpim::config::ChannelShape;
using aqpim::golden::AnswerCode;
using aqpim::golden::HostCommand;
using aqpim::golden::HostOpcode;
using aqpim::golden::HostRules;
using aqpim::test::command;
using aqpim::test::make_channel;

using enum AnswerCode;
using enum HostOpcode;

// 32 tokens of codes to a row, tiles of 128 tokens, 2 beats of biases, 512 rows.
ChannelShape shape_of(unsigned banks_per_engine = 1) {
  return make_channel(4, 8, 256, banks_per_engine);
}

// Codebooks in rows 0 … 79 and 80 … 159, codes in 160 … 199 and 200 … 239, raw tokens in 300 … 302.
// A codebook has 2 rows at scope rank, otherwise 32, or 16 in two banks.
HostCommand config(unsigned window_rows = 0) {
  return command(kSetConfig, {0, 80, 80, 160, 200, 40, window_rows, 300, 3});
}

HostCommand query() { return command(kSetQuery, {0, 0}); }
HostCommand vectors() { return command(kSetVectors, {1}); }
HostCommand attend() { return command(kAttend, {32, 0, 0, 1}); }
HostCommand encode() { return command(kEncode, {0, 0, 0, 0}); }
HostCommand cluster() { return command(kCluster, {0, 2, 0}); }
HostCommand result() { return command(kResult, {}); }

// The rules after these commands, which are all taken.
HostRules after(const std::vector<HostCommand>& commands, const ChannelShape& shape = shape_of()) {
  HostRules rules(shape);
  for (const HostCommand& accepted : commands) {
    REQUIRE(rules.check(accepted) == kOk);
    rules.accept(accepted);
  }
  return rules;
}

struct Case {
  HostOpcode opcode;
  std::vector<unsigned> fields;
  AnswerCode code;
};

void check_all(const HostRules& rules, const std::vector<Case>& cases) {
  for (std::size_t i = 0; i < cases.size(); ++i) {
    CAPTURE(i);
    CHECK(rules.check(command(cases[i].opcode, cases[i].fields)) == cases[i].code);
  }
}

}  // namespace

TEST_CASE("host rules: there are nine opcodes, the shape's ranks and four contexts") {
  const HostRules rules = after({config()});
  CHECK(rules.check(command(HostOpcode{9}, {})) == kIllegal);
  CHECK(rules.check(command(HostOpcode{15}, {})) == kIllegal);
  CHECK(rules.check(command(kSetVectors, {0}, {}, {.rank = 1})) == kOk);
  CHECK(rules.check(command(kSetVectors, {0}, {}, {.rank = 2})) == kIllegal);
  CHECK(rules.check(command(kSetConfig, {0, 80, 80, 160, 200, 40}, {}, {.context = 3})) == kOk);
  CHECK(rules.check(command(kSetConfig, {0, 80, 80, 160, 200, 40}, {}, {.context = 4})) ==
        kIllegal);
  ChannelShape one_rank = shape_of();
  one_rank.memory.ranks = 1;
  CHECK(HostRules(one_rank).check(command(kSetVectors, {0}, {}, {.rank = 1})) == kIllegal);
}

TEST_CASE("host rules: a context has to be set, of its rank, before anything else is looked at") {
  const HostRules rules = after({config()});
  for (const HostOpcode opcode : {kWrite, kRead, kAttend, kEncode, kCluster}) {
    CHECK(rules.check(command(opcode, {}, {}, {.context = 1})) == kNotReady);
    CHECK(rules.check(command(opcode, {}, {}, {.rank = 1})) == kNotReady);
  }
  CHECK(rules.check(command(kRead, {}, {}, {.context = 0})) == kShape);
}

TEST_CASE("host rules: regions have rows, and these are in the memory") {
  check_all(after({}), {{kSetConfig, {0, 80, 0, 160, 200, 40}, kShape},
                        {kSetConfig, {0, 80, 80, 160, 200, 0}, kShape},
                        {kSetConfig, {0, 80, 80, 160, 200, 40, 0, 0, 0}, kOk},
                        {kSetConfig, {432, 432, 80, 472, 472, 40, 65535, 500, 12}, kOk},
                        {kSetConfig, {433, 0, 80, 0, 0, 40}, kAddress},
                        {kSetConfig, {0, 433, 80, 0, 0, 40}, kAddress},
                        {kSetConfig, {0, 0, 80, 473, 0, 40}, kAddress},
                        {kSetConfig, {0, 0, 80, 0, 473, 40}, kAddress},
                        {kSetConfig, {0, 0, 80, 0, 0, 40, 0, 500, 13}, kAddress},
                        {kSetConfig, {65535, 0, 65535, 0, 0, 40}, kAddress}});
}

TEST_CASE("host rules: an access is in one region, and has beats") {
  for (const HostOpcode opcode : {kWrite, kRead}) {
    check_all(after({config()}), {{opcode, {0, 0, 0, 0}, kShape},
                                  {opcode, {17, 0, 0, 1}, kShape},
                                  {opcode, {15, 0, 31, 1}, kOk},
                                  {opcode, {15, 0, 32, 1}, kShape},
                                  {opcode, {16, 0, 511, 1}, kOk},
                                  {opcode, {16, 0, 512, 1}, kShape},
                                  // Row by row: 32 beats in a bank, 512 in all.
                                  {opcode, {15, 0, 0, 2560}, kOk},
                                  {opcode, {15, 79, 31, 2}, kAddress},
                                  {opcode, {15, 0, 0, 2561}, kAddress},
                                  {opcode, {16, 0, 0, 40960}, kOk},
                                  {opcode, {16, 0, 0, 40961}, kAddress},
                                  {opcode, {16, 79, 511, 1}, kOk},
                                  {opcode, {16, 79, 511, 2}, kAddress},
                                  {opcode, {0, 0, 31, 65535}, kAddress},
                                  {opcode, {0, 65535, 31, 65535}, kAddress},
                                  // Each region has its ends.
                                  {opcode, {0, 80, 0, 2560}, kOk},
                                  {opcode, {0, 160, 0, 1280}, kOk},
                                  {opcode, {0, 160, 0, 1281}, kAddress},
                                  {opcode, {0, 200, 0, 1280}, kOk},
                                  {opcode, {0, 200, 0, 1281}, kAddress},
                                  {opcode, {0, 240, 0, 1}, kAddress},
                                  {opcode, {0, 299, 0, 1}, kAddress},
                                  {opcode, {0, 299, 31, 2}, kAddress},
                                  {opcode, {0, 300, 0, 96}, kOk},
                                  {opcode, {0, 300, 0, 97}, kAddress},
                                  {opcode, {0, 303, 0, 1}, kAddress}});
  }
}

TEST_CASE("host rules: regions may overlap") {
  const HostCommand overlapping = command(kSetConfig, {0, 0, 80, 60, 60, 40, 0, 70, 100});
  check_all(after({overlapping}), {{kRead, {0, 69, 31, 33}, kOk},
                                   {kRead, {0, 69, 0, 3200}, kAddress},
                                   {kRead, {0, 70, 0, 3200}, kOk}});
}

TEST_CASE("host rules: tiles have tokens, and the windows that hold them") {
  check_all(after({config(), query()}), {{kAttend, {0, 0, 0, 1}, kShape},
                                         {kAttend, {1, 0, 0, 1}, kOk},
                                         {kAttend, {128, 0, 0, 1}, kOk},
                                         {kAttend, {129, 0, 0, 1}, kShape},
                                         {kAttend, {32, 0, 0, 0}, kShape},
                                         {kAttend, {128, 0, 0, 2}, kShape},
                                         {kAttend, {128, 36, 0, 1}, kOk},
                                         {kAttend, {128, 37, 0, 1}, kAddress},
                                         {kAttend, {97, 37, 0, 1}, kAddress},
                                         {kAttend, {96, 37, 0, 1}, kOk},
                                         {kAttend, {1, 65535, 0, 1}, kAddress},
                                         {kAttend, {1, 0, 39, 1}, kOk},
                                         {kAttend, {1, 0, 40, 1}, kAddress},
                                         {kAttend, {1, 0, 65535, 1}, kAddress}});
  // Windows of two rows: 64 tokens.
  check_all(after({config(2), query()}), {{kAttend, {64, 0, 0, 0}, kShape},
                                          {kAttend, {64, 0, 0, 1}, kOk},
                                          {kAttend, {64, 0, 0, 2}, kShape},
                                          {kAttend, {65, 0, 0, 1}, kShape},
                                          {kAttend, {65, 0, 0, 2}, kOk},
                                          {kAttend, {128, 0, 0, 2}, kOk},
                                          {kAttend, {128, 0, 0, 3}, kShape},
                                          {kAttend, {64, 0, 1, 1}, kOk},
                                          {kAttend, {64, 0, 2, 1}, kAddress},
                                          {kAttend, {65, 0, 1, 2}, kAddress},
                                          // Only the rows that hold tokens have to be there.
                                          {kAttend, {96, 37, 0, 2}, kOk},
                                          {kAttend, {97, 37, 0, 2}, kAddress}});
  // Half a codebook is none.
  check_all(after({command(kSetConfig, {0, 80, 79, 160, 200, 40}), query()}),
            {{kAttend, {1, 0, 38, 1}, kOk}, {kAttend, {1, 0, 39, 1}, kAddress}});
  // A row of two banks holds 64 tokens, and a codebook has 16 rows.
  check_all(after({config(1), query()}, shape_of(2)), {{kAttend, {64, 39, 4, 1}, kOk},
                                                       {kAttend, {64, 39, 5, 1}, kAddress},
                                                       {kAttend, {65, 38, 0, 2}, kOk},
                                                       {kAttend, {65, 39, 0, 2}, kAddress}});
}

TEST_CASE("host rules: a query has as many biases as there are places, and flags are 0 or 1") {
  check_all(after({}), {{kSetQuery, {2, 1}, kOk},
                        {kSetQuery, {3, 0}, kShape},
                        {kSetQuery, {0, 2}, kShape},
                        {kSetVectors, {2}, kShape}});
}

TEST_CASE("host rules: a vector is encoded into a slot of a row, with a codebook that is there") {
  check_all(after({config(), vectors()}), {{kEncode, {1, 39, 39, 31}, kOk},
                                           {kEncode, {2, 0, 0, 0}, kShape},
                                           {kEncode, {0, 0, 0, 32}, kShape},
                                           {kEncode, {0, 0, 40, 0}, kCodeFull},
                                           {kEncode, {0, 40, 40, 0}, kCodeFull},
                                           {kEncode, {0, 40, 0, 0}, kAddress},
                                           {kEncode, {0, 65535, 0, 0}, kAddress}});
  check_all(after({config(1), vectors()}),
            {{kEncode, {1, 1, 39, 31}, kOk}, {kEncode, {0, 2, 0, 0}, kAddress}});
  check_all(after({config(), vectors()}, shape_of(2)),
            {{kEncode, {0, 0, 0, 63}, kOk}, {kEncode, {0, 0, 0, 64}, kShape}});
}

TEST_CASE("host rules: raw tokens come in whole groups and lie in their region") {
  // 16 words of tokens and one of weights: 31 tokens fill a row but for a beat; 93 three rows.
  check_all(after({config(), vectors()}), {{kCluster, {1, 2, 2}, kOk},
                                           {kCluster, {2, 2, 0}, kShape},
                                           {kCluster, {0, 0, 0}, kShape},
                                           {kCluster, {0, 31, 0}, kShape},
                                           {kCluster, {0, 130, 0}, kShape},
                                           {kCluster, {0, 30, 2}, kOk},
                                           {kCluster, {0, 32, 2}, kAddress},
                                           {kCluster, {0, 92, 0}, kOk},
                                           {kCluster, {0, 94, 0}, kAddress},
                                           {kCluster, {0, 2, 3}, kAddress},
                                           {kCluster, {0, 2, 65535}, kAddress}});
  // Two banks hold twice as many; one token at a time, of two words, may be odd in number.
  check_all(after({config(), vectors()}, shape_of(2)), {{kCluster, {0, 128, 0}, kOk}});
  check_all(after({config(), vectors()}, make_channel(2, 4, 128)),
            {{kCluster, {0, 31, 2}, kOk}, {kCluster, {0, 32, 2}, kAddress}});
}

TEST_CASE("host rules: registers are set once for each command that uses them") {
  const HostRules idle = after({config()});
  CHECK(idle.check(attend()) == kNotReady);
  CHECK(idle.check(encode()) == kNotReady);
  CHECK(idle.check(cluster()) == kNotReady);
  const HostRules asked = after({config(), query()});
  CHECK(asked.check(encode()) == kNotReady);
  CHECK(asked.check(cluster()) == kNotReady);
  CHECK(asked.check(query()) == kPending);
  CHECK(asked.check(vectors()) == kPending);
  const HostRules set = after({config(), vectors()});
  CHECK(set.check(attend()) == kNotReady);
  CHECK(set.check(cluster()) == kOk);
  CHECK(set.check(query()) == kPending);
  CHECK(set.check(vectors()) == kPending);
  const HostRules without = after({config(), command(kSetVectors, {0})});
  CHECK(without.check(encode()) == kNotReady);
  CHECK(without.check(cluster()) == kOk);
  CHECK(without.check(query()) == kPending);
  CHECK(after({config(), query(), attend()}).check(attend()) == kNotReady);
  CHECK(after({config(), vectors(), encode()}).check(encode()) == kNotReady);
  CHECK(after({config(), vectors(), cluster()}).check(cluster()) == kNotReady);
  for (const HostCommand& consumer : {encode(), cluster()}) {
    CHECK(after({config(), vectors(), consumer}).check(query()) == kOk);
  }
  CHECK(after({config(), query(), attend()}).check(vectors()) == kOk);
}

TEST_CASE("host rules: two results are kept, and none when engines quantize") {
  CHECK(after({config()}).check(result()) == kNotReady);
  CHECK(after({config(), query()}).check(result()) == kNotReady);
  const HostRules one = after({config(), query(), attend()});
  CHECK(one.check(result()) == kOk);
  const HostRules two = after({config(), query(), attend(), query(), attend(), query()});
  CHECK(two.check(attend()) == kPending);
  CHECK(
      after({config(), query(), attend(), query(), attend(), query(), result()}).check(attend()) ==
      kOk);
  CHECK(after({config(), query(), attend(), result()}).check(result()) == kNotReady);
  const HostRules unread = after({config(), query(), attend(), vectors()});
  CHECK(unread.check(encode()) == kPending);
  CHECK(unread.check(cluster()) == kPending);
  const HostRules read = after({config(), query(), attend(), vectors(), result()});
  CHECK(read.check(encode()) == kOk);
  CHECK(read.check(cluster()) == kOk);
}

TEST_CASE("host rules: ranks know nothing of each other, contexts of a rank share its order") {
  const HostRules rules = after({config(), query()});
  CHECK(rules.check(command(kSetQuery, {0, 0}, {}, {.rank = 1})) == kOk);
  CHECK(rules.check(command(kResult, {}, {}, {.rank = 1})) == kNotReady);
  const HostCommand other = command(kSetConfig, {0, 80, 80, 160, 200, 40}, {}, {.context = 3});
  HostRules both = rules;
  both.accept(other);
  CHECK(both.check(command(kAttend, {32, 0, 0, 1}, {}, {.context = 3})) == kOk);
  both.accept(command(kAttend, {32, 0, 0, 1}, {}, {.context = 3}));
  CHECK(both.check(attend()) == kNotReady);
}

TEST_CASE("host rules: what is wrong with a command itself is said before what is missing") {
  const HostRules rules = after({config()});
  check_all(rules, {{kAttend, {0, 0, 0, 1}, kShape},
                    {kAttend, {1, 40, 0, 1}, kAddress},
                    {kEncode, {2, 40, 40, 0}, kShape},
                    {kEncode, {0, 0, 40, 0}, kCodeFull},
                    {kCluster, {0, 0, 9}, kShape},
                    {kCluster, {0, 2, 9}, kAddress}});
  // Not ready before pending.
  const HostRules unread = after({config(), query(), attend()});
  CHECK(unread.check(encode()) == kNotReady);
  CHECK(after({config(), query(), attend(), query(), attend()}).check(attend()) == kNotReady);
  CHECK(after({config(), query()}).check(command(kSetQuery, {3, 0})) == kShape);
}

TEST_CASE("host rules: a context that is set again has its new regions at once") {
  HostRules rules = after({config(), query(), attend()});
  CHECK(rules.check(command(kRead, {0, 279, 0, 1})) == kAddress);
  rules.accept(command(kSetConfig, {0, 80, 80, 160, 200, 40, 0, 270, 10}));
  CHECK(rules.check(command(kRead, {0, 279, 0, 1})) == kOk);
  CHECK(rules.check(command(kRead, {0, 300, 0, 1})) == kAddress);
  CHECK(rules.context(0, 0).raw.first == 270);
  CHECK_THROWS_AS(rules.context(0, 1), std::out_of_range);
  CHECK_THROWS_AS(rules.context(2, 0), std::out_of_range);
}

TEST_CASE("host rules: the beats of a command") {
  const HostRules rules = after({config()});
  const HostRules local = after({config(1)});
  CHECK(rules.payload_beats(command(kWrite, {0, 0, 0, 7})) == 7);
  CHECK(rules.data_beats(command(kWrite, {0, 0, 0, 7})) == 0);
  CHECK(rules.payload_beats(command(kRead, {0, 0, 0, 7})) == 0);
  CHECK(rules.data_beats(command(kRead, {0, 0, 0, 7})) == 7);
  // Tokens, control, 32 shifts, 128 elements of 16 bits, biases.
  CHECK(rules.payload_beats(command(kSetQuery, {2, 0})) == 3 + 8 + 2);
  CHECK(rules.payload_beats(command(kSetQuery, {2, 1})) == 3 + 8 + 32);
  CHECK(rules.payload_beats(command(kSetVectors, {0})) == 3);
  CHECK(rules.payload_beats(command(kSetVectors, {1})) == 3 + 16 * 8);
  CHECK(after({}, make_channel(2, 4, 128)).payload_beats(command(kSetVectors, {0})) == 4);
  // 128 outputs of 40 bits and the status.
  CHECK(rules.data_beats(result()) == 16 * 21);
  CHECK(rules.payload_beats(result()) == 0);
  // 256 centroids of 16 channels: 16 bits each in, 8 out.
  CHECK(rules.payload_beats(cluster()) == 256);
  CHECK(rules.element_beats(cluster()) == 128);
  CHECK(local.payload_beats(cluster()) == 16 * 256);
  CHECK(local.element_beats(cluster()) == 16 * 128);
  CHECK(rules.element_beats(result()) == 0);
  CHECK(rules.payload_beats(attend()) == 0);
  CHECK(rules.data_beats(attend()) == 0);
}
