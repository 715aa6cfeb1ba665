// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "pq_assert.svh"

// pq_attend_result: the outputs of a window in a memory, its status, and the reading of both.
//
//   outputs_i --> [ HeadDim/8 rows of 8 outputs ] --> [ extend ] --\
//   status -----> [ reg, by capture_i ] ---------------------------+--> read_data_o
//
// A row is written when its eight outputs are complete; the lower eight of a group first.
//
// Beats       0 ... HeadDim/8 - 1: row r, the low 32 bits of its outputs, 8 r lowest. If outputs
//             are wider than 32 bits, then HeadDim/8 beats of their high 8 bits, in the lowest 8
//             bytes. The last beat is the status: bits 31:0 the weight sum, 47:32 the exponent,
//             63:48 the flags
// Formats     output: signed OutputWidth, sign-extended; exponent: signed integer
// Latency     read_i to valid_o: 1 cycle, to refused_o: 1 cycle
// Throughput  1 read per cycle; never beside a write
// Golden      aqpim::golden::AttendEngine::read()   sw/golden/attend_engine.h
module pq_attend_result #(
  parameter  int unsigned HeadDim     = 128,
  parameter  int unsigned OutputWidth = 28,
  parameter  int unsigned SumWidth    = 25,
  localparam int unsigned BeatBits    = 256,
  localparam int unsigned Rows        = HeadDim / 8,
  localparam int unsigned RowWidth    = $clog2(Rows)
) (
  input  wire logic                      clk_i,
  input  wire logic                      rst_ni,
  input  wire logic                      low_write_i,     // the lower half of outputs_i is complete
  input  wire logic                      high_write_i,    // the upper half is
  input  wire logic [RowWidth-2:0]       group_i,         // of 16 outputs
  input  wire logic [16*OutputWidth-1:0] outputs_i,       // signed, each
  input  wire logic                      capture_i,       // the window's status is complete
  input  wire logic [SumWidth-1:0]       sum_i,
  input  wire logic [8:0]                exponent_i,      // signed
  input  wire logic [1:0]                flags_i,         // score, table saturated
  input  wire logic                      protocol_i,      // flag, as it is now
  input  wire logic                      readable_i,      // there are outputs
  input  wire logic                      read_i,
  input  wire logic [5:0]                index_i,         // of the beat
  output logic                           valid_o,
  output logic      [BeatBits-1:0]       read_data_o,     // zero if not valid
  output logic                           refused_o        // pulse: no such beat now
);

  localparam bit          Wide        = OutputWidth > 32;
  localparam int unsigned Beats       = (Wide ? 2 : 1) * Rows;   // of outputs
  localparam int unsigned StatusWidth = SumWidth + 9 + 2;

  if (HeadDim != 64 && HeadDim != 128) begin : gen_bad_head_dim
    $error("pq_attend_result: HeadDim must be 64 or 128");
  end
  if (OutputWidth > 40) begin : gen_bad_output_width
    $error("pq_attend_result: OutputWidth must be at most 40");
  end

  logic                     legal, output_q, high_q, status_read_q;
  logic [8*OutputWidth-1:0] row;
  logic [StatusWidth-1:0]   status_q;
  logic [63:0]              status;

  assign legal = readable_i && index_i <= 6'(Beats);

  pq_memory #(
    .Depth      (Rows),
    .Width      (8 * OutputWidth),
    .SinglePort (1'b1)
  ) u_memory (
    .clk_i,
    .write_i         (low_write_i || high_write_i),
    .write_address_i ({group_i, high_write_i}),
    .write_data_i    (high_write_i ? outputs_i[8*OutputWidth +: 8*OutputWidth]
                                   : outputs_i[0 +: 8*OutputWidth]),
    .read_i          (read_i && legal),
    .read_address_i  (index_i[RowWidth-1:0]),
    .read_data_o     (row)
  );

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      output_q      <= 1'b0;
      high_q        <= 1'b0;
      status_read_q <= 1'b0;
      refused_o     <= 1'b0;
    end else begin
      output_q      <= read_i && legal && index_i < 6'(Rows);
      high_q        <= read_i && legal && index_i >= 6'(Rows) && index_i < 6'(Beats);
      status_read_q <= read_i && legal && index_i == 6'(Beats);
      refused_o     <= read_i && !legal;
    end
  end

  always_ff @(posedge clk_i) begin
    if (capture_i) status_q <= {flags_i, exponent_i, sum_i};
  end

  assign status = {11'b0, protocol_i, status_q[StatusWidth-1 -: 2], 2'b0,
                   16'($signed(status_q[SumWidth +: 9])), 32'(status_q[SumWidth-1:0])};

  always_comb begin
    read_data_o = '0;
    for (int unsigned i = 0; i < 8; i++) begin
      logic [39:0] value;
      value = 40'($signed(row[i*OutputWidth +: OutputWidth]));
      if (output_q) read_data_o[i*32 +: 32] = value[31:0];
      if (Wide && high_q) read_data_o[i*8 +: 8] = value[39:32];
    end
    if (status_read_q) read_data_o[63:0] = status;
  end

  assign valid_o = output_q || high_q || status_read_q;

  `AQ_ASSERT(a_single_port, !((low_write_i || high_write_i) && read_i && legal), clk_i, !rst_ni)
  `AQ_ASSERT(a_one_writer, !(low_write_i && high_write_i), clk_i, !rst_ni)

endmodule

`default_nettype wire
