// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// pq_bus: the data bus of both ranks.
//
//   columns of all banks, requests of ranks --> pq_bus_arbiter --> col_* pins
//                                                  | what is granted
//                                                  v
//   payload, buffer, bus_rdata_i, engine_data_i --> pq_bus_data --> bus_wdata_o, engines, host
//
// Latency     request to grant of a write, or of a read behind the other rank's writes: at most
//             1033 cycles with HBM3 at 5.2 Gb/s, FairCycles + (nCL + nBL + nRTW - nCWL) / 2,
//             beside those in which columns of all banks take its slots. A request that a stream
//             withdraws for refreshes counts anew when it comes back: up to FairCycles before them
//             and as many cycles as above after them. Grant to pins: 1 cycle. From the cycle n of a
//             command on the pins: read data are taken in n + ReadCycles, and go on in the next
//             cycle; payload_take_o in n, payload_i in n + 1, bus_wdata_o in n + WriteCycles, at
//             the engines in n + WriteCycles + 2
// Throughput  1 beat on the data bus per cycle
// Golden      tb/memory/timing_checker.h judges the timing, sw/golden/channel.h the data
module pq_bus #(
  parameter  int unsigned     BanksPerEngine = 1,
  parameter  int unsigned     WordsPerBeat   = 1,
  parameter  int unsigned     BufferBits     = 8,
  parameter  pq_pkg::memory_t Memory         = pq_pkg::DefaultMemory,
  localparam int unsigned     R              = Memory.Ranks,
  localparam int unsigned     Banks          = Memory.BankGroups * Memory.BanksPerGroup,
  localparam int unsigned     Engines        = Banks / BanksPerEngine,
  localparam int unsigned     RowBits        = $clog2(Memory.Rows),
  localparam int unsigned     ColumnBits     = $clog2(Memory.Columns),
  localparam int unsigned     BankBits       = $clog2(Banks)
) (
  input  wire logic                                clk_i,
  input  wire logic                                rst_ni,
  // Columns of all banks of each rank (pq_rank_stream)
  input  wire logic [R-1:0]                        local_valid_i,
  input  wire logic [R-1:0]                        local_write_i,
  input  wire logic [R-1:0]                        local_odd_i,
  // Requests of each rank: bus_address_t, which is also that of columns of all banks, bus_request_t
  input  wire logic [2*R-1:0]                      request_valid_i,   // a stream's, in slot 0, 1
  input  wire logic [R-1:0]                        urgent_i,          // a transfer's, in any slot
  input  wire logic [R*pq_pkg::BusAddressBits-1:0] address_i,
  input  wire logic [R*pq_pkg::BusRequestBits-1:0] request_i,
  output logic      [R-1:0]                        grant_o,
  output logic                                     slot_o,            // of what is granted
  // DRAM pins
  output logic      [1:0]                          col_valid_o,
  output logic      [5:0]                          col_kind_o,
  output logic      [1:0]                          col_rank_o,
  output logic      [3:0]                          col_set_o,
  output logic      [2*BankBits-1:0]               col_bank_o,
  output logic      [2*RowBits-1:0]                col_row_o,
  output logic      [2*ColumnBits-1:0]             col_column_o,
  input  wire logic [pq_pkg::BeatBits-1:0]         bus_rdata_i,
  output logic      [pq_pkg::BeatBits-1:0]         bus_wdata_o,
  // Host and reducer
  output logic                                     payload_take_o,
  output pq_pkg::host_beat_t                       payload_beat_o,
  input  wire logic [pq_pkg::BeatBits-1:0]         payload_i,
  output logic                                     buffer_read_o,   // data in the next cycle
  output logic      [BufferBits-1:0]               buffer_address_o,
  input  wire logic [pq_pkg::BeatBits-1:0]         buffer_i,
  output logic                                     data_valid_o,
  output pq_pkg::host_beat_t                       data_beat_o,
  output logic                                     record_valid_o,
  output logic      [pq_pkg::BeatBits-1:0]         data_o,   // with data_valid_o or record_valid_o
  // Engines: of a rank, or of engine rank * Engines + e
  output logic      [R-1:0]                        bank_take_o,
  output logic      [R-1:0]                        bank_odd_o,
  output logic      [R*Engines-1:0]                bus_valid_o,
  output pq_pkg::engine_write_t                    bus_beat_o,
  output logic      [pq_pkg::BeatBits-1:0]         bus_data_o,
  output logic      [R*Engines-1:0]                read_valid_o,
  output pq_pkg::engine_read_t                     read_beat_o,     // ReadResult or ReadRecord
  input  wire logic [pq_pkg::BeatBits-1:0]         engine_data_i
);

  logic                 won, rank;
  pq_pkg::bus_request_t granted;

  pq_bus_arbiter #(
    .BanksPerEngine (BanksPerEngine),
    .Memory         (Memory)
  ) u_arbiter (
    .clk_i,
    .rst_ni,
    .local_valid_i,
    .local_write_i,
    .local_odd_i,
    .request_valid_i,
    .urgent_i,
    .address_i,
    .request_i,
    .grant_o,
    .slot_o,
    .won_o     (won),
    .rank_o    (rank),
    .request_o (granted),
    .col_valid_o,
    .col_kind_o,
    .col_rank_o,
    .col_set_o,
    .col_bank_o,
    .col_row_o,
    .col_column_o
  );

  pq_bus_data #(
    .BanksPerEngine (BanksPerEngine),
    .WordsPerBeat   (WordsPerBeat),
    .BufferBits     (BufferBits),
    .Memory         (Memory)
  ) u_data (
    .clk_i,
    .rst_ni,
    .won_i     (won),
    .rank_i    (rank),
    .request_i (granted),
    .local_valid_i,
    .local_write_i,
    .local_odd_i,
    .bus_rdata_i,
    .bus_wdata_o,
    .payload_take_o,
    .payload_beat_o,
    .payload_i,
    .buffer_read_o,
    .buffer_address_o,
    .buffer_i,
    .data_valid_o,
    .data_beat_o,
    .record_valid_o,
    .data_o,
    .bank_take_o,
    .bank_odd_o,
    .bus_valid_o,
    .bus_beat_o,
    .bus_data_o,
    .read_valid_o,
    .read_beat_o,
    .engine_data_i
  );

endmodule

`default_nettype wire
