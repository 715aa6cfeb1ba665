// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// pq_registers: decodes register writes, holds the CONTROL register and the sticky flags.
//
//   reg_* --> [ legal? ] --> CONTROL, and write strobes for the query, shift and bias memories
//   events --> [ flags ] --> flags_o
//
// A write is refused (ignored, with the protocol flag) while an operation runs that
// needs the registers (locked_i), beyond the last index, and for a CONTROL value out of range.
//
// Latency     1 cycle                        Throughput  1 write per cycle
// Golden      aqpim::golden::Engine::write()   sw/golden/engine.h
module pq_registers #(
  parameter int unsigned HeadDim       = 128,
  parameter int unsigned SubDim        = 4,
  parameter int unsigned WordBits      = 256,
  parameter int unsigned ScoreFraction = 8,
  parameter int unsigned BiasDepth     = 256
) (
  input  wire logic                     clk_i,
  input  wire logic                     rst_ni,
  input  wire logic                     reg_valid_i,
  input  wire pq_pkg::register_select_e reg_select_i,
  input  wire logic [7:0]               reg_index_i,
  input  wire logic [15:0]              reg_control_i,     // the low bits of the data
  input  wire logic                     locked_i,          // the registers are in use
  input  wire logic                     nonfinite_i,       // events, each a pulse
  input  wire logic                     query_saturated_i,
  input  wire logic                     table_saturated_i,
  input  wire logic                     score_saturated_i,
  input  wire logic                     protocol_error_i,
  output logic                          query_write_o,
  output logic                          shift_write_o,
  output logic                          bias_write_o,
  output logic                          clear_flags_o,
  output logic      [3:0]               table_fraction_o,  // fraction bits of a table entry
  output logic                          bfloat16_o,        // format of the query, 0: binary16
  output logic                          values_o,          // ENCODE takes a codebook of values
  output logic      [7:0]               bias_run_o,        // tokens per bias; 0: no bias
  output logic      [4:0]               flags_o     // protocol, score, table, query, nonfinite
);

  localparam int unsigned PerWord    = WordBits / 16;
  localparam int unsigned QueryWords = HeadDim / PerWord;
  localparam int unsigned ShiftWords = (HeadDim / SubDim + WordBits / 8 - 1) / (WordBits / 8);
  localparam int unsigned BiasWords  = BiasDepth / PerWord;
  localparam int unsigned MinRun     = 8;
  localparam int unsigned MaxRun     = 128;

  logic [3:0] fraction;
  logic [7:0] run;
  logic       accepted, control_write;

  logic unused_reserved;
  assign unused_reserved = reg_control_i[7];

  assign fraction  = reg_control_i[3:0];
  assign run       = reg_control_i[15:8];

  // Nothing is evaluated without a write.
  always_comb begin
    accepted = 1'b0;
    if (reg_valid_i) begin
      case (reg_select_i)
        pq_pkg::RegControl:
          accepted = !locked_i && reg_index_i == 8'd0 && fraction >= 4'(ScoreFraction)
                  && (run == 8'd0 || (run >= 8'(MinRun) && run <= 8'(MaxRun)));
        pq_pkg::RegQuery: accepted = !locked_i && {1'b0, reg_index_i} < 9'(QueryWords);
        pq_pkg::RegShift: accepted = !locked_i && {1'b0, reg_index_i} < 9'(ShiftWords);
        default: accepted = !locked_i && {1'b0, reg_index_i} < 9'(BiasWords);
      endcase
    end
  end

  assign control_write = accepted && reg_select_i == pq_pkg::RegControl;
  assign query_write_o = accepted && reg_select_i == pq_pkg::RegQuery;
  assign shift_write_o = accepted && reg_select_i == pq_pkg::RegShift;
  assign bias_write_o  = accepted && reg_select_i == pq_pkg::RegBias;
  assign clear_flags_o = control_write && reg_control_i[5];

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      table_fraction_o <= 4'(ScoreFraction);
      bfloat16_o       <= 1'b0;
      values_o         <= 1'b0;
      bias_run_o       <= '0;
      flags_o          <= '0;
    end else begin
      if (control_write) begin
        table_fraction_o <= fraction;
        bfloat16_o       <= reg_control_i[4];
        values_o         <= reg_control_i[6];
        bias_run_o       <= run;
      end
      flags_o <= (clear_flags_o ? '0 : flags_o)
               | {protocol_error_i || (reg_valid_i && !accepted), score_saturated_i,
                  table_saturated_i, query_saturated_i, nonfinite_i};
    end
  end

endmodule

`default_nettype wire
