// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// pq_quantizer_mean: the next centroid of 16 channels from their sums, one channel per cycle.
//
//   words_i --> [ channel_i: sum / weight ] --> pq_divider --+--> [ wait ] --> quotient_o
//                                                            \--> pq_centroid_format --> element_o
//
// An empty word has weight 0 and the old centroid in place of its sums, which is divided by 1.
//
// Words       of eight sub-spaces, as in pq_quantizer_subspace
// Formats     sum: s SumBits; weight: u WeightBits; quotient: s12, rounded to nearest, ties to
//             even; element: int8 or E3M4 of it, rounded again
// Latency     words_i and channel_i to the outputs: 16 cycles
// Throughput  1 channel per cycle
// Golden      aqpim::golden::mean(), aqpim::golden::store_element()   sw/golden/reducer.h
module pq_quantizer_mean #(
  parameter  int unsigned WindowDepth = 2048,
  localparam int unsigned WeightBits  = 8 + $clog2(WindowDepth),
  localparam int unsigned SumBits     = 12 + WeightBits,
  localparam int unsigned Width       = WeightBits + 2 * SumBits
) (
  input  wire logic               clk_i,
  input  wire logic               rst_ni,
  input  wire logic               valid_i,
  input  wire logic [3:0]         channel_i,
  input  wire logic [8*Width-1:0] words_i,
  input  wire logic               values_i,      // elements: 0 of keys, 1 of values; until the end
  output logic                    valid_o,
  output logic      [11:0]        quotient_o,    // signed
  output logic      [7:0]         element_o
);

  logic [SumBits-1:0]    sum;
  logic [WeightBits-1:0] weight, divisor;

  always_comb begin
    sum    = '0;
    weight = '0;
    for (int unsigned s = 0; s < 8; s++) begin
      if (channel_i[3:1] == 3'(s)) begin
        weight = weight | words_i[s*Width+2*SumBits +: WeightBits];
        sum    = sum | (channel_i[0] ? words_i[s*Width+SumBits +: SumBits]
                                     : words_i[s*Width +: SumBits]);
      end
    end
  end

  assign divisor = weight | WeightBits'(weight == '0);

  logic        quotient_valid, unused_tag;
  logic [11:0] quotient, quotient_q;
  logic [15:0] unused_half;

  pq_divider #(
    .DivisorWidth  (WeightBits),
    .QuotientWidth (12)
  ) u_divider (
    .clk_i      (clk_i),
    .rst_ni     (rst_ni),
    .valid_i    (valid_i),
    .dividend_i (sum),
    .divisor_i  (divisor),
    .tag_i      (1'b0),
    .valid_o    (quotient_valid),
    .quotient_o (quotient),
    .tag_o      (unused_tag)
  );

  pq_centroid_format u_format (
    .clk_i     (clk_i),
    .rst_ni    (rst_ni),
    .valid_i   (quotient_valid),
    .value_i   (quotient),
    .values_i  (values_i),
    .valid_o   (valid_o),
    .half_o    (unused_half),
    .element_o (element_o)
  );

  always_ff @(posedge clk_i) begin
    quotient_q <= quotient;
    quotient_o <= quotient_q;
  end

endmodule

`default_nettype wire
