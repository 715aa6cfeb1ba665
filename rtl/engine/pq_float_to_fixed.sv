// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// pq_float_to_fixed: converts one binary16 or bfloat16 number to signed fixed point.
//
//   float_i --> [ unpack, reg ] --> [ sign, place, reg ] --> [ round, saturate ] --> value_o
//
// Formats     in: binary16 (s e5 m10) or bfloat16 (s e8 m7), subnormals included
//             out: signed, Width bits, of which fraction_i are fraction bits
//             value = saturate(round_half_even(x * 2^fraction)); NaN gives 0, infinity saturates,
//             both raise nonfinite_o
// Latency     2 cycles                       Throughput  1 per cycle
// Golden      aqpim::golden::float_to_fixed()   sw/golden/float_to_fixed.h
module pq_float_to_fixed #(
  parameter int unsigned Width = 12
) (
  input  wire logic             clk_i,
  input  wire logic             valid_i,       // there is a number; otherwise nothing switches
  input  wire logic [15:0]      float_i,
  input  wire logic             bfloat16_i,    // 1: bfloat16, 0: binary16
  input  wire logic [4:0]       fraction_i,    // fraction bits of the result, 0 to 30
  output logic      [Width-1:0] value_o,       // signed; 0 without a number
  output logic                  nonfinite_o,   // NaN or infinity
  output logic                  saturated_o    // 0 without a number
);

  if (Width < 4 || Width > 12) begin : gen_bad_width
    $error("pq_float_to_fixed: Width must be 4 to 12");
  end

  // The mantissa always has 11 bits with the hidden one; bfloat16 fills it up with zeros, so that
  // x = mantissa * 2^(exponent - bias) with bias 25 (binary16) or 137 (bfloat16).
  localparam int unsigned MantissaWidth = 11;
  localparam int unsigned Guard         = 12;  // fraction bits kept below the result for rounding
  localparam int unsigned PlacedWidth   = MantissaWidth + 2 * Guard;
  localparam int signed   Binary16Bias  = 25;
  localparam int signed   Bfloat16Bias  = 137;

  // Functions, so that simulation evaluates them only when there is a number.
  // Returns {sign, nonfinite, place, mantissa}.
  function automatic logic [6+MantissaWidth:0] unpack(
      input logic [15:0] number, input logic bfloat16, input logic [4:0] fraction);
    logic               subnormal, nonfinite, nan;
    logic        [7:0]  exponent;
    logic        [9:0]  significand;
    logic signed [9:0]  position;              // left shift of the mantissa above the guard bits
    logic        [4:0]  place;
    exponent    = bfloat16 ? number[14:7] : {3'b000, number[14:10]};
    significand = bfloat16 ? {number[6:0], 3'b000} : number[9:0];
    subnormal   = exponent == 8'd0;
    nonfinite   = bfloat16 ? &number[14:7] : &number[14:10];
    nan         = nonfinite && |significand;

    // Beyond +-Guard nothing changes: such values saturate or vanish in any case.
    position = $signed({2'b00, exponent[7:1], exponent[0] | subnormal})
             + $signed({5'b00000, fraction})
             - (bfloat16 ? 10'(Bfloat16Bias) : 10'(Binary16Bias)) + 10'(Guard);
    if (position < 0) place = 5'd0;
    else if (position > 10'(2 * Guard)) place = 5'(2 * Guard);
    else place = position[4:0];
    unpack = {number[15], nonfinite, place,
              nan ? {MantissaWidth{1'b0}} : {!subnormal, significand}};
  endfunction

  function automatic logic [MantissaWidth:0] signed_mantissa(
      input logic sign, input logic [MantissaWidth-1:0] mantissa);
    signed_mantissa = sign ? -{1'b0, mantissa} : {1'b0, mantissa};
  endfunction

  logic [6+MantissaWidth:0] unpacked;           // sign, nonfinite, place, mantissa
  logic                     valid_q, valid_q2, sign_q, nonfinite_q, nonfinite_q2;
  logic [MantissaWidth-1:0] mantissa_q;
  logic [4:0]               place_q;
  logic [PlacedWidth:0]     placed_q;           // signed, Guard fraction bits below the result

  always_comb begin
    unpacked = '0;
    if (valid_i) unpacked = unpack(float_i, bfloat16_i, fraction_i);
  end

  // What all elements have alike has an always_ff of its own: simulation keeps it once for all.
  always_ff @(posedge clk_i) valid_q  <= valid_i;
  always_ff @(posedge clk_i) valid_q2 <= valid_q;

  always_ff @(posedge clk_i) begin
    if (valid_i) {sign_q, nonfinite_q, place_q, mantissa_q} <= unpacked;
    if (valid_q) begin
      nonfinite_q2 <= nonfinite_q;
      placed_q     <= (PlacedWidth + 1)'($signed(signed_mantissa(sign_q, mantissa_q))) << place_q;
    end
  end

  assign nonfinite_o = nonfinite_q2;

  pq_round_saturate #(
    .InWidth    (PlacedWidth + 1),
    .ShiftWidth (4),
    .OutWidth   (Width)
  ) u_round (
    .valid_i     (valid_q2),
    .value_i     (placed_q),
    .shift_i     (4'(Guard)),
    .result_o    (value_o),
    .saturated_o
  );

endmodule

`default_nettype wire
