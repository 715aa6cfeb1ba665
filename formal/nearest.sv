// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// nearest: pq_nearest names the code of the least distance, the first of equal ones.
//
// Followed are one entry and one of its distances since the first one, both any.
//   1. the least distance is at most the one that is followed
//   2. if the entry names the followed code, its distance is the least
//   3. the least distance is equal to the followed one only if the entry names that code or one
//      that came before
module nearest #(
  localparam int unsigned Entries = 2,
  localparam int unsigned Width   = 6
) (
  input wire logic             clk_i,
  input wire logic             valid_i,
  input wire logic             first_i,
  input wire logic             entry_i,
  input wire logic [3:0]       code_i,
  input wire logic [Width-1:0] distance_i,
  input wire logic             follow_i    // the distance that comes
);

  (* anyconst *) logic entry;
  logic                     mine, followed_q = 1'b0, started_q = 1'b0;
  logic [7:0]               codes;
  logic [3:0]               code, code_q, next_q = '0;    // codes come in ascending order
  logic [Width-1:0]         least, distance_q;

  pq_nearest #(.Entries (Entries), .CodeBits (4), .DistanceWidth (Width)) u_dut (
    .clk_i, .valid_i, .first_i, .entry_i, .code_i, .distance_i, .codes_o (codes));

  (* hierconn *) wire [Entries*Width-1:0] \u_dut.least_q ;

  assign mine  = valid_i && entry_i == entry;
  assign code  = entry ? codes[7:4] : codes[3:0];
  assign least = entry ? \u_dut.least_q [Width +: Width] : \u_dut.least_q [0 +: Width];

  always_comb assume (!mine || (first_i ? 1'b1 : started_q && code_i >= next_q && next_q != '0));

  always_ff @(posedge clk_i) begin
    if (mine) begin
      started_q <= 1'b1;
      next_q    <= code_i == 4'd15 ? '0 : code_i + 1'b1;
      if (first_i) followed_q <= 1'b0;
      if (follow_i && (first_i || !followed_q)) begin
        followed_q <= 1'b1;
        code_q     <= code_i;
        distance_q <= distance_i;
      end
    end
    assert (!followed_q || started_q);
    if (started_q && next_q != '0) assert (code < next_q && (!followed_q || code_q < next_q));
    if (followed_q) begin
      rule_1: assert (least <= distance_q);
      rule_2: assert (code != code_q || least == distance_q);
      rule_3: assert (least != distance_q || code <= code_q);
      cover (code < code_q && least == distance_q);
    end
  end

endmodule

`default_nettype wire
