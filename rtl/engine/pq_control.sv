// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "pq_assert.svh"

// pq_control: accepts commands, refuses illegal ones, counts the words of an operation.
//
//   cmd_* --> Idle -> Check -> Fill (FillCycles) -> Stream (words) -> Drain (DrainCycles) -> Idle
//                       |                              |
//                       +-> refused -> Idle            |
//   word_valid_i --------------------------------------+--> word_take_o with its position
//
// No length depends on data: an operation takes FillCycles, then exactly its number of words at
// the stream's own pace, then DrainCycles, after which every result is in place. CLUSTER takes its
// words when pq_cluster_control has room for them, and drains when the last loop is over.
//
// A position is {unit, word}: the unit is a centroid of CentroidWords words (TABLE, COMBINE,
// ENCODE), of SliceWords (LOAD) or of RecordWords (UNLOAD), or a token of TokenWords words (SCORE,
// ACCUMULATE). UNLOAD takes words as its pace: it gives one for each.
//
// Refused are: SCORE without the tables of a TABLE; ACCUMULATE or COMBINE before the first TABLE,
// or after a LOAD before the next TABLE; SCORE that goes on with a tile after its first ACCUMULATE;
// a second first ACCUMULATE of a tile; COMBINE that goes on with outputs that the tile never began;
// more tokens than scores, biases or score memory; CLUSTER or UNLOAD without a LOAD since the last
// TABLE, CLUSTER of a broken group or of more tokens than ScoreDepth since the last LOAD or UNLOAD;
// and ENCODE to UNLOAD without Quantize. So every legal sequence is exact in the widths of buckets,
// outputs and sums.
//
// Latency     accept to first word: FillCycles + 2 cycles; last word to done_o: DrainCycles + 1;
//             accept to cmd_error_o: 2 cycles
// Throughput  1 word per cycle
// Golden      aqpim::golden::Engine::command()   sw/golden/engine.h
module pq_control #(
  parameter  int unsigned Centroids     = 256,
  parameter  int unsigned CentroidWords = 4,
  parameter  int unsigned TokenWords    = 1,
  parameter  int unsigned ScoreDepth    = 2048,
  parameter  int unsigned BiasDepth     = 256,
  parameter  bit          Quantize      = 1'b1,
  parameter  int unsigned WeightsWord   = 32,   // weights in a word of CLUSTER
  parameter  int unsigned TokenSlots    = 2,    // tokens of a group of CLUSTER
  parameter  int unsigned FillCycles    = 6,
  parameter  int unsigned DrainCycles   = 9,
  localparam int unsigned TokensWidth   = $clog2(ScoreDepth + 1),
  localparam int unsigned UnitWidth     = $clog2(Centroids),
  localparam int unsigned SliceWords    = 2 / TokenSlots,
  localparam int unsigned RecordWords   = Quantize ? 8 / TokenSlots : 1,
  localparam int unsigned MaxCodeWords  = RecordWords > TokenWords ? RecordWords : TokenWords,
  localparam int unsigned MaxUnitWords  = CentroidWords > MaxCodeWords ? CentroidWords
                                                                       : MaxCodeWords,
  localparam int unsigned WordWidth     = MaxUnitWords > 1 ? $clog2(MaxUnitWords) : 1
) (
  input  wire logic                   clk_i,
  input  wire logic                   rst_ni,
  input  wire logic                   cmd_valid_i,
  output logic                        cmd_ready_o,
  input  wire pq_pkg::operation_e     cmd_operation_i,
  input  wire logic                   cmd_first_i,
  input  wire logic [TokensWidth-1:0] cmd_tokens_i,
  output logic                        cmd_error_o,     // pulse: the command was refused
  input  wire logic [7:0]             bias_run_i,      // as in CONTROL
  input  wire logic                   word_valid_i,
  input  wire logic                   cluster_ready_i,   // CLUSTER has room for a word
  input  wire logic                   cluster_active_i,  // loops of CLUSTER are not over
  output logic                        stream_open_o,   // words are taken
  output logic                        word_take_o,     // this word is taken
  output logic                        words_left_o,    // from Check on, until the last word
  output pq_pkg::operation_e          operation_o,     // of the command that runs or is checked
  output logic                        start_o,         // pulse: first cycle of Fill
  output logic                        first_o,         // cmd_first_i of that command
  output logic                        fill_o,          // the other cycles of Fill
  output logic                        locked_o,        // the registers are in use
  output logic      [UnitWidth-1:0]   centroid_o,      // position of the next word
  output logic      [WordWidth-1:0]   word_o,
  output logic                        last_o,          // that word is the last of its unit
  output logic      [7:0]             tile_run_o,      // tokens per bias in this tile
  output logic                        outputs_valid_o, // a first COMBINE has started
  output logic                        codes_valid_o,   // an ENCODE is newer than any CLUSTER
  output logic                        busy_o,
  output logic                        done_o           // pulse: the operation has drained
);

  typedef enum logic [2:0] {Idle, Check, Fill, Stream, Drain} state_e;

  localparam int unsigned CodebookWords = Centroids * CentroidWords;
  localparam int unsigned RecordsWords  = Centroids * RecordWords;
  localparam int unsigned MaxTileWords  = ScoreDepth * TokenWords;
  localparam int unsigned MaxPassWords  = ScoreDepth * SliceWords + ScoreDepth / WeightsWord + 1;
  localparam int unsigned MaxTokenWords = Quantize && MaxPassWords > MaxTileWords ? MaxPassWords
                                                                                  : MaxTileWords;
  localparam int unsigned MaxCodebook   = CodebookWords > RecordsWords ? CodebookWords
                                                                       : RecordsWords;
  localparam int unsigned MaxWords      = MaxCodebook > MaxTokenWords ? MaxCodebook
                                                                      : MaxTokenWords;
  localparam int unsigned LeftWidth     = $clog2(MaxWords + 1);
  localparam int unsigned MaxWait       = FillCycles > DrainCycles ? FillCycles : DrainCycles;
  localparam int unsigned WaitWidth     = $clog2(MaxWait + 1);

  state_e                 state_q;
  logic [LeftWidth-1:0]   left_q;        // words to come
  logic [WaitWidth-1:0]   wait_q;        // cycles of Fill or Drain to go, less one
  pq_pkg::operation_e     operation_q;   // the command
  logic                   first_q;
  logic [TokensWidth-1:0] tokens_q;
  logic [UnitWidth-1:0]   centroid_q;
  logic [WordWidth-1:0]   word_q;
  logic [WordWidth-1:0]   last_word;     // of a unit
  logic [LeftWidth-1:0]   words;         // of the whole operation

  // What has happened so far, for the order rules
  logic                   tables_valid_q;   // the lanes hold complete tables
  logic                   lanes_valid_q;    // the lanes hold tables or buckets
  logic                   weighing_q;       // the tile has seen an ACCUMULATE
  logic                   combining_q;      // the tile has seen a first COMBINE
  logic                   slice_valid_q;    // the lanes hold the work space of clustering
  logic [TokensWidth-1:0] scored_q, accumulated_q, clustered_q;
  logic [7:0]             tile_run_q;

  logic [TokensWidth:0]   scored, accumulated, clustered;
  logic [7:0]             run;
  logic                   legal;

  assign scored      = {1'b0, tokens_q} + (first_q ? '0 : {1'b0, scored_q});
  assign accumulated = {1'b0, tokens_q} + (first_q ? '0 : {1'b0, accumulated_q});
  assign clustered   = {1'b0, tokens_q} + {1'b0, clustered_q};
  assign run         = first_q ? bias_run_i : tile_run_q;

  always_comb begin
    unique case (operation_q)
      pq_pkg::OpTable: legal = 1'b1;
      pq_pkg::OpScore:
        legal = tables_valid_q && (first_q || !weighing_q) && 32'(scored) <= ScoreDepth
             && (run == 8'd0 || 32'(scored) <= 32'({run, {$clog2(BiasDepth) {1'b0}}}));
      pq_pkg::OpAccumulate:
        legal = lanes_valid_q && !(first_q && weighing_q) && accumulated <= {1'b0, scored_q};
      pq_pkg::OpCombine: legal = lanes_valid_q && (first_q || combining_q);
      pq_pkg::OpEncode, pq_pkg::OpLoad: legal = Quantize;
      pq_pkg::OpCluster:
        legal = slice_valid_q && 32'(clustered) <= ScoreDepth
             && tokens_q % TokensWidth'(TokenSlots) == '0;
      default: legal = slice_valid_q;
    endcase
  end

  always_comb begin
    unique case (operation_q)
      pq_pkg::OpScore, pq_pkg::OpAccumulate: begin
        last_word = WordWidth'(TokenWords - 1);
        words     = LeftWidth'(tokens_q) << $clog2(TokenWords);
      end
      pq_pkg::OpLoad: begin
        last_word = WordWidth'(SliceWords - 1);
        words     = LeftWidth'(Centroids * SliceWords);
      end
      pq_pkg::OpCluster: begin   // pq_cluster_control places its words
        last_word = '0;
        words     = (LeftWidth'(tokens_q) << $clog2(SliceWords))
                  + ((LeftWidth'(tokens_q) + LeftWidth'(WeightsWord - 1)) >> $clog2(WeightsWord));
      end
      pq_pkg::OpUnload: begin
        last_word = WordWidth'(RecordWords - 1);
        words     = LeftWidth'(RecordsWords);
      end
      default: begin
        last_word = WordWidth'(CentroidWords - 1);
        words     = LeftWidth'(CodebookWords);
      end
    endcase
  end

  assign last_o      = word_q == last_word;
  assign word_take_o = word_valid_i && stream_open_o;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q         <= Idle;
      left_q          <= '0;
      wait_q          <= '0;
      operation_q     <= pq_pkg::OpTable;
      first_q         <= 1'b0;
      tokens_q        <= '0;
      centroid_q      <= '0;
      word_q          <= '0;
      tables_valid_q  <= 1'b0;
      lanes_valid_q   <= 1'b0;
      weighing_q      <= 1'b0;
      combining_q     <= 1'b0;
      slice_valid_q   <= 1'b0;
      scored_q        <= '0;
      accumulated_q   <= '0;
      clustered_q     <= '0;
      tile_run_q      <= '0;
      outputs_valid_o <= 1'b0;
      codes_valid_o   <= 1'b0;
      start_o         <= 1'b0;
      cmd_error_o     <= 1'b0;
      done_o          <= 1'b0;
    end else begin
      start_o     <= state_q == Check && legal;
      cmd_error_o <= state_q == Check && !legal;
      done_o      <= state_q == Drain && wait_q == '0 && !cluster_active_i;

      unique case (state_q)
        Idle: begin
          if (cmd_valid_i) begin
            state_q     <= Check;
            operation_q <= cmd_operation_i;
            first_q     <= cmd_first_i;
            tokens_q    <= cmd_tokens_i;
          end
        end
        Check: begin
          state_q    <= legal ? Fill : Idle;
          wait_q     <= WaitWidth'(FillCycles - 1);
          centroid_q <= '0;
          word_q     <= '0;
          left_q     <= words;
          if (legal) begin
            unique case (operation_q)
              pq_pkg::OpScore: begin
                scored_q   <= scored[TokensWidth-1:0];
                tile_run_q <= run;
                if (first_q) begin
                  accumulated_q <= '0;
                  weighing_q    <= 1'b0;
                  combining_q   <= 1'b0;
                end
              end
              pq_pkg::OpAccumulate: begin
                accumulated_q  <= accumulated[TokensWidth-1:0];
                weighing_q     <= 1'b1;
                tables_valid_q <= 1'b0;
              end
              pq_pkg::OpCombine: begin
                tables_valid_q  <= 1'b0;
                outputs_valid_o <= 1'b1;
                combining_q     <= 1'b1;
              end
              pq_pkg::OpEncode: codes_valid_o <= 1'b1;
              pq_pkg::OpLoad: begin
                tables_valid_q <= 1'b0;
                lanes_valid_q  <= 1'b0;
                slice_valid_q  <= 1'b1;
                clustered_q    <= '0;
              end
              pq_pkg::OpCluster: begin
                clustered_q   <= clustered[TokensWidth-1:0];
                codes_valid_o <= 1'b0;
              end
              pq_pkg::OpUnload: clustered_q <= '0;
              default: begin
                tables_valid_q <= 1'b1;
                lanes_valid_q  <= 1'b1;
                slice_valid_q  <= 1'b0;
              end
            endcase
          end
        end
        Fill: begin
          wait_q <= wait_q - 1'b1;
          if (wait_q == '0) begin
            state_q <= left_q == '0 ? Drain : Stream;
            wait_q  <= WaitWidth'(DrainCycles - 1);
          end
        end
        Stream: begin
          if (word_take_o) begin
            left_q     <= left_q - 1'b1;
            word_q     <= last_o ? '0 : word_q + 1'b1;
            centroid_q <= last_o ? centroid_q + 1'b1 : centroid_q;
            if (left_q == LeftWidth'(1)) state_q <= Drain;
          end
        end
        default: begin
          if (!cluster_active_i) begin
            wait_q <= wait_q - 1'b1;
            if (wait_q == '0) state_q <= Idle;
          end
        end
      endcase
    end
  end

  assign cmd_ready_o   = state_q == Idle;
  assign busy_o        = state_q != Idle;
  assign stream_open_o = state_q == Stream && (operation_q != pq_pkg::OpCluster || cluster_ready_i);
  assign words_left_o  = state_q == Check || state_q == Fill || state_q == Stream;
  assign fill_o        = state_q == Fill && !start_o;
  assign locked_o      = busy_o && operation_q != pq_pkg::OpAccumulate
                      && operation_q != pq_pkg::OpCombine && operation_q != pq_pkg::OpUnload;
  assign operation_o   = operation_q;
  assign first_o       = first_q;
  assign centroid_o    = centroid_q;
  assign word_o        = word_q;
  assign tile_run_o    = tile_run_q;

  `AQ_ASSERT(a_words_left, state_q != Stream || left_q != '0, clk_i, !rst_ni)
  `AQ_ASSERT(a_scored_fits, 32'(scored_q) <= ScoreDepth, clk_i, !rst_ni)
  `AQ_ASSERT(a_weights_have_scores, accumulated_q <= scored_q, clk_i, !rst_ni)

endmodule

`default_nettype wire
