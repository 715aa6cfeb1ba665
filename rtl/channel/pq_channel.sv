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
  parameter  int unsigned Ranks          = 2,
  parameter  int unsigned BankGroups     = 4,
  parameter  int unsigned BanksPerGroup  = 4,
  parameter  int unsigned Rows           = 16384,
  parameter  int unsigned Columns        = 32,
  parameter  int unsigned nBL            = 2,
  parameter  int unsigned nCL            = 19,
  parameter  int unsigned nCWL           = 6,
  parameter  int unsigned nRCD           = 19,
  parameter  int unsigned nRP            = 19,
  parameter  int unsigned nRAS           = 45,
  parameter  int unsigned nRC            = 63,
  parameter  int unsigned nCCDS          = 2,
  parameter  int unsigned nCCDL          = 4,
  parameter  int unsigned nCCDAB         = 4,
  parameter  int unsigned nRTW           = 3,
  parameter  int unsigned nWR            = 21,
  parameter  int unsigned nRTPL          = 8,
  parameter  int unsigned nREFI          = 5070,
  parameter  int unsigned nRFC           = 456,
  parameter  int unsigned Postponed      = 8,     // refreshes that may be owed
  parameter  int unsigned PowerLimited   = 1,     // 0 or 1
  parameter  int unsigned LimitedCCDAB   = 6,     // with the power limit: instead of nCCDAB,
  parameter  int unsigned LimitedColumns = 32,    // and so many columns of a bank
  parameter  int unsigned LimitedWindow  = 192,   // in so many memory cycles
  parameter  int unsigned QueueDepth     = 4,
  localparam int unsigned R              = Ranks,
  localparam int unsigned Banks          = BankGroups * BanksPerGroup,
  localparam int unsigned Engines        = Banks / BanksPerEngine,
  localparam int unsigned RowBits        = $clog2(Rows),
  localparam int unsigned ColumnBits     = $clog2(Columns),
  localparam int unsigned BankBits       = $clog2(Banks)
) (
  input  wire logic                     clk_i,
  input  wire logic                     rst_ni,
  // Host
  input  wire logic                     cmd_valid_i,
  output logic                          cmd_ready_o,        // a command is taken with cmd_valid_i
  input  wire logic [7:0]               cmd_tag_i,          // comes back with its answer
  input  wire logic [3:0]               cmd_opcode_i,       // docs/channel.md
  input  wire logic                     cmd_rank_i,
  input  wire logic [1:0]               cmd_context_i,
  input  wire logic [159:0]             cmd_fields_i,       // f0 lowest, 16 bits each
  output logic                          answer_valid_o,     // one for each command
  output logic      [7:0]               answer_tag_o,
  output logic      [3:0]               answer_code_o,      // 0: done
  output logic                          payload_take_o,     // payload_i in the next cycle
  output logic      [7:0]               payload_tag_o,
  output logic      [15:0]              payload_beat_o,
  input  wire logic [255:0]             payload_i,
  output logic                          data_valid_o,       // of READ and RESULT
  output logic      [7:0]               data_tag_o,
  output logic      [15:0]              data_beat_o,
  output logic      [255:0]             data_o,
  output logic                          elements_valid_o,   // of CLUSTER
  output logic      [7:0]               elements_tag_o,
  output logic      [15:0]              elements_beat_o,
  output logic      [255:0]             elements_o,
  // DRAM: element s of each is slot s
  output logic      [1:0]               row_valid_o,
  output logic      [3:0]               row_kind_o,         // 0 ACT_ALL 1 PRE_ALL 2 REF
  output logic      [1:0]               row_rank_o,
  output logic      [2*RowBits-1:0]     row_row_o,
  output logic      [1:0]               col_valid_o,
  output logic      [5:0]               col_kind_o,         // 0 RD 1 WR 2 BROADCAST 3 RD_ALL
                                                            // 4 WR_ALL 5 ENGINE_RD 6 ENGINE_WR
                                                            // 7 ENGINE_WR_ALL
  output logic      [1:0]               col_rank_o,
  output logic      [3:0]               col_set_o,          // 0 all 1 even 2 odd banks
  output logic      [2*BankBits-1:0]    col_bank_o,
  output logic      [2*RowBits-1:0]     col_row_o,          // open since its activate
  output logic      [2*ColumnBits-1:0]  col_column_o,
  input  wire logic [255:0]             bus_rdata_i,
  output logic      [255:0]             bus_wdata_o,
  // Banks: of bank rank * Banks + b, or of engine rank * Engines + e
  input  wire logic [R*Banks*256-1:0]   bank_data_i,
  output logic      [R*Engines*256-1:0] write_data_o,       // of WR_ALL
  output logic      [R*Engines-1:0]     write_enable_o,     // 0: the beat stays as it is
  output logic                          error_o             // pulse: an engine refused a command,
                                                            // its registers do not fit
);

  localparam int unsigned TokensWidth = $clog2(ScoreDepth + 1);

  if (Quantize != 1) begin : gen_bad_quantize
    $error("pq_channel: Quantize must be 1");
  end

  logic [R-1:0]             engine_cmd_valid, engine_cmd_first, engine_ready, bank_take, bank_odd;
  logic [3*R-1:0]           engine_cmd_operation;
  logic [R*TokensWidth-1:0] engine_cmd_skip, engine_cmd_tokens;
  logic [R*Engines-1:0]     bus_valid, read_valid, ready, errors;
  logic [2:0]               bus_kind;
  logic [4:0]               bus_index;
  logic [255:0]             bus_data, engine_data;
  logic [2*R-1:0]           read_kind;
  logic [6*R-1:0]           read_index;

  pq_sequencer #(
    .HeadDim        (HeadDim),
    .SubDim         (SubDim),
    .CodeBits       (CodeBits),
    .WordBits       (WordBits),
    .ScoreDepth     (ScoreDepth),
    .BiasDepth      (BiasDepth),
    .BanksPerEngine (BanksPerEngine),
    .Ranks          (Ranks),
    .BankGroups     (BankGroups),
    .BanksPerGroup  (BanksPerGroup),
    .Rows           (Rows),
    .Columns        (Columns),
    .nBL            (nBL),
    .nCL            (nCL),
    .nCWL           (nCWL),
    .nRCD           (nRCD),
    .nRP            (nRP),
    .nRAS           (nRAS),
    .nRC            (nRC),
    .nCCDS          (nCCDS),
    .nCCDL          (nCCDL),
    .nCCDAB         (nCCDAB),
    .nRTW           (nRTW),
    .nWR            (nWR),
    .nRTPL          (nRTPL),
    .nREFI          (nREFI),
    .nRFC           (nRFC),
    .Postponed      (Postponed),
    .PowerLimited   (PowerLimited),
    .LimitedCCDAB   (LimitedCCDAB),
    .LimitedColumns (LimitedColumns),
    .LimitedWindow  (LimitedWindow),
    .QueueDepth     (QueueDepth)
  ) u_sequencer (
    .clk_i                  (clk_i),
    .rst_ni                 (rst_ni),
    .cmd_valid_i            (cmd_valid_i),
    .cmd_ready_o            (cmd_ready_o),
    .cmd_tag_i              (cmd_tag_i),
    .cmd_opcode_i           (cmd_opcode_i),
    .cmd_rank_i             (cmd_rank_i),
    .cmd_context_i          (cmd_context_i),
    .cmd_fields_i           (cmd_fields_i),
    .answer_valid_o         (answer_valid_o),
    .answer_tag_o           (answer_tag_o),
    .answer_code_o          (answer_code_o),
    .payload_take_o         (payload_take_o),
    .payload_tag_o          (payload_tag_o),
    .payload_beat_o         (payload_beat_o),
    .payload_i              (payload_i),
    .data_valid_o           (data_valid_o),
    .data_tag_o             (data_tag_o),
    .data_beat_o            (data_beat_o),
    .data_o                 (data_o),
    .elements_valid_o       (elements_valid_o),
    .elements_tag_o         (elements_tag_o),
    .elements_beat_o        (elements_beat_o),
    .elements_o             (elements_o),
    .row_valid_o            (row_valid_o),
    .row_kind_o             (row_kind_o),
    .row_rank_o             (row_rank_o),
    .row_row_o              (row_row_o),
    .col_valid_o            (col_valid_o),
    .col_kind_o             (col_kind_o),
    .col_rank_o             (col_rank_o),
    .col_set_o              (col_set_o),
    .col_bank_o             (col_bank_o),
    .col_row_o              (col_row_o),
    .col_column_o           (col_column_o),
    .bus_rdata_i            (bus_rdata_i),
    .bus_wdata_o            (bus_wdata_o),
    .engine_cmd_valid_o     (engine_cmd_valid),
    .engine_cmd_operation_o (engine_cmd_operation),
    .engine_cmd_first_o     (engine_cmd_first),
    .engine_cmd_skip_o      (engine_cmd_skip),
    .engine_cmd_tokens_o    (engine_cmd_tokens),
    .engine_ready_i         (engine_ready),
    .bank_take_o            (bank_take),
    .bank_odd_o             (bank_odd),
    .bus_valid_o            (bus_valid),
    .bus_kind_o             (bus_kind),
    .bus_index_o            (bus_index),
    .bus_data_o             (bus_data),
    .read_valid_o           (read_valid),
    .read_kind_o            (read_kind),
    .read_index_o           (read_index),
    .engine_data_i          (engine_data)
  );

  // ---- Engines ----------------------------------------------------------------------------------

  logic [R*Engines*256-1:0] read_data;

  for (genvar g = 0; g < R * Engines; g++) begin : gen_engine
    localparam int unsigned Rank  = g / Engines;
    localparam int unsigned Index = g % Engines;

    logic read_answered;

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
      .clk_i           (clk_i),
      .rst_ni          (rst_ni),
      .index_i         (4'(Index)),
      .cmd_valid_i     (engine_cmd_valid[Rank]),
      .cmd_operation_i (engine_cmd_operation[3*Rank +: 3]),
      .cmd_first_i     (engine_cmd_first[Rank]),
      .cmd_skip_i      (engine_cmd_skip[Rank*TokensWidth +: TokensWidth]),
      .cmd_tokens_i    (engine_cmd_tokens[Rank*TokensWidth +: TokensWidth]),
      .ready_o         (ready[g]),
      .bank_take_i     (bank_take[Rank]),
      .bank_odd_i      (bank_odd[Rank]),
      .bank_data_i     (bank_data_i[g*BanksPerEngine*256 +: BanksPerEngine*256]),
      .bus_valid_i     (bus_valid[g]),
      .bus_kind_i      (bus_kind),
      .bus_index_i     (bus_index),
      .bus_data_i      (bus_data),
      .read_valid_i    (read_valid[g]),
      .read_kind_i     (read_kind[2*Rank +: 2]),
      .read_index_i    (read_index[6*Rank +: 6]),
      .read_valid_o    (read_answered),
      .read_data_o     (read_data[g*256 +: 256]),
      .write_data_o    (write_data_o[g*256 +: 256]),
      .write_enable_o  (write_enable_o[g]),
      .error_o         (errors[g])
    );

    logic unused_answered;
    assign unused_answered = read_answered;
  end

  pq_read_bus #(
    .BanksPerEngine (BanksPerEngine),
    .Ranks          (Ranks),
    .BankGroups     (BankGroups),
    .BanksPerGroup  (BanksPerGroup)
  ) u_read_bus (
    .data_i (read_data),
    .data_o (engine_data)
  );

  assign error_o = |errors;

  for (genvar r = 0; r < Ranks; r++) begin : gen_ready
    assign engine_ready[r] = &ready[r*Engines +: Engines];
  end

endmodule

`default_nettype wire
