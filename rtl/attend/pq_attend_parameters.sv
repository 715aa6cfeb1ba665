// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "pq_assert.svh"

// pq_attend_parameters: the query and the biases of the tokens, in one memory.
//
//   data_i --> [ 16 words of 256 bits ] --> data_o (query) --> [ select ] --> bias_o
//
// Words       0 ... 7: the query's sub-spaces 8 w ... 8 w + 7, 32 bits each: q0 in bits 11:0, q1 in
//             23:12, shift in 27:24. 8 ... 15: 16 biases each; bias b belongs to the tokens
//             128 b ... 128 b + 127 of the engine's
// Formats     query: s12, shift: 4 bits unsigned, bias: signed 16 bit
// Latency     read_query_i to data_o: 1 cycle; start_i to bias_o: 1 cycle; advance_i to the next
//             tokens' bias_o: 1 cycle
// Throughput  1 query word per cycle, or Slots tokens per cycle
// Golden      aqpim::golden::AttendEngine   sw/golden/attend_engine.h
module pq_attend_parameters #(
  parameter  int unsigned Slots      = 1,
  localparam int unsigned BeatBits   = 256,
  localparam int unsigned Biases     = 128,
  localparam int unsigned BiasTokens = 128,
  localparam int unsigned TokenWidth = $clog2(Biases * BiasTokens)
) (
  input  wire logic                  clk_i,
  input  wire logic                  rst_ni,
  input  wire logic                  write_i,
  input  wire logic [3:0]            index_i,
  input  wire logic [BeatBits-1:0]   data_i,
  input  wire logic                  read_query_i,
  input  wire logic [2:0]            group_i,        // word of the query
  input  wire logic                  start_i,        // SCORE starts, with this token
  input  wire logic [TokenWidth-1:0] token_i,        // a multiple of Slots
  input  wire logic                  advance_i,      // Slots tokens have taken their bias
  output logic      [BeatBits-1:0]   data_o,         // held until the next read
  output logic      [15:0]           bias_o          // signed, the same for all slots
);

  localparam int unsigned PerWord   = BeatBits / 16;
  localparam int unsigned RunWidth  = $clog2(BiasTokens);
  localparam int unsigned WordWidth = $clog2(BiasTokens * PerWord);   // token in a word of biases

  logic [TokenWidth-1:0] token_q, next;
  logic                  word_ends, read;
  logic [3:0]            address;

  assign next      = token_q + TokenWidth'(Slots);
  assign word_ends = advance_i && next[WordWidth-1:0] == '0;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) token_q <= '0;
    else if (start_i) token_q <= token_i;
    else if (advance_i) token_q <= next;
  end

  assign read    = read_query_i || start_i || word_ends;
  assign address = read_query_i ? {1'b0, group_i}
                 : {1'b1, start_i ? token_i[TokenWidth-1:WordWidth] : next[TokenWidth-1:WordWidth]};

  pq_memory #(
    .Depth      (16),
    .Width      (BeatBits),
    .SinglePort (1'b1)
  ) u_memory (
    .clk_i,
    .write_i,
    .write_address_i (index_i),
    .write_data_i    (data_i),
    .read_i          (read),
    .read_address_i  (address),
    .read_data_o     (data_o)
  );

  always_comb begin
    bias_o = '0;
    for (int unsigned i = 0; i < PerWord; i++) begin
      if (token_q[WordWidth-1:RunWidth] == 4'(i)) bias_o = bias_o | data_o[i*16 +: 16];
    end
  end

  `AQ_ASSERT(a_single_port, !(write_i && read), clk_i, !rst_ni)
  `AQ_ASSERT(a_one_reader, !(read_query_i && (start_i || advance_i)), clk_i, !rst_ni)

endmodule

`default_nettype wire
