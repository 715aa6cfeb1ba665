// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "pq_assert.svh"

// pq_softmax: keeps a tile's scores and their maximum, then turns them into weights.
//
//   score_i -+-> [ score memory ] -> [ - maximum, reg ] -> pq_exp2 -> weight_o -> [ + ] -> sum_o
//            \-> [ largest ] -> [ round up to an integer ] -^
//
// SCORE writes; ACCUMULATE reads. The maximum is an integer, so that the host can bring tiles
// with different maxima together by shifts. Weights are fetched ahead of the words: five steps of
// fill_i put the first one into weight_o; each use_i then brings the next one. No code has to
// wait.
//
// Shapes      up to ScoreDepth tokens per tile
// Formats     score: signed ScoreWidth, fraction ScoreFraction (log2 domain); maximum: signed
//             integer, ceil(largest score); weight: u0.WeightWidth; sum: exact in BucketWidth
//             bits
// Latency     score_i to maximum_o: 2 cycles; start_weights_i to weight_o: 5 steps of fill_i
// Throughput  1 score or 1 weight per cycle
// Golden      aqpim::golden::maximum(), aqpim::golden::exp2()   sw/golden/maximum.h,
//             sw/golden/exp2.h
module pq_softmax #(
  parameter  int unsigned ScoreWidth    = 16,
  parameter  int unsigned ScoreFraction = 8,
  parameter  int unsigned ScoreDepth    = 2048,
  parameter  int unsigned WeightWidth   = 14,
  localparam int unsigned BucketWidth   = WeightWidth + $clog2(ScoreDepth),
  localparam int unsigned MaximumWidth  = ScoreWidth - ScoreFraction + 1
) (
  input  wire logic                    clk_i,
  input  wire logic                    rst_ni,
  input  wire logic                    start_tile_i,      // forget the last tile
  input  wire logic                    score_valid_i,
  input  wire logic [ScoreWidth-1:0]   score_i,           // signed
  input  wire logic                    start_weights_i,   // weights go on with the next token
  input  wire logic                    fill_i,            // fetch ahead
  input  wire logic                    use_i,             // weight_o is used for the last time
  output logic      [WeightWidth-1:0]  weight_o,
  output logic      [MaximumWidth-1:0] maximum_o,         // signed
  output logic      [BucketWidth-1:0]  weight_sum_o
);

  localparam int unsigned AddressWidth = $clog2(ScoreDepth);
  localparam logic [ScoreWidth-1:0] LowestScore = {1'b1, {(ScoreWidth - 1) {1'b0}}};

  logic [AddressWidth-1:0]  write_q, read_q, used_q;   // next score to write, to fetch, to use
  logic [ScoreWidth-1:0]    largest_q, score;
  logic [ScoreWidth:0]      argument_q;
  logic                     advance;

  assign advance = fill_i || use_i;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      write_q   <= '0;
      largest_q <= LowestScore;
    end else if (start_tile_i) begin
      write_q   <= '0;
      largest_q <= LowestScore;
    end else if (score_valid_i) begin
      write_q <= write_q + 1'b1;
      if ($signed(score_i) > $signed(largest_q)) largest_q <= score_i;
    end
  end

  always_ff @(posedge clk_i) begin
    maximum_o <= {largest_q[ScoreWidth-1], largest_q[ScoreWidth-1:ScoreFraction]}
               + {{(MaximumWidth - 1) {1'b0}}, |largest_q[ScoreFraction-1:0]};
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      read_q       <= '0;
      used_q       <= '0;
      weight_sum_o <= '0;
    end else if (start_tile_i) begin
      used_q       <= '0;
      weight_sum_o <= '0;
    end else if (start_weights_i) begin
      read_q <= used_q;
    end else begin
      if (advance) read_q <= read_q + 1'b1;
      if (use_i) begin
        used_q       <= used_q + 1'b1;
        weight_sum_o <= weight_sum_o + BucketWidth'(weight_o);
      end
    end
  end

  pq_memory #(
    .Depth      (ScoreDepth),
    .Width      (ScoreWidth),
    .SinglePort (1'b1)
  ) u_memory (
    .clk_i,
    .write_i         (score_valid_i),
    .write_address_i (write_q),
    .write_data_i    (score_i),
    .read_i          (advance),
    .read_address_i  (read_q),
    .read_data_o     (score)
  );

  // Scores fetched beyond the last one give arguments above zero; their weights are never used.
  always_ff @(posedge clk_i) begin
    if (advance) argument_q <= {score[ScoreWidth-1], score} - {maximum_o, {ScoreFraction{1'b0}}};
  end

  pq_exp2 #(
    .ArgumentWidth    (ScoreWidth + 1),
    .ArgumentFraction (ScoreFraction),
    .WeightWidth      (WeightWidth)
  ) u_exp2 (
    .clk_i,
    .advance_i  (advance),
    .argument_i (argument_q),
    .weight_o
  );

  `AQ_ASSERT(a_sum_exact, !use_i || weight_sum_o + BucketWidth'(weight_o) >= weight_sum_o,
             clk_i, !rst_ni)
  `AQ_ASSERT(a_single_port, !(score_valid_i && (advance || start_tile_i)), clk_i, !rst_ni)

endmodule

`default_nettype wire
