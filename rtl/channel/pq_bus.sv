// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "pq_assert.svh"

// pq_bus: slots of the commands, the data bus of both ranks, and the way of its data.
//
//   columns of all banks (local_*) ------------------------> slot = rank ----+
//   requests: transfers of ranks, then streams of ranks --> [ bus timing ] --+--> col_* pins
//   row commands ---------------------------------------> [ slot free? ] -------> row_* pins
//
//   payload or buffer --> [ WriteCycles ] --> bus_wdata_o --> [ 2 ] --> bus_data_o to the engines
//   bus_rdata_i or engine_data_i --> [ reg ] --> host (data_*), reducer (record_*), bus_data_o
//
// A clock cycle has two slots, memory cycles 2n and 2n + 1, each with one row and one column
// command. Columns of all banks of rank r keep to slot r and go first; one column of the data bus
// takes a slot that is left. Transfers go before streams. Of two streams the one of the rank that
// leads goes first, and the other one fills its gaps; the lead changes when its rank's streams have
// not had the bus for LeadCycles. So one rank gets through with its codebooks while the other looks
// up codes, instead of both waiting for each other.
// A rank that asks in vain for FairCycles for a write, or for a read behind writes, gets its beat:
// the other one is held off until then. Each read puts off the next write by the turnaround, so
// that without this the reads of one rank could keep the writes of the other from the bus for ever.
// A stream of writes that got its beat like that leads from then on: otherwise each of its beats
// would cost a turnaround. Reads behind reads wait for the end of a stream that leads: beats in
// between would help neither rank. FairCycles are as many as a codebook of 256 centroids has beats:
// registers of the next query come between codebooks without a turnaround of their own, as long as
// there are such gaps.
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
  parameter  int unsigned Ranks          = 2,
  parameter  int unsigned Engines        = 16,
  parameter  int unsigned BanksPerEngine = 1,
  parameter  int unsigned BankGroups     = 4,
  parameter  int unsigned BanksPerGroup  = 4,
  parameter  int unsigned Rows           = 16384,
  parameter  int unsigned Columns        = 32,
  parameter  int unsigned WordsPerBeat   = 1,
  parameter  int unsigned BufferBits     = 8,
  parameter  int unsigned nBL            = 2,   // timing: docs/memory.md
  parameter  int unsigned nCL            = 19,
  parameter  int unsigned nCWL           = 6,
  parameter  int unsigned nCCDS          = 2,
  parameter  int unsigned nCCDL          = 4,
  parameter  int unsigned nRTW           = 3,
  localparam int unsigned Banks          = BankGroups * BanksPerGroup,
  localparam int unsigned RowBits        = $clog2(Rows),
  localparam int unsigned ColumnBits     = $clog2(Columns),
  localparam int unsigned BankBits       = $clog2(Banks),
  localparam int unsigned EngineBits     = $clog2(Engines),
  localparam int unsigned R              = Ranks
) (
  input  wire logic                    clk_i,
  input  wire logic                    rst_ni,
  // Rows of each rank
  input  wire logic [R-1:0]            row_valid_i,
  input  wire logic [2*R-1:0]          row_kind_i,
  input  wire logic [R-1:0]            row_slot_i,
  input  wire logic [RowBits*R-1:0]    row_row_i,
  output logic      [R-1:0]            row_grant_o,
  // Streams of each rank: columns of all banks, or requests for the bus (pq_rank_stream)
  input  wire logic [R-1:0]            local_valid_i,
  input  wire logic [R-1:0]            local_write_i,
  input  wire logic [R-1:0]            local_odd_i,
  input  wire logic [2*R-1:0]          stream_valid_i,
  input  wire logic [3*R-1:0]          stream_source_i,
  input  wire logic [R-1:0]            stream_all_i,
  input  wire logic [BankBits*R-1:0]   stream_bank_i,
  input  wire logic [EngineBits*R-1:0] stream_engine_i,
  input  wire logic [16*R-1:0]         stream_beat_i,
  input  wire logic [RowBits*R-1:0]    stream_row_i,
  input  wire logic [ColumnBits*R-1:0] stream_column_i,
  input  wire logic [8*R-1:0]          stream_tag_i,
  output logic      [R-1:0]            stream_grant_o,
  // Transfers of each rank (pq_transfer)
  input  wire logic [R-1:0]            transfer_valid_i,
  input  wire logic [R-1:0]            transfer_read_i,
  input  wire logic [R-1:0]            transfer_all_i,
  input  wire logic [3*R-1:0]          transfer_kind_i,
  input  wire logic [6*R-1:0]          transfer_index_i,
  input  wire logic [EngineBits*R-1:0] transfer_engine_i,
  input  wire logic [16*R-1:0]         transfer_beat_i,
  input  wire logic [8*R-1:0]          transfer_tag_i,
  output logic      [R-1:0]            transfer_grant_o,
  output logic                         bus_slot_o,
  // DRAM pins
  output logic      [1:0]              row_valid_o,
  output logic      [3:0]              row_kind_o,
  output logic      [1:0]              row_rank_o,
  output logic      [2*RowBits-1:0]    row_row_o,
  output logic      [1:0]              col_valid_o,
  output logic      [5:0]              col_kind_o,
  output logic      [1:0]              col_rank_o,
  output logic      [3:0]              col_set_o,
  output logic      [2*BankBits-1:0]   col_bank_o,
  output logic      [2*RowBits-1:0]    col_row_o,
  output logic      [2*ColumnBits-1:0] col_column_o,
  input  wire logic [255:0]            bus_rdata_i,
  output logic      [255:0]            bus_wdata_o,
  // Data
  output logic                         payload_take_o,
  output logic      [7:0]              payload_tag_o,
  output logic      [15:0]             payload_beat_o,
  input  wire logic [255:0]            payload_i,
  output logic                         buffer_read_o,   // data in the next cycle
  output logic      [BufferBits-1:0]   buffer_address_o,
  input  wire logic [255:0]            buffer_i,
  output logic                         data_valid_o,
  output logic      [7:0]              data_tag_o,
  output logic      [15:0]             data_beat_o,
  output logic                         record_valid_o,
  output logic      [255:0]            data_o,          // with data_valid_o or record_valid_o
  // Engines
  output logic      [R-1:0]            bank_take_o,
  output logic      [R-1:0]            bank_odd_o,
  output logic      [R*Engines-1:0]    bus_valid_o,
  output logic      [2:0]              bus_kind_o,
  output logic      [4:0]              bus_index_o,
  output logic      [255:0]            bus_data_o,
  output logic      [R*Engines-1:0]    read_valid_o,
  output logic                         read_record_o,   // a record, not a result
  output logic      [5:0]              read_index_o,
  input  wire logic [255:0]            engine_data_i
);

  // Column commands, as on col_kind_o
  localparam logic [2:0] Rd          = 3'd0;
  localparam logic [2:0] Wr          = 3'd1;
  localparam logic [2:0] Broadcast   = 3'd2;
  localparam logic [2:0] RdAll       = 3'd3;
  localparam logic [2:0] WrAll       = 3'd4;
  localparam logic [2:0] EngineRd    = 3'd5;
  localparam logic [2:0] EngineWr    = 3'd6;
  localparam logic [2:0] EngineWrAll = 3'd7;

  // Sources of a stream's phase, as of pq_rank_stream
  localparam logic [2:0] FromBroadcast = 3'd2;
  localparam logic [2:0] FromRead      = 3'd3;
  localparam logic [2:0] FromWrite     = 3'd4;
  localparam logic [2:0] FromRecords   = 3'd5;
  localparam logic [2:0] FromCentroids = 3'd7;

  localparam int unsigned ReadCycles       = (nCL + nBL + 2) / 2;
  localparam int unsigned WriteCycles      = nCWL / 2;
  localparam int unsigned EngineReadCycles = 6 + WordsPerBeat;
  localparam int unsigned EngineWrite      = WriteCycles + 2;

  localparam int unsigned BeatGap  = nBL > nCCDS ? nBL : nCCDS;
  localparam int unsigned TurnGap  = nCL + nBL + nRTW - nCWL;
  localparam int unsigned WaitBits = 6;

  localparam int unsigned FairCycles = 1024;
  localparam int unsigned FairBits   = $clog2(FairCycles);

  if (Ranks != 1 && Ranks != 2) begin : gen_bad_ranks
    $error("pq_bus: Ranks must be 1 or 2");
  end
  if (nCWL < 6 || nCWL + 10 > nCL) begin : gen_bad_latency
    $error("pq_bus: nCWL must be at least 6, and at least 10 less than nCL");
  end
  if (ReadCycles < EngineReadCycles + 1) begin : gen_bad_engine_latency
    $error("pq_bus: nCL + nBL + 2 must be at least 14 + 2 * WordsPerBeat, for engines to answer");
  end
  if (TurnGap + 1 >= (1 << WaitBits) || nCCDL + 1 >= (1 << WaitBits)) begin : gen_bad_gap
    $error("pq_bus: nCL + nBL + nRTW - nCWL and nCCDL must be less than 63");
  end

  // ---- Row commands -----------------------------------------------------------------------------

  // Rank 1 gives way when both want one slot.
  for (genvar r = 0; r < Ranks; r++) begin : gen_row_grant
    if (r == 0) begin : gen_first
      assign row_grant_o[r] = row_valid_i[r];
    end else begin : gen_second
      assign row_grant_o[r] = row_valid_i[r] && !(row_valid_i[0] && row_slot_i[0] == row_slot_i[r]);
    end
  end

  for (genvar s = 0; s < 2; s++) begin : gen_row_pins
    logic [R-1:0] here;
    logic         second;

    assign here   = row_grant_o & (s == 0 ? ~row_slot_i : row_slot_i);
    assign second = here[R-1] && Ranks == 2;

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) row_valid_o[s] <= 1'b0;
      else         row_valid_o[s] <= |here;
    end
    always_ff @(posedge clk_i) begin
      row_rank_o[s]                   <= second;
      row_kind_o[2*s +: 2]            <= second ? row_kind_i[2*R-1 -: 2] : row_kind_i[1:0];
      row_row_o[RowBits*s +: RowBits] <= second ? row_row_i[RowBits*R-1 -: RowBits]
                                                : row_row_i[RowBits-1:0];
    end
  end

  // ---- Who has the data bus ---------------------------------------------------------------------

  // The request of each rank: its transfer's, otherwise its stream's.
  localparam int unsigned AskBits = 3 + BankBits + RowBits + ColumnBits + EngineBits + 16 + 8 + 3
                                  + 6 + 2;

  logic [R*AskBits-1:0]  ask;
  logic [R-1:0]          ask_wins;            // its slot is free, and the bus timing allows it
  logic [R-1:0]          ask_slot, ask_writes;
  logic [1:0]            slot_free, read_allowed, write_allowed, group_allowed;
  logic [WaitBits-1:0]   read_wait, write_wait, group_wait;
  logic [BankBits:0]     last_group_q;        // bank group and rank of the latest single transfer
  logic [R-1:0]          held_off;            // the other rank has waited for too long
  logic                  owner, won;

  for (genvar r = 0; r < Ranks; r++) begin : gen_ask
    logic                  transfer, is_read, at_engine;
    logic [2:0]            source, ask_kind;
    logic [BankBits-1:0]   ask_bank;
    logic [EngineBits-1:0] ask_engine;
    logic [1:0]            ask_valid, allowed;

    assign source     = stream_source_i[3*r +: 3];
    assign transfer   = transfer_valid_i[r];
    assign at_engine  = ask_kind == EngineRd || ask_kind == EngineWr || ask_kind == EngineWrAll;
    assign is_read    = ask_kind == Rd || ask_kind == Broadcast || ask_kind == EngineRd;
    assign ask_valid  = transfer ? 2'b11 : stream_valid_i[2*r +: 2];
    assign ask_engine = transfer ? transfer_engine_i[EngineBits*r +: EngineBits]
                                 : stream_engine_i[EngineBits*r +: EngineBits];
    assign ask_bank   = at_engine ? BankBits'(32'(ask_engine) * BanksPerEngine)
                                  : stream_bank_i[BankBits*r +: BankBits];

    always_comb begin
      if (transfer) begin
        ask_kind = transfer_read_i[r] ? EngineRd : transfer_all_i[r] ? EngineWrAll : EngineWr;
      end else begin
        unique case (source)
          FromBroadcast: ask_kind = Broadcast;
          FromRead:      ask_kind = Rd;
          FromWrite:     ask_kind = Wr;
          FromRecords:   ask_kind = EngineRd;
          default:       ask_kind = stream_all_i[r] ? EngineWrAll : EngineWr;
        endcase
      end
    end

    assign ask[r*AskBits +: AskBits] = {
        ask_kind, ask_bank, stream_row_i[RowBits*r +: RowBits],
        stream_column_i[ColumnBits*r +: ColumnBits], ask_engine,
        transfer ? transfer_beat_i[16*r +: 16] : stream_beat_i[16*r +: 16],
        transfer ? transfer_tag_i[8*r +: 8] : stream_tag_i[8*r +: 8],
        transfer ? transfer_kind_i[3*r +: 3] : 3'd0, transfer_index_i[6*r +: 6],
        !transfer, !transfer && source == FromCentroids};

    for (genvar s = 0; s < 2; s++) begin : gen_slot
      assign allowed[s] = ask_valid[s] && slot_free[s]
                       && (is_read ? read_allowed[s] : write_allowed[s])
                       && (ask_kind == EngineWrAll || group_allowed[s]
                           || last_group_q != {r[0], ask_bank / BankBits'(BanksPerGroup)});
    end
    assign ask_wins[r]   = (|allowed) && !held_off[r];
    assign ask_slot[r]   = !allowed[0];
    assign ask_writes[r] = !is_read;
  end

  if (Ranks == 2) begin : gen_owner
    localparam int unsigned LeadCycles = 256;

    logic                          lead_q, follows;
    logic [$clog2(LeadCycles)-1:0] idle_q;
    logic [1:0]                    wins, urgent;
    logic [1:0]                    starved;

    for (genvar r = 0; r < 2; r++) begin : gen_fair
      logic [FairBits-1:0] waited_q;
      logic                asks;

      assign asks        = transfer_valid_i[r] || stream_valid_i[2*r +: 2] != '0;
      assign starved[r]  = &waited_q;
      assign held_off[r] = starved[1-r] && !(r == 0 && starved[r]);

      always_ff @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) begin
          waited_q <= '0;
        end else if (!asks || transfer_grant_o[r] || stream_grant_o[r]) begin
          waited_q <= '0;
        end else if (!starved[r] && ask_writes != '0) begin
          waited_q <= waited_q + 1'b1;
        end
      end
    end

    assign wins   = ask_wins;
    assign urgent = wins & transfer_valid_i;
    assign owner  = wins == 2'b11 && urgent[0] == urgent[1] ? lead_q
                  : wins == 2'b11 ? urgent[1] : wins[1];

    // A stream of the rank that does not lead has the bus
    assign follows = won && owner != lead_q && !urgent[owner];

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        lead_q <= 1'b0;
        idle_q <= '0;
      end else if (stream_grant_o[lead_q]
                   || (follows && ((&idle_q) || (starved[owner] && ask_writes[owner])))) begin
        lead_q <= owner;
        idle_q <= '0;
      end else if (!(&idle_q)) begin
        idle_q <= idle_q + 1'b1;
      end
    end
  end else begin : gen_one
    logic unused_writes;
    assign unused_writes = ask_writes[0];
    assign owner         = 1'b0;
    assign held_off      = '0;
  end

  // The winner's request
  logic [2:0]            kind, select;
  logic [BankBits-1:0]   bank;
  logic [RowBits-1:0]    row;
  logic [ColumnBits-1:0] column;
  logic [EngineBits-1:0] engine;
  logic [15:0]           beat;
  logic [7:0]            tag;
  logic [5:0]            index;
  logic                  record, buffered, write_kind;

  assign won        = |ask_wins;
  assign bus_slot_o = Ranks == 2 && owner ? ask_slot[R-1] : ask_slot[0];
  assign write_kind = kind == Wr || kind == EngineWr || kind == EngineWrAll;
  assign {kind, bank, row, column, engine, beat, tag, select, index, record, buffered} =
      Ranks == 2 && owner ? ask[R*AskBits-1 -: AskBits] : ask[AskBits-1:0];

  for (genvar r = 0; r < Ranks; r++) begin : gen_grant
    assign transfer_grant_o[r] = won && owner == r[0] && transfer_valid_i[r];
    assign stream_grant_o[r]   = won && owner == r[0] && !transfer_valid_i[r];
  end

  for (genvar s = 0; s < 2; s++) begin : gen_allowed
    if (s < Ranks) begin : gen_rank
      assign slot_free[s] = !local_valid_i[s];
    end else begin : gen_none
      assign slot_free[s] = 1'b1;
    end
    assign read_allowed[s]  = read_wait <= WaitBits'(s);
    assign write_allowed[s] = write_wait <= WaitBits'(s);
    assign group_allowed[s] = group_wait <= WaitBits'(s);
  end

  pq_wait #(.Width(WaitBits)) u_read_wait (
    .clk_i, .rst_ni, .set_i(won), .delay_i(WaitBits'(bus_slot_o) + WaitBits'(BeatGap)),
    .wait_o(read_wait));
  pq_wait #(.Width(WaitBits)) u_write_wait (
    .clk_i, .rst_ni, .set_i(won),
    .delay_i(WaitBits'(bus_slot_o) + (write_kind ? WaitBits'(BeatGap) : WaitBits'(TurnGap))),
    .wait_o(write_wait));
  pq_wait #(.Width(WaitBits)) u_group_wait (
    .clk_i, .rst_ni, .set_i(won && kind != EngineWrAll),
    .delay_i(WaitBits'(bus_slot_o) + WaitBits'(nCCDL)), .wait_o(group_wait));

  always_ff @(posedge clk_i) begin
    if (won && kind != EngineWrAll) last_group_q <= {owner, bank / BankBits'(BanksPerGroup)};
  end

  // ---- Column pins ------------------------------------------------------------------------------

  for (genvar s = 0; s < 2; s++) begin : gen_column_pins
    logic local_here, bus_here;

    assign bus_here = won && bus_slot_o == s[0];
    if (s < Ranks) begin : gen_rank
      assign local_here = local_valid_i[s];
    end else begin : gen_none
      assign local_here = 1'b0;
    end

    localparam int unsigned L = s < Ranks ? s : 0;   // whose columns of all banks go here

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) col_valid_o[s] <= 1'b0;
      else         col_valid_o[s] <= local_here || bus_here;
    end
    always_ff @(posedge clk_i) begin
      if (local_here) begin
        col_kind_o[3*s +: 3]                     <= local_write_i[L] ? WrAll : RdAll;
        col_rank_o[s]                            <= L[0];
        col_set_o[2*s +: 2]                      <= BanksPerEngine == 1 ? 2'd0
                                                  : local_odd_i[L] ? 2'd2 : 2'd1;
        col_bank_o[BankBits*s +: BankBits]       <= '0;
        col_row_o[RowBits*s +: RowBits]          <= stream_row_i[RowBits*L +: RowBits];
        col_column_o[ColumnBits*s +: ColumnBits] <= stream_column_i[ColumnBits*L +: ColumnBits];
      end else begin
        col_kind_o[3*s +: 3]                     <= kind;
        col_rank_o[s]                            <= owner;
        col_set_o[2*s +: 2]                      <= 2'd0;
        col_bank_o[BankBits*s +: BankBits]       <= bank;
        col_row_o[RowBits*s +: RowBits]          <= row;
        col_column_o[ColumnBits*s +: ColumnBits] <= column;
      end
    end
  end

  // ---- Read data --------------------------------------------------------------------------------

  // Engines are asked so early that their answer has its place on the bus.
  localparam int unsigned AskCycle = ReadCycles - EngineReadCycles - 1;

  // What is known of a read from its command to its data. Bit k: of the command that was on the
  // pins k cycles ago.
  logic [ReadCycles:0] read_q, from_engine_q, to_engines_q, to_reducer_q;

  for (genvar r = 0; r < Ranks; r++) begin : gen_bank_take
    logic [ReadCycles:0] taken_q, odd_q;

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) taken_q <= '0;
      else         taken_q <= {taken_q[ReadCycles-1:0], local_valid_i[r] && !local_write_i[r]};
    end
    always_ff @(posedge clk_i) odd_q <= {odd_q[ReadCycles-1:0], local_odd_i[r]};

    assign bank_take_o[r] = taken_q[ReadCycles];
    assign bank_odd_o[r]  = odd_q[ReadCycles];
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) read_q <= '0;
    else         read_q <= {read_q[ReadCycles-1:0], won && !write_kind};
  end
  always_ff @(posedge clk_i) begin
    from_engine_q <= {from_engine_q[ReadCycles-1:0], kind == EngineRd};
    to_engines_q  <= {to_engines_q[ReadCycles-1:0], kind == Broadcast};
    to_reducer_q  <= {to_reducer_q[ReadCycles-1:0], kind == EngineRd && record};
  end

  logic                  asked_rank, arrived_rank;
  logic [EngineBits-1:0] asked_engine;
  logic [5:0]            asked_index;
  logic [7:0]            asked_tag, arrived_tag;
  logic [15:0]           asked_beat, arrived_beat;

  pq_delay #(.Cycles(AskCycle + 1), .Width(1 + EngineBits + 6 + 8 + 16)) u_ask_delay (
    .clk_i, .data_i({owner, engine, index, tag, beat}),
    .data_o({asked_rank, asked_engine, asked_index, asked_tag, asked_beat}));
  pq_delay #(.Cycles(ReadCycles - AskCycle), .Width(1 + 8 + 16)) u_arrive_delay (
    .clk_i, .data_i({asked_rank, asked_tag, asked_beat}),
    .data_o({arrived_rank, arrived_tag, arrived_beat}));

  for (genvar g = 0; g < R * Engines; g++) begin : gen_read
    localparam int unsigned Rank = g / Engines;
    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) read_valid_o[g] <= 1'b0;
      else begin
        read_valid_o[g] <= read_q[AskCycle] && from_engine_q[AskCycle] && asked_rank == Rank[0]
                        && asked_engine == EngineBits'(g % Engines);
      end
    end
  end

  logic [255:0] data_q;
  logic         data_broadcast_q, data_rank_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      data_valid_o     <= 1'b0;
      record_valid_o   <= 1'b0;
      data_broadcast_q <= 1'b0;
    end else begin
      data_valid_o     <= read_q[ReadCycles] && !to_engines_q[ReadCycles]
                       && !to_reducer_q[ReadCycles];
      record_valid_o   <= read_q[ReadCycles] && to_reducer_q[ReadCycles];
      data_broadcast_q <= read_q[ReadCycles] && to_engines_q[ReadCycles];
    end
  end
  always_ff @(posedge clk_i) begin
    read_record_o <= to_reducer_q[AskCycle];
    read_index_o  <= asked_index;
    data_tag_o    <= arrived_tag;
    data_beat_o   <= arrived_beat;
    data_rank_q   <= arrived_rank;
    if (read_q[ReadCycles]) data_q <= from_engine_q[ReadCycles] ? engine_data_i : bus_rdata_i;
  end
  assign data_o = data_q;

  // ---- Write data -------------------------------------------------------------------------------

  logic [EngineWrite-1:0] engine_write_q;   // bit k: as above
  logic [255:0]           write_data, engine_data;
  logic                   buffered_q;
  logic                   written_rank, written_all;
  logic [EngineBits-1:0]  written_engine;
  logic [2:0]             written_kind;
  logic [4:0]             written_index;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      engine_write_q <= '0;
      payload_take_o <= 1'b0;
      buffer_read_o  <= 1'b0;
    end else begin
      engine_write_q <= {engine_write_q[EngineWrite-2:0], won && write_kind && kind != Wr};
      payload_take_o <= won && write_kind && !buffered;
      buffer_read_o  <= won && write_kind && buffered;
    end
  end
  always_ff @(posedge clk_i) begin
    payload_tag_o    <= tag;
    payload_beat_o   <= beat;
    buffer_address_o <= BufferBits'(beat);
    buffered_q       <= buffer_read_o;
  end

  pq_delay #(.Cycles(EngineWrite), .Width(2 + EngineBits + 3 + 5)) u_write_delay (
    .clk_i, .data_i({owner, kind == EngineWrAll, engine, select, index[4:0]}),
    .data_o({written_rank, written_all, written_engine, written_kind, written_index}));

  assign write_data = buffered_q ? buffer_i : payload_i;

  pq_delay #(.Cycles(WriteCycles - 1), .Width(256)) u_bus_delay (
    .clk_i, .data_i(write_data), .data_o(bus_wdata_o));
  pq_delay #(.Cycles(EngineWrite - 1 - WriteCycles), .Width(256)) u_engine_delay (
    .clk_i, .data_i(bus_wdata_o), .data_o(engine_data));

  // ---- To the engines ---------------------------------------------------------------------------

  // Beats of a broadcast and beats of the host never meet here: they keep nBL on the bus.
  for (genvar g = 0; g < R * Engines; g++) begin : gen_bus
    localparam int unsigned Rank = g / Engines;
    logic written;
    assign written = engine_write_q[EngineWrite-1] && written_rank == Rank[0]
                  && (written_all || written_engine == EngineBits'(g % Engines));
    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) bus_valid_o[g] <= 1'b0;
      else         bus_valid_o[g] <= written || (data_broadcast_q && data_rank_q == Rank[0]);
    end
  end

  always_ff @(posedge clk_i) begin
    bus_kind_o  <= data_broadcast_q ? '0 : written_kind;
    bus_index_o <= written_index;
    bus_data_o  <= data_broadcast_q ? data_q : engine_data;
  end

  `AQ_ASSERT(a_one_beat, !(data_broadcast_q && engine_write_q[EngineWrite-1]), clk_i, !rst_ni)

endmodule

`default_nettype wire
