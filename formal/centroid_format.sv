// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// centroid_format: pq_centroid_format's two formats, read back, for all centroids.
//
// Followed is one element, which is any.
//   1. half_o is a binary16 that stands for value / 2^8, exactly
//   2. element_o of keys is the int8 nearest to value / 16, ties to even, 127 at most
//   3. element_o of values is the E3M4 nearest to value, or one of two that are as near, with an
//      even mantissa; beyond +-1984 it is that
//   4. valid_o comes with them
module centroid_format (
  input wire logic        clk_i,
  input wire logic        valid_i,
  input wire logic [11:0] value_i,
  input wire logic        values_i,
  input wire logic        follow_i    // the element that comes
);

  logic              valid, values_q, valid_q, rst_n = 1'b0;
  logic [15:0]       half;
  logic [7:0]        element;
  logic [1:0]        age_q = '0;      // 0: no element is followed
  int signed         value_q, size, half_size, key_off;

  pq_centroid_format u_dut (
    .clk_i, .rst_ni (rst_n), .valid_i, .value_i, .values_i, .valid_o (valid), .half_o (half),
    .element_o (element));

  // An E3M4 without its sign.
  function automatic int signed stands_for(input logic [6:0] code);
    unique case (code[6:4])
      3'd0:    stands_for = 32'(code[3:0]);
      3'd1:    stands_for = 32'(code[3:0]) + 16;
      3'd2:    stands_for = 2 * 32'(code[3:0]) + 32;
      3'd3:    stands_for = 4 * 32'(code[3:0]) + 64;
      3'd4:    stands_for = 8 * 32'(code[3:0]) + 128;
      3'd5:    stands_for = 16 * 32'(code[3:0]) + 256;
      3'd6:    stands_for = 32 * 32'(code[3:0]) + 512;
      default: stands_for = 64 * 32'(code[3:0]) + 1024;
    endcase
  endfunction

  logic [6:0] above_code, below_code;
  int signed  magnitude, here, above, below;

  assign above_code = element[6:0] + 1'b1;
  assign below_code = element[6:0] - 1'b1;
  assign magnitude  = value_q < 0 ? -value_q : value_q;
  assign here       = stands_for(element[6:0]) - magnitude;
  assign above      = stands_for(above_code) - magnitude;
  assign below      = stands_for(below_code) - magnitude;
  // 2^-8 of binary16: (1024 + m) 2^(e - 25) 2^8 = (1024 + m) 2^(e - 17); e is 7 at least.
  assign half_size  = half[14:10] == '0 ? 0 : (1024 + 32'(half[9:0])) << (half[14:10] - 5'd7);
  assign key_off    = 16 * 32'($signed(element)) - value_q;

  always_ff @(posedge clk_i) begin
    rst_n <= 1'b1;
    if (age_q == '0) begin
      age_q    <= 2'(follow_i && rst_n);
      value_q  <= 32'($signed(value_i));
      values_q <= values_i;
      valid_q  <= valid_i;
    end else begin
      age_q <= age_q == 2'd2 ? '0 : age_q + 1'b1;
    end
    assert (age_q != 2'd3 && (rst_n || age_q == '0));
    assert (age_q == '0 || (value_q >= -2048 && value_q < 2048));
    if (age_q == 2'd2) begin
      rule_1: assert (half_size == magnitude << 10 && (half[14:10] == '0 || half[14:10] >= 5'd7)
                      && (half[14:10] != '0 || half[9:0] == '0) && half[15] == (value_q < 0));
      if (!values_q) begin
        rule_2: assert (value_q >= 2040 ? element == 8'd127
                        : key_off <= 8 && key_off >= -8
                          && (!element[0] || (key_off != 8 && key_off != -8)));
      end else begin
        rule_3: assert ((magnitude >= 1984 ? stands_for(element[6:0]) == 1984
                        : (here <= 0 ? -here < above || (-here == above && !element[0])
                                     : here < -below || (here == -below && !element[0])))
                        && element[7] == (value_q < 0));
      end
      rule_4: assert (valid == valid_q);
      cover (values_q && element == 8'h7f);
    end
  end

endmodule

`default_nettype wire
