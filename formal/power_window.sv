// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// power_window: no more than Columns accesses in any Window memory cycles, and no fewer than that
// if they are asked for.
//
// Given: an access only with allowed_o. A cycle is two memory cycles.
//   1. there are at most Columns accesses in the last Window memory cycles, if all have one slot
//   2. allowed_o is refused only if there were Columns in the window that this access would close
//   3. spare_o tells whether there is room for one more besides
//   4. without an access in the cycle before, allowed_late_o is refused only if there were Columns
//      in the window that is one cycle longer (from slot 1 of its first access to slot 0 of this
//      one)
module power_window #(
  parameter int unsigned Columns = 3,
  parameter int unsigned Window  = 11
) (
  input wire logic clk_i,
  input wire logic access_i
);

  localparam int unsigned Cycles     = (Window + 1) / 2;
  localparam int unsigned CountWidth = $clog2(Columns + 1);

  logic              allowed, allowed_late, spare, rst_n = 1'b0;
  logic [Cycles-1:0] past_q = '0;    // accesses; bit 0: the cycle before

  pq_power_window #(.Columns (Columns), .Window (Window)) u_dut (
    .clk_i, .rst_ni (rst_n), .access_i, .allowed_o (allowed), .allowed_late_o (allowed_late),
    .spare_o (spare));

  (* hierconn *) wire [Cycles-2:0]     \u_dut.history_q ;
  (* hierconn *) wire [CountWidth-1:0] \u_dut.count_q ;
  (* hierconn *) wire                  \u_dut.allowed_q ;

  int unsigned recent, all, earlier;    // of Cycles - 1, of Cycles; of Cycles - 1 up to the last
  always_comb begin
    recent = 0;
    for (int unsigned c = 0; c < Cycles - 1; c++) recent = recent + 32'(past_q[c]);
    all    = recent + 32'(past_q[Cycles-1]);
    earlier = all - 32'(past_q[0]);
    assume (!access_i || (allowed && rst_n));
  end

  always_ff @(posedge clk_i) begin
    rst_n  <= 1'b1;
    past_q <= {past_q[Cycles-2:0], access_i};
    if (!rst_n) assert (past_q == '0);
    if (rst_n) begin
      assert (\u_dut.history_q == past_q[Cycles-2:0] && 32'(\u_dut.count_q ) == recent);
      assert (\u_dut.allowed_q == (earlier < Columns));
      rule_1: assert (recent + 32'(access_i) <= Columns && all <= Columns);
      rule_2: assert (allowed == (recent < Columns));
      rule_3: assert (spare == (recent + 1 < Columns));
      rule_4: assert (past_q[0] || allowed_late == (all < Columns));
      cover (!allowed);
    end
  end

endmodule

`default_nettype wire
