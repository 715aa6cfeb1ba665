// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "pq_assert.svh"

// pq_attend_control: accepts commands, refuses illegal ones, counts the beats of an operation and
// the tokens of a query.
//
//   cmd_*  --> [ legal? ] --> start_*_o --> Fill -> Stream (beats) -> Drain -> ready_o
//   beat_i ----------------------------------------------+--> take_o with its step
//   tokens -> [ left = tokens - those of the windows before ] --> tokens of a SCORE
//
// A SCORE works on min(cmd_tokens_i, tokens left) tokens, its ACCUMULATE on the same ones: so all
// engines of a rank can be given the commands and beats of the one with most tokens. Beats beyond
// the last token are dropped. A window takes up whole beats: what is left of its last beat is no
// token's place.
//
// Refused are: commands before ready_o; SCORE but after TURN, or of more than TileDepth tokens;
// ACCUMULATE but after SCORE; the operation that does not exist; beats beyond those of a TURN and
// in the Fill of ACCUMULATE; TOKENS above 16,384. A refused command changes nothing.
//
// Latency     command to its first beat: 1 cycle, of ACCUMULATE: 5 cycles; last beat of TURN to
//             ready_o: 6 cycles, of SCORE: 15 cycles, of ACCUMULATE: 4 cycles; without tokens,
//             SCORE to ready_o: 1 cycle, ACCUMULATE to ready_o: 6 cycles; tokens_write_i to a
//             command that counts with it: 2 cycles
// Throughput  1 beat per cycle
// Golden      aqpim::golden::AttendEngine   sw/golden/attend_engine.h
module pq_attend_control #(
  parameter  int unsigned HeadDim     = 128,
  parameter  int unsigned TileDepth   = 1024,
  localparam int unsigned Slots       = HeadDim < 128 ? 128 / HeadDim : 1,
  localparam int unsigned TurnBeats   = HeadDim,
  localparam int unsigned StepWidth   = $clog2(TurnBeats),
  localparam int unsigned TokensWidth = $clog2(TileDepth + 1),
  localparam int unsigned MaxTokens   = 16384,
  localparam int unsigned TokenWidth  = $clog2(MaxTokens)
) (
  input  wire logic                      clk_i,
  input  wire logic                      rst_ni,
  input  wire logic                      cmd_valid_i,
  input  wire pq_pkg::attend_operation_e cmd_operation_i,
  input  wire logic                      cmd_first_i,      // TURN: tables are the query's first
  input  wire logic [TokensWidth-1:0]    cmd_tokens_i,     // SCORE: at most
  output logic                           ready_o,
  input  wire logic                      tokens_write_i,
  input  wire logic [15:0]               tokens_i,         // of the query, in this engine
  input  wire logic                      beat_i,           // there is a beat
  output logic                           start_turn_o,     // in the cycle of the command
  output logic                           start_score_o,
  output logic                           start_weights_o,
  output logic                           turn_o,           // what runs, or has run last
  output logic                           score_o,
  output logic                           accumulate_o,
  output logic                           take_o,           // this beat is one of the operation's
  output logic                           second_o,         // with its second half (HeadDim 64)
  output logic      [StepWidth-1:0]      step_o,           // TURN: {group, centroid}
  output logic                           fill_o,           // ACCUMULATE: fetch weights ahead
  output logic                           flush_o,          // the window's scores are complete
  output logic      [TokenWidth-1:0]     token_o,          // first one of the window
  output logic                           locked_o,         // registers are in use
  output logic                           readable_o,       // outputs of a whole window are there
  output logic                           error_o           // pulse: something was refused
);

  // What the lanes hold; Scored: tables, and there are scores
  typedef enum logic [1:0] {Nothing, Tables, Scored, Buckets} holds_e;

  // Fill: the first weights. Drain: TURN tables and results are written; SCORE look-up, adder tree,
  // bias, rounding, weight, bound; ACCUMULATE buckets and sum.
  localparam int unsigned TotalWidth       = TokenWidth + 1;
  localparam int unsigned FillCycles       = 5;
  localparam int unsigned TurnDrain        = 5;
  localparam int unsigned ScoreDrain       = 14;
  localparam int unsigned AccumulateDrain  = 3;
  localparam int unsigned FlushCycle       = 3;   // of Drain: scores are written
  localparam int unsigned BeatsWidth       = $clog2((TileDepth > TurnBeats ? TileDepth : TurnBeats)
                                                    + 1);

  if (HeadDim != 64 && HeadDim != 128) begin : gen_bad_head_dim
    $error("pq_attend_control: HeadDim must be 64 or 128");
  end

  pq_pkg::attend_operation_e operation_q;   // what runs, or has run last
  holds_e                    holds_q;
  logic                   active_q, window_q, odd, legal, start, stray;
  logic [3:0]             wait_q;           // cycles of Fill or Drain to go
  logic [StepWidth-1:0]   step_q;
  logic [BeatsWidth-1:0]  left_q, beats;    // beats to go; of the command
  logic [TotalWidth-1:0]  tokens_q, done_q; // of the query; of the windows before
  logic [TotalWidth-1:0]  rest_q;           // tokens left
  logic [TokensWidth-1:0] count, count_q;   // tokens of the window

  // ---- Commands ---------------------------------------------------------------------------------

  always_comb begin
    unique case (cmd_operation_i)
      pq_pkg::AttendTurn:       legal = 1'b1;
      pq_pkg::AttendScore:      legal = holds_q == Tables && 32'(cmd_tokens_i) <= TileDepth;
      pq_pkg::AttendAccumulate: legal = holds_q == Scored;
      default:                  legal = 1'b0;
    endcase
  end

  assign ready_o         = !active_q && wait_q == '0;
  assign start           = cmd_valid_i && ready_o && legal;
  assign start_turn_o    = start && cmd_operation_i == pq_pkg::AttendTurn;
  assign start_score_o   = start && cmd_operation_i == pq_pkg::AttendScore;
  assign start_weights_o = start && cmd_operation_i == pq_pkg::AttendAccumulate;

  assign count = 32'(rest_q) < 32'(cmd_tokens_i) ? TokensWidth'(rest_q) : cmd_tokens_i;

  always_comb begin
    unique case (cmd_operation_i)
      pq_pkg::AttendScore:      beats = BeatsWidth'((32'(count) + Slots - 1) / Slots);
      pq_pkg::AttendAccumulate: beats = BeatsWidth'((32'(count_q) + Slots - 1) / Slots);
      default:                  beats = BeatsWidth'(TurnBeats);
    endcase
  end

  // ---- Beats ------------------------------------------------------------------------------------

  assign fill_o = active_q && accumulate_o && wait_q != '0;
  assign take_o = beat_i && active_q && wait_q <= 4'd1;
  assign stray  = beat_i && (active_q ? wait_q > 4'd1 : turn_o);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      operation_q <= pq_pkg::AttendTurn;
      holds_q     <= Nothing;
      active_q    <= 1'b0;
      wait_q      <= '0;
      window_q    <= 1'b0;
      error_o     <= 1'b0;
    end else begin
      error_o <= (cmd_valid_i && !(ready_o && legal)) || stray
              || (tokens_write_i && 32'(tokens_i) > MaxTokens);
      if (start) begin
        operation_q <= cmd_operation_i;
        holds_q     <= start_turn_o ? Tables : start_score_o ? Scored : Buckets;
        active_q    <= beats != '0;
        wait_q      <= start_weights_o ? 4'(FillCycles) : '0;
        if (start_turn_o) window_q <= holds_q == Buckets;
      end else if (take_o && left_q == BeatsWidth'(1)) begin
        active_q <= 1'b0;
        wait_q   <= turn_o  ? 4'(TurnDrain)
                  : score_o ? 4'(ScoreDrain) : 4'(AccumulateDrain);
      end else if (wait_q != '0) begin
        wait_q <= wait_q - 1'b1;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (start) begin
      left_q <= beats;
      step_q <= '0;
      if (start_score_o) count_q <= count;
    end else if (take_o) begin
      left_q <= left_q - 1'b1;
      step_q <= step_q + 1'b1;
    end
  end

  assign turn_o       = operation_q == pq_pkg::AttendTurn;
  assign score_o      = operation_q == pq_pkg::AttendScore;
  assign accumulate_o = operation_q == pq_pkg::AttendAccumulate;
  assign step_o       = step_q;
  assign flush_o      = !active_q && score_o && wait_q == 4'(FlushCycle);
  assign locked_o     = start_turn_o || start_score_o || (!ready_o && !accumulate_o);
  assign readable_o   = window_q && !start_turn_o && (ready_o || !turn_o);
  assign odd          = Slots > 1 && count_q[0];
  assign second_o     = Slots > 1 && !(odd && left_q == BeatsWidth'(1));

  // ---- Tokens -----------------------------------------------------------------------------------

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      tokens_q <= '0;
      done_q   <= '0;
      rest_q   <= '0;
    end else begin
      if (tokens_write_i && 32'(tokens_i) <= MaxTokens) tokens_q <= TotalWidth'(tokens_i);
      if (start_turn_o && cmd_first_i) done_q <= '0;
      else if (start_weights_o) done_q <= done_q + TotalWidth'(count_q) + TotalWidth'(odd);
      rest_q <= tokens_q > done_q ? tokens_q - done_q : '0;
    end
  end

  assign token_o = done_q[TokenWidth-1:0];   // at 16,384 none is left

  `AQ_ASSERT(a_tokens, 32'(done_q) <= MaxTokens, clk_i, !rst_ni)
  `AQ_ASSERT(a_beats_left, !active_q || left_q != '0, clk_i, !rst_ni)

endmodule

`default_nettype wire
