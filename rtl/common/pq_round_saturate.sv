// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// pq_round_saturate: divides by a power of two, rounds to nearest (ties to even) and saturates.
// The one place where the engine rounds or saturates.
//
//   value_i --> [ >>> shift_i ] --> [ + round up ] --> [ clip ] --> result_o
//
// Formats     in: signed, InWidth bits       out: signed, OutWidth bits,
//             result = saturate(round_half_even(value / 2^shift)), 0 <= shift < 2^ShiftWidth
// Latency     combinational                  Throughput  1 per cycle
// Golden      aqpim::golden::round_saturate()   sw/golden/round_saturate.h
module pq_round_saturate #(
  parameter int unsigned InWidth    = 22,
  parameter int unsigned ShiftWidth = 4,
  parameter int unsigned OutWidth   = 16
) (
  input  wire logic                  valid_i,      // there is a value; otherwise both results are 0
  input  wire logic [InWidth-1:0]    value_i,      // signed
  input  wire logic [ShiftWidth-1:0] shift_i,
  output logic      [OutWidth-1:0]   result_o,     // signed
  output logic                       saturated_o   // the rounded value did not fit
);

  localparam int unsigned MaxShift = (1 << ShiftWidth) - 1;

  if (ShiftWidth < 2 || ShiftWidth > 6) begin : gen_bad_shift
    $error("pq_round_saturate: ShiftWidth must be 2 to 6");
  end
  if (OutWidth < 2 || OutWidth > InWidth) begin : gen_bad_width
    $error("pq_round_saturate: OutWidth must be at least 2 and at most InWidth");
  end

  // A function, so that simulation evaluates it only when there is a value.
  // Returns {saturated, result}.
  function automatic logic [OutWidth:0] round_saturate(
      input logic [InWidth-1:0] value, input logic [ShiftWidth-1:0] shift);
    logic signed [InWidth+MaxShift-1:0] scaled;    // MaxShift fraction bits, nothing lost
    logic        [MaxShift-1:0]         fraction;
    logic                               round_up;
    logic        [InWidth:0]            rounded;
    logic                               fits;
    scaled   = $signed({value, {MaxShift{1'b0}}}) >>> shift;
    fraction = scaled[MaxShift-1:0];
    round_up = fraction[MaxShift-1] && (|fraction[MaxShift-2:0] || scaled[MaxShift]);
    rounded  = {scaled[InWidth+MaxShift-1], scaled[InWidth+MaxShift-1:MaxShift]}
             + {{InWidth{1'b0}}, round_up};

    // The value fits if all the bits above the result's sign bit equal it.
    fits = &rounded[InWidth:OutWidth-1] || !(|rounded[InWidth:OutWidth-1]);
    round_saturate = {!fits, fits ? rounded[OutWidth-1:0]
                                  : {rounded[InWidth], {(OutWidth - 1) {!rounded[InWidth]}}}};
  endfunction

  logic [OutWidth:0] saturated_result;

  always_comb begin
    saturated_result = '0;
    if (valid_i) saturated_result = round_saturate(value_i, shift_i);
  end

  assign {saturated_o, result_o} = saturated_result;

endmodule

`default_nettype wire
