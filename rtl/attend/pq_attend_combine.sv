// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// pq_attend_combine: COMBINE for the sixteen channels of a beat of TURN, and when their outputs are
// complete.
//
//   buckets_i --> [ or over groups ] --> [ + over slots ] --+--------------> pq_attend_weigh x 8
//                                                           |                       |
//   elements_i ---> [ reg if there is that sum ] -----------+--> [ reg ] --> pq_attend_weigh x 8
//                                                                                   |
//   turn_i, step_i --> low_write_o, high_write_o, group_o                           \--> outputs_o
//
// Only the lanes of the beat's group give buckets, the others give zeros. With two slots (HeadDim
// 64) a sub-space has a bucket in either, and their sum takes a cycle. The upper half of the
// channels is a cycle behind, so that outputs leave eight at a time.
//
// Shapes      in: 64 buckets, by slot, group and lane, 16 elements; out: 16 outputs
// Formats     as in pq_attend_weigh
// Latency     last beat of a group to low_write_o: Slots + 1 cycles, to high_write_o: Slots + 2
// Throughput  1 beat per cycle
// Golden      aqpim::golden::weighted_element(), aqpim::golden::output_accumulate()
//             sw/golden/centroid_group.h, sw/golden/output_lane.h
module pq_attend_combine #(
  parameter  int unsigned HeadDim     = 128,
  parameter  int unsigned BucketWidth = 16,
  localparam int unsigned Lanes       = 64,
  localparam int unsigned CodeBits    = 4,
  localparam int unsigned Channels    = 16,                  // of a group
  localparam int unsigned GroupLanes  = Channels / 2,
  localparam int unsigned Groups      = HeadDim / Channels,
  localparam int unsigned GroupWidth  = $clog2(Groups),
  localparam int unsigned StepWidth   = GroupWidth + CodeBits,
  localparam int unsigned Slots       = Lanes / (Groups * GroupLanes),
  localparam int unsigned Stages      = Slots + 3,
  localparam int unsigned OutputWidth = BucketWidth + 12
) (
  input  wire logic                            clk_i,
  input  wire logic [Lanes*BucketWidth-1:0]    buckets_i,
  input  wire logic [Channels*8-1:0]           elements_i,    // zero without a beat
  input  wire logic [Stages-1:0]               turn_i,        // bit n: there was a beat of TURN
  input  wire logic [Stages*StepWidth-1:0]     step_i,        // n cycles ago, and that beat's step
  output logic      [Channels*OutputWidth-1:0] outputs_o,     // signed, each
  output logic                                 low_write_o,   // the lower half is complete
  output logic                                 high_write_o,  // the upper half is
  output logic      [GroupWidth-1:0]           group_o        // the group of that half
);

  localparam int unsigned LowStage  = Slots + 1;
  localparam int unsigned HighStage = LowStage + 1;
  localparam int unsigned SumWidth  = GroupLanes * BucketWidth;

  // ---- Buckets of the beat ----------------------------------------------------------------------

  logic [Slots*SumWidth-1:0] read_buckets;
  logic [SumWidth-1:0]       bucket;
  logic [Channels*8-1:0]     element;

  always_comb begin
    read_buckets = '0;
    for (int unsigned s = 0; s < Slots; s++) begin
      for (int unsigned g = 0; g < Groups; g++) begin
        read_buckets[s*SumWidth +: SumWidth] = read_buckets[s*SumWidth +: SumWidth]
                                             | buckets_i[(s*Groups+g)*SumWidth +: SumWidth];
      end
    end
  end

  if (Slots == 1) begin : gen_one
    assign bucket  = read_buckets;
    assign element = elements_i;
  end else begin : gen_two
    logic [SumWidth-1:0]   bucket_q;
    logic [Channels*8-1:0] element_q;

    for (genvar j = 0; j < GroupLanes; j++) begin : gen_sum
      always_ff @(posedge clk_i) begin
        bucket_q[j*BucketWidth +: BucketWidth] <=
            read_buckets[j*BucketWidth +: BucketWidth]
            + read_buckets[(GroupLanes+j)*BucketWidth +: BucketWidth];
      end
    end
    always_ff @(posedge clk_i) element_q <= elements_i;

    assign bucket  = bucket_q;
    assign element = element_q;
  end

  // ---- Outputs ----------------------------------------------------------------------------------

  logic [SumWidth/2-1:0] upper_bucket_q;
  logic [Channels*4-1:0] upper_element_q;
  logic [StepWidth-1:0]  low_step, high_step;
  logic                  low_first, high_first;

  always_ff @(posedge clk_i) begin
    upper_bucket_q  <= bucket[SumWidth/2 +: SumWidth/2];
    upper_element_q <= element[Channels*4 +: Channels*4];
  end

  assign low_first    = turn_i[LowStage-1] && step_i[(LowStage-1)*StepWidth +: CodeBits] == '0;
  assign high_first   = turn_i[HighStage-1] && step_i[(HighStage-1)*StepWidth +: CodeBits] == '0;
  assign low_step     = step_i[LowStage*StepWidth +: StepWidth];
  assign high_step    = step_i[HighStage*StepWidth +: StepWidth];
  assign low_write_o  = turn_i[LowStage] && &low_step[CodeBits-1:0];
  assign high_write_o = turn_i[HighStage] && &high_step[CodeBits-1:0];
  assign group_o      = high_write_o ? high_step[StepWidth-1:CodeBits]
                                     : low_step[StepWidth-1:CodeBits];

  for (genvar i = 0; i < Channels; i++) begin : gen_weigh
    localparam bit          Upper = i >= Channels / 2;
    localparam int unsigned Half  = i % (Channels / 2);
    logic [BucketWidth-1:0] bucket_in;
    logic [7:0]             element_in;

    assign bucket_in  = Upper ? upper_bucket_q[Half/2*BucketWidth +: BucketWidth]
                              : bucket[Half/2*BucketWidth +: BucketWidth];
    assign element_in = Upper ? upper_element_q[Half*8 +: 8] : element[Half*8 +: 8];

    pq_attend_weigh #(
      .BucketWidth (BucketWidth)
    ) u_weigh (
      .clk_i,
      .bucket_i  (bucket_in),
      .element_i (element_in),
      .first_i   (Upper ? high_first : low_first),
      .output_o  (outputs_o[i*OutputWidth +: OutputWidth])
    );
  end

  logic unused_stages;
  assign unused_stages = ^{turn_i, step_i};

endmodule

`default_nettype wire
