// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// pq_output_lane: the output accumulators behind one multiplier, one for each centroid word.
//
//   value_i --> [ + ] --> [ CentroidWords accumulators ] --> [ select ] --> value_o
//                 ^-----------------------------------------------------/
//
// Formats     value: signed OutputWidth, exact: the weights of a tile add up to less than
//             2^(OutputWidth - 12), and a centroid element is less than 2^11
// Latency     active_i, select_i, add_i, load_i: 1 cycle ahead of their value_i or value_o; add:
//             1 cycle
// Throughput  1 addition per cycle, also to the same accumulator
// Golden      aqpim::golden::output_accumulate()   sw/golden/output_lane.h
module pq_output_lane #(
  parameter  int unsigned CentroidWords = 4,
  parameter  int unsigned OutputWidth   = 37,
  localparam int unsigned WordWidth     = CentroidWords > 1 ? $clog2(CentroidWords) : 1
) (
  input  wire logic                   clk_i,
  input  wire logic                   active_i,   // there is a value; otherwise value_o is 0
  input  wire logic [WordWidth-1:0]   select_i,   // the accumulator of the next cycle
  input  wire logic                   add_i,      // the next cycle adds to that one
  input  wire logic                   load_i,     // with add_i: starting from zero
  input  wire logic [OutputWidth-1:0] value_i,    // signed
  output logic      [OutputWidth-1:0] value_o     // signed
);

  logic [CentroidWords-1:0] select, select_q, add_q;   // one hot
  logic                     load_q;

  assign select = active_i ? CentroidWords'(1) << select_i : '0;

  // What all lanes have alike has an always_ff of its own: simulation keeps it once for all.
  always_ff @(posedge clk_i) select_q <= select;
  always_ff @(posedge clk_i) add_q    <= add_i ? select : '0;
  always_ff @(posedge clk_i) load_q   <= load_i;

  for (genvar w = 0; w < CentroidWords; w++) begin : gen_accumulator
    logic [OutputWidth-1:0] sum_q, chosen;    // chosen: of the accumulators up to this one

    always_ff @(posedge clk_i) begin
      if (add_q[w]) sum_q <= (load_q ? '0 : value_o) + value_i;
    end

    if (w == 0) begin : gen_first
      assign chosen = select_q[w] ? sum_q : '0;
    end else begin : gen_next
      assign chosen = gen_accumulator[w-1].chosen | (select_q[w] ? sum_q : '0);
    end
  end

  // One condition for all, so that simulation evaluates the others only when one is selected.
  assign value_o = |select_q ? gen_accumulator[CentroidWords-1].chosen : '0;

endmodule

`default_nettype wire
