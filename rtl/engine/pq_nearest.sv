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
  logic [DistanceWidth-1:0]         least;
  logic                             nearer;

  always_comb begin
    least = '0;
    for (int unsigned e = 0; e < Entries; e++) begin
      if (entry_i == EntryWidth'(e)) least = least | least_q[e*DistanceWidth +: DistanceWidth];
    end
  end

  assign nearer = first_i || distance_i < least;

  for (genvar e = 0; e < Entries; e++) begin : gen_entry
    always_ff @(posedge clk_i) begin
      if (valid_i && nearer && entry_i == EntryWidth'(e)) begin
        least_q[e*DistanceWidth +: DistanceWidth] <= distance_i;
        codes_o[e*CodeBits +: CodeBits]           <= code_i;
      end
    end
  end

endmodule

`default_nettype wire
