// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// pq_stored_element: an element of a stored codebook as the integer that vectors are compared with.
//
//   element_i --> [ int8 * 16, or E3M4 s eee mmmm = (-1)^s * (e ? 16 + m : m) * 2^(max(e, 1) - 1) ]
//
// Formats     in: int8 (keys) or E3M4 (values); out: s12, exact
// Latency     combinational                  Throughput  1 per cycle
// Golden      aqpim::golden::stored_element()   sw/golden/nearest.h
module pq_stored_element (
  input  wire logic [7:0]  element_i,
  input  wire logic        values_i,     // E3M4
  output logic      [11:0] value_o       // signed
);

  logic [11:0] magnitude;

  assign magnitude = |element_i[6:4] ? 12'({1'b1, element_i[3:0]}) << (element_i[6:4] - 3'd1)
                                     : 12'(element_i[3:0]);
  assign value_o   = !values_i ? {element_i, 4'b0}
                               : (magnitude ^ {12{element_i[7]}}) + 12'(element_i[7]);

endmodule

`default_nettype wire
