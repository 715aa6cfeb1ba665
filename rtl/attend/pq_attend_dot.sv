// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// pq_attend_dot: TABLE for one sub-space of two channels: entry = q0 * e0 + q1 * e1, rounded.
//
//   query*_i --> [ q0, q1, q0 + q1 ] --> [ rows 0-3, reg ] --\
//                element bits pick 0,                         (+) --> [ reg ] --> [ round, reg ]
//                q0, q1 or q0 + q1   --> [ rows 4-7, reg ] --/                        |
//                                                                        entry_o <----/
//
// Bit b of both elements together picks one of four multiples of 2^b, so a dot product has 8 rows
// of partial products, as many as a single multiplier has.
//
// Formats     query: s12, element: int8, entry: signed EntryWidth, rounded to nearest even after
//             a shift to the right, saturated
// Latency     element*_i to entry_o: 3 cycles; query*_i and shift_i: 1 cycle ahead of the elements
// Throughput  1 entry per cycle
// Golden      aqpim::golden::table_entry()   sw/golden/centroid_group.h
module pq_attend_dot #(
  parameter int unsigned EntryWidth = 16
) (
  input  wire logic                  clk_i,
  input  wire logic [11:0]           query0_i,      // signed
  input  wire logic [11:0]           query1_i,      // signed
  input  wire logic [3:0]            shift_i,
  input  wire logic [7:0]            element0_i,    // signed
  input  wire logic [7:0]            element1_i,    // signed
  output logic      [EntryWidth-1:0] entry_o,       // signed
  output logic                       saturated_o    // belongs to entry_o
);

  localparam int unsigned RowWidth  = 13;               // q0 + q1
  localparam int unsigned HalfWidth = RowWidth + 5;     // four rows
  localparam int unsigned DotWidth  = 21;               // 2 * 2^11 * 2^7 and a sign

  logic [RowWidth-1:0]   query0_q, query1_q, both_q;
  logic [3:0]            shift_q, shift_q2, shift_q3;
  logic [8*HalfWidth-1:0] rows;
  logic [HalfWidth-1:0]  low_q, high_q;
  logic [DotWidth-1:0]   dot_q;
  logic [EntryWidth-1:0] entry;
  logic                  saturated;

  for (genvar b = 0; b < 8; b++) begin : gen_row
    logic [RowWidth-1:0] row;
    assign row = (query0_q & {RowWidth{element0_i[b] && !element1_i[b]}})
               | (query1_q & {RowWidth{element1_i[b] && !element0_i[b]}})
               | (both_q & {RowWidth{element0_i[b] && element1_i[b]}});
    assign rows[b*HalfWidth +: HalfWidth] = HalfWidth'($signed(row)) << (b % 4);
  end

  always_ff @(posedge clk_i) begin
    query0_q <= RowWidth'($signed(query0_i));
    query1_q <= RowWidth'($signed(query1_i));
    both_q   <= RowWidth'($signed(query0_i)) + RowWidth'($signed(query1_i));
    shift_q  <= shift_i;
    shift_q2 <= shift_q;
    shift_q3 <= shift_q2;
    low_q    <= (rows[0*HalfWidth +: HalfWidth] + rows[1*HalfWidth +: HalfWidth])
              + (rows[2*HalfWidth +: HalfWidth] + rows[3*HalfWidth +: HalfWidth]);
    // Bit 7 is an element's sign.
    high_q   <= (rows[4*HalfWidth +: HalfWidth] + rows[5*HalfWidth +: HalfWidth])
              + (rows[6*HalfWidth +: HalfWidth] - rows[7*HalfWidth +: HalfWidth]);
    dot_q    <= DotWidth'($signed(low_q)) + (DotWidth'($signed(high_q)) << 4);
    entry_o     <= entry;
    saturated_o <= saturated;
  end

  pq_round_saturate #(
    .InWidth    (DotWidth),
    .ShiftWidth (4),
    .OutWidth   (EntryWidth)
  ) u_round (
    .valid_i     (1'b1),
    .value_i     (dot_q),
    .shift_i     (shift_q3),
    .result_o    (entry),
    .saturated_o (saturated)
  );

endmodule

`default_nettype wire
