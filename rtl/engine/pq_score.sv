// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// pq_score: adds the token's bias to its sum and rounds to the score format.
//
//   sum_i --> [ + bias_i << extra_i, reg ] --> [ round_saturate by extra_i, reg ] --> score_o
//
// Formats     sum: signed SumWidth, fraction ScoreFraction + extra
//             bias: signed ScoreWidth, score: signed ScoreWidth, both of fraction ScoreFraction
// Latency     2 cycles                       Throughput  1 token per cycle
// Golden      aqpim::golden::score()   sw/golden/score.h
module pq_score #(
  parameter int unsigned SumWidth   = 21,
  parameter int unsigned ScoreWidth = 16,
  parameter int unsigned ExtraWidth = 3
) (
  input  wire logic                  clk_i,
  input  wire logic                  rst_ni,
  input  wire logic                  valid_i,
  input  wire logic [SumWidth-1:0]   sum_i,         // signed
  input  wire logic [15:0]           bias_i,        // signed
  input  wire logic [ExtraWidth-1:0] extra_i,       // fraction bits of the table beyond the score's
  output logic                       valid_o,
  output logic      [ScoreWidth-1:0] score_o,       // signed
  output logic                       saturated_o    // belongs to score_o
);

  localparam int unsigned BiasWidth  = 16 + (1 << ExtraWidth) - 1;
  localparam int unsigned TotalWidth = (SumWidth > BiasWidth ? SumWidth : BiasWidth) + 1;

  logic                  valid_q;
  logic [TotalWidth-1:0] total_q;
  logic [ScoreWidth-1:0] score;
  logic                  saturated;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      valid_q <= 1'b0;
      valid_o <= 1'b0;
    end else begin
      valid_q <= valid_i;
      valid_o <= valid_q;
    end
  end

  always_ff @(posedge clk_i) begin
    if (valid_i) begin
      total_q <= TotalWidth'($signed(sum_i)) + (TotalWidth'($signed(bias_i)) << extra_i);
    end
    score_o     <= score;
    saturated_o <= saturated;
  end

  pq_round_saturate #(
    .InWidth    (TotalWidth),
    .ShiftWidth (ExtraWidth),
    .OutWidth   (ScoreWidth)
  ) u_round (
    .valid_i     (valid_q),
    .value_i     (total_q),
    .shift_i     (extra_i),
    .result_o    (score),
    .saturated_o (saturated)
  );

endmodule

`default_nettype wire
