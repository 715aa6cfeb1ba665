// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// pq_row_commands: row commands of the ranks, each in its slot.
//
//   row command of each rank --> [ slot free? ] --> [ reg ] --> row_* pins
//
// A clock cycle has two slots, memory cycles 2n and 2n + 1. Rank 1 gives way when both want one.
//
// Latency     1 cycle to the pins            Throughput  1 command per slot
// Golden      tb/memory/timing_checker.h judges the timing
module pq_row_commands #(
  parameter  pq_pkg::memory_t Memory  = pq_pkg::DefaultMemory,
  localparam int unsigned     R       = Memory.Ranks,
  localparam int unsigned     RowBits = $clog2(Memory.Rows)
) (
  input  wire logic                                clk_i,
  input  wire logic                                rst_ni,
  input  wire logic [R-1:0]                        valid_i,
  input  wire logic [R*pq_pkg::RowCommandBits-1:0] command_i,  // row_command_t of each rank
  output logic      [R-1:0]                        grant_o,
  // DRAM pins: element s of each is slot s
  output logic      [1:0]                          row_valid_o,
  output logic      [3:0]                          row_kind_o,
  output logic      [1:0]                          row_rank_o,
  output logic      [2*RowBits-1:0]                row_row_o
);

  pq_pkg::row_command_t first, second;

  assign first  = command_i[pq_pkg::RowCommandBits-1:0];
  assign second = command_i[R*pq_pkg::RowCommandBits-1 -: pq_pkg::RowCommandBits];

  logic unused_rows;   // wider than this memory needs
  assign unused_rows = ^{first.row, second.row};

  for (genvar r = 0; r < R; r++) begin : gen_grant
    if (r == 0) begin : gen_first
      assign grant_o[r] = valid_i[r];
    end else begin : gen_second
      assign grant_o[r] = valid_i[r] && !(valid_i[0] && first.slot == second.slot);
    end
  end

  for (genvar s = 0; s < 2; s++) begin : gen_pins
    logic first_here, second_here;

    assign first_here  = grant_o[0] && first.slot == s[0];
    assign second_here = R == 2 && grant_o[R-1] && second.slot == s[0];

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) row_valid_o[s] <= 1'b0;
      else         row_valid_o[s] <= first_here || second_here;
    end
    always_ff @(posedge clk_i) begin
      row_rank_o[s]                   <= second_here;
      row_kind_o[2*s +: 2]            <= second_here ? second.kind : first.kind;
      row_row_o[RowBits*s +: RowBits] <= second_here ? RowBits'(second.row) : RowBits'(first.row);
    end
  end

endmodule

`default_nettype wire
