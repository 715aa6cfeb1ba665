// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// pq_slice: the lanes' memories as the work space of clustering. For each centroid of the slice's
// sub-spaces it keeps the centroid itself, the weighted sum of the tokens assigned to it, and the
// sum of their weights.
//
//   lane words --+--> centroid_o --> pq_centroid_group ...        (lane 0 ... CentroidLanes - 1)
//                +--> [ + weighted tokens, weight ] --> store_*   (the sub-space's other lanes)
//                +--> record_o
//
// Sub-space s of the slice has the 2 * SubDim lanes s, s + SliceSubspaces, s + 2 * SliceSubspaces
// ..., all at the address of the centroid's index. The first SubDim/2 hold two elements of the
// centroid each; the others, side by side, one wide word {sum of weights, sum of channel SubDim-1,
// ... sum of channel 0}. Centroids are read in every cycle of a loop, sums once per token: in other
// lanes, so that they never meet.
//
// A record is {centroids, weights, sums} of one centroid index: channel sums as s32, then weights
// as u32, filled up to whole words, then centroid elements as s16.
//
// Formats     centroid: s12; sum: s(20 + log2 ScoreDepth), exact; sum of weights: u(8 + log2
//             ScoreDepth), exact
// Latency     read_i or loop_i to the words: 1 cycle, in the lanes; everything else combinational
// Throughput  1 centroid read per cycle; 1 token's sums in 2 cycles
// Golden      aqpim::golden::Engine::cluster(), load(), unload()   sw/golden/engine.h
module pq_slice #(
  parameter  int unsigned SubDim         = 4,
  parameter  int unsigned CodeBits       = 8,
  parameter  int unsigned WordBits       = 256,
  parameter  int unsigned ScoreDepth     = 2048,
  parameter  int unsigned LaneWidth      = 26,                       // of a lane's memory
  localparam int unsigned Lanes          = WordBits / CodeBits,
  localparam int unsigned SliceChannels  = Lanes / 2,
  localparam int unsigned SliceSubspaces = SliceChannels / SubDim,
  localparam int unsigned TokenSlots     = WordBits / 8 / SliceChannels,
  localparam int unsigned Groups         = SliceSubspaces * TokenSlots,
  localparam int unsigned RecordWords    = 8 / TokenSlots
) (
  input  wire logic                                     clk_i,
  // Lanes
  input  wire logic [Lanes*LaneWidth-1:0]               words_i,        // read in the last cycle
  output logic      [Lanes-1:0]                         lookup_o,       // read
  output logic      [Lanes-1:0]                         clear_o,        // read, then clear
  output logic      [Lanes*CodeBits-1:0]                address_o,      // of the read
  output logic      [Lanes-1:0]                         store_o,        // write
  output logic      [Lanes*CodeBits-1:0]                store_address_o,
  output logic      [Lanes*LaneWidth-1:0]               store_data_o,
  // LOAD: store a centroid and empty sums
  input  wire logic                                     load_i,
  input  wire logic [CodeBits-1:0]                      load_code_i,
  input  wire logic [SliceChannels*12-1:0]              load_centroid_i,
  // Loops of CLUSTER, and UNLOAD
  input  wire logic                                     loop_i,         // read a centroid
  input  wire logic                                     unload_i,       // read all, clear the sums
  input  wire logic [CodeBits-1:0]                      code_i,         // of both
  output logic      [SliceChannels*12-1:0]              centroid_o,     // one cycle later
  input  wire logic                                     record_i,       // there is a record, one
  input  wire logic [$clog2(RecordWords)-1:0]           record_word_i,  // cycle after unload_i;
  output logic      [WordBits-1:0]                      record_o,       // otherwise record_o is 0
  // Sums of CLUSTER, schedule as in pq_cluster_control
  input  wire logic                                     capture_i,
  input  wire logic [Groups*CodeBits-1:0]               codes_i,        // group = slot, sub-space
  input  wire logic [TokenSlots-1:0]                    read_i,
  input  wire logic [TokenSlots-1:0]                    store_i,
  input  wire logic [TokenSlots*SliceChannels*20-1:0]   weighted_i,     // signed, each, 0 in
                                                                        // slots without store_i
  input  wire logic [TokenSlots*8-1:0]                  weight_i
);

  localparam int unsigned SubspaceLanes = 2 * SubDim;
  localparam int unsigned CentroidLanes = SubDim / 2;
  localparam int unsigned SumLanes      = SubspaceLanes - CentroidLanes;
  localparam int unsigned SumWidth      = 20 + $clog2(ScoreDepth);
  localparam int unsigned WeightsWidth  = 8 + $clog2(ScoreDepth);
  localparam int unsigned WideWidth     = SumLanes * LaneWidth;
  localparam int unsigned SumBits       = SliceChannels * 32;        // of a record
  localparam int unsigned WeightWords   = 2 / TokenSlots;

  if (SubDim < 2 || SubspaceLanes > Lanes) begin : gen_bad_shape
    $error("pq_slice: SubDim must be at least 2, and 2 * SubDim lanes must be there");
  end
  if (LaneWidth < 24 || WideWidth < SubDim * SumWidth + WeightsWidth) begin : gen_bad_width
    $error("pq_slice: LaneWidth is too small for a sub-space's sums");
  end

  logic [Groups*CodeBits-1:0] codes_q;

  always_ff @(posedge clk_i) if (capture_i) codes_q <= codes_i;

  for (genvar s = 0; s < SliceSubspaces; s++) begin : gen_subspace
    logic [CodeBits-1:0]     code;       // of the slot that is read or stored
    logic [SubDim*20-1:0]    weighted;
    logic [7:0]              weight;
    logic [WideWidth-1:0]    updated;

    always_comb begin
      code     = '0;
      weighted = '0;
      weight   = '0;
      for (int unsigned n = 0; n < TokenSlots; n++) begin
        if (read_i[n] || store_i[n]) begin
          code   = code | codes_q[(n*SliceSubspaces+s)*CodeBits +: CodeBits];
          weight = weight | weight_i[n*8 +: 8];
        end
        weighted = weighted | weighted_i[(n*SliceChannels+s*SubDim)*20 +: SubDim*20];
      end
    end

    // The wide word of sums; LOAD stores zeros.
    always_comb begin
      updated = '0;
      if (|store_i) begin
        for (int unsigned j = 0; j < SumLanes; j++) begin
          updated[j*LaneWidth +: LaneWidth] =
              words_i[(s+(CentroidLanes+j)*SliceSubspaces)*LaneWidth +: LaneWidth];
        end
        for (int unsigned d = 0; d < SubDim; d++) begin
          updated[d*SumWidth +: SumWidth] = updated[d*SumWidth +: SumWidth]
                                          + SumWidth'($signed(weighted[d*20 +: 20]));
        end
        updated[SubDim*SumWidth +: WeightsWidth] = updated[SubDim*SumWidth +: WeightsWidth]
                                                 + WeightsWidth'(weight);
      end
    end

    for (genvar j = 0; j < SubspaceLanes; j++) begin : gen_lane
      localparam int unsigned Lane = s + j * SliceSubspaces;

      if (j < CentroidLanes) begin : gen_centroid
        assign lookup_o[Lane]  = loop_i || unload_i;
        assign clear_o[Lane]   = 1'b0;
        assign address_o[Lane*CodeBits +: CodeBits] = code_i;
        assign store_o[Lane]   = load_i;
        assign store_address_o[Lane*CodeBits +: CodeBits]  = load_code_i;
        assign store_data_o[Lane*LaneWidth +: LaneWidth] =
            load_i ? LaneWidth'(load_centroid_i[(s*SubDim+2*j)*12 +: 24]) : '0;
        assign centroid_o[(s*SubDim+2*j)*12 +: 24] = words_i[Lane*LaneWidth +: 24];
      end else begin : gen_sum
        assign lookup_o[Lane]  = |read_i;
        assign clear_o[Lane]   = unload_i;
        assign address_o[Lane*CodeBits +: CodeBits] = code;
        assign store_o[Lane]   = load_i || |store_i;
        assign store_address_o[Lane*CodeBits +: CodeBits]  = load_i ? load_code_i : code;
        assign store_data_o[Lane*LaneWidth +: LaneWidth] =
            |store_i ? updated[(j-CentroidLanes)*LaneWidth +: LaneWidth] : '0;
      end
    end
  end

  // A function, so that simulation evaluates it only for a record.
  function automatic logic [WordBits-1:0] record_word(
      input logic [Lanes*LaneWidth-1:0] words, input logic [$clog2(RecordWords)-1:0] word);
    logic [RecordWords*WordBits-1:0] record;
    logic [WideWidth-1:0]            wide;
    record = '0;
    wide   = '0;
    for (int unsigned s = 0; s < SliceSubspaces; s++) begin
      for (int unsigned j = 0; j < SumLanes; j++) begin
        wide[j*LaneWidth +: LaneWidth] =
            words[(s+(CentroidLanes+j)*SliceSubspaces)*LaneWidth +: LaneWidth];
      end
      for (int unsigned d = 0; d < SubDim; d++) begin
        record[(s*SubDim+d)*32 +: 32] = 32'($signed(wide[d*SumWidth +: SumWidth]));
        record[SumBits+WeightWords*WordBits+(s*SubDim+d)*16 +: 16] =
            16'($signed(words[(s+d/2*SliceSubspaces)*LaneWidth+d%2*12 +: 12]));
      end
      record[SumBits+s*32 +: 32] = 32'(wide[SubDim*SumWidth +: WeightsWidth]);
    end
    record_word = '0;
    for (int unsigned w = 0; w < RecordWords; w++) begin
      if (32'(word) == w) record_word = record_word | record[w*WordBits +: WordBits];
    end
  endfunction

  always_comb begin
    record_o = '0;
    if (record_i) record_o = record_word(words_i, record_word_i);
  end

  logic unused_words;
  assign unused_words = ^words_i;

endmodule

`default_nettype wire
