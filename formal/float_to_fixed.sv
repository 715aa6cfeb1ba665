// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// float_to_fixed: pq_float_to_fixed against the definition of its numbers, for all inputs.
//
// Given: a fraction of at most 30. Followed is one number, which is any. x is its exact value, in
// units of the least subnormal.
//   1. a NaN gives 0, an infinity the end of the range, both with nonfinite_o
//   2. a finite x whose x * 2^fraction, rounded, is beyond the range gives its end and saturated_o
//   3. any other gives an integer nearest to x * 2^fraction, the even one of two
//   4. without a number the result is 0
module float_to_fixed #(
  parameter bit          Bfloat16 = 1'b0,
  parameter int unsigned Width    = 12
) (
  input wire logic        clk_i,
  input wire logic        valid_i,
  input wire logic [15:0] float_i,
  input wire logic [4:0]  fraction_i,
  input wire logic        follow_i    // the number that comes
);

  // x * 2^fraction = twice / 2^(Unit + 1)
  localparam int unsigned Unit = Bfloat16 ? 133 : 24;
  localparam int unsigned Wide = 12 + (Bfloat16 ? 254 : 30) + 30 + 4;

  logic [Width-1:0]       value;
  logic                   nonfinite, saturated, valid_q;
  logic [15:0]            float_q;
  logic [4:0]             fraction_q;
  logic [1:0]             age_q = '0;    // 0: no number is followed
  logic [7:0]             exponent;
  logic [10:0]            mantissa;
  logic                   infinite;
  logic signed [Wide-1:0] magnitude, twice, result, off, end_up, end_down, one;

  pq_float_to_fixed #(.Width (Width)) u_dut (
    .clk_i, .valid_i, .float_i, .bfloat16_i (Bfloat16), .fraction_i, .value_o (value),
    .nonfinite_o (nonfinite), .saturated_o (saturated));

  assign exponent  = Bfloat16 ? float_q[14:7] : {3'b0, float_q[14:10]};
  assign infinite  = Bfloat16 ? exponent == 8'd255 : exponent == 8'd31;
  assign mantissa  = Bfloat16 ? {3'b0, exponent != '0, float_q[6:0]}
                              : {exponent != '0, float_q[9:0]};
  assign magnitude = Wide'({1'b0, mantissa}) << (exponent == '0 ? 8'd1 : exponent) << fraction_q;
  assign twice     = float_q[15] ? -magnitude : magnitude;
  assign one       = Wide'(1) << Unit;
  assign result    = Wide'($signed(value)) <<< (Unit + 1);
  assign off       = twice - result;
  assign end_up    = ((Wide'(1) <<< Width) - 1) <<< Unit;
  assign end_down  = -(((Wide'(1) <<< Width) + 1) <<< Unit);

  always_comb assume (fraction_i <= 5'd30);

  always_ff @(posedge clk_i) begin
    if (age_q == '0) begin
      age_q <= 2'(follow_i);
      {valid_q, float_q, fraction_q} <= {valid_i, float_i, fraction_i};
    end else begin
      age_q <= age_q == 2'd2 ? '0 : age_q + 1'b1;
    end
    assert (age_q != 2'd3);
    assert (age_q == '0 || fraction_q <= 5'd30);
    if (age_q == 2'd2) begin
      if (!valid_q) begin
        rule_4: assert (value == '0 && !saturated);
      end else if (infinite) begin
        rule_1: assert (nonfinite && (|(Bfloat16 ? {3'b0, float_q[6:0]} : float_q[9:0])
                        ? value == '0 : value == {float_q[15], {(Width - 1) {!float_q[15]}}}));
      end else if (twice >= end_up || twice < end_down) begin
        rule_2: assert (!nonfinite && saturated
                        && value == {float_q[15], {(Width - 1) {!float_q[15]}}});
      end else begin
        rule_3: assert (!nonfinite && !saturated && off <= one && off >= -one
                        && (!value[0] || (off != one && off != -one)));
      end
      cover (valid_q && exponent == '0 && value == 12'd1);
    end
  end

endmodule

`default_nettype wire
