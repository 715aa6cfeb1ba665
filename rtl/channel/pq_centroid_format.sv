// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// pq_centroid_format: an element of a centroid in the two formats in which it is sent on.
//
//   value_i -+-> [ magnitude, reg ] -+-> [ leading one to the front, reg ] ----> half_o
//            |                       \-> [ round to 5 bits, pack ] -\
//            \-> [ round, reg ] --------------------------------- [ select, reg ] -> element_o
//
// Formats     value s11.0 (twelve bits); half: binary16 of value * 2^-8, exact; element: int8,
//             value / 16 rounded and saturated (keys), or the nearest E3M4, ties to the even
//             mantissa, held at +-1984 (values). E3M4: s eee mmmm, docs/quantization.md
// Latency     2 cycles                       Throughput  1 element per cycle
// Golden      aqpim::golden::centroid_half(), aqpim::golden::store_element()
//             sw/golden/reducer.h
module pq_centroid_format (
  input  wire logic        clk_i,
  input  wire logic        rst_ni,
  input  wire logic        valid_i,
  input  wire logic [11:0] value_i,     // signed
  input  wire logic        values_i,    // 0: an element of keys, 1: of values
  output logic             valid_o,
  output logic      [15:0] half_o,
  output logic      [7:0]  element_o
);

  localparam logic [4:0] HalfExponent = 5'd18;   // of a leading one in bit 11 of the magnitude

  logic        valid_q, values_q, negative_q;
  logic [11:0] magnitude_q;
  logic [7:0]  key, key_q;
  logic        unused_saturated;

  pq_round_saturate #(
    .InWidth    (12),
    .ShiftWidth (3),
    .OutWidth   (8)
  ) u_key (
    .valid_i     (1'b1),
    .value_i,
    .shift_i     (3'd4),
    .result_o    (key),
    .saturated_o (unused_saturated)    // 127.5 and more are held at 127
  );

  always_ff @(posedge clk_i) begin
    values_q    <= values_i;
    negative_q  <= value_i[11];
    magnitude_q <= value_i[11] ? -value_i : value_i;
    key_q       <= key;
  end

  // The leading one comes to bit 11; zeros in front of it, found by halves: 8 or more below 16.
  logic [11:0] front;
  logic [3:0]  zeros;

  always_comb begin
    front    = magnitude_q;
    zeros[3] = !(|front[11:4]);
    if (zeros[3]) front = front << 8;
    zeros[2] = !(|front[11:8]);
    if (zeros[2]) front = front << 4;
    zeros[1] = !(|front[11:10]);
    if (zeros[1]) front = front << 2;
    zeros[0] = !front[11];
    if (zeros[0]) front = front << 1;
  end

  // What has more than 5 bits loses the rest. With its leading one the mantissa adds 1 to the
  // exponent, and 2 if it rounds up to a power of two; without one it is subnormal.
  logic [2:0] power;
  logic [6:0] mantissa;
  logic [7:0] code;
  logic       unused_fits, unused_last;

  assign power = zeros[3] ? 3'd0 : ~zeros[2:0];

  pq_round_saturate #(
    .InWidth    (13),
    .ShiftWidth (3),
    .OutWidth   (7)
  ) u_mantissa (
    .valid_i     (1'b1),
    .value_i     ({1'b0, magnitude_q}),
    .shift_i     (power),
    .result_o    (mantissa),
    .saturated_o (unused_fits)         // 32 at most
  );

  assign code = {1'b0, power, 4'd0} + {1'b0, mantissa};
  assign unused_last = front[0];          // 0: only 2048 has 12 bits

  always_ff @(posedge clk_i) begin
    half_o    <= {negative_q, front[11] ? HalfExponent - {1'b0, zeros} : 5'd0, front[10:1]};
    element_o <= values_q ? {negative_q, code[6:0] | {7{code[7]}}} : key_q;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) {valid_o, valid_q} <= '0;
    else         {valid_o, valid_q} <= {valid_q, valid_i};
  end

endmodule

`default_nettype wire
