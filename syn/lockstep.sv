// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// For lockstep.py, in simulation only: what drives two modules alike, and what compares them.

// lockstep_source: random values, new ones at each falling edge. A mode lasts 64 cycles on average:
// any bits, mostly zeros, mostly ones, or one value held for 8 cycles on average.
module lockstep_source #(
  parameter  int unsigned Width  = 1,
  localparam int unsigned Chunks = (Width + 31) / 32
) (
  input  wire logic        clk_i,
  output logic [Width-1:0] value_o
);

  typedef enum logic [1:0] {ANY, ZEROS, ONES, HELD} mode_t;

  mode_t                mode;
  logic [32*Chunks-1:0] value;

  always @(negedge clk_i) begin
    if ($urandom_range(63) == 0) mode <= mode_t'($urandom_range(3));
    for (int i = 0; i < Chunks; i++) begin
      case (mode)
        ZEROS:   value[32*i +: 32] <= $urandom & $urandom & $urandom;
        ONES:    value[32*i +: 32] <= $urandom | $urandom | $urandom;
        default: value[32*i +: 32] <= $urandom;
      endcase
    end
    if (mode != HELD || $urandom_range(7) == 0) value_o <= value[Width-1:0];
  end

endmodule

// lockstep_compare: counts the cycles in which an output differs, prints the first of them, and at
// the end a line "compared NAME width seen differing"; seen: bits that have been both 0 and 1.
module lockstep_compare #(
  parameter int unsigned Width = 1,
  parameter string       Name  = ""
) (
  input  wire logic             clk_i,
  input  wire logic [63:0]      cycle_i,
  input  wire logic [Width-1:0] rtl_i,
  input  wire logic [Width-1:0] netlist_i
);

  logic [63:0]      differing;
  logic [Width-1:0] been_0;
  logic [Width-1:0] been_1;

  always @(posedge clk_i) begin
    been_0 <= been_0 | ~rtl_i;
    been_1 <= been_1 | rtl_i;
    if (rtl_i != netlist_i) begin
      if (differing == 0) begin
        $display("%s: cycle %0d: %0h in the RTL, %0h in the netlist", Name, cycle_i, rtl_i,
                 netlist_i);
      end
      differing <= differing + 1;
    end
  end

  final $display("compared %s %0d %0d %0d", Name, Width, $countones(been_0 & been_1), differing);

endmodule

`default_nettype wire
