// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// pq_exp2: weight = 2^argument for argument <= 0, by an 8-entry table with linear interpolation.
//
//   argument_i --> [ table, reg ] --> [ interpolate, reg ] --> [ shift, reg ] --> weight_o
//
// Formats     argument: signed ArgumentWidth, ArgumentFraction fraction bits, never positive
//             table: u0.12, 2^(i/8) - 1; interpolated: u1.17; weight: u0.WeightWidth, saturated
// Latency     3 steps; a step is a cycle with advance_i     Throughput  1 weight per step
// Golden      aqpim::golden::exp2()   sw/golden/exp2.h
module pq_exp2 #(
  parameter int unsigned ArgumentWidth    = 17,
  parameter int unsigned ArgumentFraction = 8,
  parameter int unsigned WeightWidth      = 14
) (
  input  wire logic                     clk_i,
  input  wire logic                     advance_i,    // all stages move
  input  wire logic [ArgumentWidth-1:0] argument_i,   // signed
  output logic      [WeightWidth-1:0]   weight_o      // unsigned
);

  localparam int unsigned IntegerWidth  = ArgumentWidth - ArgumentFraction;
  localparam int unsigned MantissaShift = 17 - WeightWidth;  // u1.17 to u0.WeightWidth
  localparam int unsigned MaxShift      = 31;                // every mantissa has vanished by then

  if (ArgumentFraction < 4 || ArgumentFraction > 8 || IntegerWidth < 6) begin : gen_bad_argument
    $error("pq_exp2: ArgumentFraction must be 4 to 8, with at least 6 integer bits above it");
  end

  logic [7:0]              fraction;
  logic [11:0]             base, base_q;
  logic [9:0]              slope, slope_q;
  logic [4:0]              rest_q;     // of the fraction, below the table's steps
  logic [IntegerWidth-1:0] distance;   // -argument, rounded up to an integer

  assign fraction = 8'(argument_i[ArgumentFraction-1:0]) << (8 - ArgumentFraction);
  assign distance = -argument_i[ArgumentWidth-1:ArgumentFraction];

  always_comb begin
    unique case (fraction[7:5])
      3'd0: begin base = 12'd0;    slope = 10'd371; end
      3'd1: begin base = 12'd371;  slope = 10'd404; end
      3'd2: begin base = 12'd775;  slope = 10'd441; end
      3'd3: begin base = 12'd1216; slope = 10'd481; end
      3'd4: begin base = 12'd1697; slope = 10'd524; end
      3'd5: begin base = 12'd2221; slope = 10'd572; end
      3'd6: begin base = 12'd2793; slope = 10'd623; end
      default: begin base = 12'd3416; slope = 10'd680; end
    endcase
  end

  logic [17:0]          mantissa_q;    // u1.17
  logic [4:0]           shift_q, shift_q2;
  logic [WeightWidth:0] weight;        // signed, never negative
  logic                 unused_saturated, unused_sign;

  always_ff @(posedge clk_i) begin
    if (advance_i) begin
      base_q     <= base;
      slope_q    <= slope;
      rest_q     <= fraction[4:0];
      mantissa_q <= {1'b1, base_q, 5'd0} + 18'(slope_q) * 18'(rest_q);
      shift_q2   <= shift_q;
      shift_q    <= distance > IntegerWidth'(MaxShift - MantissaShift)
                    ? 5'(MaxShift) : 5'(distance) + 5'(MantissaShift);
    end
  end

  pq_round_saturate #(
    .InWidth    (19),
    .ShiftWidth (5),
    .OutWidth   (WeightWidth + 1)
  ) u_round (
    .valid_i     (advance_i),
    .value_i     ({1'b0, mantissa_q}),
    .shift_i     (shift_q2),
    .result_o    (weight),
    .saturated_o (unused_saturated)    // only 1.0 itself
  );

  assign unused_sign = weight[WeightWidth];

  always_ff @(posedge clk_i) begin
    if (advance_i) weight_o <= weight[WeightWidth-1:0];
  end

endmodule

`default_nettype wire
