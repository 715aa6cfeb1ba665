// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// weight_rounding: what a weight loses and gains by rounding, for all scores.
//
// A weight w of SCORE stands for at most w + 1. Given: an argument that pq_exp2 can have, and a
// number of `steps`, powers of two that the weight v of the same score is smaller by (the maximum
// has risen, the buckets ask for it).
//   1. v is at most the share of w + 1 that is left, and 1/2: v <= (w + 1) / 2^steps + 1/2
//   2. beyond 24 steps, v is 0
module weight_rounding (
  input wire logic clk_i
);

  localparam int unsigned ArgumentWidth = 17;
  localparam int unsigned WeightWidth   = 14;
  localparam int unsigned Vanished      = 24;     // no weight is left from here on
  localparam int unsigned Latency       = 3;
  localparam int unsigned Wide          = WeightWidth + Vanished + 3;

  (* anyconst *) logic [ArgumentWidth-1:0] distance;   // of the score from its maximum
  (* anyconst *) logic [8:0]               steps;
  logic [ArgumentWidth:0]                  farther;
  logic [WeightWidth-1:0]                  w, v;
  logic [2:0]                              cycle_q = '0;

  assign farther = (ArgumentWidth + 1)'(distance) + ((ArgumentWidth + 1)'(steps) << 8);

  pq_exp2 #(.ArgumentWidth (ArgumentWidth), .WeightWidth (WeightWidth)) u_weight (
    .clk_i (clk_i), .advance_i (1'b1), .argument_i (-distance), .weight_o (w));

  pq_exp2 #(.ArgumentWidth (ArgumentWidth), .WeightWidth (WeightWidth)) u_smaller (
    .clk_i (clk_i), .advance_i (1'b1), .argument_i (-farther[ArgumentWidth-1:0]),
    .weight_o (v));

  // Arguments are never positive: so their whole steps reach down to -511.
  always_comb assume (farther <= (ArgumentWidth + 1)'(511 << 8));

  always_ff @(posedge clk_i) begin
    cycle_q <= cycle_q == 3'(Latency + 1) ? cycle_q : cycle_q + 1'b1;
    if (cycle_q > 3'(Latency)) begin
      if (32'(steps) > Vanished) rule_2: assert (v == '0);
      else rule_1: assert ((Wide'({v, 1'b0}) << steps)
                   <= Wide'({w, 1'b0}) + Wide'(2) + (Wide'(1) << steps));
    end
  end

endmodule

`default_nettype wire
