// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "pq_assert.svh"

// pq_rank: what a sequencer has for each rank, from queued commands to rows, columns and engines.
//
//   work_i ------> pq_rank_control --phases--> pq_rank_stream --+--> row_*, local_*
//                       |                                       +--> [ one request ] <--> pq_bus
//   transfer_i --> pq_transfer ---------------------------------+
//                       |
//                       v
//             engine operations and reads
//
// Two flags keep work and transfers apart. Registers: full from SET_QUERY or SET_VECTORS until
// their consumer needs them no more. Result: from ATTEND to RESULT.
//
// Latency     as of the modules in it        Throughput  as of the modules in it
// Golden      aqpim::golden::Channel   sw/golden/channel.h
module pq_rank #(
  parameter  bit              Rank           = 1'b0,
  parameter  int unsigned     HeadDim        = 128,
  parameter  int unsigned     SubDim         = 4,
  parameter  int unsigned     CodeBits       = 8,
  parameter  int unsigned     WordBits       = 256,
  parameter  int unsigned     ScoreDepth     = 2048,
  parameter  int unsigned     BanksPerEngine = 1,
  parameter  pq_pkg::memory_t Memory         = pq_pkg::DefaultMemory,
  localparam int unsigned     Banks          = Memory.BankGroups * Memory.BanksPerGroup,
  localparam int unsigned     Engines        = Banks / BanksPerEngine
) (
  input  wire logic                    clk_i,
  input  wire logic                    rst_ni,
  // Commands (pq_host_commands)
  input  wire logic                    work_valid_i,
  input  wire pq_pkg::work_t           work_i,
  output logic                         work_take_o,
  input  wire logic                    transfer_valid_i,
  input  wire pq_pkg::transfer_t       transfer_i,
  output logic                         transfer_take_o,
  // What was taken last; done is held until it is taken
  output logic      [7:0]              work_tag_o,
  output logic                         work_done_o,
  input  wire logic                    work_done_taken_i,
  output logic      [7:0]              transfer_tag_o,
  output logic                         transfer_done_o,
  input  wire logic                    transfer_done_taken_i,
  // Reducer
  output logic                         reducer_want_o,
  input  wire logic                    reducer_have_i,
  output logic                         reducer_start_o,    // pulse
  output pq_pkg::reducer_pass_t        reducer_pass_o,
  input  wire logic                    reducer_done_i,
  // Row commands (pq_row_commands)
  output logic                         row_valid_o,
  output pq_pkg::row_command_t         row_o,
  input  wire logic                    row_grant_i,
  // Columns of all banks, always granted; requests for the data bus (pq_bus)
  output logic                         local_valid_o,
  output logic                         local_write_o,
  output logic                         local_odd_o,
  output logic      [1:0]              request_valid_o,    // a stream's, in slot 0, 1
  output logic                         urgent_o,           // a transfer's, in any slot; first
  output pq_pkg::bus_address_t         address_o,          // of the request, and of local_*
  output pq_pkg::bus_request_t         request_o,
  input  wire logic                    grant_i,
  input  wire logic                    slot_i,
  // Engines
  output logic                         engine_valid_o,
  output pq_pkg::engine_command_t      engine_command_o,
  input  wire logic                    engine_ready_i,     // all of them
  input  wire logic [Engines-1:0]      bus_read_i,         // the bus asks this one
  input  wire pq_pkg::engine_read_t    bus_read_beat_i,
  output logic      [Engines-1:0]      read_valid_o,
  output pq_pkg::engine_read_t         read_beat_o
);

  localparam int unsigned RowBits      = $clog2(Memory.Rows);
  localparam int unsigned ColumnBits   = $clog2(Memory.Columns);
  localparam int unsigned BankBits     = $clog2(Banks);
  localparam int unsigned EngineBits   = $clog2(Engines);
  localparam int unsigned IndexBits    = ColumnBits + BankBits;
  localparam int unsigned WordsPerBeat = pq_pkg::words_per_beat(WordBits);
  localparam int unsigned PaceBits     = CodeBits + $clog2(WordsPerBeat);
  localparam int unsigned SliceBeats   = pq_pkg::slice_beats(CodeBits, WordBits);
  localparam int unsigned RecordBeats  = pq_pkg::record_beats(CodeBits, WordBits);
  localparam int unsigned ReadCycles   = pq_pkg::read_cycles(Memory.nCL, Memory.nBL);
  localparam int unsigned WriteCycles  = Memory.nCWL / 2;

  // From the grant of a transfer's last beat until it is in the engine, which has 18 cycles for the
  // words of it that are on their way, or until the host has it.
  localparam int unsigned SettleCycles = pq_pkg::larger(WriteCycles + 21, ReadCycles + 13);

  always_ff @(posedge clk_i) begin
    if (work_take_o)     work_tag_o     <= work_i.tag;
    if (transfer_take_o) transfer_tag_o <= transfer_i.tag;
  end

  logic regs_full_q, regs_written, regs_used;
  logic result_full_q, result_made, result_read;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      regs_full_q   <= 1'b0;
      result_full_q <= 1'b0;
    end else begin
      regs_full_q   <= regs_written || (regs_full_q && !regs_used);
      result_full_q <= result_made || (result_full_q && !result_read);
    end
  end

  // ---- Work -------------------------------------------------------------------------------------

  logic                  phase_valid, phase_ready, phase_all, phase_go, phase_last;
  pq_pkg::phase_source_e phase_source;
  logic [RowBits-1:0]    phase_row;
  logic [IndexBits-1:0]  phase_first;
  logic [15:0]           phase_beats;
  logic [BankBits:0]     phase_bank;
  logic [PaceBits-1:0]   phase_pace;
  logic                  read_all;
  pq_pkg::engine_read_t  read_all_beat;

  pq_rank_control #(
    .HeadDim        (HeadDim),
    .SubDim         (SubDim),
    .CodeBits       (CodeBits),
    .WordBits       (WordBits),
    .ScoreDepth     (ScoreDepth),
    .BanksPerEngine (BanksPerEngine),
    .Memory         (Memory)
  ) u_control (
    .clk_i,
    .rst_ni,
    .cmd_valid_i    (work_valid_i),
    .cmd_take_o     (work_take_o),
    .cmd_i          (work_i),
    .done_o         (work_done_o),
    .done_taken_i   (work_done_taken_i),
    .regs_full_i    (regs_full_q),
    .regs_used_o    (regs_used),
    .result_full_i  (result_full_q),
    .result_made_o  (result_made),
    .reducer_want_o,
    .reducer_have_i,
    .reducer_start_o,
    .reducer_pass_o,
    .reducer_done_i,
    .phase_valid_o  (phase_valid),
    .phase_ready_i  (phase_ready),
    .phase_source_o (phase_source),
    .phase_row_o    (phase_row),
    .phase_first_o  (phase_first),
    .phase_beats_o  (phase_beats),
    .phase_bank_o   (phase_bank),
    .phase_pace_o   (phase_pace),
    .phase_all_o    (phase_all),
    .phase_go_o     (phase_go),
    .phase_last_i   (phase_last),
    .engine_valid_o,
    .engine_command_o,
    .engine_ready_i,
    .read_valid_o   (read_all),
    .read_beat_o    (read_all_beat)
  );

  logic                  stream_grant, stream_all;
  pq_pkg::phase_source_e stream_source;
  logic [BankBits-1:0]   stream_bank;
  logic [EngineBits-1:0] stream_engine;
  logic [15:0]           stream_beat;
  logic [RowBits-1:0]    stream_row;
  logic [ColumnBits-1:0] stream_column;

  pq_rank_stream #(
    .Slot           (32'(Rank)),
    .BanksPerEngine (BanksPerEngine),
    .WordsPerBeat   (WordsPerBeat),
    .RecordBeats    (RecordBeats),
    .RecordsBeats   ((1 << CodeBits) * RecordBeats),
    .PaceBits       (PaceBits),
    .Memory         (Memory)
  ) u_stream (
    .clk_i,
    .rst_ni,
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
    .row_valid_o,
    .row_o,
    .row_grant_i,
    .local_valid_o,
    .local_write_o,
    .local_odd_o,
    .bus_valid_o    (request_valid_o),
    .bus_bank_o     (stream_bank),
    .bus_engine_o   (stream_engine),
    .bus_beat_o     (stream_beat),
    .bus_grant_i    (stream_grant),
    .bus_slot_i     (slot_i),
    .source_o       (stream_source),
    .all_o          (stream_all),
    .column_row_o   (stream_row),
    .column_o       (stream_column)
  );

  // ---- Transfers --------------------------------------------------------------------------------

  logic                  transfer_valid, transfer_read, transfer_all, transfer_grant;
  pq_pkg::bus_kind_e     transfer_kind;
  logic [5:0]            transfer_index;
  logic [EngineBits-1:0] transfer_engine;
  logic [15:0]           transfer_beat;

  pq_transfer #(
    .Engines      (Engines),
    .BankGroups   (Memory.BankGroups),
    .WordsPerBeat (WordsPerBeat),
    .ShiftBeats   ((HeadDim / SubDim + 31) / 32),
    .QueryBeats   (HeadDim / 16),
    .ResultBeats  (HeadDim * 5 / 32 + 1),
    .SettleCycles (SettleCycles)
  ) u_transfer (
    .clk_i,
    .rst_ni,
    .cmd_valid_i    (transfer_valid_i),
    .cmd_take_o     (transfer_take_o),
    .cmd_kind_i     (transfer_i.kind),
    .cmd_beats_i    (transfer_i.beats),
    .cmd_each_i     (transfer_i.each),
    .done_o         (transfer_done_o),
    .done_taken_i   (transfer_done_taken_i),
    .regs_full_i    (regs_full_q),
    .regs_written_o (regs_written),
    .result_full_i  (result_full_q),
    .result_read_o  (result_read),
    .bus_valid_o    (transfer_valid),
    .bus_read_o     (transfer_read),
    .bus_all_o      (transfer_all),
    .bus_kind_o     (transfer_kind),
    .bus_index_o    (transfer_index),
    .bus_engine_o   (transfer_engine),
    .bus_beat_o     (transfer_beat),
    .bus_grant_i    (transfer_grant)
  );

  // ---- The request: a transfer's, otherwise the stream's ----------------------------------------

  logic        centroids, at_engine;
  logic [15:0] beat;

  assign transfer_grant = grant_i && transfer_valid;
  assign stream_grant   = grant_i && !transfer_valid;
  assign urgent_o       = transfer_valid;

  // The buffer holds the centroids of one engine after the other.
  assign centroids = stream_source == pq_pkg::FromCentroids;
  assign beat      = centroids && !stream_all
                   ? stream_beat + 16'(stream_engine) * 16'(SliceBeats) : stream_beat;

  always_comb begin
    if (transfer_valid) begin
      request_o.kind = transfer_read ? pq_pkg::ColEngineRd
                     : transfer_all  ? pq_pkg::ColEngineWrAll : pq_pkg::ColEngineWr;
    end else begin
      unique case (stream_source)
        pq_pkg::FromBroadcast: request_o.kind = pq_pkg::ColBroadcast;
        pq_pkg::FromRead:      request_o.kind = pq_pkg::ColRd;
        pq_pkg::FromWrite:     request_o.kind = pq_pkg::ColWr;
        pq_pkg::FromRecords:   request_o.kind = pq_pkg::ColEngineRd;
        default: request_o.kind = stream_all ? pq_pkg::ColEngineWrAll : pq_pkg::ColEngineWr;
      endcase
    end
    request_o.engine   = transfer_valid ? 6'(transfer_engine) : 6'(stream_engine);
    request_o.tag      = transfer_valid ? transfer_tag_o : work_tag_o;
    request_o.beat     = transfer_valid ? transfer_beat : beat;
    request_o.to       = transfer_valid ? transfer_kind : pq_pkg::BusStream;
    request_o.index    = transfer_index;
    request_o.record   = !transfer_valid;
    request_o.buffered = !transfer_valid && centroids;
  end

  assign at_engine = request_o.kind == pq_pkg::ColEngineRd
                  || request_o.kind == pq_pkg::ColEngineWr
                  || request_o.kind == pq_pkg::ColEngineWrAll;

  always_comb begin
    address_o.bank   = at_engine ? 16'(32'(request_o.engine) * BanksPerEngine) : 16'(stream_bank);
    address_o.row    = 16'(stream_row);
    address_o.column = 16'(stream_column);
  end

  // ---- Reads of engines -------------------------------------------------------------------------

  // Codes and status are asked of all engines of the rank, and nothing else at that time.
  assign read_valid_o = bus_read_i | {Engines{read_all}};
  assign read_beat_o  = read_all ? read_all_beat : bus_read_beat_i;

  `AQ_ASSERT(a_one_reader, !(read_all && (|bus_read_i)), clk_i, !rst_ni)

endmodule

`default_nettype wire
