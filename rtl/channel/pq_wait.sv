// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// pq_wait: memory cycles until a command may be issued.
//
//   delay_i --> [ - 2 ] --> [ the larger, if set_i ] --> wait_o --> [ - 2 ] --> (back)
//
// A clock cycle is two memory cycles, slot 0 and slot 1. All numbers count memory cycles from slot
// 0 of the present clock cycle: a command may go in slot s if wait_o <= s.
//
// Latency     set_i counts from the next cycle on       Throughput  1 event per cycle
// Golden      tb/memory/timing_checker.h judges what follows from it
module pq_wait #(
  parameter int unsigned Width = 6
) (
  input  wire logic             clk_i,
  input  wire logic             rst_ni,
  input  wire logic             set_i,    // an event after which commands wait
  input  wire logic [Width-1:0] delay_i,  // until when: the event's slot and its delay
  output logic      [Width-1:0] wait_o
);

  // set_i comes last.
  logic [Width-1:0] delay_next, wait_next;
  logic             longer;

  assign delay_next = delay_i > Width'(2) ? delay_i - Width'(2) : '0;
  assign wait_next  = wait_o > Width'(2) ? wait_o - Width'(2) : '0;
  assign longer     = delay_i > wait_o;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) wait_o <= '0;
    else         wait_o <= set_i && longer ? delay_next : wait_next;
  end

endmodule

`default_nettype wire
