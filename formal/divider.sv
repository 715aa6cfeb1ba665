// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// divider: pq_divider's quotients are those that multiplication says.
//
// Given: a divisor that is not 0, and a quotient from -2^(Q-1), exact, to 2^(Q-1) - 1, rounded; Q:
// QuotientWidth. Followed is one division, which is any.
//   1. quotient_o is an integer nearest to dividend / divisor, and the even one of two
//   2. it comes QuotientWidth + 2 cycles after its operands, with valid_o and its tag
module divider #(
  parameter  int unsigned DivisorWidth  = 6,
  parameter  int unsigned QuotientWidth = 4,
  localparam int unsigned DividendWidth = DivisorWidth + QuotientWidth
) (
  input wire logic                     clk_i,
  input wire logic                     valid_i,
  input wire logic [DividendWidth-1:0] dividend_i,
  input wire logic [DivisorWidth-1:0]  divisor_i,
  input wire logic                     tag_i,
  input wire logic                     follow_i    // the division that comes
);

  localparam int unsigned Latency = QuotientWidth + 2;
  localparam int unsigned Wide    = DividendWidth + 4;

  logic                     valid, tag, rst_n = 1'b0, valid_q, tag_q;
  logic [QuotientWidth-1:0] quotient;
  logic [DividendWidth-1:0] dividend_q;
  logic [DivisorWidth-1:0]  divisor_q;
  logic [4:0]               age_q = '0;    // 0: no division is followed
  logic signed [Wide-1:0]   rest;          // dividend - quotient * divisor

  pq_divider #(.DivisorWidth (DivisorWidth), .QuotientWidth (QuotientWidth)) u_dut (
    .clk_i, .rst_ni (rst_n), .valid_i, .dividend_i, .divisor_i, .tag_i, .valid_o (valid),
    .quotient_o (quotient), .tag_o (tag));

  logic signed [Wide-1:0] dividend, divisor, divisor_wide_q;

  assign dividend       = Wide'($signed(dividend_i));
  assign divisor        = Wide'($signed({1'b0, divisor_i}));
  assign divisor_wide_q = Wide'($signed({1'b0, divisor_q}));
  assign rest           = Wide'($signed(dividend_q)) - Wide'($signed(quotient)) * divisor_wide_q;

  always_comb begin
    assume (!valid_i || (rst_n && divisor_i != '0
                         && dividend + dividend < divisor * ((1 << QuotientWidth) - 1)
                         && dividend + dividend >= divisor * -(1 << QuotientWidth)));
  end

  always_ff @(posedge clk_i) begin
    rst_n <= 1'b1;
    if (age_q == '0) begin
      age_q <= 5'(follow_i && rst_n);
      {valid_q, dividend_q, divisor_q, tag_q} <= {valid_i, dividend_i, divisor_i, tag_i};
    end else begin
      age_q <= 32'(age_q) == Latency ? '0 : age_q + 1'b1;
    end
    assert (32'(age_q) <= Latency && (rst_n || age_q == '0));
    if (32'(age_q) == Latency) begin
      if (valid_q) begin
        rule_1: assert (rest + rest <= divisor_wide_q && rest + rest >= -divisor_wide_q
                        && (!quotient[0] || (rest + rest != divisor_wide_q
                                             && rest + rest != -divisor_wide_q)));
      end
      rule_2: assert (valid == valid_q && tag == tag_q);
      cover (valid_q && quotient == (1 << (QuotientWidth - 1)));
    end
  end

endmodule

`default_nettype wire
