// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// pq_fp16_unit: what an FP16 processing-in-memory design puts next to a bank: 16 multipliers, 16
// adders and a 1 KB buffer, as published for AttAcc (ASPLOS 2024). It is here to be mapped by the
// same flow as the engine, so that areas can be compared; nothing else uses it.
//
//   word_i (16 x binary16) ----\
//                               pq_fp16_multiplier x 16 --> pq_fp16_adder x 16 --> sum_o
//   [ buffer, 32 x 16 values ] -/                              ^------------------/
//
// A lane's sum goes round through the adder's pipeline: three independent sums take turns.
//
// Latency     word_i to sum_o: 6 cycles      Throughput  1 word per cycle
// Golden      the compiler's _Float16        tb/unit/fp16_test.cpp
module pq_fp16_unit #(
  localparam int unsigned Lanes = 16,
  localparam int unsigned Rows  = 32
) (
  input  wire logic                    clk_i,
  input  wire logic                    rst_ni,
  input  wire logic                    write_i,        // store a row of the buffer
  input  wire logic [$clog2(Rows)-1:0] write_row_i,
  input  wire logic [Lanes*16-1:0]     write_data_i,
  input  wire logic                    word_valid_i,   // never beside write_i
  input  wire logic [$clog2(Rows)-1:0] row_i,          // the row that multiplies the word
  input  wire logic                    first_i,        // start the sums from zero
  input  wire logic [Lanes*16-1:0]     word_i,
  output logic                         sum_valid_o,
  output logic      [Lanes*16-1:0]     sum_o
);

  localparam int unsigned ProductCycles = 3;   // buffer and multiplier
  localparam int unsigned AdderCycles   = 3;

  logic [Lanes*16-1:0]                        row, word_q;
  logic [ProductCycles+AdderCycles-1:0]       valid_q;
  logic [ProductCycles-1:0]                   first_q;

  pq_memory #(
    .Depth      (Rows),
    .Width      (Lanes * 16),
    .SinglePort (1'b1)
  ) u_buffer (
    .clk_i,
    .write_i,
    .write_address_i (write_row_i),
    .write_data_i,
    .read_i          (word_valid_i),
    .read_address_i  (row_i),
    .read_data_o     (row)
  );

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) valid_q <= '0;
    else valid_q <= {valid_q[ProductCycles+AdderCycles-2:0], word_valid_i};
  end

  always_ff @(posedge clk_i) begin
    word_q  <= word_i;
    first_q <= {first_q[ProductCycles-2:0], first_i};
  end

  assign sum_valid_o = valid_q[ProductCycles+AdderCycles-1];

  for (genvar i = 0; i < Lanes; i++) begin : gen_lane
    logic [15:0] product;

    pq_fp16_multiplier u_multiplier (
      .clk_i,
      .a_i       (word_q[i*16 +: 16]),
      .b_i       (row[i*16 +: 16]),
      .product_o (product)
    );

    pq_fp16_adder u_adder (
      .clk_i,
      .a_i   (product),
      .b_i   (first_q[ProductCycles-1] ? 16'd0 : sum_o[i*16 +: 16]),
      .sum_o (sum_o[i*16 +: 16])
    );
  end

endmodule

`default_nettype wire
