// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// delay: pq_delay gives a word as it came, Cycles cycles later.
//
// Followed is one word, which is any.
//   1. data_o is the word that came Cycles cycles before
module delay #(
  parameter int unsigned Cycles = 3
) (
  input wire logic       clk_i,
  input wire logic [7:0] data_i,
  input wire logic       follow_i    // the word that comes
);

  logic [7:0] data, word_q;
  logic [3:0] age_q = '0;            // 0: no word is followed

  pq_delay #(.Cycles (Cycles), .Width (8)) u_dut (.clk_i, .data_i, .data_o (data));

  always_ff @(posedge clk_i) begin
    if (age_q == '0) begin
      age_q  <= 4'(follow_i);
      word_q <= data_i;
    end else begin
      age_q <= 32'(age_q) == Cycles ? '0 : age_q + 1'b1;
    end
    assert (32'(age_q) <= Cycles);
    rule_1: assert (32'(age_q) != Cycles || data == word_q);
    cover (32'(age_q) == Cycles);
  end

endmodule

`default_nettype wire
