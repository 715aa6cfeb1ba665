// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// attend_weigh: pq_attend_weigh against `*`.
//
// Given: buckets of BucketWidth bits. Followed is one step, which is any.
//   1. output_o grows by bucket * element, the element as formal/stored_element.sv has it
//   2. with first_i, it starts from zero
module attend_weigh #(
  parameter  int unsigned BucketWidth = 4,
  localparam int unsigned OutputWidth = BucketWidth + 12
) (
  input wire logic                   clk_i,
  input wire logic [BucketWidth-1:0] bucket_i,
  input wire logic [7:0]             element_i,
  input wire logic                   first_i
);

  logic [OutputWidth-1:0]        result, result_q;
  logic [11:0]                   element;
  logic signed [OutputWidth-1:0] product, product_q, product_q2;
  logic                          first_q;
  logic [1:0]                    age_q = '0;    // cycles since the first one, 2 at most

  pq_attend_weigh #(.BucketWidth (BucketWidth)) u_dut (
    .clk_i, .bucket_i, .element_i, .first_i, .output_o (result));

  pq_stored_element u_element (.element_i, .values_i (1'b1), .value_o (element));

  assign product = OutputWidth'($signed(element)) * OutputWidth'($signed({1'b0, bucket_i}));

  always_ff @(posedge clk_i) begin
    age_q      <= age_q == 2'd2 ? 2'd2 : age_q + 1'b1;
    product_q  <= product;
    product_q2 <= product_q;
    first_q    <= first_i;
    result_q   <= result;
    if (age_q == 2'd2) begin
      rule_1: assert (first_q || result == result_q + product_q2);
      rule_2: assert (!first_q || result == product_q2);
      cover (first_q && product_q2 == -1984);
    end
  end

endmodule

`default_nettype wire
