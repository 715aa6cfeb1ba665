// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "pq_assert.svh"

// pq_attend_engine: attention on codes of 4 bits, and nothing else, for the banks that share it.
//
//   bank_data_i --one hot--> [ beat ] --codes-----> pq_attend_lanes -----entries--> pq_score_sum
//                               |                  ^  ^      |                        |
//                               |            entries weights \--buckets-----\         v
//                               |                  |  |                      |    pq_score <- bias
//                               +--int8--> pq_attend_dot x 8                 |        |
//                               |             ^       |                      |        v
//   bus_data_i --> pq_attend_parameters --query       \------------------- pq_attend_softmax
//                               |                                            |        |
//                               +--E3M4--> pq_attend_combine <---------------/      status
//                                               \--outputs--> pq_attend_result <------/
//
// TURN        COMBINE of the window before and TABLE of the next one, in one pass:
//             o_m = sum over c of A[m][c] * CV_m,c;  T[m][c] = q_m . CK_m,c, in the place of A
// SCORE       s_t = sum over m of T[m][code] + bias, into the score memory; maximum
// ACCUMULATE  A[m][code] += 2^(s_t - exponent), in the lanes; weight sum
//
// A context is TURN SCORE ACCUMULATE TURN SCORE ACCUMULATE ... TURN; the last TURN may be the first
// one of the next query. A window of up to TileDepth tokens is a tile: after each TURN, outputs,
// weight sum and exponent of the window can be read, and the host merges them. Sub-spaces have two
// channels, and codebooks come sub-space by sub-space: so an output is complete after 16 beats, and
// there are as many accumulators as outputs in a beat.
//
// Beats       TURN, beat 16 g + c: bytes 0 ... 15 the E3M4 elements of channels 16 g ... 16 g + 15
//             of the old window's centroid c, bytes 16 ... 31 the int8 elements of the next one's.
//             Codes, HeadDim 128: token t, sub-space m in bits 4 m. HeadDim 64: tokens 2 t and
//             2 t + 1, in bits 4 m and 128 + 4 m
// Bus         TOKENS: 16 bits for each engine of a rank, taken by index_i. CONTROL: bits 3:0 the
//             table's fraction, 8 ... 15; bit 5 clears the protocol flag. PARAMETERS:
//             pq_attend_parameters; it and CONTROL are refused while TURN or SCORE runs
// Formats     docs/attend.md, "Formats"
// Latency     as pq_attend_control; reads: 1 cycle; a beat is decoded 1 cycle after it has come
// Throughput  1 beat per cycle in every operation, at any spacing, without back-pressure
// Golden      aqpim::golden::AttendEngine   sw/golden/attend_engine.h
module pq_attend_engine #(
  parameter  int unsigned HeadDim     = 128,    // channels of a head
  parameter  int unsigned BucketWidth = 16,     // 24: weights and outputs as those of pq_engine
  parameter  int unsigned TileDepth   = 1024,   // tokens of a window
  parameter  int unsigned Banks       = 4,
  localparam int unsigned BeatBits    = 256,
  localparam int unsigned TokensWidth = $clog2(TileDepth + 1)
) (
  input  wire logic                      clk_i,
  input  wire logic                      rst_ni,
  input  wire logic [3:0]                index_i,          // of the engine: a constant
  // Commands
  input  wire logic                      cmd_valid_i,
  input  wire pq_pkg::attend_operation_e cmd_operation_i,
  input  wire logic                      cmd_first_i,      // TURN: tables are the query's first
  input  wire logic [TokensWidth-1:0]    cmd_tokens_i,     // SCORE: at most
  output logic                           ready_o,          // idle: a command is accepted
  // Streams from the banks
  input  wire logic [Banks-1:0]          bank_valid_i,     // one hot: the bank that gives a beat
  input  wire logic [Banks*BeatBits-1:0] bank_data_i,
  // Bus
  input  wire logic                      bus_valid_i,
  input  wire pq_pkg::attend_bus_kind_e  bus_kind_i,
  input  wire logic [3:0]                bus_index_i,      // PARAMETERS: word
  input  wire logic [BeatBits-1:0]       bus_data_i,
  // Reads
  input  wire logic                      read_valid_i,
  input  wire logic [5:0]                read_index_i,     // beat of pq_attend_result
  output logic                           read_valid_o,
  output logic      [BeatBits-1:0]       read_data_o,      // zero if not valid
  output logic                           error_o           // pulse: a command, beat, register
                                                           // write or read was refused
);

  localparam int unsigned SubDim         = 2;
  localparam int unsigned CodeBits       = 4;
  localparam int unsigned EntryWidth     = 16;
  localparam int unsigned ScoreWidth     = 16;
  localparam int unsigned ScoreFraction  = 8;
  localparam int unsigned WeightWidth    = 14;
  localparam int unsigned Lanes          = BeatBits / CodeBits;
  localparam int unsigned Subspaces      = HeadDim / SubDim;
  localparam int unsigned Slots          = Subspaces < Lanes ? Lanes / Subspaces : 1;   // of a beat
  localparam int unsigned GroupChannels  = 16;                     // of a beat of TURN
  localparam int unsigned GroupLanes     = GroupChannels / SubDim;
  localparam int unsigned Groups         = HeadDim / GroupChannels;
  localparam int unsigned GroupWidth     = $clog2(Groups);
  localparam int unsigned StepWidth      = GroupWidth + CodeBits;
  localparam int unsigned SumWidth       = EntryWidth + $clog2(Subspaces);
  localparam int unsigned OutputWidth    = BucketWidth + 12;
  localparam int unsigned WeightSumWidth = WeightWidth + $clog2(TileDepth) + 1;
  localparam int unsigned ExtraWidth     = 3;                      // of the table over the score's

  // Cycles of TURN: from the beat to its entries, and stages until its outputs are written
  localparam int unsigned DotCycles = 3;
  localparam int unsigned Stages    = Slots + 3;

  // Legal parameters
  if (HeadDim != 64 && HeadDim != 128) begin : gen_bad_head_dim
    $error("pq_attend_engine: HeadDim must be 64 or 128");
  end
  if (BucketWidth != 16 && BucketWidth != 24) begin : gen_bad_bucket_width
    $error("pq_attend_engine: BucketWidth must be 16 or 24");
  end
  if (TileDepth < 16 || TileDepth > 1024 || (1 << $clog2(TileDepth)) != TileDepth) begin
      : gen_bad_tile_depth
    $error("pq_attend_engine: TileDepth must be a power of two from 16 to 1024");
  end
  if (Banks != 1 && Banks != 2 && Banks != 4) begin : gen_bad_banks
    $error("pq_attend_engine: Banks must be 1, 2 or 4");
  end

  // ---- Control, registers -----------------------------------------------------------------------

  logic                 start_turn, start_score, start_weights, turn, scoring, accumulate;
  logic                 take, second, fill, flush, locked, readable, command_error, read_refused;
  logic [StepWidth-1:0] step;
  logic [13:0]          first_token;
  logic                 bus_control, control_legal, control_write, parameter_write, bus_refused_q;
  logic                 protocol_q;
  logic [ExtraWidth-1:0] extra_q;

  pq_attend_control #(
    .HeadDim   (HeadDim),
    .TileDepth (TileDepth)
  ) u_control (
    .clk_i,
    .rst_ni,
    .cmd_valid_i,
    .cmd_operation_i,
    .cmd_first_i,
    .cmd_tokens_i,
    .ready_o,
    .tokens_write_i  (bus_valid_i && bus_kind_i == pq_pkg::AttendBusTokens),
    .tokens_i        (bus_data_i[32'(index_i)*16 +: 16]),
    .beat_i          (|bank_valid_i),
    .start_turn_o    (start_turn),
    .start_score_o   (start_score),
    .start_weights_o (start_weights),
    .turn_o          (turn),
    .score_o         (scoring),
    .accumulate_o    (accumulate),
    .take_o          (take),
    .second_o        (second),
    .step_o          (step),
    .fill_o          (fill),
    .flush_o         (flush),
    .token_o         (first_token),
    .locked_o        (locked),
    .readable_o      (readable),
    .error_o         (command_error)
  );

  assign bus_control     = bus_valid_i && bus_kind_i == pq_pkg::AttendBusControl;
  assign control_legal   = !locked && bus_data_i[3];
  assign control_write   = bus_control && control_legal;
  assign parameter_write = bus_valid_i && bus_kind_i == pq_pkg::AttendBusParameters && !locked;
  assign error_o         = command_error || bus_refused_q || read_refused;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      extra_q       <= '0;
      bus_refused_q <= 1'b0;
      protocol_q    <= 1'b0;
    end else begin
      if (control_write) extra_q <= bus_data_i[ExtraWidth-1:0];
      bus_refused_q <= bus_valid_i && bus_kind_i != pq_pkg::AttendBusTokens
                    && !control_write && !parameter_write;
      protocol_q    <= (protocol_q && !(control_write && bus_data_i[5])) || error_o;
    end
  end

  // ---- The beat ---------------------------------------------------------------------------------

  logic [BeatBits-1:0] beat, beat_q;
  logic [Stages-1:0]           turn_q;                // bit n: there was one of TURN n + 1
  logic [Stages*StepWidth-1:0] step_q;                // cycles ago, and its step
  logic                lookup_q;                      // a beat of codes, a cycle ago
  logic                second_q;
  logic [Slots-1:0]    present, adds;                 // tokens of the beat; those with a weight
  logic [Slots-1:0]    score_q, add_q;                // tokens of the beat before

  always_comb begin
    beat = '0;
    for (int unsigned b = 0; b < Banks; b++) begin
      beat = beat | (bank_data_i[b*BeatBits +: BeatBits] & {BeatBits{bank_valid_i[b]}});
    end
  end

  assign present = Slots'({second_q, 1'b1});
  assign adds    = present & {Slots{lookup_q && accumulate}};

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      turn_q   <= '0;
      lookup_q <= 1'b0;
      score_q  <= '0;
      add_q    <= '0;
    end else begin
      turn_q   <= {turn_q[Stages-2:0], take && turn};
      lookup_q <= take && !turn;
      score_q  <= present & {Slots{lookup_q && scoring}};
      add_q    <= adds;
    end
  end

  always_ff @(posedge clk_i) begin
    beat_q   <= beat;
    second_q <= second;
    step_q   <= {step_q[(Stages-1)*StepWidth-1:0], step};
  end

  // Elements, quiet in the token loops: operands of zero add nothing.
  logic [BeatBits-1:0] elements;
  assign elements = beat_q & {BeatBits{turn_q[0]}};

  // ---- Query and biases -------------------------------------------------------------------------

  logic                sum_valid;
  logic [BeatBits-1:0] query;
  logic [15:0]         bias;

  // The word of a group is read with the last beat of the group before.
  logic [2:0] query_group;
  assign query_group = start_turn ? '0 : 3'(step[StepWidth-1:CodeBits]) + 3'd1;

  pq_attend_parameters #(
    .Slots (Slots)
  ) u_parameters (
    .clk_i,
    .rst_ni,
    .write_i      (parameter_write),
    .index_i      (bus_index_i),
    .data_i       (bus_data_i),
    .read_query_i (start_turn || (take && turn && &step[CodeBits-1:0])),
    .group_i      (query_group),
    .start_i      (start_score),
    .token_i      (first_token),
    .advance_i    (sum_valid),
    .data_o       (query),
    .bias_o       (bias)
  );

  // ---- TABLE ------------------------------------------------------------------------------------

  logic [GroupLanes*EntryWidth-1:0] entries;
  logic [GroupLanes-1:0]            entry_saturated;
  logic                             table_valid;
  logic [StepWidth-1:0]             table_step;

  assign table_valid = turn_q[DotCycles];
  assign table_step  = step_q[DotCycles*StepWidth +: StepWidth];

  for (genvar j = 0; j < GroupLanes; j++) begin : gen_dot
    logic unused_spare;
    assign unused_spare = ^query[j*32+28 +: 4];

    pq_attend_dot #(
      .EntryWidth (EntryWidth)
    ) u_dot (
      .clk_i,
      .query0_i    (query[j*32 +: 12]),
      .query1_i    (query[j*32+12 +: 12]),
      .shift_i     (query[j*32+24 +: 4]),
      .element0_i  (elements[128+j*16 +: 8]),
      .element1_i  (elements[128+j*16+8 +: 8]),
      .entry_o     (entries[j*EntryWidth +: EntryWidth]),
      .saturated_o (entry_saturated[j])
    );
  end

  // ---- Lanes ------------------------------------------------------------------------------------

  logic [Slots*WeightWidth-1:0] weights;
  logic [Lanes*EntryWidth-1:0]  looked_up;
  logic [Lanes*BucketWidth-1:0] buckets;

  pq_attend_lanes #(
    .HeadDim     (HeadDim),
    .EntryWidth  (EntryWidth),
    .WeightWidth (WeightWidth),
    .BucketWidth (BucketWidth)
  ) u_lanes (
    .clk_i,
    .rst_ni,
    .lookup_i       (lookup_q),
    .codes_i        (beat_q),
    .adds_i         (adds),
    .add_i          (add_q),
    .weights_i      (weights),
    .entries_o      (looked_up),
    .table_valid_i  (table_valid),
    .table_step_i   (table_step),
    .entries_i      (entries),
    .combine_i      (take && turn),     // with the beat, before it is decoded
    .combine_step_i (step),
    .buckets_o      (buckets)
  );

  // ---- SCORE ------------------------------------------------------------------------------------

  logic [Slots-1:0]            sums_valid, scores_valid, scores_saturated;
  logic [Slots*ScoreWidth-1:0] scores;

  assign sum_valid = sums_valid[0];

  for (genvar s = 0; s < Slots; s++) begin : gen_score
    logic [SumWidth-1:0] sum;

    pq_score_sum #(
      .Lanes      (Subspaces),
      .TokenWords (1),
      .EntryWidth (EntryWidth)
    ) u_score_sum (
      .clk_i,
      .rst_ni,
      .valid_i   (score_q[s]),
      .first_i   (1'b1),
      .last_i    (1'b1),
      .entries_i (looked_up[s*Subspaces*EntryWidth +: Subspaces*EntryWidth]),
      .valid_o   (sums_valid[s]),
      .sum_o     (sum)
    );

    pq_score #(
      .SumWidth   (SumWidth),
      .ScoreWidth (ScoreWidth),
      .ExtraWidth (ExtraWidth)
    ) u_score (
      .clk_i,
      .rst_ni,
      .valid_i     (sums_valid[s]),
      .sum_i       (sum),
      .bias_i      (bias),
      .extra_i     (extra_q),
      .valid_o     (scores_valid[s]),
      .score_o     (scores[s*ScoreWidth +: ScoreWidth]),
      .saturated_o (scores_saturated[s])
    );
  end

  // ---- Softmax ----------------------------------------------------------------------------------

  logic [8:0]                exponent;
  logic [WeightSumWidth-1:0] weight_sum;

  pq_attend_softmax #(
    .ScoreWidth    (ScoreWidth),
    .ScoreFraction (ScoreFraction),
    .TileDepth     (TileDepth),
    .WeightWidth   (WeightWidth),
    .BucketWidth   (BucketWidth),
    .Slots         (Slots)
  ) u_softmax (
    .clk_i,
    .rst_ni,
    .start_tile_i    (start_score),
    .score_valid_i   (scores_valid),
    .scores_i        (scores),
    .flush_i         (flush),
    .start_weights_i (start_weights),
    .fill_i          (fill),
    .use_i           (add_q),
    .weights_o       (weights),
    .exponent_o      (exponent),
    .sum_o           (weight_sum)
  );

  // ---- COMBINE ----------------------------------------------------------------------------------

  logic [GroupChannels*OutputWidth-1:0] outputs;
  logic [GroupWidth-1:0]                output_group;
  logic                                 low_write, high_write;

  pq_attend_combine #(
    .HeadDim     (HeadDim),
    .BucketWidth (BucketWidth)
  ) u_combine (
    .clk_i,
    .buckets_i    (buckets),
    .elements_i   (elements[GroupChannels*8-1:0]),
    .turn_i       (turn_q),
    .step_i       (step_q),
    .outputs_o    (outputs),
    .low_write_o  (low_write),
    .high_write_o (high_write),
    .group_o      (output_group)
  );

  // ---- Results ----------------------------------------------------------------------------------

  logic table_saturated_q, score_saturated_q;   // in the window that is worked on

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      table_saturated_q <= 1'b0;
      score_saturated_q <= 1'b0;
    end else begin
      table_saturated_q <= (table_saturated_q && !start_turn) || (table_valid && |entry_saturated);
      score_saturated_q <= (score_saturated_q && !start_turn)
                        || |(scores_valid & scores_saturated);
    end
  end

  pq_attend_result #(
    .HeadDim     (HeadDim),
    .OutputWidth (OutputWidth),
    .SumWidth    (WeightSumWidth)
  ) u_result (
    .clk_i,
    .rst_ni,
    .low_write_i  (low_write),
    .high_write_i (high_write),
    .group_i      (output_group),
    .outputs_i    (outputs),
    .capture_i    (start_turn),
    .sum_i        (weight_sum),
    .exponent_i   (exponent),
    .flags_i      ({score_saturated_q, table_saturated_q}),
    .protocol_i   (protocol_q),
    .readable_i   (readable),
    .read_i       (read_valid_i),
    .index_i      (read_index_i),
    .valid_o      (read_valid_o),
    .read_data_o,
    .refused_o    (read_refused)
  );

  `AQ_ASSERT(a_one_bank, (bank_valid_i & (bank_valid_i - 1'b1)) == '0, clk_i, !rst_ni)

endmodule

`default_nettype wire
