// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// pq_fp16_multiplier: product of two binary16 numbers, rounded to nearest even. Part of the FP16
// unit that the engine's area is compared with.
//
//   a_i, b_i --> [ 11 x 11 bits, exponents, reg ] --> [ normalise, round, reg ] --> product_o
//
// Formats     binary16. To keep the unit small, numbers below 2^-14 count as zero, on both ends;
//             overflow gives infinity; NaN and infinity in give infinity
// Latency     2 cycles                       Throughput  1 product per cycle
// Golden      the compiler's _Float16        tb/unit/fp16_test.cpp
module pq_fp16_multiplier (
  input  wire logic        clk_i,
  input  wire logic [15:0] a_i,
  input  wire logic [15:0] b_i,
  output logic      [15:0] product_o
);

  localparam logic [4:0] Special = 5'd31;   // exponent of infinity and NaN

  logic               sign_q, zero_q, special_q;
  logic signed [6:0]  exponent_q, exponent;   // biased, of a product in [2, 4) less one
  logic        [21:0] product_q;              // u2.20
  logic        [10:0] fraction;               // 10 bits and the bit of the rounding
  logic               sticky, round_up, two;
  logic        [10:0] rounded;                // {carry, fraction}

  always_ff @(posedge clk_i) begin
    sign_q     <= a_i[15] ^ b_i[15];
    zero_q     <= a_i[14:10] == '0 || b_i[14:10] == '0;
    special_q  <= a_i[14:10] == Special || b_i[14:10] == Special;
    exponent_q <= $signed({2'b00, a_i[14:10]}) + $signed({2'b00, b_i[14:10]}) - 7'sd15;
    product_q  <= {11'b0, 1'b1, a_i[9:0]} * {11'b0, 1'b1, b_i[9:0]};
  end

  assign two      = product_q[21];
  assign fraction = two ? product_q[20:10] : product_q[19:9];
  assign sticky   = |product_q[8:0] || (two && product_q[9]);
  assign round_up = fraction[0] && (sticky || fraction[1]);
  assign rounded  = {1'b0, fraction[10:1]} + 11'(round_up);
  assign exponent = exponent_q + 7'(two) + 7'(rounded[10]);

  always_ff @(posedge clk_i) begin
    product_o[15] <= sign_q;
    if (special_q || (!zero_q && exponent >= 7'sd31)) product_o[14:0] <= {Special, 10'b0};
    else if (zero_q || exponent <= 7'sd0) product_o[14:0] <= '0;
    else product_o[14:0] <= {exponent[4:0], rounded[9:0]};   // a carry leaves a fraction of zero
  end

endmodule

`default_nettype wire
