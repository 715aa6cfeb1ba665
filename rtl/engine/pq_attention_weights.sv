// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "pq_assert.svh"

// pq_attention_weights: scores of a tile's tokens from what the lanes look up, and from the scores
// the tokens' softmax weights.
//
//   entries_i --> pq_score_sum --> pq_score --> pq_softmax --> weight_o, maximum_o, weight_sum_o
//                       |             ^
//                       \-advance-> pq_bias <-- reg_data_i
//
// SCORE appends a score for each token, and ACCUMULATE takes the weights in the order of the
// tokens. Both mark a word of codes with the cycle in which the lanes look it up: entries_i follows
// a cycle later, and so do the lanes' additions of weight_o, which stays until the last word of its
// token has been added.
//
// Formats     entry: signed EntryWidth, fraction table_fraction_i; bias, score, maximum, weight and
//             sum as in pq_score and pq_softmax
// Latency     score_i with last_word_i to maximum_o: ceil(log2(Lanes) / 2) + 6 cycles;
//             accumulate_i with last_word_i to the next weight_o: 2 cycles; start_weights_i to
//             weight_o: 5 steps of fill_i
// Throughput  1 word per cycle
// Golden      aqpim::golden::score_sum(), Bias, score(), maximum(), exp2()   sw/golden/score_sum.h,
//             sw/golden/bias.h, sw/golden/score.h, sw/golden/maximum.h, sw/golden/exp2.h
module pq_attention_weights #(
  parameter  int unsigned WordBits      = 256,
  parameter  int unsigned Lanes         = 32,
  parameter  int unsigned TokenWords    = 1,
  parameter  int unsigned EntryWidth    = 16,
  parameter  int unsigned ScoreWidth    = 16,
  parameter  int unsigned ScoreFraction = 8,
  parameter  int unsigned ScoreDepth    = 2048,
  parameter  int unsigned BiasDepth     = 256,
  parameter  int unsigned WeightWidth   = 14,
  localparam int unsigned BucketWidth   = WeightWidth + $clog2(ScoreDepth),
  localparam int unsigned MaximumWidth  = ScoreWidth - ScoreFraction + 1
) (
  input  wire logic                        clk_i,
  input  wire logic                        rst_ni,
  input  wire logic                        busy_i,            // otherwise nothing is on its way
  // Registers
  input  wire logic                        bias_write_i,
  input  wire logic [7:0]                  reg_index_i,
  input  wire logic [WordBits-1:0]         reg_data_i,
  input  wire logic [3:0]                  table_fraction_i,
  // Operations
  input  wire logic                        start_score_i,     // a SCORE starts
  input  wire logic                        first_i,           // start_score_i: a new tile
  input  wire logic [7:0]                  tile_run_i,        // tokens per bias
  input  wire logic                        start_weights_i,   // an ACCUMULATE starts
  input  wire logic                        fill_i,            // fetch weights ahead
  // Words of codes
  input  wire logic                        score_i,           // SCORE looks up a word of codes
  input  wire logic                        accumulate_i,      // ACCUMULATE looks one up
  input  wire logic                        first_word_i,      // the word is its token's first
  input  wire logic                        last_word_i,       // the word is its token's last
  input  wire logic [Lanes*EntryWidth-1:0] entries_i,         // signed, each; a cycle after score_i
  output logic                             saturated_o,       // pulse: a score did not fit
  output logic      [WeightWidth-1:0]      weight_o,
  output logic      [MaximumWidth-1:0]     maximum_o,         // signed
  output logic      [BucketWidth-1:0]      weight_sum_o
);

  localparam int unsigned SumWidth   = EntryWidth + $clog2(Lanes * TokenWords);
  localparam int unsigned IndexWidth = $clog2(BiasDepth * 16 / WordBits);
  localparam int unsigned ExtraWidth = $clog2(16 - ScoreFraction);   // table over score fraction

  // A word whose entries are there, or whose weight is added
  logic                    score_q, first_word_q, last_word_q, use_q;
  logic                    sum_valid, score_valid, clipped;
  logic [SumWidth-1:0]     sum;
  logic [15:0]             bias;
  logic [ScoreWidth-1:0]   score;
  logic [ExtraWidth-1:0]   extra_fraction;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      score_q <= 1'b0;
      use_q   <= 1'b0;
    end else begin
      score_q <= score_i;
      use_q   <= accumulate_i && last_word_i;
    end
  end

  always_ff @(posedge clk_i) begin
    first_word_q <= first_word_i;
    last_word_q  <= last_word_i;
  end

  pq_score_sum #(
    .Lanes      (Lanes),
    .TokenWords (TokenWords),
    .EntryWidth (EntryWidth)
  ) u_score_sum (
    .clk_i,
    .rst_ni,
    .valid_i   (score_q),
    .first_i   (first_word_q),
    .last_i    (last_word_q),
    .entries_i,
    .valid_o   (sum_valid),
    .sum_o     (sum)
  );

  logic unused_index;
  assign unused_index = ^reg_index_i;

  pq_bias #(
    .WordBits  (WordBits),
    .BiasDepth (BiasDepth)
  ) u_bias (
    .clk_i,
    .rst_ni,
    .write_i       (bias_write_i),
    .write_index_i (reg_index_i[IndexWidth-1:0]),
    .write_data_i  (reg_data_i),
    .start_i       (start_score_i),
    .first_i,
    .run_i         (tile_run_i),
    .advance_i     (sum_valid),
    .bias_o        (bias)
  );

  assign extra_fraction = ExtraWidth'(table_fraction_i - 4'(ScoreFraction));

  pq_score #(
    .SumWidth   (SumWidth),
    .ScoreWidth (ScoreWidth),
    .ExtraWidth (ExtraWidth)
  ) u_score (
    .clk_i,
    .rst_ni,
    .valid_i     (sum_valid),
    .sum_i       (sum),
    .bias_i      (bias),
    .extra_i     (extra_fraction),
    .valid_o     (score_valid),
    .score_o     (score),
    .saturated_o (clipped)
  );

  assign saturated_o = score_valid && clipped;

  pq_softmax #(
    .ScoreWidth    (ScoreWidth),
    .ScoreFraction (ScoreFraction),
    .ScoreDepth    (ScoreDepth),
    .WeightWidth   (WeightWidth)
  ) u_softmax (
    .clk_i,
    .rst_ni,
    .start_tile_i  (start_score_i && first_i),
    .score_valid_i (score_valid),
    .score_i       (score),
    .start_weights_i,
    .fill_i,
    .use_i         (use_q),
    .weight_o,
    .maximum_o,
    .weight_sum_o
  );

  `AQ_ASSERT(a_drained_scores, busy_i || !(score_i || score_q || sum_valid || score_valid), clk_i,
             !rst_ni)
  `AQ_ASSERT(a_drained_weights, busy_i || !(accumulate_i || use_q), clk_i, !rst_ni)

endmodule

`default_nettype wire
