// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// pq_attend_lanes: the lanes of an attend engine, and which lane each sub-space has.
//
//   codes_i -----------------+--> pq_attend_lane x 64 --> entries_o, buckets_o
//   entries_i or weights_i --/
//
// A beat of TURN has a group of GroupLanes neighbouring sub-spaces. With two slots (HeadDim 64)
// every sub-space has a lane in either: both have its table, and each the buckets of the tokens in
// its half of a beat.
//
// Shapes      lane s * Subspaces + m: sub-space m of slot s
// Formats     as in pq_attend_lane
// Latency     lookup_i to entries_o: 1 cycle; combine_i to buckets_o: 1 cycle
// Throughput  as in pq_attend_lane
// Golden      aqpim::golden::TableLane   sw/golden/table_lane.h
module pq_attend_lanes #(
  parameter  int unsigned HeadDim     = 128,
  parameter  int unsigned EntryWidth  = 16,
  parameter  int unsigned WeightWidth = 14,
  parameter  int unsigned BucketWidth = 16,
  localparam int unsigned Lanes       = 64,
  localparam int unsigned CodeBits    = 4,
  localparam int unsigned Subspaces   = HeadDim / 2,
  localparam int unsigned Slots       = Lanes / Subspaces,
  localparam int unsigned GroupLanes  = 8,
  localparam int unsigned GroupWidth  = $clog2(Subspaces / GroupLanes),
  localparam int unsigned StepWidth   = GroupWidth + CodeBits
) (
  input  wire logic                             clk_i,
  input  wire logic                             rst_ni,
  // SCORE, ACCUMULATE
  input  wire logic                             lookup_i,        // a beat of codes
  input  wire logic [Lanes*CodeBits-1:0]        codes_i,
  input  wire logic [Slots-1:0]                 adds_i,          // slots with a weight to add
  input  wire logic [Slots-1:0]                 add_i,           // adds_i, one cycle later
  input  wire logic [Slots*WeightWidth-1:0]     weights_i,       // of the slots' tokens, with add_i
  output logic      [Lanes*EntryWidth-1:0]      entries_o,       // signed, each
  // TURN: a step is {group, centroid}
  input  wire logic                             table_valid_i,   // store entries
  input  wire logic [StepWidth-1:0]             table_step_i,
  input  wire logic [GroupLanes*EntryWidth-1:0] entries_i,       // signed, each
  input  wire logic                             combine_i,       // read buckets
  input  wire logic [StepWidth-1:0]             combine_step_i,
  output logic      [Lanes*BucketWidth-1:0]     buckets_o        // zero where none was read
);

  localparam int unsigned Groups     = Subspaces / GroupLanes;
  localparam int unsigned ValueWidth = BucketWidth > EntryWidth ? BucketWidth : EntryWidth;

  logic [Slots*GroupLanes*ValueWidth-1:0] addends;

  for (genvar s = 0; s < Slots; s++) begin : gen_addend
    for (genvar j = 0; j < GroupLanes; j++) begin : gen_lane
      assign addends[(s*GroupLanes+j)*ValueWidth +: ValueWidth] =
          add_i[0] ? ValueWidth'(weights_i[s*WeightWidth +: WeightWidth])
                   : ValueWidth'(entries_i[j*EntryWidth +: EntryWidth]);
    end
  end

  for (genvar g = 0; g < Groups; g++) begin : gen_group
    logic combine, table_write;

    assign combine     = combine_i && combine_step_i[StepWidth-1:CodeBits] == GroupWidth'(g);
    assign table_write = table_valid_i && table_step_i[StepWidth-1:CodeBits] == GroupWidth'(g);

    for (genvar s = 0; s < Slots; s++) begin : gen_slot
      logic gate_q;

      always_ff @(posedge clk_i) gate_q <= combine || adds_i[s];

      for (genvar j = 0; j < GroupLanes; j++) begin : gen_lane
        localparam int unsigned Lane = s * Subspaces + g * GroupLanes + j;

        pq_attend_lane #(
          .EntryWidth  (EntryWidth),
          .BucketWidth (BucketWidth),
          .Centroids   (1 << CodeBits)
        ) u_lane (
          .clk_i,
          .rst_ni,
          .lookup_i,
          .code_i            (codes_i[Lane*CodeBits +: CodeBits]),
          .add_i             (add_i[s]),
          .table_write_i     (table_write),
          .table_address_i   (table_step_i[CodeBits-1:0]),
          .addend_i          (addends[(s*GroupLanes+j)*ValueWidth +: ValueWidth]),
          .combine_i         (combine),
          .combine_address_i (combine_step_i[CodeBits-1:0]),
          .gate_i            (gate_q),
          .entry_o           (entries_o[Lane*EntryWidth +: EntryWidth]),
          .bucket_o          (buckets_o[Lane*BucketWidth +: BucketWidth])
        );
      end
    end
  end

endmodule

`default_nettype wire
