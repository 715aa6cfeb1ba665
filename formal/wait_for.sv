// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// wait_for: pq_wait never lets a command go too early, and never holds one without a reason.
//
// Given: no event waits longer than `longest`. Followed is one event, which is any; a cycle is two
// memory cycles.
//   1. while memory cycles are left of the event's delay, wait_o is at least that
//   2. a cycles after the last event, wait_o is at most longest - 2 a; it is 0 without an event
module wait_for (
  input wire logic       clk_i,
  input wire logic       set_i,
  input wire logic [5:0] delay_i,
  input wire logic       follow_i    // the event that comes
);

  (* anyconst *) logic [5:0] longest;
  logic       rst_n = 1'b0;
  logic [5:0] remaining, left_q = '0, most_q = '0;    // of the event's delay; rule 2's bound

  pq_wait #(.Width (6)) u_dut (
    .clk_i, .rst_ni (rst_n), .set_i, .delay_i, .wait_o (remaining));

  function automatic logic [5:0] later(input logic [5:0] cycles);
    later = cycles > 6'd2 ? cycles - 6'd2 : '0;
  endfunction

  always_comb assume (delay_i <= longest);

  always_ff @(posedge clk_i) begin
    rst_n  <= 1'b1;
    left_q <= rst_n && set_i && follow_i && left_q == '0 ? later(delay_i) : later(left_q);
    most_q <= rst_n && set_i ? later(longest) : later(most_q);
    assert (most_q <= longest);
    rule_1: assert (remaining >= left_q);
    rule_2: assert (remaining <= most_q);
    cover (left_q == 6'd40 && remaining == 6'd50);
  end

endmodule

`default_nettype wire
