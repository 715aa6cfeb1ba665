// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// pq_fp16_adder: sum of two binary16 numbers, rounded to nearest even. Part of the FP16 unit that
// the engine's area is compared with.
//
//   a_i, b_i --> [ order, align, reg ] --> [ add, count, reg ] --> [ shift, round, reg ] --> sum_o
//
// Formats     binary16; small numbers, overflow, NaN and infinity as in pq_fp16_multiplier; an
//             exact zero is +0
// Latency     3 cycles                       Throughput  1 sum per cycle
// Golden      the compiler's _Float16        tb/unit/fp16_test.cpp
module pq_fp16_adder (
  input  wire logic        clk_i,
  input  wire logic [15:0] a_i,
  input  wire logic [15:0] b_i,
  output logic      [15:0] sum_o
);

  localparam logic [4:0] Special = 5'd31;

  // Order: the larger magnitude first
  logic        swap;
  logic [15:0] major, minor;
  logic [4:0]  distance;
  logic [13:0] minor_mantissa, aligned;     // hidden bit, fraction, guard, round, sticky
  logic        lost;

  assign swap           = a_i[14:0] < b_i[14:0];
  assign major          = swap ? b_i : a_i;
  assign minor          = swap ? a_i : b_i;
  assign distance       = major[14:10] - minor[14:10];
  assign minor_mantissa = minor[14:10] == '0 ? '0 : {1'b1, minor[9:0], 3'b000};
  assign aligned        = distance > 5'd13 ? '0 : minor_mantissa >> distance;
  assign lost           = distance > 5'd13 ? minor_mantissa != '0
                                           : (aligned << distance) != minor_mantissa;

  logic        sign_q, subtract_q, special_q;
  logic [4:0]  exponent_q;
  logic [13:0] major_q, minor_q;

  always_ff @(posedge clk_i) begin
    sign_q     <= major[15];
    subtract_q <= major[15] ^ minor[15];
    special_q  <= major[14:10] == Special;
    exponent_q <= major[14:10];
    major_q    <= major[14:10] == '0 ? '0 : {1'b1, major[9:0], 3'b000};
    minor_q    <= {aligned[13:1], aligned[0] || lost};
  end

  // Add
  logic [14:0] total;
  logic [3:0]  zeros;                        // leading ones of total, below its carry

  assign total = subtract_q ? {1'b0, major_q} - {1'b0, minor_q} : {1'b0, major_q} + {1'b0, minor_q};

  always_comb begin
    zeros = 4'd15;
    for (int unsigned i = 0; i < 15; i++) if (total[i]) zeros = 4'(14 - i);
  end

  logic        sign_q2, special_q2;
  logic [4:0]  exponent_q2;
  logic [14:0] total_q;
  logic [3:0]  zeros_q;

  always_ff @(posedge clk_i) begin
    sign_q2     <= sign_q && total != '0;
    special_q2  <= special_q;
    exponent_q2 <= exponent_q;
    total_q     <= total;
    zeros_q     <= zeros;
  end

  // Normalise and round: the leading one goes beyond bit 13
  logic        [13:0] shifted;
  logic               round_up;
  logic        [10:0] rounded;                // {carry, fraction}
  logic signed [6:0]  exponent;

  assign shifted  = 14'(total_q << zeros_q);
  assign round_up = shifted[3] && (|shifted[2:0] || shifted[4]);
  assign rounded  = {1'b0, shifted[13:4]} + 11'(round_up);
  assign exponent = $signed({2'b00, exponent_q2}) + 7'sd1 - $signed({3'b000, zeros_q})
                  + 7'(rounded[10]);

  always_ff @(posedge clk_i) begin
    sum_o[15] <= sign_q2;
    if (special_q2 || exponent >= 7'sd31) sum_o[14:0] <= {Special, 10'b0};
    else if (total_q == '0 || exponent <= 7'sd0) sum_o[14:0] <= '0;
    else sum_o[14:0] <= {exponent[4:0], rounded[9:0]};
  end

endmodule

`default_nettype wire
