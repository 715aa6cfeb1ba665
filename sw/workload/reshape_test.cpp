// SPDX-License-Identifier: Apache-2.0
#include "sw/workload/reshape.h"

#include <doctest/doctest.h>

#include <vector>

#include "sw/workload/test_workload.h"

namespace {

using aqpim::workload::Head;
using aqpim::workload::with_channels_reversed;
using aqpim::workload::with_tokens;

// Three tokens of two channels, the queries of two query heads for the last two.
Head small_head() {
  Head head;
  head.name = "l1.h2";
  head.tokens = 3;
  head.head_dim = 2;
  head.groups = 2;
  head.query_tokens = 2;
  head.k = {0, 1, 10, 11, 20, 21};
  head.v = {100, 101, 110, 111, 120, 121};
  head.q = {1, 2, 3, 4, 5, 6, 7, 8};
  return head;
}

}  // namespace

TEST_CASE("reshape: a shorter context has the last tokens and their queries") {
  const Head head = with_tokens(small_head(), 1);
  CHECK(head.tokens == 1);
  CHECK(head.query_tokens == 1);
  CHECK(head.k == std::vector<float>{20, 21});
  CHECK(head.v == std::vector<float>{120, 121});
  CHECK(head.q == std::vector<float>{3, 4, 7, 8});
}

TEST_CASE("reshape: a longer context repeats the tokens before, not the queries") {
  const Head head = with_tokens(small_head(), 7);
  CHECK(head.tokens == 7);
  CHECK(head.query_tokens == 2);
  CHECK(head.k == std::vector<float>{20, 21, 0, 1, 10, 11, 20, 21, 0, 1, 10, 11, 20, 21});
  CHECK(head.q == small_head().q);
  CHECK(with_tokens(small_head(), 3).k == small_head().k);
}

TEST_CASE("reshape: heads of a workload get their new length when they are read") {
  Head other = small_head();
  other.name = "other";
  other.k[0] = 5;
  const auto workload = with_tokens(aqpim::test::make_workload("some", {small_head(), other}), 4);
  REQUIRE(workload.heads.size() == 2);
  CHECK(workload.heads[1].tokens == 4);
  CHECK(workload.heads[1].query_tokens == 2);
  const Head head = workload.read(workload.heads[1]);
  CHECK(head.tokens == 4);
  CHECK(head.k == with_tokens(other, 4).k);
  CHECK(head.k != with_tokens(small_head(), 4).k);
}

TEST_CASE("reshape: reversed channels are those of queries, keys and values") {
  const Head head = with_channels_reversed(small_head());
  CHECK(head.k == std::vector<float>{1, 0, 11, 10, 21, 20});
  CHECK(head.v == std::vector<float>{101, 100, 111, 110, 121, 120});
  CHECK(head.q == std::vector<float>{2, 1, 4, 3, 6, 5, 8, 7});
}
