// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// pq_quantizer_distance: squared distance of a vector of two channels to a centroid.
//
//   vector_i ---\
//                (-) --> [ d0, d1 ] --> [ columns 0-9, 10-15, 16-24 ] --> (+) --> distance_o
//   centroid_i -/
//
// A square needs half of the products that a multiplier needs: bits i and j of d meet twice, so
// they count once, a column higher. With d = l - s * 2^12 (s: the sign),
// d^2 = l^2 + s * (2^11 - l) * 2^13: one row more than l^2. The columns of both squares are added
// in three groups, so that no carry runs far.
//
// Formats     vector, centroid: s12 each; distance: unsigned, 25 bits, exact
// Latency     2 cycles                       Throughput  1 distance per cycle
// Golden      aqpim::golden::squared_distance()   sw/golden/centroid_group.h
module pq_quantizer_distance (
  input  wire logic        clk_i,
  input  wire logic [23:0] vector_i,     // signed, each
  input  wire logic [23:0] centroid_i,   // signed, each
  output logic      [24:0] distance_o
);

  // Columns of the groups, and what their sums take: at most 16 bits in a column.
  localparam int unsigned Middle      = 10;
  localparam int unsigned High        = 16;
  localparam int unsigned LowWidth    = Middle + 4;
  localparam int unsigned MiddleWidth = High - Middle + 4;
  localparam int unsigned HighWidth   = 25 - High;
  localparam int unsigned Rows        = 13;        // of a square

  logic [12:0]            d0_q, d1_q;
  logic [LowWidth-1:0]    low_q;
  logic [MiddleWidth-1:0] middle_q;
  logic [HighWidth-1:0]   high_q;
  logic [24-Middle:0]     upper;

  // Row i of a square, 0 to 11: bit i with itself and with those above it; 12: the sign's, negated
  // by its ones' complement and a 1 in row 11, modulo 2^25.
  for (genvar r = 0; r < 2 * Rows; r++) begin : gen_row
    localparam int unsigned I = r % Rows;
    logic [12:0]            d;
    logic [24:0]            row;
    logic [LowWidth-1:0]    low;                   // sums of the square's rows so far
    logic [MiddleWidth-1:0] middle;
    logic [HighWidth-1:0]   high;

    assign d = r < Rows ? d0_q : d1_q;

    if (I < 12) begin : gen_bit
      assign row = {25{d[I]}} & ({13'b0, d[11:0]} >> (I + 1) << (2 * I + 2) | 25'd1 << 2 * I)
                 | 25'(I == 11 && d[12]) << 13;
    end else begin : gen_sign
      assign row = {{12{d[12]}} & {d[11], ~d[10:0]}, 13'b0};
    end

    if (I == 0) begin : gen_first
      assign low    = LowWidth'(row[Middle-1:0]);
      assign middle = MiddleWidth'(row[High-1:Middle]);
      assign high   = row[24:High];
    end else begin : gen_next
      assign low    = gen_row[r-1].low + LowWidth'(row[Middle-1:0]);
      assign middle = gen_row[r-1].middle + MiddleWidth'(row[High-1:Middle]);
      assign high   = gen_row[r-1].high + row[24:High];
    end
  end

  always_ff @(posedge clk_i) begin
    d0_q     <= 13'($signed(vector_i[11:0])) - 13'($signed(centroid_i[11:0]));
    d1_q     <= 13'($signed(vector_i[23:12])) - 13'($signed(centroid_i[23:12]));
    low_q    <= gen_row[Rows-1].low + gen_row[2*Rows-1].low;
    middle_q <= gen_row[Rows-1].middle + gen_row[2*Rows-1].middle;
    high_q   <= gen_row[Rows-1].high + gen_row[2*Rows-1].high;
  end

  assign upper = {high_q, {(High - Middle) {1'b0}}} + (25 - Middle)'(middle_q)
               + (25 - Middle)'(low_q[LowWidth-1:Middle]);
  assign distance_o = {upper, low_q[Middle-1:0]};

endmodule

`default_nettype wire
