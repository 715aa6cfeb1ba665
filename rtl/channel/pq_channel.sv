// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// pq_channel: a pseudo-channel of DRAM with an engine next to each bank, or to each two banks.
//
//   host --> pq_sequencer --+--> row_*, col_*, bus_wdata_o --> DRAM of all ranks
//                           |<-- bus_rdata_i <----------------/   | bank_data_i: each bank's own
//                           |                                     v
//                           +--> commands, bus, reads --> pq_bank_engine x Ranks * Engines
//                           |<-- engine_data: of the engine that was asked ---/   |
//                                                     write_data_o: codes <-------/
//
// Latency     DRAM pins as of pq_sequencer. Commands: docs/channel.md
// Throughput  as of pq_sequencer
// Golden      aqpim::golden::Channel   sw/golden/channel.h
module pq_channel #(
  parameter  int unsigned HeadDim        = 128,
  parameter  int unsigned SubDim         = 4,
  parameter  int unsigned CodeBits       = 8,
  parameter  int unsigned WordBits       = 256,
  parameter  int unsigned QueryWidth     = 12,
  parameter  int unsigned EntryWidth     = 16,
  parameter  int unsigned ScoreWidth     = 16,
  parameter  int unsigned ScoreFraction  = 8,
  parameter  int unsigned ScoreDepth     = 2048,
  parameter  int unsigned BiasDepth      = 256,
  parameter  int unsigned WeightWidth    = 14,
  parameter  int unsigned Quantize       = 1,
  parameter  int unsigned BanksPerEngine = 1,
  parameter  pq_pkg::memory_t Memory     = pq_pkg::DefaultMemory,
  parameter  int unsigned QueueDepth     = 4,
  localparam int unsigned R              = Memory.Ranks,
  localparam int unsigned Banks          = Memory.BankGroups * Memory.BanksPerGroup,
  localparam int unsigned Engines        = Banks / BanksPerEngine,
  localparam int unsigned RowBits        = $clog2(Memory.Rows),
  localparam int unsigned ColumnBits     = $clog2(Memory.Columns),
  localparam int unsigned BankBits       = $clog2(Banks)
) (
  input  wire logic                                   clk_i,
  input  wire logic                                   rst_ni,
  // Host
  input  wire logic                                   cmd_valid_i,
  output logic                                        cmd_ready_o,      // taken with cmd_valid_i
  input  wire pq_pkg::host_command_t                  cmd_i,
  output logic                                        answer_valid_o,   // one for each command
  output pq_pkg::host_answer_t                        answer_o,
  output logic                                        payload_take_o,   // payload_i in the next
  output pq_pkg::host_beat_t                          payload_beat_o,   // cycle
  input  wire logic [pq_pkg::BeatBits-1:0]            payload_i,
  output logic                                        data_valid_o,     // of READ and RESULT
  output pq_pkg::host_beat_t                          data_beat_o,
  output logic      [pq_pkg::BeatBits-1:0]            data_o,
  output logic                                        elements_valid_o, // of CLUSTER
  output pq_pkg::host_beat_t                          elements_beat_o,
  output logic      [pq_pkg::BeatBits-1:0]            elements_o,
  // DRAM: element s of each is slot s
  output logic      [1:0]                             row_valid_o,
  output logic      [3:0]                             row_kind_o,       // row_kind_e
  output logic      [1:0]                             row_rank_o,
  output logic      [2*RowBits-1:0]                   row_row_o,
  output logic      [1:0]                             col_valid_o,
  output logic      [5:0]                             col_kind_o,       // column_kind_e
  output logic      [1:0]                             col_rank_o,
  output logic      [3:0]                             col_set_o,        // bank_set_e
  output logic      [2*BankBits-1:0]                  col_bank_o,
  output logic      [2*RowBits-1:0]                   col_row_o,        // open since its activate
  output logic      [2*ColumnBits-1:0]                col_column_o,
  input  wire logic [pq_pkg::BeatBits-1:0]            bus_rdata_i,
  output logic      [pq_pkg::BeatBits-1:0]            bus_wdata_o,
  // Banks: of bank rank * Banks + b, or of engine rank * Engines + e
  input  wire logic [R*Banks*pq_pkg::BeatBits-1:0]    bank_data_i,
  output logic      [R*Engines*pq_pkg::BeatBits-1:0]  write_data_o,     // of WR_ALL
  output logic      [R*Engines-1:0]                   write_enable_o,   // 0: the beat stays
  output logic                                        error_o           // pulse: an engine refused
                                                      // a command, its registers do not fit
);

  if (Quantize != 1) begin : gen_bad_quantize
    $error("pq_channel: Quantize must be 1");
  end

  logic [R-1:0]                           engine_valid, engine_ready, bank_take, bank_odd;
  logic [R*pq_pkg::EngineCommandBits-1:0] engine_command;
  logic [R*Engines-1:0]                   bus_valid, read_valid, ready, errors;
  pq_pkg::engine_write_t                  bus_beat;
  logic [pq_pkg::BeatBits-1:0]            bus_data, engine_data;
  logic [R*pq_pkg::EngineReadBits-1:0]    read_beat;

  pq_sequencer #(
    .HeadDim        (HeadDim),
    .SubDim         (SubDim),
    .CodeBits       (CodeBits),
    .WordBits       (WordBits),
    .ScoreDepth     (ScoreDepth),
    .BiasDepth      (BiasDepth),
    .BanksPerEngine (BanksPerEngine),
    .Memory         (Memory),
    .QueueDepth     (QueueDepth)
  ) u_sequencer (
    .clk_i,
    .rst_ni,
    .cmd_valid_i,
    .cmd_ready_o,
    .cmd_i,
    .answer_valid_o,
    .answer_o,
    .payload_take_o,
    .payload_beat_o,
    .payload_i,
    .data_valid_o,
    .data_beat_o,
    .data_o,
    .elements_valid_o,
    .elements_beat_o,
    .elements_o,
    .row_valid_o,
    .row_kind_o,
    .row_rank_o,
    .row_row_o,
    .col_valid_o,
    .col_kind_o,
    .col_rank_o,
    .col_set_o,
    .col_bank_o,
    .col_row_o,
    .col_column_o,
    .bus_rdata_i,
    .bus_wdata_o,
    .engine_valid_o   (engine_valid),
    .engine_command_o (engine_command),
    .engine_ready_i   (engine_ready),
    .bank_take_o      (bank_take),
    .bank_odd_o       (bank_odd),
    .bus_valid_o      (bus_valid),
    .bus_beat_o       (bus_beat),
    .bus_data_o       (bus_data),
    .read_valid_o     (read_valid),
    .read_beat_o      (read_beat),
    .engine_data_i    (engine_data)
  );

  // ---- Engines ----------------------------------------------------------------------------------

  localparam int unsigned BankBeats = BanksPerEngine * pq_pkg::BeatBits;

  logic [R*Engines*pq_pkg::BeatBits-1:0] read_data;

  for (genvar g = 0; g < R * Engines; g++) begin : gen_engine
    localparam int unsigned Rank  = g / Engines;
    localparam int unsigned Index = g % Engines;

    logic unused_answered;

    pq_bank_engine #(
      .HeadDim        (HeadDim),
      .SubDim         (SubDim),
      .CodeBits       (CodeBits),
      .WordBits       (WordBits),
      .QueryWidth     (QueryWidth),
      .EntryWidth     (EntryWidth),
      .ScoreWidth     (ScoreWidth),
      .ScoreFraction  (ScoreFraction),
      .ScoreDepth     (ScoreDepth),
      .BiasDepth      (BiasDepth),
      .WeightWidth    (WeightWidth),
      .Quantize       (Quantize),
      .BanksPerEngine (BanksPerEngine)
    ) u_bank_engine (
      .clk_i,
      .rst_ni,
      .index_i        (4'(Index)),
      .cmd_valid_i    (engine_valid[Rank]),
      .cmd_i          (engine_command[Rank*pq_pkg::EngineCommandBits +: pq_pkg::EngineCommandBits]),
      .ready_o        (ready[g]),
      .bank_take_i    (bank_take[Rank]),
      .bank_odd_i     (bank_odd[Rank]),
      .bank_data_i    (bank_data_i[g*BankBeats +: BankBeats]),
      .bus_valid_i    (bus_valid[g]),
      .bus_beat_i     (bus_beat),
      .bus_data_i     (bus_data),
      .read_valid_i   (read_valid[g]),
      .read_beat_i    (read_beat[Rank*pq_pkg::EngineReadBits +: pq_pkg::EngineReadBits]),
      .read_valid_o   (unused_answered),
      .read_data_o    (read_data[g*pq_pkg::BeatBits +: pq_pkg::BeatBits]),
      .write_data_o   (write_data_o[g*pq_pkg::BeatBits +: pq_pkg::BeatBits]),
      .write_enable_o (write_enable_o[g]),
      .error_o        (errors[g])
    );
  end

  pq_read_bus #(
    .BanksPerEngine (BanksPerEngine),
    .Memory         (Memory)
  ) u_read_bus (
    .data_i (read_data),
    .data_o (engine_data)
  );

  assign error_o = |errors;

  for (genvar r = 0; r < R; r++) begin : gen_ready
    assign engine_ready[r] = &ready[r*Engines +: Engines];
  end

endmodule

`default_nettype wire
