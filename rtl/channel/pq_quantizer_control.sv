// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "pq_assert.svh"

// pq_quantizer_control: accepts commands, refuses illegal ones, counts beats, and says when what
// happens to them.
//
//   cmd_*  --> [ legal? ] --> Stream (beats), or UPDATE's 256 channels --> Drain --> ready_o
//   beat_i ----------------------+--> token_take_o, weights_take_o, element_take_o
//   token_i (converted) --> [ age ] --> centroid_*, code_read_o, code_write_o
//   token_i, quotient_i --> [ place ] --> store_o
//
// Refused are: commands before ready_o; CLUSTER and UPDATE without a LOAD since the last UPDATE
// that was a last one, or CODEBOOK; CLUSTER of more tokens than WindowDepth since the last LOAD or
// UPDATE; ENCODE before each slice has its stored centroids, or of more tokens than there is room
// for their codes; operations that do not exist; beats before beat_ready_o. What is refused changes
// nothing.
//
// Latency     command to its first beat: 1 cycle; last beat of LOAD to ready_o: 5 cycles, of
//             CODEBOOK: 3 cycles, of CLUSTER and ENCODE: 11 cycles; UPDATE to ready_o: 275 cycles;
//             CLUSTER or ENCODE without tokens to ready_o: 1 cycle
// Throughput  LOAD, CODEBOOK: 1 beat per cycle; CLUSTER, ENCODE: a token beat in 2 cycles, and 1
//             cycle for a beat of weights
// Golden      aqpim::golden::Quantizer   sw/golden/quantizer.h
module pq_quantizer_control #(
  parameter  int unsigned HeadDim     = 128,
  parameter  int unsigned WindowDepth = 2048,
  localparam int unsigned Slices      = HeadDim / 16,
  localparam int unsigned SliceWidth  = $clog2(Slices),
  localparam int unsigned Slots       = 128 / HeadDim,           // tokens of a beat of codes
  localparam int unsigned CodeBeats   = 32,
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
  output logic                        ready_o,
  output logic                        start_o,           // this command is accepted
  output logic                        error_o,           // pulse: something was refused
  // Beats
  input  wire logic                   beat_i,
  output logic                        beat_ready_o,      // a beat is taken
  // In the next cycle: a beat was taken
  output logic                        token_take_o,      // of a token, or a centroid of LOAD
  output logic                        weights_take_o,
  output logic                        element_take_o,    // of a centroid of CODEBOOK
  // On its way
  input  wire logic                   token_i,           // there are its integers
  output logic      [4:0]             age_o,             // bit k: there were, k + 1 cycles ago
  output logic                        code_read_o,       // 7 cycles ago: read the sums of the code,
  output logic                        centroid_read_o,   // for tokens
  output logic      [SliceWidth:0]    centroid_address_o,
  output logic                        code_write_o,      // or write the code
  output logic      [7:0]             code_place_o,      // its slice, slot and beat
  output logic                        encoding_o,        // the memory of codes is in use
  // UPDATE
  output logic                        sums_read_o,
  output logic                        divide_o,
  output logic      [3:0]             channel_o,         // with divide_o
  input  wire logic                   quotient_i,        // there is one
  // Centroids, to be stored in the next cycle after the last of it
  output logic                        store_o,
  output logic                        last_o,            // UPDATE's are stored ones
  output logic      [SliceWidth+3:0]  store_place_o,     // its index, its slice
  output logic      [3:0]             sums_index_o       // of store_o and sums_read_o
);

  localparam int unsigned Centroids   = 16;
  localparam int unsigned WeightsBeat = 32;               // weights in a beat
  localparam int unsigned CodeTokens  = CodeBeats * Slots;
  localparam int unsigned MaxBeats    = WindowDepth > CodeTokens * Slices ? WindowDepth
                                                                          : CodeTokens * Slices;
  localparam int unsigned LeftWidth   = $clog2(MaxBeats + 1);

  // Drain: conversion and store; store; conversion, nearest centroid and sums; division and store.
  localparam int unsigned LoadDrain     = 4;
  localparam int unsigned CodebookDrain = 2;
  localparam int unsigned TokenDrain    = 10;
  localparam int unsigned UpdateDrain   = 18;

  if (HeadDim != 64 && HeadDim != 128) begin : gen_bad_head_dim
    $error("pq_quantizer_control: HeadDim must be 64 or 128");
  end

  // ---- Commands ---------------------------------------------------------------------------------

  logic [2:0]             operation_q;
  logic                   last_q;                // cmd_last_i
  logic                   streaming_q, updating_q, gap_q;
  logic [7:0]             step_q;                // of UPDATE: centroid, channel
  logic [4:0]             wait_q;                // cycles of Drain to go
  logic [LeftWidth-1:0]   left_q, beats;         // beats to go, without weights; of the command
  logic                   weights_next_q;        // the next one is one of weights
  logic [4:0]             group_q;               // tokens since the last weights
  logic                   loaded_q;              // a slice has centroids and sums
  logic [Slices-1:0]      stored_q;              // slices whose centroids are stored ones
  logic [SliceWidth-1:0]  slice_q;
  logic [TokensWidth-1:0] clustered_q;
  logic [TokensWidth:0]   clustered;
  logic                   legal, take, take_weights, take_token, last_take;
  logic                   is_load, is_cluster, is_codebook, is_encode;

  assign clustered = {1'b0, cmd_tokens_i} + {1'b0, clustered_q};

  always_comb begin
    unique case (cmd_operation_i)
      pq_pkg::QuLoad, pq_pkg::QuCodebook: legal = 1'b1;
      pq_pkg::QuCluster: legal = loaded_q && 32'(clustered) <= WindowDepth;
      pq_pkg::QuUpdate:  legal = loaded_q;
      pq_pkg::QuEncode:  legal = (&stored_q) && 32'(cmd_tokens_i) <= CodeTokens;
      default:           legal = 1'b0;
    endcase
  end

  always_comb begin
    unique case (cmd_operation_i)
      pq_pkg::QuLoad:     beats = LeftWidth'(Centroids);
      pq_pkg::QuCluster:  beats = LeftWidth'(cmd_tokens_i);
      pq_pkg::QuCodebook: beats = LeftWidth'(Centroids * Slices);
      pq_pkg::QuEncode:   beats = LeftWidth'(cmd_tokens_i) << SliceWidth;
      default:            beats = '0;
    endcase
  end

  assign ready_o     = !streaming_q && !updating_q && wait_q == '0;
  assign start_o     = cmd_valid_i && ready_o && legal;
  assign is_load     = operation_q == pq_pkg::QuLoad;
  assign is_cluster  = operation_q == pq_pkg::QuCluster;
  assign is_codebook = operation_q == pq_pkg::QuCodebook;
  assign is_encode   = operation_q == pq_pkg::QuEncode;
  assign encoding_o  = is_encode && !ready_o;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      operation_q <= pq_pkg::QuLoad;
      loaded_q    <= 1'b0;
      stored_q    <= '0;
      clustered_q <= '0;
    end else if (start_o) begin
      operation_q <= cmd_operation_i;
      unique case (cmd_operation_i)
        pq_pkg::QuLoad: begin
          loaded_q              <= 1'b1;
          stored_q[cmd_slice_i] <= 1'b0;
          clustered_q           <= '0;
        end
        pq_pkg::QuCluster: clustered_q <= clustered[TokensWidth-1:0];
        pq_pkg::QuUpdate: begin
          clustered_q <= '0;
          if (cmd_last_i) begin
            loaded_q          <= 1'b0;
            stored_q[slice_q] <= 1'b1;
          end
        end
        pq_pkg::QuCodebook: begin
          loaded_q <= 1'b0;
          stored_q <= '1;
        end
        default: ;
      endcase
    end
  end

  always_ff @(posedge clk_i) begin
    if (start_o) begin
      last_q <= cmd_last_i;
      if (cmd_operation_i == pq_pkg::QuLoad) slice_q <= cmd_slice_i;
    end
  end

  // ---- Beats ------------------------------------------------------------------------------------

  assign beat_ready_o   = streaming_q && !gap_q;
  assign take           = beat_i && beat_ready_o;
  assign take_weights   = take && is_cluster && weights_next_q;
  assign take_token     = take && !is_codebook && !take_weights;
  assign last_take      = take && !take_weights && left_q == LeftWidth'(1);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      streaming_q    <= 1'b0;
      updating_q     <= 1'b0;
      gap_q          <= 1'b0;
      wait_q         <= '0;
      token_take_o   <= 1'b0;
      weights_take_o <= 1'b0;
      element_take_o <= 1'b0;
      error_o        <= 1'b0;
    end else begin
      error_o        <= (cmd_valid_i && !start_o) || (beat_i && !beat_ready_o);
      gap_q          <= take_token && !is_load;
      token_take_o   <= take_token;
      weights_take_o <= take_weights;
      element_take_o <= take && is_codebook;
      if (start_o) begin
        streaming_q <= beats != '0;
        updating_q  <= cmd_operation_i == pq_pkg::QuUpdate;
      end else if (last_take) begin
        streaming_q <= 1'b0;
        wait_q      <= is_load ? 5'(LoadDrain) : is_codebook ? 5'(CodebookDrain) : 5'(TokenDrain);
      end else if (updating_q) begin
        updating_q <= !(&step_q);
        if (&step_q) wait_q <= 5'(UpdateDrain);
      end else if (wait_q != '0) begin
        wait_q <= wait_q - 1'b1;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (start_o) begin
      left_q         <= beats;
      weights_next_q <= 1'b1;
      group_q        <= '0;
    end else if (take_weights) begin
      weights_next_q <= 1'b0;
    end else if (take) begin
      left_q         <= left_q - 1'b1;
      group_q        <= group_q + 1'b1;
      weights_next_q <= group_q == 5'(WeightsBeat - 1);
    end
  end

  // ---- Tokens on their way ----------------------------------------------------------------------

  logic                  token;
  logic [6:0]            age_q;
  logic [SliceWidth-1:0] token_slice_q;      // whose centroids come next

  assign token              = token_i && !is_load;
  assign centroid_read_o    = token || age_q[0];
  assign centroid_address_o = {token_slice_q, !token};
  assign age_o              = age_q[4:0];
  assign code_read_o        = age_q[6] && is_cluster;
  assign code_write_o       = age_q[6] && is_encode;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) age_q <= '0;
    else         age_q <= {age_q[5:0], token};
  end

  always_ff @(posedge clk_i) begin
    if (start_o) begin
      token_slice_q <= cmd_operation_i == pq_pkg::QuCluster ? slice_q : '0;
      code_place_o  <= '0;
    end else if (is_encode) begin
      if (age_q[0])     token_slice_q <= token_slice_q + 1'b1;
      if (code_write_o) code_place_o  <= code_place_o + 1'b1;
    end
  end

  // ---- UPDATE, and what is stored ---------------------------------------------------------------

  logic [3:0] quotients_q;       // of a centroid
  logic       store;

  assign sums_read_o  = updating_q && step_q[3:0] == '0;
  assign sums_index_o = store_o ? store_place_o[3:0] : step_q[7:4];
  assign store        = (token_i && is_load) || element_take_o || (quotient_i && (&quotients_q));

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      step_q   <= '0;
      divide_o <= 1'b0;
      store_o  <= 1'b0;
    end else begin
      if (updating_q) step_q <= step_q + 1'b1;
      divide_o <= updating_q;
      store_o  <= store;
    end
  end

  always_ff @(posedge clk_i) begin
    channel_o <= step_q[3:0];
    if (start_o) begin
      quotients_q   <= '0;
      store_place_o <= {cmd_operation_i == pq_pkg::QuLoad     ? cmd_slice_i
                      : cmd_operation_i == pq_pkg::QuCodebook ? '0 : slice_q, 4'd0};
    end else begin
      if (quotient_i) quotients_q   <= quotients_q + 1'b1;
      if (store_o)    store_place_o <= store_place_o + 1'b1;
    end
  end

  assign last_o = last_q && operation_q == pq_pkg::QuUpdate;

  `AQ_ASSERT(a_beats_left, !streaming_q || left_q != '0, clk_i, !rst_ni)
  `AQ_ASSERT(a_quiet_start, !(start_o && (token_i || (|age_q) || quotient_i || store_o)), clk_i,
             !rst_ni)
  `AQ_ASSERT(a_clustered_fits, 32'(clustered_q) <= WindowDepth, clk_i, !rst_ni)

endmodule

`default_nettype wire
