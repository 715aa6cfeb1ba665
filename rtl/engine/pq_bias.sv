// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "pq_assert.svh"

// pq_bias: delivers the score bias of each token, one bias per run of run_i tokens.
//
//   data_i --> [ bias memory, WordBits/16 biases a word ] --> [ next bias ] --> [ bias ] --> bias_o
//
// A tile's tokens count on over its SCORE commands; first_i starts them again. Both registers are
// filled by start_i and the next one again after each run, so a bias is there for every token
// without a wait.
//
// Formats     bias: signed 16 bit, fraction ScoreFraction; run_i = 0: all biases are zero
// Latency     start_i to bias_o: 3 cycles; to the first advance_i: 4 cycles; advance_i to the next
//             token's bias: 1 cycle
// Throughput  1 token per cycle, runs of at least 8 tokens
// Golden      aqpim::golden::Bias   sw/golden/bias.h
module pq_bias #(
  parameter  int unsigned WordBits     = 256,
  parameter  int unsigned BiasDepth    = 256,
  localparam int unsigned PerWord      = WordBits / 16,
  localparam int unsigned Depth        = BiasDepth / PerWord,
  localparam int unsigned AddressWidth = $clog2(Depth)
) (
  input  wire logic                          clk_i,
  input  wire logic                          rst_ni,
  input  wire logic                          write_i,        // store PerWord biases
  input  wire logic [AddressWidth-1:0]       write_index_i,
  input  wire logic [WordBits-1:0]           write_data_i,
  input  wire logic                          start_i,        // a SCORE command starts
  input  wire logic                          first_i,        // with start_i: at the first token
  input  wire logic [7:0]                    run_i,          // tokens per bias: 0, or 8 to 128
  input  wire logic                          advance_i,      // this token has taken its bias
  output logic      [15:0]                   bias_o          // signed
);

  localparam int unsigned IndexWidth   = $clog2(BiasDepth);
  localparam int unsigned PerWordWidth = $clog2(PerWord);

  if (Depth < 2 || Depth * PerWord != BiasDepth || (1 << $clog2(BiasDepth)) != BiasDepth) begin
      : gen_bad_depth
    $error("pq_bias: BiasDepth must be a power of two and fill at least two words");
  end

  logic [IndexWidth-1:0] index_q, read_index;   // bias of the current run; bias being fetched
  logic [7:0]            token_q;               // tokens of the current run done
  logic [1:0]            fetch_q;               // steps after start_i: fetch current, fetch next
  logic                  run_ends, taken_q;     // the current run ends; it has ended
  logic                  read, next_valid_q;    // fetch a bias; the next one has arrived
  logic [PerWordWidth-1:0] place_q;
  logic [WordBits-1:0]   read_data;
  logic [15:0]           fetched, bias_q, next_q;

  assign run_ends = advance_i && token_q == run_i - 8'd1;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      index_q <= '0;
      token_q <= '0;
      fetch_q <= '0;
      taken_q <= 1'b0;
    end else begin
      fetch_q <= {fetch_q[0], start_i};
      taken_q <= run_ends;
      if (start_i && first_i) begin
        index_q <= '0;
        token_q <= '0;
      end else if (run_ends) begin
        index_q <= index_q + 1'b1;
        token_q <= '0;
      end else if (advance_i) begin
        token_q <= token_q + 8'd1;
      end
    end
  end

  // Step 1 reads the current bias, step 2 the next one; a run that has ended (index_q has moved
  // on) reads the next one.
  assign read       = fetch_q[0] || fetch_q[1] || taken_q;
  assign read_index = fetch_q[0] ? index_q : index_q + 1'b1;

  pq_memory #(
    .Depth      (Depth),
    .Width      (WordBits),
    .SinglePort (1'b1)
  ) u_memory (
    .clk_i,
    .write_i,
    .write_address_i (write_index_i),
    .write_data_i,
    .read_i          (read),
    .read_address_i  (read_index[IndexWidth-1:PerWordWidth]),
    .read_data_o     (read_data)
  );

  always_comb begin
    fetched = '0;
    for (int unsigned i = 0; i < PerWord; i++) begin
      if (place_q == PerWordWidth'(i)) fetched = fetched | read_data[i*16 +: 16];
    end
  end

  // Data arrive one cycle after the read. The first goes straight to the current bias.
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) next_valid_q <= 1'b0;
    else next_valid_q <= fetch_q[1] || taken_q;
  end

  always_ff @(posedge clk_i) begin
    if (read) place_q <= read_index[PerWordWidth-1:0];
    if (next_valid_q) next_q <= run_i == 8'd0 ? '0 : fetched;
    if (fetch_q[1]) bias_q <= run_i == 8'd0 ? '0 : fetched;
    else if (run_ends) bias_q <= next_q;
  end

  assign bias_o = bias_q;

  `AQ_ASSERT(a_single_port, !(write_i && read), clk_i, !rst_ni)
  `AQ_ASSERT(a_next_ready, !(run_ends && run_i != 0 && (taken_q || next_valid_q)), clk_i, !rst_ni)

endmodule

`default_nettype wire
