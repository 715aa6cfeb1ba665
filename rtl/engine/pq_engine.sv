// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// pq_engine: attention on product-quantized codes, next to a DRAM bank.
//
//   cmd_* ------> pq_control ----operation, word_take--\
//                     ^ room for words                 v
//   word_i -----------|-----------------------> pq_datapath --> result_o
//                     |                            ^    | events
//   reg_* ------> pq_registers ----writes, CONTROL-/    v
//                     \-------------------------------flags --> flags_o
//
// TABLE       a codebook of K: T[m][c] = q_m . CK_m,c, into the lanes
// SCORE       codes of K: s_t = sum over m of T[m][code] + bias, into the score memory; maximum
// ACCUMULATE  codes of V: A[m][code] += 2^(s_t - maximum), in the lanes; weight sum
// COMBINE     a codebook of V: o_m += sum over c of A[m][c] * CV_m,c
//
// and, with Quantize, what makes codes and codebooks of raw vectors (pq_encode_cluster; lanes and
// multipliers are the same):
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
  output logic                          words_left_o,    // words are still to come
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
  localparam int unsigned CentroidWords = HeadDim / Multipliers;
  localparam int unsigned TokenSlots    = Multipliers / (Lanes / 2);
  localparam int unsigned RecordWords   = HasQuantize ? 8 / TokenSlots : 1;
  localparam int unsigned MaxCodeWords  = RecordWords > TokenWords ? RecordWords : TokenWords;
  localparam int unsigned MaxUnitWords  = CentroidWords > MaxCodeWords ? CentroidWords
                                                                       : MaxCodeWords;
  localparam int unsigned WordWidth     = MaxUnitWords > 1 ? $clog2(MaxUnitWords) : 1;

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
  logic                  cluster_ready, cluster_active;
  pq_pkg::operation_e    operation;
  logic [CodeBits-1:0]   centroid;
  logic [WordWidth-1:0]  word;

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
    .bias_run_i       (bias_run),
    .word_valid_i,
    .cluster_ready_i  (cluster_ready),
    .cluster_active_i (cluster_active),
    .stream_open_o,
    .word_take_o      (word_take),
    .words_left_o,
    .operation_o      (operation),
    .start_o          (start),
    .first_o          (first),
    .fill_o           (fill),
    .locked_o         (reg_locked_o),
    .centroid_o       (centroid),
    .word_o           (word),
    .last_o           (last),
    .tile_run_o       (tile_run),
    .outputs_valid_o  (outputs_valid),
    .codes_valid_o    (codes_valid),
    .busy_o,
    .done_o
  );

  // ---- Data path ------------------------------------------------------------------------------

  // What an operation is about to change cannot be read.
  logic is_combine, is_encode, is_cluster, is_unload;

  assign is_combine = operation == pq_pkg::OpCombine;
  assign is_encode  = HasQuantize && operation == pq_pkg::OpEncode;
  assign is_cluster = HasQuantize && operation == pq_pkg::OpCluster;
  assign is_unload  = HasQuantize && operation == pq_pkg::OpUnload;

  pq_datapath #(
    .HeadDim       (HeadDim),
    .SubDim        (SubDim),
    .CodeBits      (CodeBits),
    .WordBits      (WordBits),
    .QueryWidth    (QueryWidth),
    .EntryWidth    (EntryWidth),
    .ScoreWidth    (ScoreWidth),
    .ScoreFraction (ScoreFraction),
    .ScoreDepth    (ScoreDepth),
    .BiasDepth     (BiasDepth),
    .WeightWidth   (WeightWidth),
    .Quantize      (HasQuantize),
    .WordWidth     (WordWidth)
  ) u_datapath (
    .clk_i,
    .rst_ni,
    .busy_i            (busy_o),
    .operation_i       (operation),
    .start_i           (start),
    .first_i           (first),
    .fill_i            (fill),
    .word_take_i       (word_take),
    .next_centroid_i   (centroid),
    .next_word_i       (word),
    .next_last_i       (last),
    .tile_run_i        (tile_run),
    .outputs_valid_i   (outputs_valid && !(busy_o && (is_combine || is_unload))),
    .codes_valid_i     (codes_valid && !(busy_o && (is_encode || is_cluster || is_unload))),
    .cluster_ready_o   (cluster_ready),
    .cluster_active_o  (cluster_active),
    .word_i,
    .query_write_i     (query_write),
    .shift_write_i     (shift_write),
    .bias_write_i      (bias_write),
    .clear_flags_i     (clear_flags),
    .reg_index_i,
    .reg_data_i,
    .table_fraction_i  (table_fraction),
    .bfloat16_i        (bfloat16),
    .values_i          (values),
    .flags_i           (flags_o),
    .query_nonfinite_o (query_nonfinite),
    .query_saturated_o (query_saturated),
    .table_saturated_o (table_saturated),
    .score_saturated_o (score_saturated),
    .result_read_i,
    .result_index_i,
    .result_valid_o,
    .result_o,
    .result_refused_o  (result_refused)
  );

endmodule

`default_nettype wire
