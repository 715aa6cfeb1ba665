// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// round_saturate: pq_round_saturate gives the integer that inequalities ask for.
//
//   1. saturated_o says whether value / 2^shift, rounded, is beyond the result's range, and then
//      its end is the result
//   2. otherwise the result is an integer nearest to value / 2^shift, and the even one of two
//   3. without a value, result and flag are 0
module round_saturate #(
  parameter int unsigned InWidth    = 22,
  parameter int unsigned ShiftWidth = 4,
  parameter int unsigned OutWidth   = 16
) (
  input wire logic                  clk_i,
  input wire logic                  valid_i,
  input wire logic [InWidth-1:0]    value_i,
  input wire logic [ShiftWidth-1:0] shift_i
);

  localparam int unsigned Wide = InWidth + OutWidth + (1 << ShiftWidth) + 2;

  logic [OutWidth-1:0]    result;
  logic                   saturated;
  logic signed [Wide-1:0] twice, one, end_up, end_down, off;    // in units of 2^-1

  pq_round_saturate #(.InWidth (InWidth), .ShiftWidth (ShiftWidth), .OutWidth (OutWidth)) u_dut (
    .valid_i, .value_i, .shift_i, .result_o (result), .saturated_o (saturated));

  assign twice    = Wide'($signed(value_i)) <<< 1;
  assign one      = Wide'(1) <<< shift_i;
  assign end_up   = ((Wide'(1) <<< OutWidth) - 1) <<< shift_i;     // 2 max + 1: a tie, max is odd
  assign end_down = -(((Wide'(1) <<< OutWidth) + 1) <<< shift_i);  // 2 min - 1: a tie, min is even
  assign off      = twice - (Wide'($signed(result)) <<< shift_i <<< 1);

  always_ff @(posedge clk_i) begin
    if (!valid_i) begin
      rule_3: assert (result == '0 && !saturated);
    end else begin
      rule_1: assert (saturated == (twice >= end_up || twice < end_down)
                      && (!saturated
                          || result == {value_i[InWidth-1], {(OutWidth-1) {!value_i[InWidth-1]}}}));
      rule_2: assert (saturated || (off <= one && off >= -one
                                    && (!result[0] || (off != one && off != -one))));
    end
    cover (valid_i && saturated && value_i[InWidth-1]);
  end

endmodule

`default_nettype wire
