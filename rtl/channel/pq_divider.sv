// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "pq_assert.svh"

// pq_divider: quotients of signed dividends, rounded to nearest, ties to even.
//
//   dividend_i -> [ + divisor * 2^(Q-1), reg ] -> [ a bit of the quotient, reg ] x Q
//              -> [ round, - 2^(Q-1), reg ] -> quotient_o
//
// A restoring division, unsigned: what is added first adds 2^(Q-1) to the quotient, an even number,
// so that ties stay what they are. Q: QuotientWidth. Two bits in a stage would miss 650 MHz in
// NanGate45.
//
// Formats     dividend: signed, DivisorWidth + QuotientWidth bits; divisor: unsigned, not 0; exact
//             quotient: -2^(Q-1) to 2^(Q-1) - 1
// Latency     QuotientWidth + 2 cycles
// Throughput  1 quotient per cycle
// Golden      aqpim::golden::mean()   sw/golden/reducer.h
module pq_divider #(
  parameter  int unsigned DivisorWidth  = 27,
  parameter  int unsigned QuotientWidth = 12,
  localparam int unsigned DividendWidth = DivisorWidth + QuotientWidth
) (
  input  wire logic                     clk_i,
  input  wire logic                     rst_ni,
  input  wire logic                     valid_i,
  input  wire logic [DividendWidth-1:0] dividend_i,   // signed
  input  wire logic [DivisorWidth-1:0]  divisor_i,
  input  wire logic                     tag_i,        // comes out with the quotient
  output logic                          valid_o,
  output logic      [QuotientWidth-1:0] quotient_o,   // signed
  output logic                          tag_o
);

  if (QuotientWidth < 2) begin : gen_bad_quotient_width
    $error("pq_divider: QuotientWidth must be at least 2");
  end

  // The rest of the dividend above the quotient so far: a bit of the dividend leaves the low part
  // at its upper end, a bit of the quotient enters at its lower end.
  function automatic logic [DividendWidth-1:0] next_bit(
      input logic [DividendWidth-1:0] rest, input logic [DivisorWidth-1:0] divisor);
    logic [DivisorWidth:0] left;   // signed: the rest is less than twice the divisor
    left = rest[DividendWidth-1:QuotientWidth-1] - {1'b0, divisor};
    next_bit = {left[DivisorWidth] ? rest[DividendWidth-2:QuotientWidth-1] : left[DivisorWidth-1:0],
                rest[QuotientWidth-2:0], !left[DivisorWidth]};
  endfunction

  for (genvar s = 0; s <= QuotientWidth; s++) begin : gen_stage
    logic [DividendWidth-1:0] rest, rest_q;
    logic [DivisorWidth-1:0]  divisor, divisor_q;

    if (s == 0) begin : gen_offset
      assign divisor = divisor_i;
      assign rest    = dividend_i + {1'b0, divisor_i, {(QuotientWidth - 1) {1'b0}}};
    end else begin : gen_bit
      assign divisor = gen_stage[s-1].divisor_q;
      assign rest    = next_bit(gen_stage[s-1].rest_q, divisor);
    end

    always_ff @(posedge clk_i) begin
      rest_q    <= rest;
      divisor_q <= divisor;
    end
  end

  logic [DividendWidth-1:0] rest;
  logic [QuotientWidth-1:0] floor;
  logic [DivisorWidth:0]    short_of_up;   // signed

  assign rest  = gen_stage[QuotientWidth].rest_q;
  assign floor = rest[QuotientWidth-1:0];
  // Up if twice what is left is more than the divisor, or equal to it after an odd quotient.
  assign short_of_up = {1'b0, gen_stage[QuotientWidth].divisor_q}
                     - {rest[DividendWidth-1:QuotientWidth], floor[0]};

  always_ff @(posedge clk_i) begin
    quotient_o <= {!floor[QuotientWidth-1], floor[QuotientWidth-2:0]}
                + {{(QuotientWidth - 1) {1'b0}}, short_of_up[DivisorWidth]};
  end

  logic [QuotientWidth:0] valid_q, tag_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) {valid_o, valid_q} <= '0;
    else         {valid_o, valid_q} <= {valid_q, valid_i};
  end

  always_ff @(posedge clk_i) {tag_o, tag_q} <= {tag_q, tag_i};

  `AQ_ASSERT(a_quotient_fits,
             !valid_q[0]
             || gen_stage[0].rest_q[DividendWidth-1:QuotientWidth] < gen_stage[0].divisor_q,
             clk_i, !rst_ni)
  `AQ_ASSERT(a_rounded_fits, !(valid_q[QuotientWidth] && short_of_up[DivisorWidth] && (&floor)),
             clk_i, !rst_ni)

endmodule

`default_nettype wire
