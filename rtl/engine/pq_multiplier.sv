// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// pq_multiplier: one multiplier with several uses, from two small digit multipliers.
//
//   low_i  x digit0_i --> [ reg ] --\
//                                    (+, shifted by 5 or 13) --> [ reg ] --> product_o
//   high_i x digit1_i --> [ reg ] --/
//
// combine_i = 0: both operands are one signed factor a and the digits split a signed factor b of
//                5 + DigitWidth bits, b = digit1 * 2^5 + digit0:   product = a * b
// combine_i = 1: the operands split a 26-bit unsigned factor a = high * 2^13 + low, and both digits
//                are one 5-bit mantissa b:               product = a * b
// A multiplier wide enough for both, 26 x 8, would have almost twice the partial products.
//
// Formats     low, high: signed 14 bit   digit0: unsigned 5 bit   digit1: signed, 6 bits serve
//             elements of 8 bits, 8 bits the squares of differences of 13 bits
//             product: signed 32 bit, exact
// Latency     2 cycles                       Throughput  1 product per cycle
// Golden      aqpim::golden::multiplier()   sw/golden/multiplier.h
module pq_multiplier #(
  parameter int unsigned DigitWidth = 6
) (
  input  wire logic        clk_i,
  input  wire logic        valid_i,      // there are operands; otherwise nothing switches
  input  wire logic        combine_i,    // belongs to the operands of the same cycle
  input  wire logic [13:0] low_i,        // signed
  input  wire logic [13:0] high_i,       // signed
  input  wire logic [4:0]  digit0_i,     // unsigned
  input  wire logic [DigitWidth-1:0] digit1_i,   // signed
  output logic      [31:0] product_o     // signed
);

  localparam int unsigned PartWidth = 14 + DigitWidth;

  logic signed [19:0]          part0_q;
  logic signed [PartWidth-1:0] part1_q;
  logic               valid_q, combine_q;

  // What all multipliers have alike has an always_ff of its own: simulation keeps it once for all.
  always_ff @(posedge clk_i) valid_q <= valid_i;

  always_ff @(posedge clk_i) begin
    if (valid_i) combine_q <= combine_i;
  end

  always_ff @(posedge clk_i) begin
    if (valid_i) begin
      part0_q   <= $signed({{6{low_i[13]}}, low_i}) * $signed({15'b0, digit0_i});
      part1_q   <= $signed({{DigitWidth{high_i[13]}}, high_i})
                   * $signed({{14{digit1_i[DigitWidth-1]}}, digit1_i});
    end
  end

  always_ff @(posedge clk_i) begin
    if (valid_q) begin
      product_o <= 32'(part0_q) + (combine_q ? 32'(part1_q) <<< 13 : 32'(part1_q) <<< 5);
    end
  end

endmodule

`default_nettype wire
