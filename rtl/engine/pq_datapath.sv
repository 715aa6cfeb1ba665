// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// pq_datapath: what the words of an operation meet on their way through the engine.
//
//   word_i --+--> pq_stages --+--> pq_centroid_group x Groups --entries--> pq_lanes
//            |                |      ^          ^       |                  ^  ^   |
//            |                |   pq_query      |    weighted              |  |   |  entries
//            |                |                 +-------|------buckets-----|--|---+
//            |                \--codes------------------|------------------/  |   |
//            |                                          v                 weights v
//            |                               pq_output_lane x Multipliers     |   |
//            |                                          v                     |   v
//            |                                      pq_result <--- pq_attention_weights
//            |
//            \--> pq_encode_cluster (with Quantize): its vectors are in pq_query, its distances and
//                 products come from pq_centroid_group, its sums lie in pq_lanes
//
// Words       as in pq_engine, whose pq_control says when a word is taken and what it is
// Formats     docs/architecture.md, "Number formats"
// Latency     the stages of pq_stages; operations as in pq_engine
// Throughput  1 word per cycle
// Golden      aqpim::golden::Engine   sw/golden/engine.h
module pq_datapath #(
  parameter  int unsigned HeadDim       = 128,
  parameter  int unsigned SubDim        = 4,
  parameter  int unsigned CodeBits      = 8,
  parameter  int unsigned WordBits      = 256,
  parameter  int unsigned QueryWidth    = 12,
  parameter  int unsigned EntryWidth    = 16,
  parameter  int unsigned ScoreWidth    = 16,
  parameter  int unsigned ScoreFraction = 8,
  parameter  int unsigned ScoreDepth    = 2048,
  parameter  int unsigned BiasDepth     = 256,
  parameter  int unsigned WeightWidth   = 14,
  parameter  bit          Quantize      = 1'b1,
  parameter  int unsigned WordWidth     = 2      // of the place of a word in its centroid or token
) (
  input  wire logic                 clk_i,
  input  wire logic                 rst_ni,
  // The operation, from pq_control
  input  wire logic                 busy_i,             // otherwise nothing is on its way
  input  wire pq_pkg::operation_e   operation_i,
  input  wire logic                 start_i,            // pulse: the operation starts
  input  wire logic                 first_i,            // cmd_first_i of its command
  input  wire logic                 fill_i,
  input  wire logic                 word_take_i,        // word_i is taken
  input  wire logic [CodeBits-1:0]  next_centroid_i,    // position of the next word
  input  wire logic [WordWidth-1:0] next_word_i,
  input  wire logic                 next_last_i,
  input  wire logic [7:0]           tile_run_i,         // tokens per bias
  input  wire logic                 outputs_valid_i,    // outputs and status can be read
  input  wire logic                 codes_valid_i,      // codes can be read
  output logic                      cluster_ready_o,    // CLUSTER has room for a word
  output logic                      cluster_active_o,   // loops of CLUSTER are not over
  input  wire logic [WordBits-1:0]  word_i,
  // Registers, from pq_registers
  input  wire logic                 query_write_i,
  input  wire logic                 shift_write_i,
  input  wire logic                 bias_write_i,
  input  wire logic                 clear_flags_i,
  input  wire logic [7:0]           reg_index_i,
  input  wire logic [WordBits-1:0]  reg_data_i,
  input  wire logic [3:0]           table_fraction_i,
  input  wire logic                 bfloat16_i,
  input  wire logic                 values_i,
  input  wire logic [4:0]           flags_i,            // for the status word
  output logic                      query_nonfinite_o,  // events, each a pulse
  output logic                      query_saturated_o,
  output logic                      table_saturated_o,
  output logic                      score_saturated_o,
  // Result read-out
  input  wire logic                 result_read_i,
  input  wire logic [8:0]           result_index_i,
  output logic                      result_valid_o,
  output logic      [WordBits-1:0]  result_o,
  output logic                      result_refused_o    // pulse: no such word now
);

  localparam int unsigned Subspaces     = HeadDim / SubDim;
  localparam int unsigned Lanes         = WordBits / CodeBits;
  localparam int unsigned Multipliers   = WordBits / 8;
  localparam int unsigned TokenWords    = Subspaces / Lanes;
  localparam int unsigned Groups        = Multipliers / SubDim;     // sub-spaces of a centroid word
  localparam int unsigned CentroidWords = HeadDim / Multipliers;
  localparam int unsigned CWordWidth    = CentroidWords > 1 ? $clog2(CentroidWords) : 1;
  localparam int unsigned BucketWidth   = WeightWidth + $clog2(ScoreDepth);
  localparam int unsigned OutputWidth   = BucketWidth + 12;
  localparam int unsigned MaximumWidth  = ScoreWidth - ScoreFraction + 1;
  localparam int unsigned SliceChannels = Lanes / 2;
  localparam int unsigned TokenSlots    = Multipliers / SliceChannels;
  localparam int unsigned DistanceWidth = 24 + $clog2(SubDim);

  // A lane's word holds an entry or a bucket and their mark, or its share of a sub-space's sums:
  // (20 + log2 ScoreDepth) * SubDim + 8 + log2 ScoreDepth bits in 3 * SubDim / 2 lanes; or two
  // centroid elements.
  localparam int unsigned SumsBits   = (20 + $clog2(ScoreDepth)) * SubDim + 8 + $clog2(ScoreDepth);
  localparam int unsigned SumsLanes  = SubDim > 1 ? 3 * SubDim / 2 : 1;
  localparam int unsigned ShareWidth = (SumsBits + SumsLanes - 1) / SumsLanes;
  localparam int unsigned StoreWidth = !Quantize ? 1 : ShareWidth > 24 ? ShareWidth : 24;
  localparam int unsigned ValueWidth = BucketWidth > EntryWidth ? BucketWidth : EntryWidth;
  localparam int unsigned LaneWidth  = StoreWidth > 1 + ValueWidth ? StoreWidth : 1 + ValueWidth;

  // ---- Words, stage by stage ------------------------------------------------------------------

  logic                   is_load, is_cluster, raw;
  logic                   weights_next, loop, weigh, loop_buffer;
  logic [1:0]             raw_index, stream_index;
  logic [CodeBits-1:0]    loop_code;
  logic                   table_now, score_now, accumulate_now, combine_now, encode_now;
  logic                   unload_now, distance_now, weigh_now, binary16, last;
  logic [WordBits-1:0]    word;
  logic [WordWidth-1:0]   position;
  logic                   load_valid, adding, loading, distance_valid, entry_valid;
  logic [CodeBits-1:0]    load_centroid, distance_centroid, entry_centroid;
  logic [CWordWidth-1:0]  next_output, distance_word, entry_word;

  assign is_load      = Quantize && operation_i == pq_pkg::OpLoad;
  assign is_cluster   = Quantize && operation_i == pq_pkg::OpCluster;
  // A raw word goes to the query registers.
  assign raw          = is_load || (is_cluster && !weights_next);
  assign stream_index = is_load ? 2'(next_word_i) : raw_index;

  pq_stages #(
    .WordBits   (WordBits),
    .CodeBits   (CodeBits),
    .WordWidth  (WordWidth),
    .CWordWidth (CWordWidth),
    .Quantize   (Quantize)
  ) u_stages (
    .clk_i,
    .rst_ni,
    .busy_i,
    .operation_i,
    .first_i,
    .word_take_i,
    .raw_i               (raw),
    .word_i,
    .next_centroid_i,
    .next_word_i,
    .next_last_i,
    .loop_i              (loop),
    .weigh_i             (weigh),
    .loop_code_i         (loop_code),
    .loop_buffer_i       (loop_buffer),
    .table_o             (table_now),
    .score_o             (score_now),
    .accumulate_o        (accumulate_now),
    .combine_o           (combine_now),
    .encode_o            (encode_now),
    .unload_o            (unload_now),
    .distance_o          (distance_now),
    .weigh_o             (weigh_now),
    .binary16_o          (binary16),
    .word_o              (word),
    .position_o          (position),
    .last_o              (last),
    .load_valid_o        (load_valid),
    .load_centroid_o     (load_centroid),
    .adding_o            (adding),
    .loading_o           (loading),
    .next_output_o       (next_output),
    .distance_valid_o    (distance_valid),
    .distance_centroid_o (distance_centroid),
    .distance_word_o     (distance_word),
    .entry_valid_o       (entry_valid),
    .entry_centroid_o    (entry_centroid),
    .entry_word_o        (entry_word)
  );

  // ---- Multipliers ----------------------------------------------------------------------------

  logic [Multipliers*QueryWidth-1:0]  query;
  logic [Groups*4-1:0]                shifts;
  logic [Groups*BucketWidth-1:0]      buckets;
  logic [Groups*EntryWidth-1:0]       entries;
  logic [Groups-1:0]                  entry_saturated;
  logic [Multipliers*OutputWidth-1:0] weighted;
  logic [Multipliers*12-1:0]          compared;
  logic [Groups*DistanceWidth-1:0]    distances;
  logic [TokenSlots*8-1:0]            token_weight;

  pq_query #(
    .HeadDim    (HeadDim),
    .SubDim     (SubDim),
    .WordBits   (WordBits),
    .QueryWidth (QueryWidth),
    .Quantize   (Quantize)
  ) u_query (
    .clk_i,
    .rst_ni,
    .query_write_i,
    .shift_write_i,
    .clear_flags_i,
    .index_i          (reg_index_i),
    .data_i           (reg_data_i),
    .stream_write_i   (word_take_i && raw),
    .stream_index_i   (stream_index),
    .stream_data_i    (word_i),
    .bfloat16_i       (bfloat16_i && !binary16),
    .table_fraction_i,
    .query_word_i     (position[CWordWidth-1:0]),
    .query_o          (query),
    .shift_word_i     (next_output),
    .shift_o          (shifts),
    .nonfinite_o      (query_nonfinite_o),
    .saturated_o      (query_saturated_o)
  );

  for (genvar g = 0; g < Groups; g++) begin : gen_group
    pq_centroid_group #(
      .SubDim      (SubDim),
      .QueryWidth  (QueryWidth),
      .EntryWidth  (EntryWidth),
      .BucketWidth (BucketWidth),
      .Quantize    (Quantize)
    ) u_group (
      .clk_i,
      .valid_i     (table_now || combine_now || encode_now || distance_now || weigh_now),
      .combine_i   (combine_now),
      .distance_i  (encode_now || distance_now),
      .weigh_i     (weigh_now),
      .query_i     (query[g*SubDim*QueryWidth +: SubDim*QueryWidth]),
      .element_i   (word[g*SubDim*8 +: SubDim*8]),
      .bucket_i    (buckets[g*BucketWidth +: BucketWidth]),
      .shift_i     (shifts[g*4 +: 4]),
      .centroid_i  (compared[g*SubDim*12 +: SubDim*12]),
      .weight_i    (token_weight[g*TokenSlots/Groups*8 +: 8]),
      .distance_o  (distances[g*DistanceWidth +: DistanceWidth]),
      .entry_o     (entries[g*EntryWidth +: EntryWidth]),
      .saturated_o (entry_saturated[g]),
      .weighted_o  (weighted[g*SubDim*OutputWidth +: SubDim*OutputWidth])
    );
  end

  assign table_saturated_o = entry_valid && |entry_saturated;

  // ---- Lanes ----------------------------------------------------------------------------------

  logic [Lanes*LaneWidth-1:0]  lane_words;
  logic [Lanes*EntryWidth-1:0] lane_entries;
  logic [WeightWidth-1:0]      weight;
  logic [Lanes-1:0]            slice_lookup, slice_clear, slice_store;
  logic [Lanes*CodeBits-1:0]   slice_address, slice_store_address;
  logic [Lanes*LaneWidth-1:0]  slice_store_data;

  pq_lanes #(
    .HeadDim     (HeadDim),
    .SubDim      (SubDim),
    .CodeBits    (CodeBits),
    .WordBits    (WordBits),
    .EntryWidth  (EntryWidth),
    .WeightWidth (WeightWidth),
    .BucketWidth (BucketWidth),
    .StoreWidth  (StoreWidth),
    .WordWidth   (WordWidth)
  ) u_lanes (
    .clk_i,
    .rst_ni,
    .entry_valid_i      (entry_valid),
    .entry_word_i       (entry_word),
    .entry_centroid_i   (entry_centroid),
    .entries_i          (entries),
    .score_i            (score_now),
    .accumulate_i       (accumulate_now),
    .code_word_i        (position),
    .codes_i            (word),
    .weight_i           (weight),
    .entries_o          (lane_entries),
    .combine_i          (word_take_i && operation_i == pq_pkg::OpCombine),
    .combine_word_i     (next_word_i),
    .combine_centroid_i (next_centroid_i),
    .bucket_valid_i     (combine_now),
    .bucket_word_i      (position),
    .buckets_o          (buckets),
    .lookup_i           (slice_lookup),
    .clear_i            (slice_clear),
    .address_i          (slice_address),
    .store_i            (slice_store),
    .store_address_i    (slice_store_address),
    .store_data_i       (slice_store_data),
    .words_o            (lane_words)
  );

  // ---- Encoding and clustering ----------------------------------------------------------------

  logic                          codes_read;
  logic [Subspaces*CodeBits-1:0] codes;
  logic [WordBits-1:0]           record;

  if (Quantize) begin : gen_quantize
    localparam int unsigned RecordWords = 8 / TokenSlots;

    logic [Multipliers*20-1:0] weighted_tokens;

    for (genvar i = 0; i < Multipliers; i++) begin : gen_token
      assign weighted_tokens[i*20 +: 20] = weighted[i*OutputWidth +: 20];
    end

    pq_encode_cluster #(
      .HeadDim    (HeadDim),
      .SubDim     (SubDim),
      .CodeBits   (CodeBits),
      .WordBits   (WordBits),
      .ScoreDepth (ScoreDepth),
      .LaneWidth  (LaneWidth)
    ) u_encode_cluster (
      .clk_i,
      .rst_ni,
      .start_i             (start_i && is_cluster),
      .take_i              (word_take_i && is_cluster),
      .ready_o             (cluster_ready_o),
      .active_o            (cluster_active_o),
      .weights_next_o      (weights_next),
      .raw_index_o         (raw_index),
      .loop_o              (loop),
      .weigh_o             (weigh),
      .loop_code_o         (loop_code),
      .loop_buffer_o       (loop_buffer),
      .token_weight_o      (token_weight),
      .encode_i            (encode_now),
      .distance_i          (distance_now),
      .elements_i          (word),
      .values_i,
      .compared_o          (compared),
      .distance_valid_i    (distance_valid),
      .distance_centroid_i (distance_centroid),
      .distance_word_i     (distance_word),
      .distances_i         (distances),
      .weighted_i          (weighted_tokens),
      .load_i              (load_valid),
      .load_centroid_i     (load_centroid),
      .load_vector_i       (query[SliceChannels*12-1:0]),
      .unload_i            (word_take_i && operation_i == pq_pkg::OpUnload && ~|next_word_i),
      .unload_centroid_i   (next_centroid_i),
      .record_i            (unload_now),
      .record_word_i       (position[$clog2(RecordWords)-1:0]),
      .record_o            (record),
      .codes_read_i        (codes_read),
      .codes_o             (codes),
      .words_i             (lane_words),
      .lookup_o            (slice_lookup),
      .clear_o             (slice_clear),
      .address_o           (slice_address),
      .store_o             (slice_store),
      .store_address_o     (slice_store_address),
      .store_data_o        (slice_store_data)
    );
  end else begin : gen_attention_only
    logic unused_quantize;
    assign unused_quantize = ^{lane_words, distances, values_i, load_valid, load_centroid,
                               distance_valid, distance_centroid, distance_word, token_weight,
                               codes_read};
    assign {cluster_ready_o, cluster_active_o, weights_next} = '0;
    assign {loop, weigh, loop_buffer}                        = '0;
    assign {raw_index, loop_code, token_weight}              = '0;
    assign {slice_lookup, slice_clear, slice_store}          = '0;
    assign {slice_address, slice_store_address, slice_store_data} = '0;
    assign {compared, codes, record}                         = '0;
  end

  // ---- Scores and weights ---------------------------------------------------------------------

  logic [MaximumWidth-1:0] maximum;
  logic [BucketWidth-1:0]  weight_sum;

  pq_attention_weights #(
    .WordBits      (WordBits),
    .Lanes         (Lanes),
    .TokenWords    (TokenWords),
    .EntryWidth    (EntryWidth),
    .ScoreWidth    (ScoreWidth),
    .ScoreFraction (ScoreFraction),
    .ScoreDepth    (ScoreDepth),
    .BiasDepth     (BiasDepth),
    .WeightWidth   (WeightWidth)
  ) u_weights (
    .clk_i,
    .rst_ni,
    .busy_i,
    .bias_write_i,
    .reg_index_i,
    .reg_data_i,
    .table_fraction_i,
    .start_score_i   (start_i && operation_i == pq_pkg::OpScore),
    .first_i,
    .tile_run_i,
    .start_weights_i (start_i && operation_i == pq_pkg::OpAccumulate),
    .fill_i          (fill_i && operation_i == pq_pkg::OpAccumulate),
    .score_i         (score_now),
    .accumulate_i    (accumulate_now),
    .first_word_i    (position == '0),
    .last_word_i     (last),
    .entries_i       (lane_entries),
    .saturated_o     (score_saturated_o),
    .weight_o        (weight),
    .maximum_o       (maximum),
    .weight_sum_o    (weight_sum)
  );

  // ---- Outputs and result read-out ------------------------------------------------------------

  logic                               selecting;
  logic [CWordWidth-1:0]              result_select;
  logic [Multipliers*OutputWidth-1:0] outputs;

  for (genvar i = 0; i < Multipliers; i++) begin : gen_output
    pq_output_lane #(
      .CentroidWords (CentroidWords),
      .OutputWidth   (OutputWidth)
    ) u_output (
      .clk_i,
      .active_i (adding || selecting),
      .select_i (adding ? next_output : result_select),
      .add_i    (adding),
      .load_i   (loading),
      .value_i  (weighted[i*OutputWidth +: OutputWidth]),
      .value_o  (outputs[i*OutputWidth +: OutputWidth])
    );
  end

  pq_result #(
    .HeadDim     (HeadDim),
    .WordBits    (WordBits),
    .OutputWidth (OutputWidth),
    .TokenWords  (TokenWords)
  ) u_result (
    .clk_i,
    .rst_ni,
    .read_i          (result_read_i),
    .index_i         (result_index_i),
    .outputs_valid_i,
    .codes_valid_i,
    .selecting_o     (selecting),
    .select_o        (result_select),
    .outputs_i       (outputs),
    .status_i        ({16'(flags_i), 16'($signed(maximum)), 32'(weight_sum)}),
    .codes_read_o    (codes_read),
    .codes_i         (codes),
    .record_valid_i  (unload_now),
    .record_i        (record),
    .valid_o         (result_valid_o),
    .result_o,
    .refused_o       (result_refused_o)
  );

endmodule

`default_nettype wire
