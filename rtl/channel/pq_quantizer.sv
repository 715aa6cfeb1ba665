// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "pq_assert.svh"

// pq_quantizer: makes codebooks and codes of what crosses the bus of a pseudo-channel, and the
// queries of attend engines: 16 centroids for each sub-space of two channels.
//
//           pq_quantizer_input              8 x pq_quantizer_subspace
//   data_i -+-> [ converters ] -+-> [ vector ] -> [ distances, nearest, sums ] -> [ codes ]
//           |                   |    ^ ^  |           ^            |
//           |                   |    | |  \-> [ centroids ]        v
//           |                   |    | \---- pq_quantizer_mean <- sums
//           |                   |    |              \----------------------> elements_o
//           +-> [ stored elements ] -/
//           |                   \------------------------------------------> parameters_o
//           \-> [ weights ] -> sums
//
// LOAD        16 raw tokens: the centroids of a slice of 16 channels; empty sums
// CLUSTER     raw tokens of that slice with their weights: to the sums of the nearest centroid, add
//             weight * token and weight
// UPDATE      centroids = sums / weights; empty sums. The last time: to their stored formats, which
//             also leave as elements_o
// CODEBOOK    the stored centroids of all slices
// ENCODE      raw tokens of all slices: the codes of the nearest centroids
//
// So a window of a head is, for each slice, LOAD and four times CLUSTER and UPDATE, then ENCODE; an
// appended block is CODEBOOK and ENCODE. What fits no CLUSTER goes in several before an UPDATE.
// Queries come as register writes, whatever runs, in cycles without a beat.
//
// Words       raw tokens: 16 floats. CLUSTER: a beat of u8 weights before each 32 tokens, or what
//             is left of them. ENCODE: slice by slice of a token, token by token. CODEBOOK: beat
//             16 g + c: centroid c of slice g; keys in bytes 16 to 31, values in bytes 0 to 15.
//             codes_o: sub-space m of a token in bits 4 m to 4 m + 3; HeadDim 64: of tokens 2 t and
//             2 t + 1 in the halves, a last odd one with zeros. elements_o: byte i: channel i
// Formats     raw token: float, fraction 8 of s12; weight: u8; sums: exact; centroid: s12, rounded
//             to nearest, ties to even; element: int8 of keys, E3M4 of values, rounded again;
//             distance: u25, exact, the lowest index wins a tie
// Latency     command to its first beat: 1 cycle; last beat of LOAD to ready_o: 5 cycles, of
//             CODEBOOK: 3 cycles, of CLUSTER and ENCODE: 11 cycles; UPDATE to ready_o: 275 cycles;
//             without tokens, CLUSTER or ENCODE to ready_o: 1 cycle; query to parameters_o: 3
//             cycles; codes_read_i to codes_o: 1 cycle; to error_o: 1 cycle, 2 cycles if there is
//             no such register or fraction
// Throughput  LOAD, CODEBOOK, registers: 1 beat per cycle; CLUSTER, ENCODE: 16 channels of a token
//             in 2 cycles, and 1 cycle for a beat of weights
// Golden      aqpim::golden::Quantizer   sw/golden/quantizer.h
module pq_quantizer #(
  parameter  int unsigned HeadDim     = 128,    // channels of a head
  parameter  int unsigned WindowDepth = 2048,   // tokens between two UPDATEs
  parameter  int unsigned Ranks       = 2,
  localparam int unsigned Slices      = HeadDim / 16,
  localparam int unsigned SliceWidth  = $clog2(Slices),
  localparam int unsigned RankWidth   = Ranks > 1 ? $clog2(Ranks) : 1,
  localparam int unsigned TokensWidth = $clog2(WindowDepth + 1)
) (
  input  wire logic                   clk_i,
  input  wire logic                   rst_ni,
  // Commands
  input  wire logic                   cmd_valid_i,
  input  wire logic [2:0]             cmd_operation_i,   // pq_pkg::quantizer_operation_e
  input  wire logic [SliceWidth-1:0]  cmd_slice_i,       // LOAD
  input  wire logic [TokensWidth-1:0] cmd_tokens_i,      // CLUSTER, ENCODE
  input  wire logic                   cmd_last_i,        // UPDATE: the last one of the slice
  input  wire logic                   cmd_values_i,      // UPDATE, CODEBOOK: values, not keys
  input  wire logic [RankWidth-1:0]   cmd_rank_i,        // whose CONTROL and flags it uses
  output logic                        ready_o,           // a command is accepted
  // Beats of the operation, and register writes, never in one cycle
  input  wire logic [255:0]           data_i,
  input  wire logic                   beat_valid_i,
  output logic                        beat_ready_o,      // a beat is expected; not a handshake
  input  wire logic                   reg_valid_i,
  input  wire logic [1:0]             reg_select_i,      // pq_pkg::register_select_e
  input  wire logic [2:0]             reg_index_i,
  input  wire logic [RankWidth-1:0]   reg_rank_i,
  // Queries
  output logic                        parameters_valid_o,
  output logic      [2:0]             parameters_index_o,
  output logic      [RankWidth-1:0]   parameters_rank_o,
  output logic      [255:0]           parameters_o,
  // Elements of the stored codebook; each lasts one cycle
  output logic                        elements_valid_o,
  output logic      [SliceWidth+3:0]  elements_index_o,  // 16 slice + centroid
  output logic      [127:0]           elements_o,
  // Codes
  input  wire logic                   codes_read_i,      // refused while ENCODE runs
  input  wire logic [4:0]             codes_address_i,
  output logic      [255:0]           codes_o,
  // Status
  output logic      [Ranks*2-1:0]     flags_o,           // of each rank, sticky: 0 a NaN or
                                                         // infinity, 1 an element did not fit
  output logic                        error_o            // pulse: something was refused
);

  localparam int unsigned Subspaces  = 8;                // of a slice
  localparam int unsigned Parallel   = 8;                // centroids that a vector meets at once
  localparam int unsigned WeightBits = 8 + $clog2(WindowDepth);
  localparam int unsigned Width      = WeightBits + 2 * (12 + WeightBits);

  if (HeadDim != 64 && HeadDim != 128) begin : gen_bad_head_dim
    $error("pq_quantizer: HeadDim must be 64 or 128");
  end
  if (WindowDepth < 16 || WindowDepth > 4096 || (1 << $clog2(WindowDepth)) != WindowDepth)
      begin : gen_bad_window_depth
    $error("pq_quantizer: WindowDepth must be a power of two from 16 to 4096");
  end
  if (Ranks != 1 && Ranks != 2) begin : gen_bad_ranks
    $error("pq_quantizer: Ranks must be 1 or 2");
  end

  // ---- Control ----------------------------------------------------------------------------------

  logic                  start, control_error, input_error, codes_read;
  logic                  token_take, weights_take, element_take, encoding;
  logic                  token, centroid_read, code_read, code_write;
  logic [4:0]            age;
  logic [SliceWidth:0]   centroid_address;
  logic [7:0]            code_place;
  logic                  sums_read, divide, quotient_valid, store, last;
  logic [3:0]            channel, sums_index;
  logic [SliceWidth+3:0] store_place;
  logic                  values_q, refused_q;
  logic [RankWidth-1:0]  rank_q;

  pq_quantizer_control #(
    .HeadDim     (HeadDim),
    .WindowDepth (WindowDepth)
  ) u_control (
    .clk_i              (clk_i),
    .rst_ni             (rst_ni),
    .cmd_valid_i        (cmd_valid_i),
    .cmd_operation_i    (cmd_operation_i),
    .cmd_slice_i        (cmd_slice_i),
    .cmd_tokens_i       (cmd_tokens_i),
    .cmd_last_i         (cmd_last_i),
    .ready_o            (ready_o),
    .start_o            (start),
    .error_o            (control_error),
    .beat_i             (beat_valid_i),
    .beat_ready_o       (beat_ready_o),
    .token_take_o       (token_take),
    .weights_take_o     (weights_take),
    .element_take_o     (element_take),
    .token_i            (token),
    .age_o              (age),
    .code_read_o        (code_read),
    .centroid_read_o    (centroid_read),
    .centroid_address_o (centroid_address),
    .code_write_o       (code_write),
    .code_place_o       (code_place),
    .encoding_o         (encoding),
    .sums_read_o        (sums_read),
    .divide_o           (divide),
    .channel_o          (channel),
    .quotient_i         (quotient_valid),
    .store_o            (store),
    .last_o             (last),
    .store_place_o      (store_place),
    .sums_index_o       (sums_index)
  );

  always_ff @(posedge clk_i) begin
    if (start) begin
      values_q <= cmd_values_i;
      rank_q   <= cmd_rank_i;
    end
  end

  assign codes_read = codes_read_i && !encoding;

  // ---- Stage 1: the beat, or a register write ---------------------------------------------------

  logic [255:0]         data_q;
  logic                 reg_valid_q;
  logic [1:0]           reg_select_q;
  logic [2:0]           reg_index_q;
  logic [RankWidth-1:0] reg_rank_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      reg_valid_q <= 1'b0;
      refused_q   <= 1'b0;
    end else begin
      reg_valid_q <= reg_valid_i && !beat_valid_i;
      refused_q   <= (reg_valid_i && beat_valid_i) || (codes_read_i && encoding);
    end
  end

  always_ff @(posedge clk_i) begin
    data_q       <= data_i;
    reg_select_q <= reg_select_i;
    reg_index_q  <= reg_index_i;
    reg_rank_q   <= reg_rank_i;
  end

  assign error_o = control_error || input_error || refused_q;

  // ---- Integers ---------------------------------------------------------------------------------

  logic [16*12-1:0] values, elements;

  pq_quantizer_input #(
    .HeadDim (HeadDim),
    .Ranks   (Ranks)
  ) u_input (
    .clk_i              (clk_i),
    .rst_ni             (rst_ni),
    .data_i             (data_q),
    .token_i            (token_take),
    .token_rank_i       (rank_q),
    .token_o            (token),
    .values_o           (values),
    .reg_valid_i        (reg_valid_q),
    .reg_select_i       (reg_select_q),
    .reg_index_i        (reg_index_q),
    .reg_rank_i         (reg_rank_q),
    .parameters_valid_o (parameters_valid_o),
    .parameters_index_o (parameters_index_o),
    .parameters_rank_o  (parameters_rank_o),
    .parameters_o       (parameters_o),
    .flags_o            (flags_o),
    .error_o            (input_error)
  );

  for (genvar i = 0; i < 16; i++) begin : gen_element
    pq_stored_element u_stored (
      .element_i (values_q ? data_q[i*8 +: 8] : data_q[128+i*8 +: 8]),
      .values_i  (values_q),
      .value_o   (elements[i*12 +: 12])
    );
  end

  // A token, or a centroid on its way to the memories. Quotients come channel by channel.
  logic [16*12-1:0] vector_q;
  logic [11:0]      quotient, stored_quotient;
  logic [7:0]       element;

  pq_stored_element u_stored_quotient (
    .element_i (element),
    .values_i  (values_q),
    .value_o   (stored_quotient)
  );

  always_ff @(posedge clk_i) begin
    if (element_take)        vector_q <= elements;
    else if (quotient_valid) vector_q <= {last ? stored_quotient : quotient, vector_q[191:12]};
    else if (token)          vector_q <= values;
  end

  // ---- Weights ----------------------------------------------------------------------------------

  // The lowest is that of the next token. It waits for the token's code.
  logic [255:0] weights_q;
  logic [7:0]   weight_q, weight_q2, weight_q3, weight_q4, weight_q5, weight_q6;
  logic         add_q;

  always_ff @(posedge clk_i) begin
    if (weights_take)    weights_q <= data_q;
    else if (token_take) weights_q <= {8'd0, weights_q[255:8]};
    if (token_take) weight_q <= weights_q[7:0];
    weight_q2 <= weight_q;
    if (age[0]) weight_q3 <= weight_q2;
    if (age[2]) weight_q4 <= weight_q3;
    if (age[4]) weight_q5 <= weight_q4;
    if (code_read) weight_q6 <= weight_q5;
  end

  // A token without weight leaves a centroid in its place.
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) add_q <= 1'b0;
    else         add_q <= code_read && weight_q5 != '0;
  end

  // ---- Sub-spaces -------------------------------------------------------------------------------

  logic [Parallel*192-1:0]    centroids;
  logic [Subspaces*4-1:0]     codes;
  logic [Subspaces*Width-1:0] words;

  for (genvar p = 0; p < Parallel; p++) begin : gen_centroid
    pq_memory #(
      .Depth      (2 * Slices),
      .Width      (192),
      .SinglePort (1'b1)
    ) u_centroids (
      .clk_i           (clk_i),
      .write_i         (store && store_place[2:0] == 3'(p)),
      .write_address_i (store_place[SliceWidth+3:3]),
      .write_data_i    (vector_q),
      .read_i          (centroid_read),
      .read_address_i  (centroid_address),
      .read_data_o     (centroids[p*192 +: 192])
    );
  end

  for (genvar s = 0; s < Subspaces; s++) begin : gen_subspace
    logic [Parallel*24-1:0] of_subspace;
    for (genvar p = 0; p < Parallel; p++) begin : gen_centroid
      assign of_subspace[p*24 +: 24] = centroids[p*192+s*24 +: 24];
    end

    pq_quantizer_subspace #(
      .WindowDepth (WindowDepth)
    ) u_subspace (
      .clk_i        (clk_i),
      .vector_i     (vector_q[s*24 +: 24]),
      .centroids_i  (of_subspace),
      .keep_i       ({age[3], age[1]}),
      .first_i      (age[4]),
      .weights_i    ({weight_q6, weight_q5}),
      .code_o       (codes[s*4 +: 4]),
      .code_read_i  (code_read),
      .add_i        (add_q),
      .store_i      (store),
      .sums_read_i  (sums_read),
      .sums_index_i (sums_index),
      .word_o       (words[s*Width +: Width])
    );
  end

  // ---- Codebook ---------------------------------------------------------------------------------

  pq_quantizer_mean #(
    .WindowDepth (WindowDepth)
  ) u_mean (
    .clk_i      (clk_i),
    .rst_ni     (rst_ni),
    .valid_i    (divide),
    .channel_i  (channel),
    .words_i    (words),
    .values_i   (values_q),
    .valid_o    (quotient_valid),
    .quotient_o (quotient),
    .element_o  (element)
  );

  always_ff @(posedge clk_i) begin
    if (quotient_valid) elements_o <= {element, elements_o[127:8]};
  end

  assign elements_valid_o = store && last;
  assign elements_index_o = store_place;

  // ---- Codes ------------------------------------------------------------------------------------

  for (genvar c = 0; c < 8; c++) begin : gen_code
    localparam bit Second = HeadDim == 64 && c >= 4;
    logic        own, clear;
    logic [31:0] data;

    assign own   = code_write && code_place[2:0] == 3'(c);
    assign clear = Second && code_write && code_place[2:0] == 3'(c % 4);
    assign data  = own ? codes : '0;

    pq_memory #(
      .Depth      (32),
      .Width      (32),
      .SinglePort (1'b1)
    ) u_codes (
      .clk_i           (clk_i),
      .write_i         (own || clear),
      .write_address_i (code_place[7:3]),
      .write_data_i    (data),
      .read_i          (codes_read),
      .read_address_i  (codes_address_i),
      .read_data_o     (codes_o[c*32 +: 32])
    );
  end

  `AQ_ASSERT(a_centroids_one_access, !(store && centroid_read), clk_i, !rst_ni)
  `AQ_ASSERT(a_sums_one_access, $countones({code_read, add_q, store, sums_read}) <= 1, clk_i,
             !rst_ni)
  `AQ_ASSERT(a_pace, !(age[0] && age[1]), clk_i, !rst_ni)
  `AQ_ASSERT(a_codes_one_access, !(code_write && codes_read), clk_i, !rst_ni)
  `AQ_ASSERT(a_one_vector, $countones({element_take, quotient_valid, token}) <= 1, clk_i, !rst_ni)

endmodule

`default_nettype wire
