// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// read_bus: pq_read_bus gives the beat of the engine that answers.
//
// Given: the other engines give zeros. The engine is any.
//   1. data_o is its beat
module read_bus #(
  localparam int unsigned Engines = 16
) (
  input wire logic                   clk_i,
  input wire logic [3:0]             answers_i,
  input wire logic [255:0]           beat_i
);

  logic [Engines*256-1:0] beats;
  logic [255:0]           data;

  for (genvar e = 0; e < Engines; e++) begin : gen_engine
    assign beats[e*256 +: 256] = answers_i == 4'(e) ? beat_i : '0;
  end

  // Two ranks of 16 banks, an engine at each two
  pq_read_bus #(.BanksPerEngine (2)) u_dut (.data_i (beats), .data_o (data));

  always_ff @(posedge clk_i) begin
    rule_1: assert (data == beat_i);
    cover (answers_i == 4'd15 && data[255]);
  end

endmodule

`default_nettype wire
