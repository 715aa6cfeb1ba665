// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// exp2_monotone: pq_exp2 never gives a smaller weight for a larger argument.
//
// Given: arguments that are not positive. Followed are two of them, any.
//   1. the weight of the larger is at least that of the smaller
//   2. 0 has the largest weight
module exp2_monotone #(
  localparam int unsigned ArgumentWidth = 17,
  localparam int unsigned WeightWidth   = 14
) (
  input wire logic clk_i
);

  (* anyconst *) logic [ArgumentWidth-1:0] far, near;    // below 0
  logic [WeightWidth-1:0] low, high, top;
  logic [2:0]             cycle_q = '0;

  pq_exp2 u_low  (.clk_i, .advance_i (1'b1), .argument_i (-far), .weight_o (low));
  pq_exp2 u_high (.clk_i, .advance_i (1'b1), .argument_i (-near), .weight_o (high));
  pq_exp2 u_top  (.clk_i, .advance_i (1'b1), .argument_i ('0), .weight_o (top));

  always_comb assume (far >= near && 32'(far) <= 1 << (ArgumentWidth - 1));

  always_ff @(posedge clk_i) begin
    cycle_q <= cycle_q == 3'd4 ? cycle_q : cycle_q + 1'b1;
    if (cycle_q == 3'd4) begin
      rule_1: assert (high >= low);
      rule_2: assert (top >= high);
      cover (low != '0 && high > low && top > high);
    end
  end

endmodule

`default_nettype wire
