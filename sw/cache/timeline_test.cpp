// SPDX-License-Identifier: Apache-2.0
#include "sw/cache/timeline.h"

#include <doctest/doctest.h>

#include "sw/config/test_support.h"

namespace {

using aqpim::cache::default_query_count;
using aqpim::cache::evaluated_queries;
using aqpim::cache::make_timeline;
using aqpim::cache::Timeline;
using aqpim::test::sentence_of;

bool mentions(const std::string& sentence, const std::string& part) {
  return sentence.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("timeline: the prefill ends half the queries before the end, at most 256") {
  CHECK(make_timeline(4096, 512).prefill == 3840);
  CHECK(make_timeline(4096, 4096).prefill == 3840);
  CHECK(make_timeline(1024, 100).prefill == 974);
  CHECK(make_timeline(1024, 101).prefill == 974);
  CHECK(make_timeline(1024, 100, {.prefill = 1000}).prefill == 1000);
}

TEST_CASE("timeline: first_recent moves in whole blocks and leaves 32 tokens exact") {
  for (const std::size_t block : {16u, 48u, 128u}) {
    for (const std::size_t sinks : {0u, 8u, 13u}) {
      const Timeline timeline{.tokens = 1000,
                              .query_tokens = 100,
                              .prefill = 950,
                              .sinks = sinks,
                              .append_block = block};
      std::size_t previous = sinks;
      for (std::size_t t = sinks; t < 1000; ++t) {
        const std::size_t first = timeline.first_recent(t);
        CHECK(first >= previous);
        CHECK((first - sinks) % block == 0);
        const bool nothing_encoded = first == sinks;
        const bool keeps_32 = first + 31 <= t;
        const bool next_block_would_not = first + block + 31 > t;
        CHECK((nothing_encoded || keeps_32));
        CHECK(next_block_would_not);
        previous = first;
      }
      CHECK(timeline.encoded() == previous - sinks);
    }
  }
}

TEST_CASE("timeline: evaluated queries are evenly spaced and end at the last token") {
  const Timeline timeline = make_timeline(4096, 512);
  CHECK(default_query_count(timeline) == 16);
  const auto queries = evaluated_queries(timeline, 16);
  REQUIRE(queries.size() == 16);
  for (std::size_t i = 0; i < 16; ++i) CHECK(queries[i] == 3840 + 16 * (i + 1) - 1);
  CHECK(evaluated_queries(timeline, 1) == std::vector<std::size_t>{4095});
  CHECK(evaluated_queries(timeline, 256).front() == 3840);
  CHECK(evaluated_queries(make_timeline(200, 10, {.append_block = 16}), 3) ==
        std::vector<std::size_t>{195, 197, 199});
}

TEST_CASE("timeline: a short file has fewer default queries") {
  CHECK(default_query_count(make_timeline(200, 10, {.append_block = 16})) == 5);
}

TEST_CASE("timeline: what cannot be evaluated is refused with a sentence") {
  const Timeline timeline = make_timeline(4096, 512);
  CHECK(sentence_of([&] { evaluated_queries(timeline, 257); }) ==
        "257 queries were asked for, but only 256 tokens follow the prefill of 3840");
  CHECK(sentence_of([&] { evaluated_queries(timeline, 0); }) ==
        "at least one query must be evaluated");
  CHECK(mentions(sentence_of([] { make_timeline(4096, 1); }), "leaves no query to evaluate"));
  CHECK(mentions(sentence_of([] { make_timeline(100, 10, {.prefill = 100}); }),
                 "leaves no query to evaluate"));
  CHECK(mentions(sentence_of([] { make_timeline(100, 101); }), "more queries (101) than tokens"));
  const Timeline early = make_timeline(1000, 100, {.prefill = 500});
  CHECK(mentions(sentence_of([&] { evaluated_queries(early, 16); }), "is not in the file"));
  CHECK(evaluated_queries(early, 1) == std::vector<std::size_t>{999});
}

TEST_CASE("timeline: a file that leaves nothing to quantize is refused with advice") {
  CHECK(mentions(sentence_of([] { make_timeline(160, 16); }),
                 "an append block of at most 112 tokens would"));
  CHECK(make_timeline(160, 16, {.append_block = 112}).encoded() == 112);
  CHECK(mentions(sentence_of([] { make_timeline(50, 16); }), "too short for any append block"));
  CHECK(mentions(sentence_of([] { make_timeline(10, 4); }), "leaves no token to cluster"));
  CHECK(mentions(sentence_of([] { make_timeline(1000, 64, {.sinks = 968}); }),
                 "leaves no token to cluster"));
}

TEST_CASE("timeline: the append block is a positive multiple of 16") {
  for (const std::size_t block : {0u, 8u, 17u, 100u}) {
    CHECK(mentions(sentence_of([&] { make_timeline(4096, 512, {.append_block = block}); }),
                   "positive multiple of 16"));
  }
}
