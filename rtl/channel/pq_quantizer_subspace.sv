// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "pq_assert.svh"

// pq_quantizer_subspace: what a token meets in one sub-space of two channels: 16 centroids in two
// steps of 8, of which it finds the nearest, and the sums of the tokens of each centroid.
//
//   centroids_i --\
//   vector_i ------+-> [ 8 distances ] -> [ least of 2 ] -> [ of 8 ] -> [ of both steps ] -> code_o
//                  |                                                                           |
//                  \-> [ hold ] -> [ * weight ] -> (+) <-> [ sums of a centroid, 16 x Width ] <-/
//                                                              ^ store_*       \--> word_o
//
// The lowest index wins a tie. A token that is added reads its centroid's sums and writes them one
// cycle later; the next one is at least two cycles away, so one port does, and equal codes do not
// meet. An empty word, whose weight is 0, holds the centroid itself in place of the sums:
// so an empty cluster keeps its centroid. The first token with a weight begins anew.
//
// Formats     vector, centroid: s12 each; weight: u8; word: {sum of weights u WeightBits, sum of
//             channel 1, of channel 0 s SumBits}, exact for tokens of WindowDepth * 255 in weight
// Latency     vector_i to code_o: 6 cycles, for 1 cycle; to the sums: 8 cycles; sums_read_i to
//             word_o: 1 cycle, until the next read
// Throughput  1 token in 2 cycles
// Golden      aqpim::golden::Nearest   sw/golden/nearest.h, aqpim::golden::Quantizer
//             sw/golden/quantizer.h
module pq_quantizer_subspace #(
  parameter  int unsigned WindowDepth = 2048,
  localparam int unsigned WeightBits  = 8 + $clog2(WindowDepth),
  localparam int unsigned SumBits     = 12 + WeightBits,
  localparam int unsigned Width       = WeightBits + 2 * SumBits
) (
  input  wire logic             clk_i,
  input  wire logic [23:0]      vector_i,       // of a token, for two cycles; or to be stored
  input  wire logic [8*24-1:0]  centroids_i,    // 0 to 7; one cycle later 8 to 15
  // A token came
  input  wire logic [1:0]       keep_i,         // 1 cycle ago; 3 cycles ago
  input  wire logic             first_i,        // 4 cycles ago
  input  wire logic [15:0]      weights_i,      // 5 or 6 cycles ago: its weight; 7 cycles ago
  output logic      [3:0]       code_o,         // 6 cycles ago: its code,
  input  wire logic             code_read_i,    // whose sums are read
  input  wire logic             add_i,          // 7 cycles ago: and written
  input  wire logic             store_i,        // an empty word, with vector_i
  input  wire logic             sums_read_i,
  input  wire logic [3:0]       sums_index_i,   // of both
  output logic      [Width-1:0] word_o
);

  localparam int unsigned Parallel = 8;
  localparam int unsigned Lesser   = 25 + 3;    // a distance above its index

  // ---- Nearest centroid -------------------------------------------------------------------------

  function automatic logic [Lesser-1:0] lesser(
      input logic [Lesser-1:0] low, input logic [Lesser-1:0] high);
    lesser = high[Lesser-1:3] < low[Lesser-1:3] ? high : low;
  endfunction

  logic [Parallel*Lesser-1:0]   distances;
  logic [Parallel/2*Lesser-1:0] pairs_q;
  logic [Lesser-1:0]            step_q;         // the least of a step
  logic [25+3:0]                nearest_q;      // of both, its index with a bit more

  for (genvar p = 0; p < Parallel; p++) begin : gen_distance
    pq_quantizer_distance u_distance (
      .clk_i      (clk_i),
      .vector_i   (vector_i),
      .centroid_i (centroids_i[p*24 +: 24]),
      .distance_o (distances[p*Lesser+3 +: 25])
    );
    assign distances[p*Lesser +: 3] = 3'(p);
  end

  for (genvar p = 0; p < Parallel / 2; p++) begin : gen_pair
    always_ff @(posedge clk_i) begin
      pairs_q[p*Lesser +: Lesser] <=
          lesser(distances[2*p*Lesser +: Lesser], distances[(2*p+1)*Lesser +: Lesser]);
    end
  end

  always_ff @(posedge clk_i) begin
    step_q <= lesser(lesser(pairs_q[0*Lesser +: Lesser], pairs_q[1*Lesser +: Lesser]),
                     lesser(pairs_q[2*Lesser +: Lesser], pairs_q[3*Lesser +: Lesser]));
    if (first_i || step_q[Lesser-1:3] < nearest_q[28:4]) begin
      nearest_q <= {step_q[Lesser-1:3], !first_i, step_q[2:0]};
    end
  end

  assign code_o = nearest_q[3:0];

  // ---- Weighted tokens --------------------------------------------------------------------------

  // The vector waits for its code, two cycles in each register; channel 0 is weighed first.
  logic [23:0] vector_q, vector_q2;
  logic [11:0] factor_q;
  logic [19:0] weighted0_q, weighted_q;   // channel 0; channel 0, then 1

  always_ff @(posedge clk_i) begin
    if (keep_i[0]) vector_q  <= vector_i;
    if (keep_i[1]) vector_q2 <= vector_q;
    factor_q   <= first_i ? vector_q2[11:0] : vector_q2[23:12];
    weighted_q <= $signed({{8{factor_q[11]}}, factor_q}) * $signed({12'b0, weights_i[7:0]});
    if (code_read_i) weighted0_q <= weighted_q;
  end

  // ---- Sums -------------------------------------------------------------------------------------

  logic [3:0]            code_q;
  logic [WeightBits-1:0] old_weight;
  logic                  empty;
  logic [2*SumBits-1:0]  base;
  logic [Width-1:0]      sums, stored;

  assign old_weight = word_o[2*SumBits +: WeightBits];
  assign empty      = old_weight == '0;
  assign base       = empty ? '0 : word_o[2*SumBits-1:0];
  assign sums       = {old_weight + WeightBits'(weights_i[15:8]),
                       base[SumBits +: SumBits] + SumBits'($signed(weighted_q)),
                       base[0 +: SumBits] + SumBits'($signed(weighted0_q))};
  assign stored     = {WeightBits'(0), SumBits'($signed(vector_i[23:12])),
                       SumBits'($signed(vector_i[11:0]))};

  always_ff @(posedge clk_i) code_q <= code_o;

  pq_memory #(
    .Depth      (16),
    .Width      (Width),
    .SinglePort (1'b1)
  ) u_sums (
    .clk_i           (clk_i),
    .write_i         (add_i || store_i),
    .write_address_i (store_i ? sums_index_i : code_q),
    .write_data_i    (store_i ? stored : sums),
    .read_i          (code_read_i || sums_read_i),
    .read_address_i  (sums_read_i ? sums_index_i : code_o),
    .read_data_o     (word_o)
  );

  // There is no token in reset.
  `AQ_ASSERT_WHEN(a_no_overflow, add_i, sums[2*SumBits +: WeightBits] > old_weight, clk_i, 1'b0)

endmodule

`default_nettype wire
