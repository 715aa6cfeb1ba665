// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// pq_lanes: the lanes of an engine, and which lane and address each sub-space has.
//
//   entries_i ------------------\
//   codes_i, weight_i -----------+--> pq_table_lane x Lanes --> entries_o
//   store_data_i ---------------/                          \--> words_o
//                                                           \-> [ lane set ] --> buckets_o
//
// Sub-space m lives in lane m mod Lanes, at addresses (m / Lanes) * Centroids + code. The
// sub-spaces of centroid word w are Groups neighbours: lane set w mod LaneSets, and group g serves
// the lanes g, g + Groups, g + 2 * Groups ...
//
// TABLE writes an entry into each lane of a set. SCORE and ACCUMULATE look up a code in every lane.
// COMBINE reads and clears a bucket in each lane of a set; buckets_o has them in the next cycle,
// and zero for a word that holds no bucket. LOAD, CLUSTER and UNLOAD read, clear and store whole
// words, lane by lane: pq_slice says which.
//
// Shapes      in: Groups entries, Lanes codes; out: Lanes entries, Groups buckets
// Formats     as in pq_table_lane
// Latency     as in pq_table_lane            Throughput  1 centroid word or word of codes per cycle
// Golden      aqpim::golden::TableLane   sw/golden/table_lane.h
module pq_lanes #(
  parameter  int unsigned HeadDim       = 128,
  parameter  int unsigned SubDim        = 4,
  parameter  int unsigned CodeBits      = 8,
  parameter  int unsigned WordBits      = 256,
  parameter  int unsigned EntryWidth    = 16,
  parameter  int unsigned WeightWidth   = 14,
  parameter  int unsigned BucketWidth   = 25,
  parameter  int unsigned StoreWidth    = 1,      // least width of a lane's word
  parameter  int unsigned WordWidth     = 2,      // of the place of a word in its centroid or token
  localparam int unsigned Lanes         = WordBits / CodeBits,
  localparam int unsigned Multipliers   = WordBits / 8,
  localparam int unsigned Groups        = Multipliers / SubDim,
  localparam int unsigned CentroidWords = HeadDim / Multipliers,
  localparam int unsigned CWordWidth    = CentroidWords > 1 ? $clog2(CentroidWords) : 1,
  localparam int unsigned ValueWidth    = BucketWidth > EntryWidth ? BucketWidth : EntryWidth,
  localparam int unsigned LaneWidth     = StoreWidth > 1 + ValueWidth ? StoreWidth : 1 + ValueWidth
) (
  input  wire logic                          clk_i,
  input  wire logic                          rst_ni,
  // TABLE: entries of a centroid word
  input  wire logic                          entry_valid_i,
  input  wire logic [CWordWidth-1:0]         entry_word_i,
  input  wire logic [CodeBits-1:0]           entry_centroid_i,
  input  wire logic [Groups*EntryWidth-1:0]  entries_i,         // signed, each
  // SCORE, ACCUMULATE: a word of codes
  input  wire logic                          score_i,
  input  wire logic                          accumulate_i,
  input  wire logic [WordWidth-1:0]          code_word_i,       // place of the word in its token
  input  wire logic [WordBits-1:0]           codes_i,
  input  wire logic [WeightWidth-1:0]        weight_i,          // one cycle after accumulate_i
  output logic      [Lanes*EntryWidth-1:0]   entries_o,         // one cycle after score_i
  // COMBINE: buckets of a centroid word
  input  wire logic                          combine_i,
  input  wire logic [WordWidth-1:0]          combine_word_i,
  input  wire logic [CodeBits-1:0]           combine_centroid_i,  // clear_i: with word 0
  input  wire logic                          bucket_valid_i,    // one cycle after combine_i
  input  wire logic [WordWidth-1:0]          bucket_word_i,     // combine_word_i of that read
  output logic      [Groups*BucketWidth-1:0] buckets_o,         // zero without bucket_valid_i
  // Work space of clustering, as pq_slice has it
  input  wire logic [Lanes-1:0]              lookup_i,
  input  wire logic [Lanes-1:0]              clear_i,
  input  wire logic [Lanes*CodeBits-1:0]     address_i,
  input  wire logic [Lanes-1:0]              store_i,
  input  wire logic [Lanes*CodeBits-1:0]     store_address_i,
  input  wire logic [Lanes*LaneWidth-1:0]    store_data_i,
  output logic      [Lanes*LaneWidth-1:0]    words_o            // one cycle after any read
);

  localparam int unsigned TokenWords   = HeadDim / SubDim / Lanes;
  localparam int unsigned LaneDepth    = (1 << CodeBits) * TokenWords;
  localparam int unsigned AddressWidth = $clog2(LaneDepth);
  localparam int unsigned LaneSets     = Lanes / Groups;   // centroid words across the lanes

  logic [AddressWidth-1:0] table_address, combine_address;

  logic unused_code_word;
  assign unused_code_word = TokenWords > 1 ? 1'b0 : ^code_word_i;

  if (TokenWords > 1) begin : gen_wide_address
    localparam int unsigned HalfWidth = $clog2(TokenWords);
    assign table_address   = {entry_word_i[CWordWidth-1 -: HalfWidth], entry_centroid_i};
    assign combine_address = {combine_word_i[CWordWidth-1 -: HalfWidth], combine_centroid_i};
  end else begin : gen_narrow_address
    assign table_address   = entry_centroid_i;
    assign combine_address = combine_centroid_i;
  end

  for (genvar i = 0; i < Lanes; i++) begin : gen_lane
    localparam int unsigned Set   = i / Groups;
    localparam int unsigned Group = i % Groups;

    logic                    in_table_set, in_combine_set;
    logic [AddressWidth-1:0] code_address, lookup_address;

    assign in_table_set   = 32'(entry_word_i) % LaneSets == Set;
    assign in_combine_set = 32'(combine_word_i) % LaneSets == Set;

    if (TokenWords > 1) begin : gen_wide_code
      assign code_address = {code_word_i[$clog2(TokenWords)-1:0], codes_i[i*CodeBits +: CodeBits]};
    end else begin : gen_narrow_code
      assign code_address = codes_i[i*CodeBits +: CodeBits];
    end

    assign lookup_address = lookup_i[i] ? AddressWidth'(address_i[i*CodeBits +: CodeBits])
                                        : code_address;

    pq_table_lane #(
      .LaneDepth   (LaneDepth),
      .EntryWidth  (EntryWidth),
      .WeightWidth (WeightWidth),
      .BucketWidth (BucketWidth),
      .StoreWidth  (StoreWidth)
    ) u_lane (
      .clk_i,
      .rst_ni,
      .table_write_i     (entry_valid_i && in_table_set),
      .table_address_i   (table_address),
      .table_entry_i     (entries_i[Group*EntryWidth +: EntryWidth]),
      .lookup_i          (score_i || accumulate_i || lookup_i[i]),
      .accumulate_i,
      .lookup_address_i  (lookup_address),
      .weight_i,
      .combine_i         ((combine_i && in_combine_set) || clear_i[i]),
      .combine_address_i (combine_address),
      .store_i           (store_i[i]),
      .store_address_i   (AddressWidth'(store_address_i[i*CodeBits +: CodeBits])),
      .store_data_i      (store_data_i[i*LaneWidth +: LaneWidth]),
      .word_o            (words_o[i*LaneWidth +: LaneWidth]),
      .entry_o           (entries_o[i*EntryWidth +: EntryWidth])
    );
  end

  // The lane set that was read: what is marked as a bucket.
  always_comb begin
    buckets_o = '0;
    for (int unsigned s = 0; s < LaneSets; s++) begin
      if (bucket_valid_i && 32'(bucket_word_i) % LaneSets == s) begin
        for (int unsigned g = 0; g < Groups; g++) begin
          if (words_o[(s*Groups+g)*LaneWidth + LaneWidth-1]) begin
            buckets_o[g*BucketWidth +: BucketWidth] = buckets_o[g*BucketWidth +: BucketWidth]
                | words_o[(s*Groups+g)*LaneWidth +: BucketWidth];
          end
        end
      end
    end
  end

endmodule

`default_nettype wire
