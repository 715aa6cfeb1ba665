// SPDX-License-Identifier: Apache-2.0
//
// One lane's memory: look-up tables, then weight buckets; twin of rtl/engine/pq_table_lane.sv.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace aqpim::golden {

// A word is an entry or a bucket. Writing an entry empties the bucket, so buckets start at zero
// after TABLE; take() leaves an empty bucket, so they start at zero after COMBINE.
class TableLane {
 public:
  // `depth` empty buckets (in hardware: undefined until each was written by TABLE).
  explicit TableLane(std::size_t depth) : words_(depth) {}

  // TABLE: stores an entry.
  void write(std::size_t address, std::int32_t entry) { words_.at(address) = {entry, 0}; }

  // SCORE: the entry. The word must not have become a bucket since.
  std::int32_t lookup(std::size_t address) const { return words_.at(address).entry; }

  // ACCUMULATE: adds a weight to the bucket. Exact: a tile's weights fit BucketWidth.
  void add(std::size_t address, std::uint32_t weight) { words_.at(address).bucket += weight; }

  // COMBINE: the bucket, which is empty then.
  std::uint32_t take(std::size_t address) { return std::exchange(words_.at(address).bucket, 0); }

 private:
  struct Word {
    std::int32_t entry = 0;
    std::uint32_t bucket = 0;
  };

  std::vector<Word> words_;
};

}  // namespace aqpim::golden
