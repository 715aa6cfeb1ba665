// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "pq_assert.svh"

// pq_queue: a first-in first-out queue of registers.
//
//   push_i, data_i --> [ Depth entries ] --> valid_o, data_o --> pop_i
//
// Shapes      Depth entries of Width bits, Depth a power of two
// Latency     1 cycle from push_i to valid_o
// Throughput  1 push and 1 pop per cycle; a push when full and a pop when empty are forbidden
// Golden      a std::deque
module pq_queue #(
  parameter  int unsigned Depth        = 4,
  parameter  int unsigned Width        = 8,
  localparam int unsigned AddressWidth = $clog2(Depth)
) (
  input  wire logic             clk_i,
  input  wire logic             rst_ni,
  input  wire logic             push_i,
  input  wire logic [Width-1:0] data_i,
  output logic                  full_o,
  input  wire logic             pop_i,
  output logic                  valid_o,   // data_o is the oldest entry
  output logic      [Width-1:0] data_o
);

  if (Depth < 2 || (1 << $clog2(Depth)) != Depth) begin : gen_bad_depth
    $error("pq_queue: Depth must be a power of two, at least 2");
  end

  logic [Width-1:0]        entries_q [Depth];
  logic [AddressWidth-1:0] first_q, free_q;
  logic [AddressWidth:0]   count_q;

  assign full_o  = count_q == (AddressWidth + 1)'(Depth);
  assign valid_o = count_q != '0;
  assign data_o  = entries_q[first_q];

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      first_q <= '0;
      free_q  <= '0;
      count_q <= '0;
    end else begin
      if (push_i) free_q  <= free_q + 1'b1;
      if (pop_i)  first_q <= first_q + 1'b1;
      count_q <= count_q + (AddressWidth + 1)'(push_i) - (AddressWidth + 1)'(pop_i);
    end
  end

  always_ff @(posedge clk_i) begin
    if (push_i) entries_q[free_q] <= data_i;
  end

  `AQ_ASSERT(a_no_overflow, !(push_i && full_o), clk_i, !rst_ni)
  `AQ_ASSERT(a_no_underflow, !(pop_i && !valid_o), clk_i, !rst_ni)

endmodule

`default_nettype wire
