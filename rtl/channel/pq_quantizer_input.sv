// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// pq_quantizer_input: the sixteen converters of a pseudo-channel, from floats to integers, and the
// registers of its ranks that say how.
//
//   data_i --+--> [ CONTROL, SHIFT of each rank ] --fraction--\
//            |                                                 v
//            \--------------------------------------> 16 x pq_float_to_fixed --> values_o
//                                                              \--> parameters_o
//
// Elements of tokens have fraction 8. Those of a query have fraction F + shift of their sub-space,
// and leave as a beat of PARAMETERS of the attend engine, in which each sub-space has its shift.
//
// Words       as those of pq_engine: CONTROL: bits 3:0 F, 8 to 15; bit 4 bfloat16; bit 5 clears the
//             flags. SHIFT i: byte b: sub-space 32 i + b, in bits 3:0. QUERY i: channels 16 i to
//             16 i + 15. PARAMETERS i: sub-spaces 8 i to 8 i + 7, 32 bits each: q0 in bits 11:0, q1
//             in 23:12, shift in 27:24
// Formats     elements: binary16 or bfloat16; values: s12
// Latency     data_i to values_o, parameters_o: 2 cycles; a register write is in force in the next
//             cycle; to error_o: 1 cycle
// Throughput  1 beat per cycle
// Golden      aqpim::golden::Quantizer   sw/golden/quantizer.h
module pq_quantizer_input #(
  parameter  int unsigned HeadDim    = 128,
  parameter  int unsigned Ranks      = 2,
  localparam int unsigned RankWidth  = Ranks > 1 ? $clog2(Ranks) : 1,
  localparam int unsigned Subspaces  = HeadDim / 2,
  localparam int unsigned QueryBeats = HeadDim / 16,
  localparam int unsigned ShiftBeats = HeadDim / 64
) (
  input  wire logic                   clk_i,
  input  wire logic                   rst_ni,
  input  wire logic [255:0]           data_i,
  // A token or a centroid
  input  wire logic                   token_i,
  input  wire logic [RankWidth-1:0]   token_rank_i,
  output logic                        token_o,
  output logic      [16*12-1:0]       values_o,           // signed, each
  // Registers
  input  wire logic                   reg_valid_i,        // not beside token_i
  input  wire logic [1:0]             reg_select_i,       // pq_pkg::register_select_e
  input  wire logic [2:0]             reg_index_i,
  input  wire logic [RankWidth-1:0]   reg_rank_i,
  output logic                        parameters_valid_o,
  output logic      [2:0]             parameters_index_o,
  output logic      [RankWidth-1:0]   parameters_rank_o,
  output logic      [255:0]           parameters_o,
  // Sticky flags of each rank: bit 0 a NaN or infinity, bit 1 an element did not fit
  output logic      [Ranks*2-1:0]     flags_o,
  output logic                        error_o             // pulse: no such register or fraction
);

  localparam logic [4:0]  TokenFraction    = 5'd8;
  localparam logic [3:0]  SmallestFraction = 4'd8;
  localparam int unsigned ControlWidth     = 5;
  localparam int unsigned ShiftsWidth      = Subspaces * 4;

  // ---- Registers --------------------------------------------------------------------------------

  logic control_write, query, shift_write;

  assign control_write = reg_valid_i && reg_select_i == pq_pkg::RegControl && reg_index_i == '0
                      && data_i[3:0] >= SmallestFraction;
  assign query         = reg_valid_i && reg_select_i == pq_pkg::RegQuery
                      && 32'(reg_index_i) < QueryBeats;
  assign shift_write   = reg_valid_i && reg_select_i == pq_pkg::RegShift
                      && 32'(reg_index_i) < ShiftBeats;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) error_o <= 1'b0;
    else         error_o <= reg_valid_i && !(control_write || shift_write || query);
  end

  logic [Ranks*ControlWidth-1:0] control_q;   // bfloat16, F
  logic [Ranks*ShiftsWidth-1:0]  shift_q;

  for (genvar r = 0; r < Ranks; r++) begin : gen_rank
    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) control_q[r*ControlWidth +: ControlWidth] <= {1'b0, SmallestFraction};
      else if (control_write && reg_rank_i == RankWidth'(r)) begin
        control_q[r*ControlWidth +: ControlWidth] <= data_i[4:0];
      end
    end

    for (genvar m = 0; m < Subspaces; m++) begin : gen_shift
      always_ff @(posedge clk_i) begin
        if (shift_write && reg_rank_i == RankWidth'(r) && reg_index_i == 3'(m / 32)) begin
          shift_q[r*ShiftsWidth+m*4 +: 4] <= data_i[m%32*8 +: 4];
        end
      end
    end
  end

  // ---- Conversion -------------------------------------------------------------------------------

  logic [RankWidth-1:0]    rank;
  logic [ControlWidth-1:0] control;
  logic [8*4-1:0]          shifts;       // of the query's eight sub-spaces

  assign rank = query ? reg_rank_i : token_rank_i;

  always_comb begin
    control = '0;
    shifts  = '0;
    for (int unsigned r = 0; r < Ranks; r++) begin
      if (rank == RankWidth'(r)) begin
        control = control | control_q[r*ControlWidth +: ControlWidth];
        for (int unsigned i = 0; i < QueryBeats; i++) begin
          if (query && reg_index_i == 3'(i)) begin
            shifts = shifts | shift_q[r*ShiftsWidth+i*8*4 +: 8*4];
          end
        end
      end
    end
  end

  logic [15:0] nonfinite, saturated;

  for (genvar e = 0; e < 16; e++) begin : gen_element
    pq_float_to_fixed #(
      .Width (12)
    ) u_convert (
      .clk_i       (clk_i),
      .valid_i     (token_i || query),
      .float_i     (data_i[e*16 +: 16]),
      .bfloat16_i  (control[4]),
      .fraction_i  (query ? {1'b0, control[3:0]} + {1'b0, shifts[e/2*4 +: 4]} : TokenFraction),
      .value_o     (values_o[e*12 +: 12]),
      .nonfinite_o (nonfinite[e]),
      .saturated_o (saturated[e])
    );
  end

  // What goes along
  logic [1:0]             query_q, token_q;
  logic [2*3-1:0]         index_q;
  logic [2*RankWidth-1:0] rank_q;
  logic [2*32-1:0]        shifts_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      query_q <= '0;
      token_q <= '0;
    end else begin
      query_q <= {query_q[0], query};
      token_q <= {token_q[0], token_i};
    end
  end

  always_ff @(posedge clk_i) begin
    index_q  <= {index_q[2:0], reg_index_i};
    rank_q   <= {rank_q[RankWidth-1:0], rank};
    shifts_q <= {shifts_q[31:0], shifts};
  end

  assign token_o            = token_q[1];
  assign parameters_valid_o = query_q[1];
  assign parameters_index_o = index_q[5:3];
  assign parameters_rank_o  = rank_q[RankWidth +: RankWidth];

  for (genvar m = 0; m < 8; m++) begin : gen_parameters
    assign parameters_o[m*32 +: 32] = {4'b0, shifts_q[32+m*4 +: 4], values_o[m*24 +: 24]};
  end

  // ---- Flags ------------------------------------------------------------------------------------

  // What came before a CONTROL that clears them no longer counts, though it be on its way.
  for (genvar r = 0; r < Ranks; r++) begin : gen_flags
    logic       clear;
    logic [1:0] counts_q;         // an element on its way, as query_q and token_q

    assign clear = control_write && data_i[5] && reg_rank_i == RankWidth'(r);

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        counts_q          <= '0;
        flags_o[r*2 +: 2] <= '0;
      end else begin
        counts_q <= clear ? '0 : {counts_q[0], (token_i || query) && rank == RankWidth'(r)};
        if (clear) flags_o[r*2 +: 2] <= '0;
        else if (counts_q[1]) begin
          flags_o[r*2 +: 2] <= flags_o[r*2 +: 2] | {|saturated, |nonfinite};
        end
      end
    end
  end

endmodule

`default_nettype wire
