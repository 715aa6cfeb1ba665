// SPDX-License-Identifier: Apache-2.0
// The shape of a pseudo-channel: which engines sit next to which banks, and how data lie in them.
// docs/channel.md; the RTL parameters of pq_channel.
#pragma once

#include <cstddef>
#include <string>

#include "sw/config/config.h"
#include "sw/config/memory.h"

namespace aqpim::config {

struct ChannelShape {
  EngineConfig engine;
  MemoryOrganization memory;      // ranks: those that have engines, 1 or 2
  unsigned banks_per_engine = 1;  // 1 or 2

  bool operator==(const ChannelShape&) const = default;

  unsigned engines() const { return memory.banks() / banks_per_engine; }  // of a rank
  unsigned words_per_beat() const { return 8 * kBeatBytes / engine.word_bits; }
  // Beats of one token's codes, and tokens of a row of codes (of both rows of a bank pair).
  unsigned beats_per_token() const {
    return engine.subspaces() * engine.code_bits / (8 * kBeatBytes);
  }
  unsigned tokens_per_row() const { return memory.columns * banks_per_engine / beats_per_token(); }
  unsigned codebook_beats() const { return engine.centroids() * engine.head_dim / kBeatBytes; }
  // Rows of a codebook: striped over the banks of a rank, or in the bank or banks of one engine.
  unsigned striped_codebook_rows() const { return rows_of(codebook_beats(), memory.banks()); }
  unsigned local_codebook_rows() const { return rows_of(codebook_beats(), banks_per_engine); }
  unsigned code_rows(unsigned tokens) const {
    return (tokens + tokens_per_row() - 1) / tokens_per_row();
  }
  // Rows of a slice of raw tokens and their weights.
  unsigned raw_rows(unsigned tokens) const {
    const unsigned words =
        tokens * engine.slice_words() + (tokens + engine.word_bytes() - 1) / engine.word_bytes();
    return rows_of((words + words_per_beat() - 1) / words_per_beat(), banks_per_engine);
  }

  // Beats of the registers of a query or vector, of results, and of a slice's centroids.
  unsigned shift_beats() const { return (engine.subspaces() + kBeatBytes - 1) / kBeatBytes; }
  unsigned query_beats() const { return 2 * engine.head_dim / kBeatBytes; }
  unsigned result_beats() const { return 5 * engine.head_dim / kBeatBytes + 1; }
  unsigned slice_beats() const {
    return engine.centroids() * engine.slice_words() / words_per_beat();
  }
  unsigned element_beats() const {
    return engine.centroids() * engine.slice_channels() / kBeatBytes;
  }

  // The i-th engine of a transfer to or from all engines: bank groups take turns.
  unsigned engine_in_turn(unsigned i) const {
    return i % memory.bank_groups * (engines() / memory.bank_groups) + i / memory.bank_groups;
  }
  // The bank of striped beat i, likewise.
  unsigned bank_in_turn(unsigned i) const {
    const unsigned turn = i % memory.banks();
    return turn % memory.bank_groups * memory.banks_per_group + turn / memory.bank_groups;
  }

  // Rows that `beats` fill in `banks` banks side by side.
  unsigned rows_of(unsigned beats, unsigned banks) const {
    return (beats + memory.columns * banks - 1) / (memory.columns * banks);
  }
};

// Why the RTL has no pseudo-channel of this shape, as a sentence; empty if it has. Other tools
// hear it from sim/shapes.cpp, and the RTL of rtl/channel checks the same at elaboration.
std::string obstacle_of(const ChannelShape& shape);

}  // namespace aqpim::config
