// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// pq_delay: a word, a number of cycles later.
//
//   data_i --> [ reg ] --> [ reg ] --> ... --> data_o
//
// Latency     Cycles                         Throughput  1 word per cycle
// Golden      a std::deque
module pq_delay #(
  parameter int unsigned Cycles = 2,
  parameter int unsigned Width  = 8
) (
  input  wire logic             clk_i,
  input  wire logic [Width-1:0] data_i,
  output logic      [Width-1:0] data_o
);

  logic [Cycles*Width-1:0] words_q;

  always_ff @(posedge clk_i) words_q <= (Cycles*Width)'({words_q, data_i});

  assign data_o = words_q[(Cycles-1)*Width +: Width];

endmodule

`default_nettype wire
