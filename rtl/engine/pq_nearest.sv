// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// pq_nearest: the running argmin of the distances behind one pq_centroid_group.
//
//   distance_i --> [ < ] --> [ Entries x (least distance, its code) ] --> codes_o
//                   ^-------- of entry_i ----------/
//
// The lowest code wins a tie: codes come in ascending order, and only a smaller distance replaces.
//
// Shapes      one entry for each sub-space that the group serves; CLUSTER uses entry 0 only
// Formats     distance: unsigned DistanceWidth
// Latency     1 cycle                        Throughput  1 distance per cycle, also to one entry
// Golden      aqpim::golden::Nearest   sw/golden/nearest.h
module pq_nearest #(
  parameter  int unsigned Entries       = 4,
  parameter  int unsigned CodeBits      = 8,
  parameter  int unsigned DistanceWidth = 26,
  localparam int unsigned EntryWidth    = Entries > 1 ? $clog2(Entries) : 1
) (
  input  wire logic                        clk_i,
  input  wire logic                        valid_i,
  input  wire logic                        first_i,      // the first distance of its entry
  input  wire logic [EntryWidth-1:0]       entry_i,
  input  wire logic [CodeBits-1:0]         code_i,       // whose distance this is
  input  wire logic [DistanceWidth-1:0]    distance_i,
  output logic      [Entries*CodeBits-1:0] codes_o
);

  logic [Entries*DistanceWidth-1:0] least_q;
  logic                             nearer;

  // A function, so that simulation evaluates it only when there is a distance.
  function automatic logic is_less(
      input logic [DistanceWidth-1:0] distance, input logic [Entries*DistanceWidth-1:0] entries,
      input logic [EntryWidth-1:0] entry);
    logic [DistanceWidth-1:0] least;
    least = '0;
    for (int unsigned e = 0; e < Entries; e++) begin
      if (entry == EntryWidth'(e)) least = least | entries[e*DistanceWidth +: DistanceWidth];
    end
    is_less = distance < least;
  endfunction

  always_comb begin
    nearer = valid_i && first_i;
    if (valid_i && !first_i) nearer = is_less(distance_i, least_q, entry_i);
  end

  for (genvar e = 0; e < Entries; e++) begin : gen_entry
    always_ff @(posedge clk_i) begin
      if (valid_i) begin
        if (nearer && entry_i == EntryWidth'(e)) begin
          least_q[e*DistanceWidth +: DistanceWidth] <= distance_i;
          codes_o[e*CodeBits +: CodeBits]           <= code_i;
        end
      end
    end
  end

endmodule

`default_nettype wire
