// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// stored_element: pq_stored_element's integer, for all elements.
//
//   1. of keys it is 16 times the int8
//   2. of values it is what the E3M4 s eee mmmm stands for:
//      (-1)^s (e ? 16 + m : m) 2^(max(e, 1) - 1)
module stored_element (
  input wire logic       clk_i,
  input wire logic [7:0] element_i,
  input wire logic       values_i
);

  logic [11:0] value;
  int signed   integer_value, scale, mantissa;

  pq_stored_element u_dut (.element_i, .values_i, .value_o (value));

  always_comb begin
    integer_value = 32'($signed(value));
    unique case (element_i[6:4])
      3'd0, 3'd1: scale = 1;
      3'd2:       scale = 2;
      3'd3:       scale = 4;
      3'd4:       scale = 8;
      3'd5:       scale = 16;
      3'd6:       scale = 32;
      default:    scale = 64;
    endcase
    mantissa = 32'(element_i[3:0]) + (element_i[6:4] == 3'd0 ? 0 : 16);
    if (element_i[7]) mantissa = -mantissa;
  end

  always_ff @(posedge clk_i) begin
    rule_1: assert (values_i || integer_value == 16 * 32'($signed(element_i)));
    rule_2: assert (!values_i || integer_value == mantissa * scale);
    cover (integer_value == -1984);
  end

endmodule

`default_nettype wire
