// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// pq_output_lane: the output accumulators behind one multiplier, one for each centroid word.
//
//   value_i --> [ + ] --> [ CentroidWords accumulators ] --> value_o
//                 ^------------------------------------------/
//
// Formats     value: signed OutputWidth, exact: a tile's weights sum to less than 2^(OutputWidth - 12)
//             and a centroid element is less than 2^11
// Latency     add: 1 cycle; read: combinational     Throughput  1 addition per cycle
// Golden      aqpim::golden::output_accumulate()   sw/golden/output_lane.h
module pq_output_lane #(
  parameter  int unsigned CentroidWords = 4,
  parameter  int unsigned OutputWidth   = 37,
  localparam int unsigned WordWidth     = CentroidWords > 1 ? $clog2(CentroidWords) : 1
) (
  input  wire logic                   clk_i,
  input  wire logic                   add_i,
  input  wire logic                   load_i,     // with add_i: start from zero
  input  wire logic [WordWidth-1:0]   word_i,     // the accumulator to add to, or to read
  input  wire logic [OutputWidth-1:0] value_i,    // signed
  output logic      [OutputWidth-1:0] value_o     // signed
);

  logic [CentroidWords*OutputWidth-1:0] sum_q;
  logic [OutputWidth-1:0]               sum;

  always_comb begin
    value_o = '0;
    for (int unsigned w = 0; w < CentroidWords; w++) begin
      if (word_i == WordWidth'(w)) value_o = value_o | sum_q[w*OutputWidth +: OutputWidth];
    end
  end

  assign sum = (load_i ? '0 : value_o) + value_i;

  for (genvar w = 0; w < CentroidWords; w++) begin : gen_accumulator
    always_ff @(posedge clk_i) begin
      if (add_i && word_i == WordWidth'(w)) sum_q[w*OutputWidth +: OutputWidth] <= sum;
    end
  end

endmodule

`default_nettype wire
