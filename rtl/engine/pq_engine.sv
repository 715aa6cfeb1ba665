// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "pq_assert.svh"

// pq_engine: attention on product-quantized codes, next to a DRAM bank.
//
//   word_i --+--> [ reg ] --+--> pq_centroid_group x Groups --entries--> pq_table_lane x Lanes
//            |              |      ^          ^       |                    ^    ^   |    |
//            |              |   pq_query      |    weighted                |    |   |  entries
//            |              |                 +-------|------buckets-------|----|---+    |
//            |              +--codes------------------|--------------------+  weights    |
//            |                                        v                         |        v
//            |                             pq_output_lane x Multipliers         |  pq_score_sum
//            |                                        |                         |        v
//            |                                        |                 pq_softmax <- pq_score
//            |                                        v                         |        ^
//            +--> pq_control                       pq_result <-- maximum, sum --+     pq_bias
//
// TABLE       a codebook of K: T[m][c] = q_m . CK_m,c, into the lanes
// SCORE       codes of K: s_t = sum over m of T[m][code] + bias, into the score memory; maximum
// ACCUMULATE  codes of V: A[m][code] += 2^(s_t - maximum), in the lanes; weight sum
// COMBINE     a codebook of V: o_m += sum over c of A[m][c] * CV_m,c
//
// and, with Quantize, what makes codes and codebooks of raw vectors (pq_slice, pq_nearest,
// pq_cluster_control; lanes and multipliers are the same):
//
// ENCODE      a codebook, for the vector x in the query registers: the code of the nearest centroid
//             of each sub-space
// LOAD        centroids of a slice of SliceChannels channels, as floats; empty sums
// CLUSTER     raw tokens of the slice with their weights: to the sums of the nearest centroid, add
//             weight * token and weight
// UNLOAD      sums, weights and centroids out, one word for each word in; empty sums
//
// A context may have several codebook windows: TABLE, SCORE for each (scores append), then
// ACCUMULATE, COMBINE for each (outputs add up). A tile is up to ScoreDepth tokens; tiles merge
// on the host.
//
// Words       codebook, centroid-major: word c * CentroidWords + w, byte b: channel
//             w * Multipliers + b. Codes: word t * TokenWords + j, lane i: sub-space j * Lanes + i.
//             Raw tokens, centroids of LOAD: SliceWords words of 16-bit floats each. CLUSTER has a
//             word of u8 weights before each WordBits/8 tokens. Records of UNLOAD: pq_slice
// Formats     docs/architecture.md, "Number formats"
// Latency     command accepted to first word: FillCycles + 2 cycles; last word to done_o:
//             DrainCycles + 1; accepted to cmd_error_o: 2; result read: 4; word of UNLOAD to
//             result_o: 2; a register write and its flags are in force at the next command and
//             read-out
// Throughput  1 word per cycle in every operation but CLUSTER, at any spacing, without back-
//             pressure; CLUSTER: TokenSlots tokens in Centroids + 1 cycles
// Golden      aqpim::golden::Engine   sw/golden/engine.h
module pq_engine #(
  parameter  int unsigned HeadDim       = 128,   // channels of a head
  parameter  int unsigned SubDim        = 4,     // channels of a sub-space
  parameter  int unsigned CodeBits      = 8,     // bits of a code
  parameter  int unsigned WordBits      = 256,   // bits of a stream word
  parameter  int unsigned QueryWidth    = 12,    // query element
  parameter  int unsigned EntryWidth    = 16,    // table entry
  parameter  int unsigned ScoreWidth    = 16,    // score
  parameter  int unsigned ScoreFraction = 8,     // fraction bits of a score
  parameter  int unsigned ScoreDepth    = 2048,  // tokens of a tile
  parameter  int unsigned BiasDepth     = 256,   // biases of a tile
  parameter  int unsigned WeightWidth   = 14,    // softmax weight
  parameter  int unsigned Quantize      = 1,     // 1: ENCODE, LOAD, CLUSTER, UNLOAD are there
  localparam int unsigned TokensWidth   = $clog2(ScoreDepth + 1)
) (
  input  wire logic                     clk_i,
  input  wire logic                     rst_ni,
  // Commands
  input  wire logic                     cmd_valid_i,
  output logic                          cmd_ready_o,     // idle: a command is accepted
  input  wire pq_pkg::operation_e       cmd_operation_i,
  input  wire logic                     cmd_first_i,     // first of its kind in a tile; LOAD: raw
                                                         // tokens, not binary16 centroids
  input  wire logic [TokensWidth-1:0]   cmd_tokens_i,    // SCORE, ACCUMULATE, CLUSTER: tokens
  output logic                          cmd_error_o,     // pulse: refused, nothing has changed
  // Stream from the bank
  input  wire logic                     word_valid_i,
  input  wire logic [WordBits-1:0]      word_i,
  output logic                          stream_open_o,   // the engine waits for words
  output logic                          words_left_o,    // it does, or will in this operation
  // Register writes
  input  wire logic                     reg_valid_i,
  input  wire pq_pkg::register_select_e reg_select_i,
  input  wire logic [7:0]               reg_index_i,
  input  wire logic [WordBits-1:0]      reg_data_i,
  output logic                          reg_locked_o,    // the registers are in use
  // Result read-out
  input  wire logic                     result_read_i,
  input  wire logic [8:0]               result_index_i,
  output logic                          result_valid_o,
  output logic      [WordBits-1:0]      result_o,
  // Status
  output logic      [4:0]               flags_o,         // sticky; in the status word, too
  output logic                          busy_o,
  output logic                          done_o           // pulse: the operation is complete
);

  localparam bit          HasQuantize   = Quantize != 0;
  localparam int unsigned Subspaces     = HeadDim / SubDim;
  localparam int unsigned Centroids     = 1 << CodeBits;
  localparam int unsigned Lanes         = WordBits / CodeBits;
  localparam int unsigned Multipliers   = WordBits / 8;
  localparam int unsigned TokenWords    = Subspaces / Lanes;
  localparam int unsigned Groups        = Multipliers / SubDim;     // sub-spaces of a centroid word
  localparam int unsigned CentroidWords = HeadDim / Multipliers;
  localparam int unsigned LaneSets      = Lanes / Groups;       // centroid words across the lanes
  localparam int unsigned LaneDepth     = Centroids * TokenWords;
  localparam int unsigned SumWidth      = EntryWidth + $clog2(Subspaces);
  localparam int unsigned BucketWidth   = WeightWidth + $clog2(ScoreDepth);
  localparam int unsigned OutputWidth   = BucketWidth + 12;
  localparam int unsigned MaximumWidth  = ScoreWidth - ScoreFraction + 1;
  localparam int unsigned AddressWidth  = $clog2(LaneDepth);
  localparam int unsigned ExtraWidth    = $clog2(16 - ScoreFraction);  // table over score fraction
  localparam int unsigned SliceChannels = Lanes / 2;
  localparam int unsigned TokenSlots    = Multipliers / SliceChannels;
  localparam int unsigned RecordWords   = HasQuantize ? 8 / TokenSlots : 1;
  localparam int unsigned DistanceWidth = 24 + $clog2(SubDim);
  localparam int unsigned MaxCodeWords  = RecordWords > TokenWords ? RecordWords : TokenWords;
  localparam int unsigned MaxUnitWords  = CentroidWords > MaxCodeWords ? CentroidWords
                                                                       : MaxCodeWords;
  localparam int unsigned BiasIndex     = $clog2(BiasDepth * 16 / WordBits);
  localparam int unsigned WordWidth     = MaxUnitWords > 1 ? $clog2(MaxUnitWords) : 1;
  localparam int unsigned CWordWidth    = CentroidWords > 1 ? $clog2(CentroidWords) : 1;

  // A lane's word holds an entry or a bucket and their mark, or its share of a sub-space's sums:
  // (20 + log2 ScoreDepth) * SubDim + 8 + log2 ScoreDepth bits in 3 * SubDim / 2 lanes; or two
  // centroid elements.
  localparam int unsigned SumsBits   = (20 + $clog2(ScoreDepth)) * SubDim + 8 + $clog2(ScoreDepth);
  localparam int unsigned SumsLanes  = SubDim > 1 ? 3 * SubDim / 2 : 1;
  localparam int unsigned ShareWidth = (SumsBits + SumsLanes - 1) / SumsLanes;
  localparam int unsigned StoreWidth = !HasQuantize ? 1 : ShareWidth > 24 ? ShareWidth : 24;
  localparam int unsigned ValueWidth = BucketWidth > EntryWidth ? BucketWidth : EntryWidth;
  localparam int unsigned LaneWidth  = StoreWidth > 1 + ValueWidth ? StoreWidth : 1 + ValueWidth;

  // Fill: the weights of the first token. Drain: code, look-up, adder tree, sum, bias, rounding,
  // maximum.
  localparam int unsigned FillCycles  = 6;
  localparam int unsigned DrainCycles = 6 + ($clog2(Lanes) + 1) / 2;

  // Legal parameters
  if (HeadDim != 64 && HeadDim != 128 && HeadDim != 256) begin : gen_bad_head_dim
    $error("pq_engine: HeadDim must be 64, 128 or 256");
  end
  if (SubDim != 1 && SubDim != 2 && SubDim != 4 && SubDim != 8) begin : gen_bad_sub_dim
    $error("pq_engine: SubDim must be 1, 2, 4 or 8");
  end
  if (CodeBits != 4 && CodeBits != 8) begin : gen_bad_code_bits
    $error("pq_engine: CodeBits must be 4 or 8");
  end
  if (WordBits != 64 && WordBits != 128 && WordBits != 256) begin : gen_bad_word_bits
    $error("pq_engine: WordBits must be 64, 128 or 256");
  end
  if (TokenWords < 1 || TokenWords * Lanes != Subspaces) begin : gen_bad_token
    $error("pq_engine: HeadDim / SubDim codes of CodeBits must fill one or more words of WordBits");
  end
  if (QueryWidth < 8 || QueryWidth > 12) begin : gen_bad_query_width
    $error("pq_engine: QueryWidth must be 8 to 12");
  end
  if (EntryWidth < 12 || EntryWidth > 16) begin : gen_bad_entry_width
    $error("pq_engine: EntryWidth must be 12 to 16");
  end
  if (ScoreWidth < 12 || ScoreWidth > 16) begin : gen_bad_score_width
    $error("pq_engine: ScoreWidth must be 12 to 16");
  end
  if (ScoreFraction < 4 || ScoreFraction > 8) begin : gen_bad_score_fraction
    $error("pq_engine: ScoreFraction must be 4 to 8");
  end
  if (ScoreDepth < 16 || ScoreDepth > 4096 || (1 << $clog2(ScoreDepth)) != ScoreDepth) begin
      : gen_bad_score_depth
    $error("pq_engine: ScoreDepth must be a power of two from 16 to 4096");
  end
  if (BiasDepth < WordBits / 8 || BiasDepth > 1024 || (1 << $clog2(BiasDepth)) != BiasDepth) begin
      : gen_bad_bias_depth
    $error("pq_engine: BiasDepth must be a power of two from WordBits / 8 to 1024");
  end
  if (WeightWidth < 8 || WeightWidth > 14) begin : gen_bad_weight_width
    $error("pq_engine: WeightWidth must be 8 to 14");
  end
  if (Quantize > 1) begin : gen_bad_flag
    $error("pq_engine: Quantize must be 0 or 1");
  end
  if (HasQuantize && (QueryWidth != 12 || SubDim < 2 || Lanes < 2 * SubDim)) begin
      : gen_bad_quantize
    $error("pq_engine: Quantize needs QueryWidth 12, SubDim at least 2 and 2 * SubDim lanes");
  end

  // ---- Registers and control ------------------------------------------------------------------

  logic       query_write, shift_write, bias_write, clear_flags, bfloat16, values;
  logic [3:0] table_fraction;
  logic [7:0] bias_run, tile_run;
  logic       query_nonfinite, query_saturated, table_saturated, score_saturated, result_refused;

  logic                  start, first, fill, word_take, last, outputs_valid, codes_valid;
  pq_pkg::operation_e    operation;
  logic [CodeBits-1:0]   centroid;
  logic [WordWidth-1:0]  word;
  logic                  is_table, is_score, is_accumulate, is_combine;
  logic                  is_encode, is_load, is_cluster, is_unload;

  // CLUSTER: pq_cluster_control
  logic                    cluster_ready, cluster_active, weights_next;
  logic                    loop, weigh, loop_buffer;
  logic [1:0]              raw_index;
  logic [CodeBits-1:0]     loop_code;
  logic [TokenSlots*8-1:0] token_weight;

  pq_registers #(
    .HeadDim       (HeadDim),
    .SubDim        (SubDim),
    .WordBits      (WordBits),
    .ScoreFraction (ScoreFraction),
    .BiasDepth     (BiasDepth)
  ) u_registers (
    .clk_i,
    .rst_ni,
    .reg_valid_i,
    .reg_select_i,
    .reg_index_i,
    .reg_control_i     (reg_data_i[15:0]),
    .locked_i          (reg_locked_o),
    .nonfinite_i       (query_nonfinite),
    .query_saturated_i (query_saturated),
    .table_saturated_i (table_saturated),
    .score_saturated_i (score_saturated),
    .protocol_error_i  (cmd_error_o || result_refused || (word_valid_i && !stream_open_o)),
    .query_write_o     (query_write),
    .shift_write_o     (shift_write),
    .bias_write_o      (bias_write),
    .clear_flags_o     (clear_flags),
    .table_fraction_o  (table_fraction),
    .bfloat16_o        (bfloat16),
    .values_o          (values),
    .bias_run_o        (bias_run),
    .flags_o
  );

  pq_control #(
    .Centroids     (Centroids),
    .CentroidWords (CentroidWords),
    .TokenWords    (TokenWords),
    .ScoreDepth    (ScoreDepth),
    .BiasDepth     (BiasDepth),
    .Quantize      (HasQuantize),
    .WeightsWord   (Multipliers),
    .TokenSlots    (TokenSlots),
    .FillCycles    (FillCycles),
    .DrainCycles   (DrainCycles)
  ) u_control (
    .clk_i,
    .rst_ni,
    .cmd_valid_i,
    .cmd_ready_o,
    .cmd_operation_i,
    .cmd_first_i,
    .cmd_tokens_i,
    .cmd_error_o,
    .bias_run_i      (bias_run),
    .word_valid_i,
    .cluster_ready_i  (cluster_ready),
    .cluster_active_i (cluster_active),
    .stream_open_o,
    .word_take_o     (word_take),
    .words_left_o,
    .operation_o     (operation),
    .start_o         (start),
    .first_o         (first),
    .fill_o          (fill),
    .locked_o        (reg_locked_o),
    .centroid_o      (centroid),
    .word_o          (word),
    .last_o          (last),
    .tile_run_o      (tile_run),
    .outputs_valid_o (outputs_valid),
    .codes_valid_o   (codes_valid),
    .busy_o,
    .done_o
  );

  assign is_table      = operation == pq_pkg::OpTable;
  assign is_score      = operation == pq_pkg::OpScore;
  assign is_accumulate = operation == pq_pkg::OpAccumulate;
  assign is_combine    = operation == pq_pkg::OpCombine;
  assign is_encode     = HasQuantize && operation == pq_pkg::OpEncode;
  assign is_load       = HasQuantize && operation == pq_pkg::OpLoad;
  assign is_cluster    = HasQuantize && operation == pq_pkg::OpCluster;
  assign is_unload     = HasQuantize && operation == pq_pkg::OpUnload;

  // ---- Stage 1: the word and its position -----------------------------------------------------

  logic                  table_q, score_q, accumulate_q, combine_q, last_q;
  logic                  encode_q, load_q, unload_q, distance_q, weigh_q;
  logic                  raw;         // the word on the pins holds elements of raw tokens
  logic [1:0]            stream_index;   // and they go to this word of the query registers
  logic                  binary16_q;  // it held binary16 centroids, whatever CONTROL says
  logic [WordBits-1:0]   word_q;
  logic [WordWidth-1:0]  position_q;
  logic [CodeBits-1:0]   centroid_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      table_q      <= 1'b0;
      score_q      <= 1'b0;
      accumulate_q <= 1'b0;
      combine_q    <= 1'b0;
      encode_q     <= 1'b0;
      load_q       <= 1'b0;
      unload_q     <= 1'b0;
      distance_q   <= 1'b0;
      weigh_q      <= 1'b0;
      binary16_q   <= 1'b0;
    end else begin
      table_q      <= word_take && is_table;
      score_q      <= word_take && is_score;
      accumulate_q <= word_take && is_accumulate;
      combine_q    <= word_take && is_combine;
      encode_q     <= word_take && is_encode;
      load_q       <= word_take && is_load && last;
      unload_q     <= word_take && is_unload;
      distance_q   <= loop && !weigh;
      weigh_q      <= loop && weigh;
      binary16_q   <= word_take && is_load && !first;
    end
  end

  assign raw          = is_load || (is_cluster && !weights_next);
  assign stream_index = is_load ? 2'(word) : raw_index;

  // In CLUSTER the word is one of weights, and the position is that of the loop. A centroid of LOAD
  // is collected in the first query word.
  always_ff @(posedge clk_i) begin
    if (word_take && !raw) word_q <= word_i;
    if (is_cluster ? loop : word_take) begin
      position_q <= is_cluster ? WordWidth'(loop_buffer) : is_load ? '0 : word;
      centroid_q <= is_cluster ? loop_code : centroid;
      last_q     <= last;
    end
  end

  // ---- Centroids: tables and weighted centroids -----------------------------------------------

  // Stages 2 to 6 of TABLE and COMBINE: valid, and the position a later stage still needs.
  localparam int unsigned EntryStage  = 5;  // cycles from stage 1 to entry
  localparam int unsigned OutputStage = 4;  // cycles from stage 1 to weighted centroids

  logic [EntryStage-1:0]            table_valid_q;
  logic [OutputStage-2:0]           combine_valid_q;
  logic [EntryStage*CWordWidth-1:0] cword_q;             // centroid word, stage 2 lowest
  logic [EntryStage*CodeBits-1:0]   index_q;             // centroid index
  logic [CWordWidth-1:0]            entry_cword, next_cword;   // of the entry; of the next output
  logic [CodeBits-1:0]              entry_index;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      table_valid_q   <= '0;
      combine_valid_q <= '0;
    end else begin
      table_valid_q   <= {table_valid_q[EntryStage-2:0], table_q};
      combine_valid_q <= {combine_valid_q[OutputStage-3:0], combine_q};
    end
  end

  always_ff @(posedge clk_i) begin
    cword_q <= {cword_q[(EntryStage-1)*CWordWidth-1:0], position_q[CWordWidth-1:0]};
    index_q <= {index_q[(EntryStage-1)*CodeBits-1:0], centroid_q};
  end

  assign entry_cword  = cword_q[(EntryStage-1)*CWordWidth +: CWordWidth];
  assign entry_index  = index_q[(EntryStage-1)*CodeBits +: CodeBits];
  assign next_cword   = cword_q[(OutputStage-2)*CWordWidth +: CWordWidth];

  logic [Multipliers*QueryWidth-1:0]  query;
  logic [Groups*4-1:0]                shifts;
  logic [Groups*BucketWidth-1:0]      buckets;
  logic [Groups*EntryWidth-1:0]       entries;
  logic [Groups-1:0]                  entry_saturated;
  logic [Multipliers*OutputWidth-1:0] weighted;
  logic [Multipliers*12-1:0]          centroids;           // to be compared with
  logic [Groups*DistanceWidth-1:0]    distances;

  pq_query #(
    .HeadDim    (HeadDim),
    .SubDim     (SubDim),
    .WordBits   (WordBits),
    .QueryWidth (QueryWidth),
    .Quantize   (HasQuantize)
  ) u_query (
    .clk_i,
    .rst_ni,
    .query_write_i    (query_write),
    .shift_write_i    (shift_write),
    .clear_flags_i    (clear_flags),
    .index_i          (reg_index_i),
    .data_i           (reg_data_i),
    .stream_write_i   (word_take && raw),
    .stream_index_i   (stream_index),
    .stream_data_i    (word_i),
    .bfloat16_i       (bfloat16 && !binary16_q),
    .table_fraction_i (table_fraction),
    .query_word_i     (position_q[CWordWidth-1:0]),
    .query_o          (query),
    .shift_word_i     (next_cword),
    .shift_o          (shifts),
    .nonfinite_o      (query_nonfinite),
    .saturated_o      (query_saturated)
  );

  for (genvar g = 0; g < Groups; g++) begin : gen_group
    pq_centroid_group #(
      .SubDim      (SubDim),
      .QueryWidth  (QueryWidth),
      .EntryWidth  (EntryWidth),
      .BucketWidth (BucketWidth),
      .Quantize    (HasQuantize)
    ) u_group (
      .clk_i,
      .valid_i     (table_q || combine_q || encode_q || distance_q || weigh_q),
      .combine_i   (combine_q),
      .distance_i  (encode_q || distance_q),
      .weigh_i     (weigh_q),
      .query_i     (query[g*SubDim*QueryWidth +: SubDim*QueryWidth]),
      .element_i   (word_q[g*SubDim*8 +: SubDim*8]),
      .bucket_i    (buckets[g*BucketWidth +: BucketWidth]),
      .shift_i     (shifts[g*4 +: 4]),
      .centroid_i  (centroids[g*SubDim*12 +: SubDim*12]),
      .weight_i    (token_weight[g*TokenSlots/Groups*8 +: 8]),
      .distance_o  (distances[g*DistanceWidth +: DistanceWidth]),
      .entry_o     (entries[g*EntryWidth +: EntryWidth]),
      .saturated_o (entry_saturated[g]),
      .weighted_o  (weighted[g*SubDim*OutputWidth +: SubDim*OutputWidth])
    );
  end

  assign table_saturated = table_valid_q[EntryStage-1] && |entry_saturated;

  // ---- Lanes ----------------------------------------------------------------------------------

  // Sub-space m lives in lane m mod Lanes, at addresses (m / Lanes) * Centroids + code. The
  // sub-spaces of centroid word w are Groups neighbours: lane set w mod LaneSets, and group g
  // serves the lanes g, g + Groups, g + 2 * Groups ...
  logic [Lanes*LaneWidth-1:0]   lane_words;
  logic [Lanes*EntryWidth-1:0]  lane_entries;
  logic [AddressWidth-1:0]      table_address, combine_address;
  logic [WeightWidth-1:0]       weight;

  // From pq_slice
  logic [Lanes-1:0]             slice_lookup, slice_clear, slice_store;
  logic [Lanes*CodeBits-1:0]    slice_address, slice_store_address;
  logic [Lanes*LaneWidth-1:0]   slice_store_data;

  if (TokenWords > 1) begin : gen_wide_address
    localparam int unsigned HalfWidth = $clog2(TokenWords);
    assign table_address   = {entry_cword[CWordWidth-1 -: HalfWidth], entry_index};
    assign combine_address = {word[CWordWidth-1 -: HalfWidth], centroid};
  end else begin : gen_narrow_address
    assign table_address   = entry_index;
    assign combine_address = centroid;
  end

  for (genvar i = 0; i < Lanes; i++) begin : gen_lane
    localparam int unsigned Set   = i / Groups;
    localparam int unsigned Group = i % Groups;

    logic                    in_table_set, in_combine_set;
    logic [AddressWidth-1:0] code_address, lookup_address;

    assign in_table_set   = 32'(entry_cword) % LaneSets == Set;
    assign in_combine_set = 32'(word) % LaneSets == Set;

    if (TokenWords > 1) begin : gen_wide_code
      assign code_address = {position_q[$clog2(TokenWords)-1:0], word_q[i*CodeBits +: CodeBits]};
    end else begin : gen_narrow_code
      assign code_address = word_q[i*CodeBits +: CodeBits];
    end

    assign lookup_address = slice_lookup[i] ? AddressWidth'(slice_address[i*CodeBits +: CodeBits])
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
      .table_write_i     (table_valid_q[EntryStage-1] && in_table_set),
      .table_address_i   (table_address),
      .table_entry_i     (entries[Group*EntryWidth +: EntryWidth]),
      .lookup_i          (score_q || accumulate_q || slice_lookup[i]),
      .accumulate_i      (accumulate_q),
      .lookup_address_i  (lookup_address),
      .weight_i          (weight),
      .combine_i         ((word_take && is_combine && in_combine_set) || slice_clear[i]),
      .combine_address_i (combine_address),
      .store_i           (slice_store[i]),
      .store_address_i   (AddressWidth'(slice_store_address[i*CodeBits +: CodeBits])),
      .store_data_i      (slice_store_data[i*LaneWidth +: LaneWidth]),
      .word_o            (lane_words[i*LaneWidth +: LaneWidth]),
      .entry_o           (lane_entries[i*EntryWidth +: EntryWidth])
    );
  end

  // The lane set of stage 1 feeds the groups: what is marked as a bucket.
  always_comb begin
    buckets = '0;
    for (int unsigned s = 0; s < LaneSets; s++) begin
      if (combine_q && 32'(position_q) % LaneSets == s) begin
        for (int unsigned g = 0; g < Groups; g++) begin
          if (lane_words[(s*Groups+g)*LaneWidth + LaneWidth-1]) begin
            buckets[g*BucketWidth +: BucketWidth] = buckets[g*BucketWidth +: BucketWidth]
                | lane_words[(s*Groups+g)*LaneWidth +: BucketWidth];
          end
        end
      end
    end
  end

  // ---- Encoding and clustering ----------------------------------------------------------------

  localparam int unsigned LoadStages    = 3;   // cycles from stage 1 to the query registers
  localparam int unsigned NearestStages = 4;   // cycles from stage 1 to a distance

  logic [HeadDim/SubDim*CodeBits-1:0] codes;   // of the vector encoded last
  logic                               codes_read;   // otherwise they are zero
  logic [WordBits-1:0]                record;  // of UNLOAD

  if (HasQuantize) begin : gen_quantize
    logic                            capture;
    logic [TokenSlots-1:0]           read_sums, store_sums;
    logic [LoadStages-1:0]           load_valid_q;
    logic [NearestStages-1:0]        nearest_valid_q;
    logic [CodeBits-1:0]             nearest_code;
    logic [CWordWidth-1:0]           nearest_word;
    logic [Groups*CodeBits-1:0]      token_codes;
    logic [SliceChannels*12-1:0]     slice_centroid;
    logic [Multipliers*20-1:0]       weighted_tokens;

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        load_valid_q    <= '0;
        nearest_valid_q <= '0;
      end else begin
        load_valid_q    <= {load_valid_q[LoadStages-2:0], load_q};
        nearest_valid_q <= {nearest_valid_q[NearestStages-2:0], encode_q || distance_q};
      end
    end

    pq_cluster_control #(
      .WordBits   (WordBits),
      .CodeBits   (CodeBits),
      .TokenSlots (TokenSlots)
    ) u_cluster_control (
      .clk_i,
      .rst_ni,
      .start_i        (start && is_cluster),
      .take_i         (word_take && is_cluster),
      .weights_i      (word_q),
      .ready_o        (cluster_ready),
      .weights_next_o (weights_next),
      .index_o        (raw_index),
      .active_o       (cluster_active),
      .loop_o         (loop),
      .weigh_o        (weigh),
      .code_o         (loop_code),
      .buffer_o       (loop_buffer),
      .weight_o       (token_weight),
      .capture_o      (capture),
      .read_o         (read_sums),
      .store_o        (store_sums)
    );

    // What a vector is compared with: the elements of the word, or, in all token slots, the slice's
    // centroid.
    for (genvar i = 0; i < Multipliers; i++) begin : gen_centroid
      logic [11:0] stored, compared;

      pq_stored_element u_stored (
        .element_i (word_q[i*8 +: 8]),
        .values_i  (values),
        .value_o   (stored)
      );

      always_comb begin
        compared = '0;
        if (encode_q) compared = stored;
        if (distance_q) compared = slice_centroid[i%SliceChannels*12 +: 12];
      end

      assign centroids[i*12 +: 12] = compared;


      // The weighted token that is stored.
      logic [19:0] product, token;

      assign product = weighted[i*OutputWidth +: 20];

      always_comb begin
        token = '0;
        if (store_sums[i/SliceChannels]) token = product;
      end

      assign weighted_tokens[i*20 +: 20] = token;
    end

    assign nearest_code = index_q[(NearestStages-1)*CodeBits +: CodeBits];
    assign nearest_word = is_cluster ? '0 : cword_q[(NearestStages-1)*CWordWidth +: CWordWidth];

    for (genvar g = 0; g < Groups; g++) begin : gen_nearest
      logic [CentroidWords*CodeBits-1:0] group_codes;

      pq_nearest #(
        .Entries       (CentroidWords),
        .CodeBits      (CodeBits),
        .DistanceWidth (DistanceWidth)
      ) u_nearest (
        .clk_i,
        .valid_i    (nearest_valid_q[NearestStages-1]),
        .first_i    (~|nearest_code),
        .entry_i    (nearest_word),
        .code_i     (nearest_code),
        .distance_i (distances[g*DistanceWidth +: DistanceWidth]),
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
          if (codes_read) code = group_codes[w*CodeBits +: CodeBits];
        end

        assign codes[(w*Groups+g)*CodeBits +: CodeBits] = code;
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
      .words_i         (lane_words),
      .lookup_o        (slice_lookup),
      .clear_o         (slice_clear),
      .address_o       (slice_address),
      .store_o         (slice_store),
      .store_address_o (slice_store_address),
      .store_data_o    (slice_store_data),
      .load_i          (load_valid_q[LoadStages-1]),
      .load_code_i     (index_q[(LoadStages-1)*CodeBits +: CodeBits]),
      .load_centroid_i (query[SliceChannels*12-1:0]),
      .loop_i          (loop && !weigh),
      .unload_i        (word_take && is_unload && ~|word),
      .code_i          (is_cluster ? loop_code : centroid),
      .centroid_o      (slice_centroid),
      .record_i        (unload_q),
      .record_word_i   (position_q[$clog2(RecordWords)-1:0]),
      .record_o        (record),
      .capture_i       (capture),
      .codes_i         (token_codes),
      .read_i          (read_sums),
      .store_i         (store_sums),
      .weighted_i      (weighted_tokens),
      .weight_i        (token_weight)
    );
  end else begin : gen_attention_only
    logic unused_quantize;
    assign unused_quantize = ^{lane_words, distances, values, encode_q, load_q, start,
                               token_weight, codes_read};
    assign {cluster_ready, cluster_active, weights_next} = '0;
    assign {loop, weigh, loop_buffer}                    = '0;
    assign {raw_index, loop_code, token_weight}          = '0;
    assign {slice_lookup, slice_clear, slice_store}      = '0;
    assign {slice_address, slice_store_address, slice_store_data} = '0;
    assign {centroids, codes, record}                    = '0;
  end

  // ---- Scores and weights ---------------------------------------------------------------------

  logic                    lookup_score_q, lookup_first_q, lookup_last_q, weight_use_q;
  logic                    sum_valid, score_valid;
  logic [SumWidth-1:0]     sum;
  logic [15:0]             bias;
  logic [ScoreWidth-1:0]   score;
  logic                    score_clipped;
  logic [MaximumWidth-1:0] maximum;
  logic [BucketWidth-1:0]  weight_sum;
  logic [ExtraWidth-1:0]   extra_fraction;

  // Stage 2: the entries of the word are out of the lanes; the weight of its token is added.
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      lookup_score_q <= 1'b0;
      weight_use_q   <= 1'b0;
    end else begin
      lookup_score_q <= score_q;
      weight_use_q   <= accumulate_q && last_q;
    end
  end

  always_ff @(posedge clk_i) begin
    lookup_first_q <= position_q == '0;
    lookup_last_q  <= last_q;
  end

  pq_score_sum #(
    .Lanes      (Lanes),
    .TokenWords (TokenWords),
    .EntryWidth (EntryWidth)
  ) u_score_sum (
    .clk_i,
    .rst_ni,
    .valid_i   (lookup_score_q),
    .first_i   (lookup_first_q),
    .last_i    (lookup_last_q),
    .entries_i (lane_entries),
    .valid_o   (sum_valid),
    .sum_o     (sum)
  );

  pq_bias #(
    .WordBits  (WordBits),
    .BiasDepth (BiasDepth)
  ) u_bias (
    .clk_i,
    .rst_ni,
    .write_i       (bias_write),
    .write_index_i (reg_index_i[BiasIndex-1:0]),
    .write_data_i  (reg_data_i),
    .start_i       (start && is_score),
    .first_i       (first),
    .run_i         (tile_run),
    .advance_i     (sum_valid),
    .bias_o        (bias)
  );

  assign extra_fraction = ExtraWidth'(table_fraction - 4'(ScoreFraction));

  pq_score #(
    .SumWidth   (SumWidth),
    .ScoreWidth (ScoreWidth),
    .ExtraWidth (ExtraWidth)
  ) u_score (
    .clk_i,
    .rst_ni,
    .valid_i     (sum_valid),
    .sum_i       (sum),
    .bias_i      (bias),
    .extra_i     (extra_fraction),
    .valid_o     (score_valid),
    .score_o     (score),
    .saturated_o (score_clipped)
  );

  assign score_saturated = score_valid && score_clipped;

  pq_softmax #(
    .ScoreWidth    (ScoreWidth),
    .ScoreFraction (ScoreFraction),
    .ScoreDepth    (ScoreDepth),
    .WeightWidth   (WeightWidth)
  ) u_softmax (
    .clk_i,
    .rst_ni,
    .start_tile_i    (start && is_score && first),
    .score_valid_i   (score_valid),
    .score_i         (score),
    .start_weights_i (start && is_accumulate),
    .fill_i          (fill && is_accumulate),
    .use_i           (weight_use_q),
    .weight_o        (weight),
    .maximum_o       (maximum),
    .weight_sum_o    (weight_sum)
  );

  // ---- Outputs and result read-out ------------------------------------------------------------

  logic                  adding, loading, selecting;
  logic [CWordWidth-1:0] result_select;
  logic [63:0]           status;
  logic [Multipliers*OutputWidth-1:0] outputs;

  // One cycle ahead of the weighted centroids
  assign adding  = combine_valid_q[OutputStage-2];
  assign loading = first && index_q[(OutputStage-2)*CodeBits +: CodeBits] == '0;

  for (genvar i = 0; i < Multipliers; i++) begin : gen_output
    pq_output_lane #(
      .CentroidWords (CentroidWords),
      .OutputWidth   (OutputWidth)
    ) u_output (
      .clk_i,
      .active_i (adding || selecting),
      .select_i (adding ? next_cword : result_select),
      .add_i    (adding),
      .load_i   (loading),
      .value_i  (weighted[i*OutputWidth +: OutputWidth]),
      .value_o  (outputs[i*OutputWidth +: OutputWidth])
    );
  end

  assign status = {16'(flags_o), 16'($signed(maximum)), 32'(weight_sum)};

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
    .outputs_valid_i (outputs_valid && !(busy_o && (is_combine || is_unload))),
    .codes_valid_i   (codes_valid && !(busy_o && (is_encode || is_cluster || is_unload))),
    .selecting_o     (selecting),
    .select_o        (result_select),
    .outputs_i       (outputs),
    .status_i        (status),
    .codes_read_o    (codes_read),
    .codes_i         (codes),
    .record_valid_i  (unload_q),
    .record_i        (record),
    .valid_o         (result_valid_o),
    .result_o,
    .refused_o       (result_refused)
  );

  // ---- Assertions -----------------------------------------------------------------------------

  `AQ_ASSERT(a_drained_tables, busy_o || !(table_q || |table_valid_q), clk_i, !rst_ni)
  `AQ_ASSERT(a_drained_outputs, busy_o || !(combine_q || |combine_valid_q), clk_i, !rst_ni)
  `AQ_ASSERT(a_drained_scores, busy_o || !(score_q || lookup_score_q || sum_valid || score_valid),
             clk_i, !rst_ni)
  `AQ_ASSERT(a_drained_weights, busy_o || !(accumulate_q || weight_use_q), clk_i, !rst_ni)

endmodule

`default_nettype wire
