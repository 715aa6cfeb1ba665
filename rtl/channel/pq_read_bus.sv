// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// pq_read_bus: the read data of all engines of a pseudo-channel as one beat.
//
//   data_i (a beat of each engine) --> [ OR ] --> data_o
//
// Only the engine that was asked answers, the others give zeros.
//
// Latency     none: gates only      Throughput  1 beat per cycle
// Golden      none: the beat of the engine that was asked
module pq_read_bus #(
  parameter  int unsigned     BanksPerEngine = 1,
  parameter  pq_pkg::memory_t Memory         = pq_pkg::DefaultMemory,
  localparam int unsigned     Engines        = Memory.Ranks * Memory.BankGroups
                                             * Memory.BanksPerGroup / BanksPerEngine
) (
  input  wire logic [Engines*pq_pkg::BeatBits-1:0] data_i,
  output logic      [pq_pkg::BeatBits-1:0]         data_o
);

  always_comb begin
    data_o = '0;
    for (int unsigned g = 0; g < Engines; g++) begin
      data_o |= data_i[g*pq_pkg::BeatBits +: pq_pkg::BeatBits];
    end
  end

endmodule

`default_nettype wire
