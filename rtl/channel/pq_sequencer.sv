// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// pq_sequencer: host commands become DRAM commands and engine operations of a pseudo-channel.
//
//   cmd_* --> pq_host_commands --> pq_rank of each --+--rows--> pq_row_commands --> DRAM pins
//                                    |               +--columns, requests--> pq_bus --> DRAM pins,
//   answer_* <-- one at a time <-- done                                        |    data bus, host
//                                    |                                         |
//                                    v                                         v
//                             engine operations                        pq_centroid_buffer
//
// One sequencer serves both ranks of a pseudo-channel: they share the data bus, and so broadcasts
// and results, and the reducer; everything else is there once for each rank.
//
// Timing      that of the memory's table, docs/memory.md; no command violates it
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
  // Engines: of a rank, or of engine rank * Engines + e
  output logic      [R-1:0]                           engine_valid_o,
  output logic      [R*pq_pkg::EngineCommandBits-1:0] engine_command_o, // engine_command_t of each
  input  wire logic [R-1:0]                           engine_ready_i,   // all of the rank
  output logic      [R-1:0]                           bank_take_o,      // banks deliver a beat to
  output logic      [R-1:0]                           bank_odd_o,       // their engines
  output logic      [R*Engines-1:0]                   bus_valid_o,
  output pq_pkg::engine_write_t                       bus_beat_o,
  output logic      [pq_pkg::BeatBits-1:0]            bus_data_o,
  output logic      [R*Engines-1:0]                   read_valid_o,
  output logic      [R*pq_pkg::EngineReadBits-1:0]    read_beat_o,      // engine_read_t of each
  input  wire logic [pq_pkg::BeatBits-1:0]            engine_data_i     // of the engine asked
);

  localparam int unsigned WordsPerBeat = pq_pkg::words_per_beat(WordBits);
  localparam int unsigned BufferBits   = pq_pkg::buffer_bits(Engines, CodeBits, WordBits);

  if (Memory.BankGroups < 2 || Engines < Memory.BankGroups || WordsPerBeat > Engines)
      begin : gen_bad_groups
    $error("pq_sequencer: a rank needs two bank groups at least, and an engine in each");
  end
  if (Engines > pq_pkg::BeatBits / 16) begin : gen_bad_engines
    $error("pq_sequencer: a rank has at most 16 engines: a beat of TOKENS has 16 bits for each");
  end
  if (pq_pkg::record_beats(CodeBits, WordBits) < 1) begin : gen_bad_record
    $error("pq_sequencer: a centroid's record must fill whole beats");
  end

  // ---- Host commands ----------------------------------------------------------------------------

  logic                              refused, refused_taken;
  pq_pkg::host_answer_t              refusal;
  logic [R-1:0]                      work_valid, work_take, transfer_valid, transfer_take;
  logic [R*pq_pkg::WorkBits-1:0]     work;
  logic [R*pq_pkg::TransferBits-1:0] transfer;

  pq_host_commands #(
    .HeadDim        (HeadDim),
    .SubDim         (SubDim),
    .CodeBits       (CodeBits),
    .WordBits       (WordBits),
    .ScoreDepth     (ScoreDepth),
    .BiasDepth      (BiasDepth),
    .BanksPerEngine (BanksPerEngine),
    .Memory         (Memory),
    .QueueDepth     (QueueDepth)
  ) u_host_commands (
    .clk_i,
    .rst_ni,
    .cmd_valid_i,
    .cmd_ready_o,
    .cmd_i,
    .answer_valid_o   (refused),
    .answer_o         (refusal),
    .answer_taken_i   (refused_taken),
    .work_valid_o     (work_valid),
    .work_o           (work),
    .work_take_i      (work_take),
    .transfer_valid_o (transfer_valid),
    .transfer_o       (transfer),
    .transfer_take_i  (transfer_take)
  );

  // ---- Ranks ------------------------------------------------------------------------------------

  logic [8*R-1:0]                       work_tag, transfer_tag;
  logic [R-1:0]                         work_done, work_done_taken;
  logic [R-1:0]                         transfer_done, transfer_done_taken;
  logic [R-1:0]                         reducer_want, reducer_have, reducer_start;
  logic [R*pq_pkg::ReducerPassBits-1:0] reducer_pass;
  logic                                 reducer_done;
  logic [R-1:0]                         row_valid, row_grant;
  logic [R*pq_pkg::RowCommandBits-1:0]  row;
  logic [R-1:0]                         local_valid, local_write, local_odd, urgent, grant;
  logic [2*R-1:0]                       request_valid;
  logic [R*pq_pkg::BusAddressBits-1:0]  address;
  logic [R*pq_pkg::BusRequestBits-1:0]  request;
  logic                                 slot;
  logic [R*Engines-1:0]                 bus_read;
  pq_pkg::engine_read_t                 bus_read_beat;

  for (genvar r = 0; r < R; r++) begin : gen_rank
    pq_rank #(
      .Rank           (r[0]),
      .HeadDim        (HeadDim),
      .SubDim         (SubDim),
      .CodeBits       (CodeBits),
      .WordBits       (WordBits),
      .ScoreDepth     (ScoreDepth),
      .BanksPerEngine (BanksPerEngine),
      .Memory         (Memory)
    ) u_rank (
      .clk_i,
      .rst_ni,
      .work_valid_i          (work_valid[r]),
      .work_i                (work[r*pq_pkg::WorkBits +: pq_pkg::WorkBits]),
      .work_take_o           (work_take[r]),
      .transfer_valid_i      (transfer_valid[r]),
      .transfer_i            (transfer[r*pq_pkg::TransferBits +: pq_pkg::TransferBits]),
      .transfer_take_o       (transfer_take[r]),
      .work_tag_o            (work_tag[8*r +: 8]),
      .work_done_o           (work_done[r]),
      .work_done_taken_i     (work_done_taken[r]),
      .transfer_tag_o        (transfer_tag[8*r +: 8]),
      .transfer_done_o       (transfer_done[r]),
      .transfer_done_taken_i (transfer_done_taken[r]),
      .reducer_want_o        (reducer_want[r]),
      .reducer_have_i        (reducer_have[r]),
      .reducer_start_o       (reducer_start[r]),
      .reducer_pass_o        (reducer_pass[r*pq_pkg::ReducerPassBits +: pq_pkg::ReducerPassBits]),
      .reducer_done_i        (reducer_done),
      .row_valid_o           (row_valid[r]),
      .row_o                 (row[r*pq_pkg::RowCommandBits +: pq_pkg::RowCommandBits]),
      .row_grant_i           (row_grant[r]),
      .local_valid_o         (local_valid[r]),
      .local_write_o         (local_write[r]),
      .local_odd_o           (local_odd[r]),
      .request_valid_o       (request_valid[2*r +: 2]),
      .urgent_o              (urgent[r]),
      .address_o             (address[r*pq_pkg::BusAddressBits +: pq_pkg::BusAddressBits]),
      .request_o             (request[r*pq_pkg::BusRequestBits +: pq_pkg::BusRequestBits]),
      .grant_i               (grant[r]),
      .slot_i                (slot),
      .engine_valid_o        (engine_valid_o[r]),
      .engine_command_o      (engine_command_o[r*pq_pkg::EngineCommandBits
                                               +: pq_pkg::EngineCommandBits]),
      .engine_ready_i        (engine_ready_i[r]),
      .bus_read_i            (bus_read[r*Engines +: Engines]),
      .bus_read_beat_i       (bus_read_beat),
      .read_valid_o          (read_valid_o[r*Engines +: Engines]),
      .read_beat_o           (read_beat_o[r*pq_pkg::EngineReadBits +: pq_pkg::EngineReadBits])
    );
  end

  // ---- Rows and data bus ------------------------------------------------------------------------

  pq_row_commands #(
    .Memory (Memory)
  ) u_row_commands (
    .clk_i,
    .rst_ni,
    .valid_i   (row_valid),
    .command_i (row),
    .grant_o   (row_grant),
    .row_valid_o,
    .row_kind_o,
    .row_rank_o,
    .row_row_o
  );

  logic                        buffer_read, record_valid;
  logic [BufferBits-1:0]       buffer_address;
  logic [pq_pkg::BeatBits-1:0] buffer_data;

  pq_bus #(
    .BanksPerEngine (BanksPerEngine),
    .WordsPerBeat   (WordsPerBeat),
    .BufferBits     (BufferBits),
    .Memory         (Memory)
  ) u_bus (
    .clk_i,
    .rst_ni,
    .local_valid_i    (local_valid),
    .local_write_i    (local_write),
    .local_odd_i      (local_odd),
    .request_valid_i  (request_valid),
    .urgent_i         (urgent),
    .address_i        (address),
    .request_i        (request),
    .grant_o          (grant),
    .slot_o           (slot),
    .col_valid_o,
    .col_kind_o,
    .col_rank_o,
    .col_set_o,
    .col_bank_o,
    .col_row_o,
    .col_column_o,
    .bus_rdata_i,
    .bus_wdata_o,
    .payload_take_o,
    .payload_beat_o,
    .payload_i,
    .buffer_read_o    (buffer_read),
    .buffer_address_o (buffer_address),
    .buffer_i         (buffer_data),
    .data_valid_o,
    .data_beat_o,
    .record_valid_o   (record_valid),
    .data_o,
    .bank_take_o,
    .bank_odd_o,
    .bus_valid_o,
    .bus_beat_o,
    .bus_data_o,
    .read_valid_o     (bus_read),
    .read_beat_o      (bus_read_beat),
    .engine_data_i
  );

  // ---- Reducer ----------------------------------------------------------------------------------

  // It belongs to one rank at a time.
  logic                  owner_q, owned_q, wanted;
  logic [1:0]            wants;
  pq_pkg::reducer_pass_t pass;

  assign wants  = 2'(reducer_want);
  assign wanted = wants[owner_q];
  assign pass   = R == 2 && owner_q
                ? reducer_pass[R*pq_pkg::ReducerPassBits-1 -: pq_pkg::ReducerPassBits]
                : reducer_pass[pq_pkg::ReducerPassBits-1:0];

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

  for (genvar r = 0; r < R; r++) begin : gen_owner
    assign reducer_have[r] = owned_q && owner_q == r[0];
  end

  pq_centroid_buffer #(
    .Engines    (Engines),
    .SubDim     (SubDim),
    .CodeBits   (CodeBits),
    .WordBits   (WordBits),
    .ScoreDepth (ScoreDepth)
  ) u_centroid_buffer (
    .clk_i,
    .rst_ni,
    .start_i          (|reducer_start),
    .pass_i           (pass),
    .record_valid_i   (record_valid),
    .record_i         (data_o),
    .done_o           (reducer_done),
    .buffer_read_i    (buffer_read),
    .buffer_address_i (buffer_address),
    .buffer_o         (buffer_data),
    .elements_valid_o,
    .elements_beat_o  (elements_beat_o.beat),
    .elements_o
  );

  assign elements_beat_o.tag = work_tag[8*owner_q +: 8];

  // ---- Answers ----------------------------------------------------------------------------------

  // A unit that has done waits until its answer has gone: refused commands, work, transfers.
  always_comb begin
    answer_valid_o      = refused || (|work_done) || (|transfer_done);
    answer_o.tag        = refusal.tag;
    answer_o.code       = refused ? refusal.code : pq_pkg::AnswerOk;
    refused_taken       = refused;
    work_done_taken     = '0;
    transfer_done_taken = '0;
    if (!refused) begin
      for (int unsigned r = 0; r < R; r++) begin
        if (work_done[r] && work_done_taken == '0) begin
          answer_o.tag       = work_tag[8*r +: 8];
          work_done_taken[r] = 1'b1;
        end
      end
      for (int unsigned r = 0; r < R; r++) begin
        if (transfer_done[r] && work_done_taken == '0 && transfer_done_taken == '0) begin
          answer_o.tag           = transfer_tag[8*r +: 8];
          transfer_done_taken[r] = 1'b1;
        end
      end
    end
  end

endmodule

`default_nettype wire
