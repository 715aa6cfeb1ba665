// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// pq_encode_cluster: codes of vectors, and sums of the tokens around each centroid. The vectors are
// in the query registers, the products and distances come from the multipliers, the sums lie in the
// lanes.
//
//   words_i ---> pq_slice --> slice's centroid --\
//   elements_i ---> pq_stored_element x Multipliers --> compared_o --> (multipliers)
//                                                                           |
//   store_* <--- pq_slice <--- codes --- pq_nearest x Groups <-- distances_i --+
//                    ^-----------------------------------------  weighted_i --/
//   take_i --> pq_cluster_control --> loop_o, weigh_o, token_weight_o, and when sums are stored
//
// ENCODE      elements_i is a word of a codebook: codes_o are the nearest centroids of the vector's
//             sub-spaces
// LOAD        load_vector_i is stored as a centroid, with empty sums
// CLUSTER     the words that are taken are weights (elements_i a cycle later) and raw tokens; each
//             token adds to the sums of its nearest centroid
// UNLOAD      records of sums, weights and centroids; empty sums
//
// Formats     element as in pq_stored_element; compared, vector: s12; distance: unsigned 24 +
//             log2 SubDim; weighted: s20; record as in pq_slice
// Latency     stage 1 (encode_i, distance_i) to compared_o: combinational; the last distance of a
//             sub-space to codes_o: 1 cycle; record_i to record_o: combinational; of CLUSTER as in
//             pq_cluster_control
// Throughput  1 word of a codebook or record per cycle; CLUSTER as in pq_cluster_control
// Golden      aqpim::golden::Engine::encode(), load(), cluster(), unload()   sw/golden/engine.h
module pq_encode_cluster #(
  parameter  int unsigned HeadDim       = 128,
  parameter  int unsigned SubDim        = 4,
  parameter  int unsigned CodeBits      = 8,
  parameter  int unsigned WordBits      = 256,
  parameter  int unsigned ScoreDepth    = 2048,
  parameter  int unsigned LaneWidth     = 26,     // of a lane's memory
  localparam int unsigned Lanes         = WordBits / CodeBits,
  localparam int unsigned Multipliers   = WordBits / 8,
  localparam int unsigned Groups        = Multipliers / SubDim,
  localparam int unsigned CentroidWords = HeadDim / Multipliers,
  localparam int unsigned CWordWidth    = CentroidWords > 1 ? $clog2(CentroidWords) : 1,
  localparam int unsigned SliceChannels = Lanes / 2,
  localparam int unsigned TokenSlots    = Multipliers / SliceChannels,
  localparam int unsigned RecordWords   = 8 / TokenSlots,
  localparam int unsigned DistanceWidth = 24 + $clog2(SubDim)
) (
  input  wire logic                                clk_i,
  input  wire logic                                rst_ni,
  // Words of CLUSTER
  input  wire logic                                start_i,         // a CLUSTER starts
  input  wire logic                                take_i,          // CLUSTER takes a word
  output logic                                     ready_o,         // a word may come
  output logic                                     active_o,        // loops are not over
  output logic                                     weights_next_o,  // that word holds weights
  output logic      [1:0]                          raw_index_o,     // query register of raw tokens
  // Token loops
  output logic                                     loop_o,
  output logic                                     weigh_o,         // the loop's last cycle
  output logic      [CodeBits-1:0]                 loop_code_o,
  output logic                                     loop_buffer_o,
  output logic      [TokenSlots*8-1:0]             token_weight_o,
  // Stage 1: what the vector is compared with
  input  wire logic                                encode_i,
  input  wire logic                                distance_i,
  input  wire logic [WordBits-1:0]                 elements_i,
  input  wire logic                                values_i,        // the elements are E3M4
  output logic      [Multipliers*12-1:0]           compared_o,      // signed, each; otherwise 0
  // Distances and weighted tokens
  input  wire logic                                distance_valid_i,
  input  wire logic [CodeBits-1:0]                 distance_centroid_i,
  input  wire logic [CWordWidth-1:0]               distance_word_i,
  input  wire logic [Groups*DistanceWidth-1:0]     distances_i,
  input  wire logic [Multipliers*20-1:0]           weighted_i,      // signed, each
  // LOAD, UNLOAD
  input  wire logic                                load_i,
  input  wire logic [CodeBits-1:0]                 load_centroid_i,
  input  wire logic [SliceChannels*12-1:0]         load_vector_i,   // signed, each
  input  wire logic                                unload_i,        // read a record
  input  wire logic [CodeBits-1:0]                 unload_centroid_i,
  input  wire logic                                record_i,        // a cycle after unload_i: give
  input  wire logic [$clog2(RecordWords)-1:0]      record_word_i,   // this word of the record
  output logic      [WordBits-1:0]                 record_o,        // otherwise 0
  // Codes of the vector encoded last
  input  wire logic                                codes_read_i,
  output logic      [HeadDim/SubDim*CodeBits-1:0]  codes_o,         // otherwise 0
  // Lanes, as in pq_slice
  input  wire logic [Lanes*LaneWidth-1:0]          words_i,
  output logic      [Lanes-1:0]                    lookup_o,
  output logic      [Lanes-1:0]                    clear_o,
  output logic      [Lanes*CodeBits-1:0]           address_o,
  output logic      [Lanes-1:0]                    store_o,
  output logic      [Lanes*CodeBits-1:0]           store_address_o,
  output logic      [Lanes*LaneWidth-1:0]          store_data_o
);

  logic                            capture;
  logic [TokenSlots-1:0]           read_sums, store_sums;
  logic [Groups*CodeBits-1:0]      token_codes;
  logic [SliceChannels*12-1:0]     slice_centroid;
  logic [Multipliers*20-1:0]       weighted_tokens;

  pq_cluster_control #(
    .WordBits   (WordBits),
    .CodeBits   (CodeBits),
    .TokenSlots (TokenSlots)
  ) u_cluster_control (
    .clk_i,
    .rst_ni,
    .start_i,
    .take_i,
    .weights_i      (elements_i),
    .ready_o,
    .weights_next_o,
    .index_o        (raw_index_o),
    .active_o,
    .loop_o,
    .weigh_o,
    .code_o         (loop_code_o),
    .buffer_o       (loop_buffer_o),
    .weight_o       (token_weight_o),
    .capture_o      (capture),
    .read_o         (read_sums),
    .store_o        (store_sums)
  );

  // What a vector is compared with: the elements of the word, or, in all token slots, the slice's
  // centroid.
  for (genvar i = 0; i < Multipliers; i++) begin : gen_multiplier
    logic [11:0] stored, compared;

    pq_stored_element u_stored (
      .element_i (elements_i[i*8 +: 8]),
      .values_i,
      .value_o   (stored)
    );

    always_comb begin
      compared = '0;
      if (encode_i) compared = stored;
      if (distance_i) compared = slice_centroid[i%SliceChannels*12 +: 12];
    end

    assign compared_o[i*12 +: 12] = compared;

    // The weighted token that is stored.
    logic [19:0] token;

    always_comb begin
      token = '0;
      if (store_sums[i/SliceChannels]) token = weighted_i[i*20 +: 20];
    end

    assign weighted_tokens[i*20 +: 20] = token;
  end

  for (genvar g = 0; g < Groups; g++) begin : gen_nearest
    logic [CentroidWords*CodeBits-1:0] group_codes;

    pq_nearest #(
      .Entries       (CentroidWords),
      .CodeBits      (CodeBits),
      .DistanceWidth (DistanceWidth)
    ) u_nearest (
      .clk_i,
      .valid_i    (distance_valid_i),
      .first_i    (~|distance_centroid_i),
      .entry_i    (distance_word_i),
      .code_i     (distance_centroid_i),
      .distance_i (distances_i[g*DistanceWidth +: DistanceWidth]),
      .codes_o    (group_codes)
    );

    logic [CodeBits-1:0] token_code;

    always_comb begin
      token_code = '0;
      if (capture) token_code = group_codes[CodeBits-1:0];
    end

    assign token_codes[g*CodeBits +: CodeBits] = token_code;

    for (genvar w = 0; w < CentroidWords; w++) begin : gen_code
      logic [CodeBits-1:0] code;

      always_comb begin
        code = '0;
        if (codes_read_i) code = group_codes[w*CodeBits +: CodeBits];
      end

      assign codes_o[(w*Groups+g)*CodeBits +: CodeBits] = code;
    end
  end

  pq_slice #(
    .SubDim     (SubDim),
    .CodeBits   (CodeBits),
    .WordBits   (WordBits),
    .ScoreDepth (ScoreDepth),
    .LaneWidth  (LaneWidth)
  ) u_slice (
    .clk_i,
    .words_i,
    .lookup_o,
    .clear_o,
    .address_o,
    .store_o,
    .store_address_o,
    .store_data_o,
    .load_i,
    .load_code_i     (load_centroid_i),
    .load_centroid_i (load_vector_i),
    .loop_i          (loop_o && !weigh_o),
    .unload_i,
    .code_i          (loop_o ? loop_code_o : unload_centroid_i),
    .centroid_o      (slice_centroid),
    .record_i,
    .record_word_i,
    .record_o,
    .capture_i       (capture),
    .codes_i         (token_codes),
    .read_i          (read_sums),
    .store_i         (store_sums),
    .weighted_i      (weighted_tokens),
    .weight_i        (token_weight_o)
  );

endmodule

`default_nettype wire
