// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// pq_power_window: how many column accesses a bank may still have in the window of the power limit.
//
//   access_i --> [ history of Window/2 clock cycles ] --> count --> allowed_o
//
// Exact if all accesses have the same slot. allowed_late_o also holds if the access that leaves the
// window had slot 1 and the new one has slot 0; in the cycle after an access it means nothing. With
// spare_o, there is room for one more access besides.
//
// Latency     1 cycle                        Throughput  1 access per cycle
// Golden      tb/memory/timing_checker.h, rule "power limit"
module pq_power_window #(
  parameter int unsigned Columns = 32,   // accesses in
  parameter int unsigned Window  = 192   // memory cycles
) (
  input  wire logic clk_i,
  input  wire logic rst_ni,
  input  wire logic access_i,
  output logic      allowed_o,       // an access in this cycle is within the limit
  output logic      allowed_late_o,
  output logic      spare_o
);

  localparam int unsigned Cycles     = (Window + 1) / 2;
  localparam int unsigned CountWidth = $clog2(Columns + 1);

  if (Columns < 2 || Window < 5) begin : gen_bad_limit
    $error("pq_power_window: Columns must be at least 2, and Window at least 5");
  end

  logic [Cycles-2:0]     history_q;
  logic [CountWidth-1:0] count_q;
  logic                  allowed_q;

  assign allowed_o      = count_q < CountWidth'(Columns);
  assign allowed_late_o = allowed_o && allowed_q;
  assign spare_o        = count_q < CountWidth'(Columns - 1);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      history_q <= '0;
      count_q   <= '0;
      allowed_q <= 1'b1;
    end else begin
      history_q <= {history_q[Cycles-3:0], access_i};
      count_q   <= count_q + CountWidth'(access_i) - CountWidth'(history_q[Cycles-2]);
      allowed_q <= allowed_o;
    end
  end

endmodule

`default_nettype wire
