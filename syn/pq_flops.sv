// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// pq_flops: registers of every kind that the RTL has, for syn/report.py: the flip-flops that are
// chosen of a library must do what these do before any figure is given.
//
//   bit of data_i, q_o   0: no reset        2: reset to 0        4: reset to 1
//                        1, 3, 5: the same with an enable
//
// Latency     1 cycle                      Throughput  1 word per cycle
module pq_flops (
  input  wire logic       clk_i,
  input  wire logic       rst_ni,
  input  wire logic       enable_i,
  input  wire logic [5:0] data_i,
  output logic      [5:0] q_o,
  output logic      [5:0] inverted_o
);

  logic [1:0] plain;
  logic [1:0] reset_0;
  logic [1:0] reset_1;

  always_ff @(posedge clk_i) begin
    plain[0] <= data_i[0];
    if (enable_i) plain[1] <= data_i[1];
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      reset_0 <= '0;
      reset_1 <= '1;
    end else begin
      reset_0[0] <= data_i[2];
      reset_1[0] <= data_i[4];
      if (enable_i) begin
        reset_0[1] <= data_i[3];
        reset_1[1] <= data_i[5];
      end
    end
  end

  assign q_o        = {reset_1, reset_0, plain};
  assign inverted_o = ~q_o;

endmodule

`default_nettype wire
