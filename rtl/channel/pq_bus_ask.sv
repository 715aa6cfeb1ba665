// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// pq_bus_ask: may a rank's request have the data bus in this cycle, and in which slot?
//
//   request_i --> [ read or write? bank group? ] --+
//   *_allowed_i, slot_free_i: bit s of slot s -----+--> wins_o, slot_o
//
// Latency     combinational                  Throughput  1 request per cycle
// Golden      tb/memory/timing_checker.h judges the timing
module pq_bus_ask #(
  parameter  bit              Rank      = 1'b0,
  parameter  pq_pkg::memory_t Memory    = pq_pkg::DefaultMemory,
  localparam int unsigned     GroupBits = $clog2(Memory.BankGroups)
) (
  input  wire logic [1:0]           valid_i,          // it wants slot 0, slot 1
  input  wire pq_pkg::column_kind_e kind_i,
  input  wire logic [GroupBits-1:0] group_i,          // its bank group
  input  wire logic                 held_off_i,       // the other rank has waited for too long
  input  wire logic [1:0]           slot_free_i,
  input  wire logic [1:0]           read_allowed_i,   // the bus has time for a read
  input  wire logic [1:0]           write_allowed_i,
  input  wire logic [1:0]           group_allowed_i,  // for an access of the bank group of last_i
  input  wire logic [GroupBits:0]   last_i,           // rank and bank group of the last one
  output logic                      wins_o,
  output logic                      slot_o,
  output logic                      writes_o
);

  logic       in_turn;   // no bank group keeps it waiting
  logic [1:0] allowed;

  assign writes_o = kind_i != pq_pkg::ColRd && kind_i != pq_pkg::ColBroadcast
                 && kind_i != pq_pkg::ColEngineRd;
  assign in_turn  = kind_i == pq_pkg::ColEngineWrAll || last_i != {Rank, group_i};
  assign allowed  = valid_i & slot_free_i & (writes_o ? write_allowed_i : read_allowed_i)
                  & ({2{in_turn}} | group_allowed_i);
  assign wins_o   = (|allowed) && !held_off_i;
  assign slot_o   = !allowed[0];

endmodule

`default_nettype wire
