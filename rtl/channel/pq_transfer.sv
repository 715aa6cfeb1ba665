// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "pq_assert.svh"

// pq_transfer: the registers of a rank's engines in, their results out, over the data bus.
//
//   transfer command --> [ kind, beat, engine in turn ] --> bus request --> pq_bus
//
// SET_QUERY    tokens, control, shifts, query: each beat to all engines; biases to all, or beat by
//              beat to each engine in turn
// SET_VECTORS  tokens, control, shifts to all; then vectors, beat by beat to each engine in turn
// RESULT       result beats, beat by beat of each engine in turn
//
// It is the double buffering of a rank: registers are written while the work before still
// accumulates and combines, results are read while the work after looks up and scores. regs_full_i
// and result_full_i say whose turn it is.
//
// Latency     registers: SettleCycles after the last beat they are in force, and done_o comes;
//             results: done_o comes when the last beat has left
// Throughput  a beat to all engines in WordsPerBeat clock cycles, others as pq_bus grants
// Golden      aqpim::golden::Channel   sw/golden/channel.h
module pq_transfer #(
  parameter  int unsigned Engines      = 16,
  parameter  int unsigned BankGroups   = 4,
  parameter  int unsigned WordsPerBeat = 1,
  parameter  int unsigned ShiftBeats   = 1,
  parameter  int unsigned QueryBeats   = 8,
  parameter  int unsigned ResultBeats  = 21,
  parameter  int unsigned SettleCycles = 24,
  localparam int unsigned EngineBits   = $clog2(Engines)
) (
  input  wire logic                   clk_i,
  input  wire logic                   rst_ni,
  // Command
  input  wire logic                   cmd_valid_i,
  output logic                        cmd_take_o,
  input  wire pq_pkg::transfer_kind_e cmd_kind_i,
  input  wire logic [5:0]             cmd_beats_i,     // of biases; SET_VECTORS: 1: vectors follow
  input  wire logic                   cmd_each_i,      // biases of each engine
  output logic                        done_o,          // held until done_taken_i
  input  wire logic                   done_taken_i,
  // The rank's state
  input  wire logic                   regs_full_i,     // written, and in use or waiting for it
  output logic                        regs_written_o,  // pulse
  input  wire logic                   result_full_i,
  output logic                        result_read_o,   // pulse
  // Bus request
  output logic                        bus_valid_o,
  output logic                        bus_read_o,      // ENGINE_RD
  output logic                        bus_all_o,       // ENGINE_WR_ALL, otherwise ENGINE_WR
  output pq_pkg::bus_kind_e           bus_kind_o,
  output logic      [5:0]             bus_index_o,     // of the beat in its kind
  output logic      [EngineBits-1:0]  bus_engine_o,
  output logic      [15:0]            bus_beat_o,      // of the payload or of the results
  input  wire logic                   bus_grant_i
);

  // Kinds of beats in their order
  typedef enum logic [2:0] {Idle, Tokens, Control, Shift, Query, Bias, Result, Settle} state_e;

  localparam int unsigned PauseBits = $clog2(SettleCycles + 1);

  state_e                state_q, state_after;
  pq_pkg::transfer_kind_e kind_q;
  logic [5:0]            beats_q, index_q, index_last;
  logic                  each_q, each, turn_last, beat_last, kind_last;
  logic [EngineBits-1:0] turn_q;
  logic [15:0]           beat_q;
  logic [PauseBits-1:0]  pause_q;
  logic                  done_q, waits;
  logic                  pausing_q;   // pause_q is not 0

  assign waits      = cmd_kind_i == pq_pkg::TransferResult ? !result_full_i : regs_full_i;
  assign cmd_take_o = state_q == Idle && !done_q && cmd_valid_i && !waits;

  assign each      = state_q == Result || (state_q == Bias && each_q)
                  || (state_q == Query && kind_q == pq_pkg::TransferVectors);
  assign turn_last = !each || turn_q == EngineBits'(Engines - 1);
  assign beat_last = index_q == index_last;
  assign kind_last = turn_last && beat_last;

  always_comb begin
    unique case (state_q)
      Shift:   index_last = 6'(ShiftBeats - 1);
      Query:   index_last = 6'(QueryBeats - 1);
      Bias:    index_last = beats_q - 6'd1;
      Result:  index_last = 6'(ResultBeats - 1);
      default: index_last = '0;
    endcase
  end

  always_comb begin
    unique case (state_q)
      Tokens:  state_after = Control;
      Control: state_after = Shift;
      Shift:   state_after = kind_q == pq_pkg::TransferQuery || beats_q != '0 ? Query : Settle;
      Query:   state_after = kind_q == pq_pkg::TransferQuery && beats_q != '0 ? Bias : Settle;
      default: state_after = Settle;
    endcase
  end

  always_comb begin
    unique case (state_q)
      Tokens:  bus_kind_o = pq_pkg::BusTokens;
      Control: bus_kind_o = pq_pkg::BusControl;
      Shift:   bus_kind_o = pq_pkg::BusShift;
      Query:   bus_kind_o = pq_pkg::BusQuery;
      Bias:    bus_kind_o = pq_pkg::BusBias;
      default: bus_kind_o = pq_pkg::BusStream;
    endcase
  end

  assign bus_valid_o  = state_q != Idle && state_q != Settle && !pausing_q;
  assign bus_read_o   = state_q == Result;
  assign bus_all_o    = !each;
  assign bus_index_o  = index_q;
  assign bus_engine_o =
      EngineBits'(32'(turn_q) % BankGroups * (Engines / BankGroups) + 32'(turn_q) / BankGroups);
  assign bus_beat_o   = beat_q;

  assign regs_written_o = state_q == Settle && !pausing_q && kind_q != pq_pkg::TransferResult;
  assign result_read_o  = state_q == Settle && !pausing_q && kind_q == pq_pkg::TransferResult;
  assign done_o         = done_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q   <= Idle;
      pause_q   <= '0;
      pausing_q <= 1'b0;
      done_q    <= 1'b0;
    end else begin
      if (pausing_q) begin
        pause_q   <= pause_q - 1'b1;
        pausing_q <= pause_q != PauseBits'(1);
      end
      if (done_taken_i) done_q <= 1'b0;
      if (cmd_take_o) begin
        state_q <= cmd_kind_i == pq_pkg::TransferResult ? Result : Tokens;
      end else if (bus_grant_i) begin
        if (kind_last) state_q <= state_after;
        if (kind_last && state_after == Settle) begin
          pause_q   <= PauseBits'(SettleCycles);
          pausing_q <= 1'b1;
        end else if (!each) begin
          pause_q   <= PauseBits'(WordsPerBeat - 1);
          pausing_q <= WordsPerBeat != 1;
        end
      end else if (state_q == Settle && !pausing_q) begin
        state_q <= Idle;
        done_q  <= 1'b1;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (cmd_take_o) begin
      kind_q  <= cmd_kind_i;
      beats_q <= cmd_beats_i;
      each_q  <= cmd_each_i;
      index_q <= '0;
      turn_q  <= '0;
      beat_q  <= '0;
    end else if (bus_grant_i) begin
      beat_q <= beat_q + 16'd1;
      turn_q <= turn_last ? '0 : turn_q + 1'b1;
      if (turn_last) index_q <= beat_last ? '0 : index_q + 6'd1;
    end
  end

  `AQ_ASSERT(a_pausing, pausing_q == (pause_q != '0), clk_i, !rst_ni)

endmodule

`default_nettype wire
