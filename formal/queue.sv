// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// queue: pq_queue hands out what came in, in the same order.
//
// Given: no push when it is full, no pop when it is empty. Followed is one word, which is any.
//   1. full_o and valid_o tell how many words there are
//   2. a word comes out unchanged, after those before it and before those after it
module queue (
  input wire logic       clk_i,
  input wire logic       push_i,
  input wire logic       pop_i,
  input wire logic [7:0] data_i,
  input wire logic       follow_i    // the word that comes
);

  localparam int unsigned Depth = 4;

  logic       full, valid, rst_n = 1'b0, inside_q = 1'b0;
  logic [7:0] data, word_q, kept;
  logic [2:0] count_q = '0, ahead_q;    // words in the queue; before the one that is followed
  logic [1:0] place;

  pq_queue #(.Depth (Depth), .Width (8)) u_dut (
    .clk_i, .rst_ni (rst_n), .push_i, .data_i, .full_o (full), .pop_i, .valid_o (valid),
    .data_o (data));

  (* hierconn *) wire [2:0] \u_dut.count_q ;
  (* hierconn *) wire [1:0] \u_dut.first_q ;
  (* hierconn *) wire [1:0] \u_dut.free_q ;
  (* hierconn *) wire [7:0] \u_dut.entries_q[0] ;
  (* hierconn *) wire [7:0] \u_dut.entries_q[1] ;
  (* hierconn *) wire [7:0] \u_dut.entries_q[2] ;
  (* hierconn *) wire [7:0] \u_dut.entries_q[3] ;

  assign place = \u_dut.first_q + ahead_q[1:0];

  always_comb begin
    unique case (place)
      2'd0:    kept = \u_dut.entries_q[0] ;
      2'd1:    kept = \u_dut.entries_q[1] ;
      2'd2:    kept = \u_dut.entries_q[2] ;
      default: kept = \u_dut.entries_q[3] ;
    endcase
    assume (!(push_i && full));
    assume (!(pop_i && !valid));
    assume (rst_n || !(push_i || pop_i));
  end

  always_ff @(posedge clk_i) begin
    rst_n   <= 1'b1;
    count_q <= count_q + 3'(push_i) - 3'(pop_i);
    if (pop_i) begin
      ahead_q <= ahead_q - 1'b1;
      if (ahead_q == '0) inside_q <= 1'b0;
    end
    if (push_i && follow_i && !inside_q) begin
      inside_q <= 1'b1;
      ahead_q  <= count_q - 3'(pop_i);
      word_q   <= data_i;
    end

    if (!rst_n) assert (count_q == '0 && !inside_q);
    if (rst_n) begin
      assert (\u_dut.count_q == count_q && 32'(count_q) <= Depth);
      assert (\u_dut.free_q == \u_dut.first_q + count_q[1:0]);
      assert (!inside_q || (ahead_q < count_q && kept == word_q));
      rule_1: assert (full == (32'(count_q) == Depth) && valid == (count_q != '0));
      rule_2: assert (!inside_q || ahead_q != '0 || data == word_q);
      cover (inside_q && ahead_q == 3'd3);
    end
  end

endmodule

`default_nettype wire
