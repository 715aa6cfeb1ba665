// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// score_sum: pq_score_sum against a plain sum, whatever pauses there are.
//
// Given: the words of a token come in order, TokenWords of them. Followed is one token, any.
//   1. sum_o is the sum of all entries of the token
//   2. valid_o tells of it 2 cycles after its last word, with 4 lanes
module score_sum #(
  localparam int unsigned Lanes      = 4,
  localparam int unsigned TokenWords = 2,
  localparam int unsigned EntryWidth = 5,
  localparam int unsigned SumWidth   = EntryWidth + 3
) (
  input wire logic                        clk_i,
  input wire logic                        valid_i,
  input wire logic [Lanes*EntryWidth-1:0] entries_i
);

  logic                       rst_n = 1'b0, second_q = 1'b0, valid;
  logic                       last, due_q = 1'b0, due_q2 = 1'b0;
  logic                       moving_q = 1'b0, moving_q2 = 1'b0;    // a word on its way
  logic signed [SumWidth-1:0] word, sum_q, total_q, total_q2;
  logic [SumWidth-1:0]        sum;

  pq_score_sum #(.Lanes (Lanes), .TokenWords (TokenWords), .EntryWidth (EntryWidth)) u_dut (
    .clk_i, .rst_ni (rst_n), .valid_i, .first_i (!second_q), .last_i (second_q), .entries_i,
    .valid_o (valid), .sum_o (sum));

  always_comb begin
    word = '0;
    for (int unsigned l = 0; l < Lanes; l++) begin
      word = word + SumWidth'($signed(entries_i[l*EntryWidth +: EntryWidth]));
    end
    assume (rst_n || !valid_i);
  end

  assign last = valid_i && second_q;

  always_ff @(posedge clk_i) begin
    rst_n  <= 1'b1;
    due_q  <= last;
    due_q2 <= due_q;
    moving_q  <= valid_i;
    moving_q2 <= moving_q;
    if (valid_i) begin
      second_q <= !second_q;
      sum_q    <= word;
      if (second_q) total_q <= sum_q + word;
    end
    total_q2 <= total_q;
    if (!rst_n) assert (!second_q && !due_q && !due_q2);
    assert (!second_q || moving_q || moving_q2 || sum == sum_q);
    rule_1: assert (!due_q2 || sum == total_q2);
    rule_2: assert (valid == due_q2);
    cover (due_q2 && sum[SumWidth-1]);
  end

endmodule

`default_nettype wire
