// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "pq_assert.svh"

// pq_attend_softmax: keeps a window's scores and their maximum, then turns them into weights whose
// sum fits a bucket.
//
//   scores_i -+-> pq_attend_scores --\                               /--> weights_o
//             +-----------(SCORE)-----+-> [ - exponent, reg ] -> pq_exp2 x Slots
//             \-> [ largest ] -> [ round up, + coarse ] -^           \--> pq_attend_weight_sum
//                                          ^------coarse---------------------/
//
// SCORE writes; meanwhile the exponentials, which have nothing else to do, give each score's weight
// under the maximum so far, for the bound on the weight sum. ACCUMULATE reads. Weights are powers
// of two under the window's exponent: the maximum, or as much more as the buckets need. They are
// fetched ahead of the codes: five steps of fill_i put the first ones into weights_o; each use_i
// then brings the next ones. No code has to wait.
//
// Shapes      up to TileDepth tokens of a window, Slots at a time; of the last ones some may be
//             missing
// Formats     score: signed ScoreWidth, fraction ScoreFraction (log2 domain); exponent: signed
//             integer, at least the largest score; weight: u0.WeightWidth; sum: the same fraction
// Latency     scores_i to the last of their effects on exponent_o and weights: 7 cycles;
//             start_weights_i to weights_o: 5 steps of fill_i, start_weights_i to exponent_o:
//             1 cycle; use_i to sum_o: 2 cycles
// Throughput  Slots scores or weights per cycle
// Golden      aqpim::golden::maximum(), WeightBound, aqpim::golden::exp2()   sw/golden/maximum.h,
//             sw/golden/weight_bound.h, sw/golden/exp2.h
module pq_attend_softmax #(
  parameter  int unsigned ScoreWidth    = 16,
  parameter  int unsigned ScoreFraction = 8,
  parameter  int unsigned TileDepth     = 1024,
  parameter  int unsigned WeightWidth   = 14,
  parameter  int unsigned BucketWidth   = 16,
  parameter  int unsigned Slots         = 1,
  localparam int unsigned SumWidth      = WeightWidth + $clog2(TileDepth) + 1,
  localparam int unsigned MaximumWidth  = ScoreWidth - ScoreFraction + 1
) (
  input  wire logic                         clk_i,
  input  wire logic                         rst_ni,
  input  wire logic                         start_tile_i,      // forget the last window
  input  wire logic [Slots-1:0]             score_valid_i,     // the first one, or all
  input  wire logic [Slots*ScoreWidth-1:0]  scores_i,          // signed
  input  wire logic                         flush_i,           // the scores are complete
  input  wire logic                         start_weights_i,   // 7 cycles after the last score
  input  wire logic                         fill_i,            // fetch ahead
  input  wire logic [Slots-1:0]             use_i,             // weights_o are used, for the last
                                                               // time
  output logic      [Slots*WeightWidth-1:0] weights_o,
  output logic      [MaximumWidth-1:0]      exponent_o,        // signed
  output logic      [SumWidth-1:0]          sum_o
);

  // Down to the lowest score under the highest exponent, as no argument is positive.
  localparam int unsigned ArgumentWidth = ScoreWidth + 1;
  localparam logic [ScoreWidth-1:0] LowestScore = {1'b1, {(ScoreWidth - 1) {1'b0}}};

  logic                        scoring_q, advance;
  logic [ScoreWidth-1:0]       largest_q, best;      // best: of the new scores
  logic [Slots-1:0]            valid_q;
  logic [Slots*ScoreWidth-1:0] scores_q, stored;
  logic [3:0]                  coarse;

  assign advance = fill_i || |use_i || scoring_q;

  // ---- Largest score, exponent ------------------------------------------------------------------

  if (Slots == 1) begin : gen_one
    assign best = scores_i;
  end else begin : gen_two
    logic [ScoreWidth-1:0] first, second;
    assign {second, first} = scores_i;
    assign best = score_valid_i[1] && $signed(second) > $signed(first) ? second : first;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      largest_q <= LowestScore;
      scoring_q <= 1'b0;
      valid_q   <= '0;
    end else if (start_tile_i) begin
      largest_q <= LowestScore;
      scoring_q <= 1'b1;
      valid_q   <= '0;
    end else begin
      valid_q <= score_valid_i;
      if (start_weights_i) scoring_q <= 1'b0;
      if (score_valid_i[0] && $signed(best) > $signed(largest_q)) largest_q <= best;
    end
  end

  // While scores come, coarse is 0: then this is the maximum.
  assign exponent_o = {largest_q[ScoreWidth-1], largest_q[ScoreWidth-1:ScoreFraction]}
                    + MaximumWidth'(coarse) + MaximumWidth'(|largest_q[ScoreFraction-1:0]);

  // ---- Weights ----------------------------------------------------------------------------------

  pq_attend_scores #(
    .ScoreWidth (ScoreWidth),
    .TileDepth  (TileDepth),
    .Slots      (Slots)
  ) u_scores (
    .clk_i,
    .rst_ni,
    .start_tile_i,
    .write_i      (score_valid_i[0]),
    .scores_i,
    .flush_i,
    .start_read_i (start_weights_i),
    .read_i       (fill_i || |use_i),
    .scores_o     (stored)
  );

  always_ff @(posedge clk_i) begin
    if (score_valid_i[0]) scores_q <= scores_i;
  end

  // Scores fetched beyond the last one give weights that are never used.
  for (genvar s = 0; s < Slots; s++) begin : gen_slot
    logic [ScoreWidth-1:0]    score;
    logic [ArgumentWidth-1:0] argument_q;

    assign score = scoring_q ? scores_q[s*ScoreWidth +: ScoreWidth]
                             : stored[s*ScoreWidth +: ScoreWidth];

    always_ff @(posedge clk_i) begin
      if (advance) begin
        argument_q <= ArgumentWidth'($signed(score))
                    - (ArgumentWidth'($signed(exponent_o)) << ScoreFraction);
      end
    end

    pq_exp2 #(
      .ArgumentWidth    (ArgumentWidth),
      .ArgumentFraction (ScoreFraction),
      .WeightWidth      (WeightWidth)
    ) u_exp2 (
      .clk_i,
      .advance_i  (advance),
      .argument_i (argument_q),
      .weight_o   (weights_o[s*WeightWidth +: WeightWidth])
    );
  end

  pq_attend_weight_sum #(
    .WeightWidth  (WeightWidth),
    .TileDepth    (TileDepth),
    .BucketWidth  (BucketWidth),
    .Slots        (Slots),
    .MaximumWidth (MaximumWidth)
  ) u_weight_sum (
    .clk_i,
    .rst_ni,
    .start_tile_i,
    .start_weights_i,
    .valid_i         (valid_q),
    .maximum_i       (exponent_o),
    .use_i,
    .weights_i       (weights_o),
    .coarse_o        (coarse),
    .sum_o
  );

  `AQ_ASSERT(a_first_slot, score_valid_i == '0 || score_valid_i[0], clk_i, !rst_ni)
  `AQ_ASSERT_WHEN(a_sum_fits, |use_i, !(|(sum_o >> BucketWidth)), clk_i, !rst_ni)

endmodule

`default_nettype wire
