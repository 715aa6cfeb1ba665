// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "pq_assert.svh"

// pq_stages: the words of an operation on their way through the engine: what is in which stage.
//
//   word_take_i, word_i, next_* --+--> [ stage 1: word, position ] --> [ 2 ] ... [ 6: positions ]
//   loop_i, weigh_i, loop_* ------/      |                               |  entry_*, adding_o,
//                                        \--> table_o ... weigh_o        \--> load_*, distance_*
//
// Stage 1 is the cycle in which lanes are read and multipliers take their operands. Its word and
// position are those of the last word taken; in CLUSTER the word is one of weights, the position
// that of the token loop. Later stages keep the centroid and its word, and whether there is one.
//
// Shapes      a position: a centroid and which of its words, or a token and which of its words
// Latency     word_take_i or loop_i to stage 1: 1 cycle; stage 1 to load_valid_o: 3, to adding_o:
//             3, to distance_valid_o: 4, to entry_valid_o: 5 cycles
// Throughput  1 word per cycle
// Golden      none: positions have no arithmetic, sw/golden/engine.h has no stages
module pq_stages #(
  parameter int unsigned WordBits   = 256,
  parameter int unsigned CodeBits   = 8,
  parameter int unsigned WordWidth  = 2,     // of the place of a word in its centroid or token
  parameter int unsigned CWordWidth = 2,     // of the place of a word in its centroid
  parameter bit          Quantize   = 1'b1
) (
  input  wire logic                  clk_i,
  input  wire logic                  rst_ni,
  input  wire logic                  busy_i,            // otherwise nothing is on its way
  // The next word, as pq_control counts words
  input  wire pq_pkg::operation_e    operation_i,
  input  wire logic                  first_i,           // of the command
  input  wire logic                  word_take_i,       // a word is taken
  input  wire logic                  raw_i,             // the word goes to the query registers
  input  wire logic [WordBits-1:0]   word_i,
  input  wire logic [CodeBits-1:0]   next_centroid_i,   // position of the word
  input  wire logic [WordWidth-1:0]  next_word_i,
  input  wire logic                  next_last_i,       // the word is the last of its unit
  // Token loops, from pq_cluster_control
  input  wire logic                  loop_i,
  input  wire logic                  weigh_i,           // with loop_i: the loop's last cycle
  input  wire logic [CodeBits-1:0]   loop_code_i,
  input  wire logic                  loop_buffer_i,
  // Stage 1: what is done with the word
  output logic                       table_o,
  output logic                       score_o,
  output logic                       accumulate_o,
  output logic                       combine_o,
  output logic                       encode_o,
  output logic                       unload_o,
  output logic                       distance_o,        // CLUSTER: compare with a centroid
  output logic                       weigh_o,           // CLUSTER: weigh the tokens
  output logic                       binary16_o,        // LOAD of floats that are binary16,
                                                        // whatever CONTROL says
  output logic      [WordBits-1:0]   word_o,
  output logic      [WordWidth-1:0]  position_o,        // the word's place
  output logic                       last_o,
  // LOAD: a centroid is in the query registers
  output logic                       load_valid_o,
  output logic      [CodeBits-1:0]   load_centroid_o,
  // COMBINE: weighted elements come in the next cycle
  output logic                       adding_o,
  output logic                       loading_o,         // with adding_o: the first ones
  output logic      [CWordWidth-1:0] next_output_o,     // word of these outputs and shifts
  // ENCODE, CLUSTER: a distance is there
  output logic                       distance_valid_o,
  output logic      [CodeBits-1:0]   distance_centroid_o,
  output logic      [CWordWidth-1:0] distance_word_o,   // CLUSTER: 0
  // TABLE: an entry is there
  output logic                       entry_valid_o,
  output logic      [CodeBits-1:0]   entry_centroid_o,
  output logic      [CWordWidth-1:0] entry_word_o
);

  // Cycles from stage 1
  localparam int unsigned LoadStage     = 3;   // to the query registers
  localparam int unsigned DistanceStage = 4;
  localparam int unsigned OutputStage   = 4;   // to weighted elements
  localparam int unsigned EntryStage    = 5;

  logic                is_load, is_cluster, load_q;
  logic [CodeBits-1:0] centroid_q;

  assign is_load    = Quantize && operation_i == pq_pkg::OpLoad;
  assign is_cluster = Quantize && operation_i == pq_pkg::OpCluster;

  // ---- Stage 1 --------------------------------------------------------------------------------

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      table_o      <= 1'b0;
      score_o      <= 1'b0;
      accumulate_o <= 1'b0;
      combine_o    <= 1'b0;
      encode_o     <= 1'b0;
      load_q       <= 1'b0;
      unload_o     <= 1'b0;
      distance_o   <= 1'b0;
      weigh_o      <= 1'b0;
      binary16_o   <= 1'b0;
    end else begin
      table_o      <= word_take_i && operation_i == pq_pkg::OpTable;
      score_o      <= word_take_i && operation_i == pq_pkg::OpScore;
      accumulate_o <= word_take_i && operation_i == pq_pkg::OpAccumulate;
      combine_o    <= word_take_i && operation_i == pq_pkg::OpCombine;
      encode_o     <= word_take_i && Quantize && operation_i == pq_pkg::OpEncode;
      load_q       <= word_take_i && is_load && next_last_i;
      unload_o     <= word_take_i && Quantize && operation_i == pq_pkg::OpUnload;
      distance_o   <= loop_i && !weigh_i;
      weigh_o      <= loop_i && weigh_i;
      binary16_o   <= word_take_i && is_load && !first_i;
    end
  end

  // A centroid of LOAD is collected in the first query word.
  always_ff @(posedge clk_i) begin
    if (word_take_i && !raw_i) word_o <= word_i;
    if (is_cluster ? loop_i : word_take_i) begin
      position_o <= is_cluster ? WordWidth'(loop_buffer_i) : is_load ? '0 : next_word_i;
      centroid_q <= is_cluster ? loop_code_i : next_centroid_i;
      last_o     <= next_last_i;
    end
  end

  // ---- Stages 2 to 6 --------------------------------------------------------------------------

  logic [EntryStage-1:0]            table_q;             // stage 2 lowest
  logic [OutputStage-2:0]           combine_q;
  logic [EntryStage*CodeBits-1:0]   centroids_q;
  logic [EntryStage*CWordWidth-1:0] words_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      table_q   <= '0;
      combine_q <= '0;
    end else begin
      table_q   <= {table_q[EntryStage-2:0], table_o};
      combine_q <= {combine_q[OutputStage-3:0], combine_o};
    end
  end

  always_ff @(posedge clk_i) begin
    centroids_q <= {centroids_q[(EntryStage-1)*CodeBits-1:0], centroid_q};
    words_q     <= {words_q[(EntryStage-1)*CWordWidth-1:0], position_o[CWordWidth-1:0]};
  end

  if (Quantize) begin : gen_quantize
    logic [LoadStage-1:0]     loads_q;
    logic [DistanceStage-1:0] distances_q;

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        loads_q     <= '0;
        distances_q <= '0;
      end else begin
        loads_q     <= {loads_q[LoadStage-2:0], load_q};
        distances_q <= {distances_q[DistanceStage-2:0], encode_o || distance_o};
      end
    end

    assign load_valid_o     = loads_q[LoadStage-1];
    assign distance_valid_o = distances_q[DistanceStage-1];
  end else begin : gen_attention_only
    logic unused_load;
    assign unused_load      = load_q;
    assign load_valid_o     = 1'b0;
    assign distance_valid_o = 1'b0;
  end

  assign load_centroid_o     = centroids_q[(LoadStage-1)*CodeBits +: CodeBits];
  assign distance_centroid_o = centroids_q[(DistanceStage-1)*CodeBits +: CodeBits];
  assign distance_word_o     = is_cluster ? '0
                             : words_q[(DistanceStage-1)*CWordWidth +: CWordWidth];
  assign adding_o            = combine_q[OutputStage-2];
  assign loading_o           = first_i && centroids_q[(OutputStage-2)*CodeBits +: CodeBits] == '0;
  assign next_output_o       = words_q[(OutputStage-2)*CWordWidth +: CWordWidth];
  assign entry_valid_o       = table_q[EntryStage-1];
  assign entry_centroid_o    = centroids_q[(EntryStage-1)*CodeBits +: CodeBits];
  assign entry_word_o        = words_q[(EntryStage-1)*CWordWidth +: CWordWidth];

  `AQ_ASSERT(a_drained_tables, busy_i || !(table_o || |table_q), clk_i, !rst_ni)
  `AQ_ASSERT(a_drained_outputs, busy_i || !(combine_o || |combine_q), clk_i, !rst_ni)

endmodule

`default_nettype wire
