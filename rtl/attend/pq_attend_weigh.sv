// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// pq_attend_weigh: COMBINE for one channel: output = sum over the centroids of bucket * element.
//
//   bucket_i  --> [ * mantissa, reg ] --> [ << exponent, +/- ] --> [ + ] --> [ reg ] --> output_o
//   element_i -----^                                                ^-----------------------/
//
// The centroids of a channel come one after the other, so one register serves one channel after the
// other. Operands of zero add nothing.
//
// Formats     bucket: unsigned BucketWidth; element: E3M4, s eee mmmm =
//             (-1)^s * (e ? 16 + m : m) * 2^(max(e, 1) - 1); output: signed BucketWidth + 12,
//             exact if the buckets add up to less than 2^BucketWidth
// Latency     bucket_i, element_i to output_o: 2 cycles; first_i: 1 cycle after their operands
// Throughput  1 centroid per cycle
// Golden      aqpim::golden::weighted_element(), aqpim::golden::output_accumulate()
//             sw/golden/centroid_group.h, sw/golden/output_lane.h
module pq_attend_weigh #(
  parameter  int unsigned BucketWidth = 16,
  localparam int unsigned OutputWidth = BucketWidth + 12
) (
  input  wire logic                   clk_i,
  input  wire logic [BucketWidth-1:0] bucket_i,
  input  wire logic [7:0]             element_i,
  input  wire logic                   first_i,    // these operands start from zero
  output logic      [OutputWidth-1:0] output_o    // signed
);

  localparam int unsigned ProductWidth = BucketWidth + 5;

  logic [ProductWidth-1:0] product_q;
  logic [2:0]              power_q;
  logic                    negative_q;
  logic [OutputWidth-1:0]  shifted;

  always_ff @(posedge clk_i) begin
    product_q  <= ProductWidth'(bucket_i) * ProductWidth'({|element_i[6:4], element_i[3:0]});
    power_q    <= |element_i[6:4] ? element_i[6:4] - 3'd1 : 3'd0;
    negative_q <= element_i[7];
  end

  assign shifted = (OutputWidth'(product_q) << power_q) ^ {OutputWidth{negative_q}};

  always_ff @(posedge clk_i) begin
    output_o <= (first_i ? '0 : output_o) + shifted + OutputWidth'(negative_q);
  end

endmodule

`default_nettype wire
