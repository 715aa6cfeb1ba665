// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "pq_assert.svh"

// pq_sequencer: host commands become DRAM commands and engine operations of a pseudo-channel.
//
//                    +--> work queue ------> pq_rank_control --phases--> pq_rank_stream --+
//   cmd_* --> pq_host_commands                 |  for each rank     rows, columns, requests |
//                    +--> transfer queue --> pq_transfer ------------------requests-----+--> pq_bus
//                                              v                                              |
//   answer_* <-- one at a time <-- done   engine operations      DRAM pins, data bus, host <--+
//                                                                          pq_reduce <--------+
//
// One sequencer serves both ranks of a pseudo-channel: they share the data bus, and so broadcasts
// and results, and the reducer; everything else is there once for each rank.
//
// Timing      the parameters nBL ... nRFC are those of docs/memory.md; no command violates them
// Latency     docs/channel.md. DRAM pins: commands in cycle n, slot s are memory cycle 2n + s; read
//             data are taken in n + ReadCycles, write data given in n + WriteCycles
// Throughput  a row of the token loops in 232 memory cycles with HBM3 at 5.2 Gb/s and its power
//             limit (two banks per engine: 192 for each pair of rows); a beat of a broadcast in 2
// Golden      aqpim::golden::Channel   sw/golden/channel.h
module pq_sequencer #(
  parameter  int unsigned HeadDim        = 128,
  parameter  int unsigned SubDim         = 4,
  parameter  int unsigned CodeBits       = 8,
  parameter  int unsigned WordBits       = 256,
  parameter  int unsigned ScoreDepth     = 2048,
  parameter  int unsigned BiasDepth      = 256,
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
  localparam int unsigned BankBits       = $clog2(Banks),
  localparam int unsigned TokensWidth    = $clog2(ScoreDepth + 1)
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
  // Engines: of a rank, or of engine rank * Engines + e
  output logic      [R-1:0]             engine_cmd_valid_o,
  output logic      [3*R-1:0]           engine_cmd_operation_o,
  output logic      [R-1:0]             engine_cmd_first_o,
  output logic      [R*TokensWidth-1:0] engine_cmd_skip_o,
  output logic      [R*TokensWidth-1:0] engine_cmd_tokens_o,
  input  wire logic [R-1:0]             engine_ready_i,     // all of the rank
  output logic      [R-1:0]             bank_take_o,        // banks deliver a beat to their engines
  output logic      [R-1:0]             bank_odd_o,
  output logic      [R*Engines-1:0]     bus_valid_o,
  output logic      [2:0]               bus_kind_o,
  output logic      [4:0]               bus_index_o,
  output logic      [255:0]             bus_data_o,
  output logic      [R*Engines-1:0]     read_valid_o,
  output logic      [2*R-1:0]           read_kind_o,        // 0 RESULT 1 RECORD 2 CODES 3 STATUS
  output logic      [6*R-1:0]           read_index_o,
  input  wire logic [255:0]             engine_data_i       // of the engine that was asked
);

  localparam int unsigned EngineBits   = $clog2(Engines);
  localparam int unsigned IndexBits    = ColumnBits + BankBits;
  localparam int unsigned WordsPerBeat = 256 / WordBits;
  localparam int unsigned Centroids    = 1 << CodeBits;
  localparam int unsigned TokenSlots   = CodeBits / 4;
  localparam int unsigned SliceBeats   = Centroids * 2 / TokenSlots / WordsPerBeat;
  localparam int unsigned RecordBeats  = 8 / TokenSlots / WordsPerBeat;
  localparam int unsigned BufferDepth  = Engines * SliceBeats > 256 ? Engines * SliceBeats : 256;
  localparam int unsigned BufferBits   = $clog2(BufferDepth);
  localparam int unsigned ShiftBeats   = (HeadDim / SubDim + 31) / 32;
  localparam int unsigned QueryBeats   = HeadDim / 16;
  localparam int unsigned ResultBeats  = HeadDim * 5 / 32 + 1;
  localparam int unsigned ReadCycles   = (nCL + nBL + 2) / 2;
  localparam int unsigned WriteCycles  = nCWL / 2;
  localparam int unsigned PaceBits     = CodeBits + $clog2(WordsPerBeat);
  localparam int unsigned WorkBits     = 8 + 3 + 2 + 5 * RowBits + 32 + IndexBits + BankBits + 1;
  localparam int unsigned TransferBits = 8 + 2 + 6 + 1;

  // From the grant of a transfer's last beat until it is in the engine, which has 18 cycles for the
  // words of it that are on their way, or until the host has it.
  localparam int unsigned SettleWrite  = WriteCycles + 21;
  localparam int unsigned SettleRead   = ReadCycles + 13;
  localparam int unsigned SettleCycles = SettleWrite > SettleRead ? SettleWrite : SettleRead;

  localparam logic [2:0] FromCentroids = 3'd7;

  if (BankGroups < 2 || Engines < BankGroups || WordsPerBeat > Engines) begin : gen_bad_groups
    $error("pq_sequencer: a rank needs two bank groups at least, and an engine in each");
  end
  if (RecordBeats < 1) begin : gen_bad_record
    $error("pq_sequencer: a centroid's record must fill whole beats");
  end

  // ---- Host commands ----------------------------------------------------------------------------

  logic                      refused, refused_taken;
  logic [7:0]                refused_tag;
  logic [3:0]                refused_code;
  logic [R-1:0]              work_valid, work_take, transfer_valid, transfer_take;
  logic [R*WorkBits-1:0]     work;
  logic [R*TransferBits-1:0] transfer;

  pq_host_commands #(
    .HeadDim        (HeadDim),
    .SubDim         (SubDim),
    .CodeBits       (CodeBits),
    .WordBits       (WordBits),
    .ScoreDepth     (ScoreDepth),
    .BiasDepth      (BiasDepth),
    .BanksPerEngine (BanksPerEngine),
    .Ranks          (Ranks),
    .Banks          (Banks),
    .Rows           (Rows),
    .Columns        (Columns),
    .QueueDepth     (QueueDepth)
  ) u_host_commands (
    .clk_i            (clk_i),
    .rst_ni           (rst_ni),
    .cmd_valid_i      (cmd_valid_i),
    .cmd_ready_o      (cmd_ready_o),
    .cmd_tag_i        (cmd_tag_i),
    .cmd_opcode_i     (cmd_opcode_i),
    .cmd_rank_i       (cmd_rank_i),
    .cmd_context_i    (cmd_context_i),
    .cmd_fields_i     (cmd_fields_i),
    .answer_valid_o   (refused),
    .answer_tag_o     (refused_tag),
    .answer_code_o    (refused_code),
    .answer_taken_i   (refused_taken),
    .work_valid_o     (work_valid),
    .work_o           (work),
    .work_take_i      (work_take),
    .transfer_valid_o (transfer_valid),
    .transfer_o       (transfer),
    .transfer_take_i  (transfer_take)
  );

  // ---- Ranks ------------------------------------------------------------------------------------

  logic [R-1:0]            row_valid, row_slot, row_grant, local_valid, local_write, local_odd;
  logic [2*R-1:0]          row_kind, stream_valid;
  logic [RowBits*R-1:0]    row_row, stream_row;
  logic [3*R-1:0]          stream_source, bus_transfer_kind;
  logic [R-1:0]            stream_all, stream_grant;
  logic [BankBits*R-1:0]   stream_bank;
  logic [EngineBits*R-1:0] stream_engine, bus_transfer_engine;
  logic [16*R-1:0]         stream_beat, bus_transfer_beat;
  logic [ColumnBits*R-1:0] stream_column;
  logic [8*R-1:0]          work_tag, transfer_tag;
  logic [R-1:0]            bus_transfer_valid, bus_transfer_read, bus_transfer_all, transfer_grant;
  logic [6*R-1:0]          bus_transfer_index;
  logic [R-1:0]            work_done, transfer_done, work_done_taken, transfer_done_taken;
  logic [R-1:0]            reducer_want, reducer_have, reducer_start, last_pass, joint, values;
  logic                    reducer_done, bus_slot;
  logic [R-1:0]            two_readers;
  logic [R*Engines-1:0]    bus_read;
  logic                    read_record;
  logic [5:0]              read_index;

  for (genvar r = 0; r < Ranks; r++) begin : gen_rank
    logic [7:0]           cmd_tag, transfer_cmd_tag;
    logic [2:0]           cmd_kind;
    logic                 cmd_joint, cmd_values, transfer_each;
    logic [RowBits-1:0]   cmd_row0, cmd_row1, cmd_row2, cmd_row3, cmd_window_rows;
    logic [15:0]          cmd_count, cmd_beats, beat;
    logic [IndexBits-1:0] cmd_first;
    logic [BankBits:0]    cmd_bank;
    logic [1:0]           transfer_kind;
    logic [5:0]           transfer_beats;
    logic                 regs_full_q, regs_written, regs_used;
    logic                 result_full_q, result_made, result_read;
    logic                 phase_valid, phase_ready, phase_all, phase_go, phase_last;
    logic [2:0]           phase_source;
    logic [RowBits-1:0]   phase_row;
    logic [IndexBits-1:0] phase_first;
    logic [15:0]          phase_beats;
    logic [BankBits:0]    phase_bank;
    logic [PaceBits-1:0]  phase_pace;
    logic                 read_all, read_status, read_beat;

    assign {cmd_tag, cmd_kind, cmd_joint, cmd_values, cmd_row0, cmd_row1, cmd_row2, cmd_row3,
            cmd_count, cmd_beats, cmd_first, cmd_bank, cmd_window_rows} =
        work[r*WorkBits +: WorkBits];
    assign {transfer_cmd_tag, transfer_kind, transfer_beats, transfer_each} =
        transfer[r*TransferBits +: TransferBits];

    always_ff @(posedge clk_i) begin
      if (work_take[r])     work_tag[8*r +: 8]     <= cmd_tag;
      if (transfer_take[r]) transfer_tag[8*r +: 8] <= transfer_cmd_tag;
    end

    // Registers: from SET_QUERY or SET_VECTORS until their consumer needs them no more. Result:
    // from ATTEND to RESULT.
    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        regs_full_q   <= 1'b0;
        result_full_q <= 1'b0;
      end else begin
        regs_full_q   <= regs_written || (regs_full_q && !regs_used);
        result_full_q <= result_made || (result_full_q && !result_read);
      end
    end

    pq_rank_control #(
      .HeadDim        (HeadDim),
      .SubDim         (SubDim),
      .CodeBits       (CodeBits),
      .WordBits       (WordBits),
      .ScoreDepth     (ScoreDepth),
      .Engines        (Engines),
      .BanksPerEngine (BanksPerEngine),
      .Banks          (Banks),
      .Rows           (Rows),
      .Columns        (Columns),
      .ReadCycles     (ReadCycles)
    ) u_control (
      .clk_i              (clk_i),
      .rst_ni             (rst_ni),
      .cmd_valid_i        (work_valid[r]),
      .cmd_take_o         (work_take[r]),
      .cmd_kind_i         (cmd_kind),
      .cmd_joint_i        (cmd_joint),
      .cmd_values_i       (cmd_values),
      .cmd_row0_i         (cmd_row0),
      .cmd_row1_i         (cmd_row1),
      .cmd_row2_i         (cmd_row2),
      .cmd_row3_i         (cmd_row3),
      .cmd_count_i        (cmd_count),
      .cmd_beats_i        (cmd_beats),
      .cmd_first_i        (cmd_first),
      .cmd_bank_i         (cmd_bank),
      .cmd_window_rows_i  (cmd_window_rows),
      .done_o             (work_done[r]),
      .done_taken_i       (work_done_taken[r]),
      .regs_full_i        (regs_full_q),
      .regs_used_o        (regs_used),
      .result_full_i      (result_full_q),
      .result_made_o      (result_made),
      .reducer_want_o     (reducer_want[r]),
      .reducer_have_i     (reducer_have[r]),
      .reducer_start_o    (reducer_start[r]),
      .last_pass_o        (last_pass[r]),
      .joint_o            (joint[r]),
      .values_o           (values[r]),
      .reducer_done_i     (reducer_done),
      .phase_valid_o      (phase_valid),
      .phase_ready_i      (phase_ready),
      .phase_source_o     (phase_source),
      .phase_row_o        (phase_row),
      .phase_first_o      (phase_first),
      .phase_beats_o      (phase_beats),
      .phase_bank_o       (phase_bank),
      .phase_pace_o       (phase_pace),
      .phase_all_o        (phase_all),
      .phase_go_o         (phase_go),
      .phase_last_i       (phase_last),
      .engine_valid_o     (engine_cmd_valid_o[r]),
      .engine_operation_o (engine_cmd_operation_o[3*r +: 3]),
      .engine_first_o     (engine_cmd_first_o[r]),
      .engine_skip_o      (engine_cmd_skip_o[r*TokensWidth +: TokensWidth]),
      .engine_tokens_o    (engine_cmd_tokens_o[r*TokensWidth +: TokensWidth]),
      .engine_ready_i     (engine_ready_i[r]),
      .read_valid_o       (read_all),
      .read_status_o      (read_status),
      .read_beat_o        (read_beat)
    );

    pq_rank_stream #(
      .Slot           (r),
      .Engines        (Engines),
      .BanksPerEngine (BanksPerEngine),
      .BankGroups     (BankGroups),
      .BanksPerGroup  (BanksPerGroup),
      .Rows           (Rows),
      .Columns        (Columns),
      .WordsPerBeat   (WordsPerBeat),
      .RecordBeats    (RecordBeats),
      .RecordsBeats   (Centroids * RecordBeats),
      .PaceBits       (PaceBits),
      .nBL            (nBL),
      .nCWL           (nCWL),
      .nRCD           (nRCD),
      .nRP            (nRP),
      .nRAS           (nRAS),
      .nRC            (nRC),
      .nCCDS          (nCCDS),
      .nCCDL          (nCCDL),
      .nCCDAB         (nCCDAB),
      .nWR            (nWR),
      .nRTPL          (nRTPL),
      .nREFI          (nREFI),
      .nRFC           (nRFC),
      .Postponed      (Postponed),
      .PowerLimited   (PowerLimited != 0),
      .LimitedCCDAB   (LimitedCCDAB),
      .LimitedColumns (LimitedColumns),
      .LimitedWindow  (LimitedWindow)
    ) u_stream (
      .clk_i          (clk_i),
      .rst_ni         (rst_ni),
      .phase_valid_i  (phase_valid),
      .phase_ready_o  (phase_ready),
      .phase_source_i (phase_source),
      .phase_row_i    (phase_row),
      .phase_first_i  (phase_first),
      .phase_beats_i  (phase_beats),
      .phase_bank_i   (phase_bank),
      .phase_pace_i   (phase_pace),
      .phase_all_i    (phase_all),
      .go_i           (phase_go),
      .last_o         (phase_last),
      .row_valid_o    (row_valid[r]),
      .row_kind_o     (row_kind[2*r +: 2]),
      .row_slot_o     (row_slot[r]),
      .row_row_o      (row_row[RowBits*r +: RowBits]),
      .row_grant_i    (row_grant[r]),
      .local_valid_o  (local_valid[r]),
      .local_write_o  (local_write[r]),
      .local_odd_o    (local_odd[r]),
      .bus_valid_o    (stream_valid[2*r +: 2]),
      .bus_bank_o     (stream_bank[BankBits*r +: BankBits]),
      .bus_engine_o   (stream_engine[EngineBits*r +: EngineBits]),
      .bus_beat_o     (beat),
      .bus_grant_i    (stream_grant[r]),
      .bus_slot_i     (bus_slot),
      .source_o       (stream_source[3*r +: 3]),
      .all_o          (stream_all[r]),
      .column_row_o   (stream_row[RowBits*r +: RowBits]),
      .column_o       (stream_column[ColumnBits*r +: ColumnBits])
    );

    // The buffer holds the centroids of one engine after the other.
    assign stream_beat[16*r +: 16] = stream_source[3*r +: 3] == FromCentroids && !stream_all[r]
        ? beat + 16'(stream_engine[EngineBits*r +: EngineBits]) * 16'(SliceBeats) : beat;

    pq_transfer #(
      .Engines      (Engines),
      .BankGroups   (BankGroups),
      .WordsPerBeat (WordsPerBeat),
      .ShiftBeats   (ShiftBeats),
      .QueryBeats   (QueryBeats),
      .ResultBeats  (ResultBeats),
      .SettleCycles (SettleCycles)
    ) u_transfer (
      .clk_i          (clk_i),
      .rst_ni         (rst_ni),
      .cmd_valid_i    (transfer_valid[r]),
      .cmd_take_o     (transfer_take[r]),
      .cmd_kind_i     (transfer_kind),
      .cmd_beats_i    (transfer_beats),
      .cmd_each_i     (transfer_each),
      .done_o         (transfer_done[r]),
      .done_taken_i   (transfer_done_taken[r]),
      .regs_full_i    (regs_full_q),
      .regs_written_o (regs_written),
      .result_full_i  (result_full_q),
      .result_read_o  (result_read),
      .bus_valid_o    (bus_transfer_valid[r]),
      .bus_read_o     (bus_transfer_read[r]),
      .bus_all_o      (bus_transfer_all[r]),
      .bus_kind_o     (bus_transfer_kind[3*r +: 3]),
      .bus_index_o    (bus_transfer_index[6*r +: 6]),
      .bus_engine_o   (bus_transfer_engine[EngineBits*r +: EngineBits]),
      .bus_beat_o     (bus_transfer_beat[16*r +: 16]),
      .bus_grant_i    (transfer_grant[r])
    );

    // Codes and status are asked of all engines of the rank, and nothing else at that time.
    assign read_valid_o[r*Engines +: Engines] =
        bus_read[r*Engines +: Engines] | {Engines{read_all}};
    assign read_kind_o[2*r +: 2]  = read_all ? {1'b1, read_status} : {1'b0, read_record};
    assign read_index_o[6*r +: 6] = read_all ? {5'd0, read_beat} : read_index;

    assign two_readers[r] = read_all && (|bus_read[r*Engines +: Engines]);
  end

  `AQ_ASSERT(a_one_reader, two_readers == '0, clk_i, !rst_ni)

  // ---- Data bus ---------------------------------------------------------------------------------

  logic                  buffer_read, record_valid;
  logic [BufferBits-1:0] buffer_address;
  logic [255:0]          buffer_data;

  pq_bus #(
    .Ranks          (Ranks),
    .Engines        (Engines),
    .BanksPerEngine (BanksPerEngine),
    .BankGroups     (BankGroups),
    .BanksPerGroup  (BanksPerGroup),
    .Rows           (Rows),
    .Columns        (Columns),
    .WordsPerBeat   (WordsPerBeat),
    .BufferBits     (BufferBits),
    .nBL            (nBL),
    .nCL            (nCL),
    .nCWL           (nCWL),
    .nCCDS          (nCCDS),
    .nCCDL          (nCCDL),
    .nRTW           (nRTW)
  ) u_bus (
    .clk_i             (clk_i),
    .rst_ni            (rst_ni),
    .row_valid_i       (row_valid),
    .row_kind_i        (row_kind),
    .row_slot_i        (row_slot),
    .row_row_i         (row_row),
    .row_grant_o       (row_grant),
    .local_valid_i     (local_valid),
    .local_write_i     (local_write),
    .local_odd_i       (local_odd),
    .stream_valid_i    (stream_valid),
    .stream_source_i   (stream_source),
    .stream_all_i      (stream_all),
    .stream_bank_i     (stream_bank),
    .stream_engine_i   (stream_engine),
    .stream_beat_i     (stream_beat),
    .stream_row_i      (stream_row),
    .stream_column_i   (stream_column),
    .stream_tag_i      (work_tag),
    .stream_grant_o    (stream_grant),
    .transfer_valid_i  (bus_transfer_valid),
    .transfer_read_i   (bus_transfer_read),
    .transfer_all_i    (bus_transfer_all),
    .transfer_kind_i   (bus_transfer_kind),
    .transfer_index_i  (bus_transfer_index),
    .transfer_engine_i (bus_transfer_engine),
    .transfer_beat_i   (bus_transfer_beat),
    .transfer_tag_i    (transfer_tag),
    .transfer_grant_o  (transfer_grant),
    .bus_slot_o        (bus_slot),
    .row_valid_o       (row_valid_o),
    .row_kind_o        (row_kind_o),
    .row_rank_o        (row_rank_o),
    .row_row_o         (row_row_o),
    .col_valid_o       (col_valid_o),
    .col_kind_o        (col_kind_o),
    .col_rank_o        (col_rank_o),
    .col_set_o         (col_set_o),
    .col_bank_o        (col_bank_o),
    .col_row_o         (col_row_o),
    .col_column_o      (col_column_o),
    .bus_rdata_i       (bus_rdata_i),
    .bus_wdata_o       (bus_wdata_o),
    .payload_take_o    (payload_take_o),
    .payload_tag_o     (payload_tag_o),
    .payload_beat_o    (payload_beat_o),
    .payload_i         (payload_i),
    .buffer_read_o     (buffer_read),
    .buffer_address_o  (buffer_address),
    .buffer_i          (buffer_data),
    .data_valid_o      (data_valid_o),
    .data_tag_o        (data_tag_o),
    .data_beat_o       (data_beat_o),
    .record_valid_o    (record_valid),
    .data_o            (data_o),
    .bank_take_o       (bank_take_o),
    .bank_odd_o        (bank_odd_o),
    .bus_valid_o       (bus_valid_o),
    .bus_kind_o        (bus_kind_o),
    .bus_index_o       (bus_index_o),
    .bus_data_o        (bus_data_o),
    .read_valid_o      (bus_read),
    .read_record_o     (read_record),
    .read_index_o      (read_index),
    .engine_data_i     (engine_data_i)
  );

  // ---- Reducer ----------------------------------------------------------------------------------

  // It belongs to one rank at a time.
  logic       owner_q, owned_q, wanted;
  logic [1:0] wants;

  assign wants  = 2'(reducer_want);
  assign wanted = wants[owner_q];

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      owner_q <= 1'b0;
      owned_q <= 1'b0;
    end else if (owned_q) begin
      owned_q <= wanted;
    end else begin
      owned_q <= |wants;
      owner_q <= !wants[0];
    end
  end

  for (genvar r = 0; r < Ranks; r++) begin : gen_owner
    assign reducer_have[r] = owned_q && owner_q == r[0];
  end

  pq_reduce #(
    .Engines    (Engines),
    .SubDim     (SubDim),
    .CodeBits   (CodeBits),
    .WordBits   (WordBits),
    .ScoreDepth (ScoreDepth)
  ) u_reduce (
    .clk_i            (clk_i),
    .rst_ni           (rst_ni),
    .start_i          (|reducer_start),
    .joint_i          (joint[owner_q]),
    .values_i         (values[owner_q]),
    .last_pass_i      (last_pass[owner_q]),
    .record_valid_i   (record_valid),
    .record_i         (data_o),
    .done_o           (reducer_done),
    .buffer_read_i    (buffer_read),
    .buffer_address_i (buffer_address),
    .buffer_o         (buffer_data),
    .elements_valid_o (elements_valid_o),
    .elements_beat_o  (elements_beat_o),
    .elements_o       (elements_o)
  );

  assign elements_tag_o = work_tag[8*owner_q +: 8];

  // ---- Answers ----------------------------------------------------------------------------------

  // Who has done waits until its answer has gone: refused commands, work, transfers.
  always_comb begin
    answer_valid_o      = refused || (|work_done) || (|transfer_done);
    answer_tag_o        = refused_tag;
    answer_code_o       = refused ? refused_code : '0;
    refused_taken       = refused;
    work_done_taken     = '0;
    transfer_done_taken = '0;
    if (!refused) begin
      for (int unsigned r = 0; r < Ranks; r++) begin
        if (work_done[r] && work_done_taken == '0) begin
          answer_tag_o       = work_tag[8*r +: 8];
          work_done_taken[r] = 1'b1;
        end
      end
      for (int unsigned r = 0; r < Ranks; r++) begin
        if (transfer_done[r] && work_done_taken == '0 && transfer_done_taken == '0) begin
          answer_tag_o           = transfer_tag[8*r +: 8];
          transfer_done_taken[r] = 1'b1;
        end
      end
    end
  end

endmodule

`default_nettype wire
