// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "pq_assert.svh"

// pq_rank_stream: a phase's beats as DRAM commands of one rank, in time.
//
//   phase_* --> [ row, index, left ] --+--> column of all banks (local_*), always granted
//                                      +--> request for the data bus (bus_*) --> pq_bus
//   refresh owed -----------------------+--> row command (row_*)
//   [ waits: activate, column, precharge, window of the power limit ]
//
// The same row is open in all banks of the rank, or none. A row is opened as soon as a phase that
// needs it is there, and closed when its last column of the phase is read; refreshes come between,
// and within a row when half of those that may be owed are.
// nWTRS and nWTRL need no register: from the last column of a phase that writes to the first of a
// phase that reads, pq_rank_control lets the beats arrive, which takes nCL + nBL + 12 memory cycles
// at least, and the table is refused (sw/config/memory.h) unless that keeps nCWL + nBL + nWTRL. If
// the rows differ, precharge and activate come besides.
// Commands of all banks keep to one slot for each kind, chosen so that a row period of even
// length is met to the cycle: no two ranks compete for the slot of a column.
//
// Phases      source  beats from, to                                        beat i is in
//             Local       each bank, its engine                    bank of each engine: column i;
//                         two banks per engine: even and odd bank in turn       column i / 2
//             LocalWrite  each engine, its bank                             likewise
//             Broadcast   one bank, the rank's engines                      striped
//             Read, Write one bank, the host                      column i of the bank, or striped
//             Records     an engine, the reducer           all: RecordBeats of each engine in turn
//                                                          not all: all of an engine, then the next
//             Start       the host, engines (first LOAD)           all: every beat to all engines
//             Centroids   the reducer's buffer, engines (LOAD)     not all: to each in turn
//             striped: bank groups take turns, then banks, then columns, then rows
// Latency     phase_valid_i with phase_ready_o to the activate: 1 cycle at least; go_i to the first
//             column: 0 cycles at least
// Throughput  Local, one bank per engine: a row in (Columns - 1) * CCDAB + nRTPL + nRP + nRCD
//             memory cycles (232 with the power limit of HBM3 at 5.2 Gb/s); two: Columns beats
//             of each bank in the window of the power limit (192). Others: what pq_bus grants
// Golden      tb/memory/timing_checker.h judges the timing, sw/golden/channel.h the data
module pq_rank_stream #(
  parameter  int unsigned Slot           = 0,     // of the columns of all banks
  parameter  int unsigned BanksPerEngine = 1,
  parameter  int unsigned WordsPerBeat   = 1,
  parameter  int unsigned RecordBeats    = 4,     // of a centroid
  parameter  int unsigned RecordsBeats   = 1024,  // of all centroids
  parameter  int unsigned PaceBits       = 8,
  parameter  pq_pkg::memory_t Memory     = pq_pkg::DefaultMemory,
  localparam int unsigned Banks          = Memory.BankGroups * Memory.BanksPerGroup,
  localparam int unsigned RowBits        = $clog2(Memory.Rows),
  localparam int unsigned ColumnBits     = $clog2(Memory.Columns),
  localparam int unsigned BankBits       = $clog2(Banks),
  localparam int unsigned EngineBits     = $clog2(Banks / BanksPerEngine),
  localparam int unsigned IndexBits      = ColumnBits + BankBits
) (
  input  wire logic                  clk_i,
  input  wire logic                  rst_ni,
  // Phase
  input  wire logic                  phase_valid_i,
  output logic                       phase_ready_o,
  input  wire pq_pkg::phase_source_e phase_source_i,
  input  wire logic [RowBits-1:0]    phase_row_i,      // of its first beat
  input  wire logic [IndexBits-1:0]  phase_first_i,    // index of its first beat in that row
  input  wire logic [15:0]           phase_beats_i,    // 1 at least
  input  wire logic [BankBits:0]     phase_bank_i,     // Read, Write: the bank; Banks: striped
  input  wire logic [PaceBits-1:0]   phase_pace_i,     // clock cycles from beat to beat, at least
  input  wire logic                  phase_all_i,      // of Records, Start, Centroids
  input  wire logic                  go_i,             // columns may be issued
  output logic                       last_o,           // pulse: the last one was, a cycle ago
  // Row command
  output logic                       row_valid_o,
  output pq_pkg::row_command_t       row_o,
  input  wire logic                  row_grant_i,
  // Column of all banks, in slot Slot
  output logic                       local_valid_o,
  output logic                       local_write_o,
  output logic                       local_odd_o,      // two banks per engine: which of them
  // Column of one bank or engine
  output logic      [1:0]            bus_valid_o,      // in slot 0, 1
  output logic      [BankBits-1:0]   bus_bank_o,
  output logic      [EngineBits-1:0] bus_engine_o,
  output logic      [15:0]           bus_beat_o,       // of the phase; Centroids: of the engine
  input  wire logic                  bus_grant_i,
  input  wire logic                  bus_slot_i,
  // Both
  output pq_pkg::phase_source_e      source_o,
  output logic                       all_o,
  output logic      [RowBits-1:0]    column_row_o,
  output logic      [ColumnBits-1:0] column_o
);

  localparam int unsigned Engines = Banks / BanksPerEngine;

  // Slots that follow from that of the columns
  localparam int unsigned PrechargeSlot = (Slot + Memory.nRTPL) % 2;
  localparam int unsigned ActivateSlot  = (PrechargeSlot + Memory.nRP) % 2;

  localparam bit          PowerLimited = Memory.PowerLimited != 0;
  localparam int unsigned AllGap    = PowerLimited ? Memory.LimitedCCDAB : Memory.nCCDAB;
  localparam int unsigned UnpackGap = 2 * WordsPerBeat;
  localparam int unsigned BeatGap   = pq_pkg::larger(Memory.nBL, Memory.nCCDS);
  localparam int unsigned PortGap   = pq_pkg::larger(UnpackGap, BeatGap);
  localparam int unsigned BankGap   = BanksPerEngine == 1 ? pq_pkg::larger(AllGap, PortGap)
                                                          : Memory.nCCDL;
  localparam int unsigned WriteGap  = Memory.nCWL + Memory.nBL + Memory.nWR;
  localparam int unsigned OwedBits  = $clog2(Memory.Postponed + 2);

  // The longest delay of a pq_wait; each counts from an event in slot 1 at worst. nRAS and nRP are
  // shorter than nRC.
  localparam int unsigned RowDelay    = pq_pkg::larger(Memory.nRC, Memory.nRFC);
  localparam int unsigned WriteDelay  = pq_pkg::larger(WriteGap, Memory.nRCD);
  localparam int unsigned ColumnGap   = pq_pkg::larger(BankGap, PortGap);
  localparam int unsigned ColumnDelay = pq_pkg::larger(ColumnGap, Memory.nRTPL);
  localparam int unsigned LaterDelay  = pq_pkg::larger(WriteDelay, ColumnDelay);
  localparam int unsigned LongestWait = pq_pkg::larger(RowDelay, LaterDelay) + 1;
  localparam int unsigned WaitBits    = LongestWait < 1024 ? 10 : $clog2(LongestWait + 1);

  if (Memory.Postponed == 0) begin : gen_bad_postponed
    $error("pq_rank_stream: Postponed must be at least 1: a refresh waits for the open row");
  end
  if (Memory.nRC < Memory.nRAS || Memory.nRC + 1 < Memory.nRAS + Memory.nRP) begin : gen_bad_row
    $error("pq_rank_stream: nRC must be at least nRAS, and nRAS + nRP - 1");
  end

  // ---- Phase ------------------------------------------------------------------------------------

  logic                  active_q, all_q;
  pq_pkg::phase_source_e source_q;
  logic [RowBits-1:0]    row_q;
  logic [IndexBits-1:0]  index_q, index_next, index_mask;
  logic [15:0]           left_q, beat_q, inner_q, inner_last;
  logic [BankBits:0]     bank_q;
  logic [PaceBits-1:0]   pace_q, pause_q;
  logic [EngineBits-1:0] turn_q;
  logic                  take, fire, last, striped, needs_row, is_local, inner_wraps, turn_wraps;

  assign phase_ready_o = !active_q;
  assign take          = phase_valid_i && !active_q;
  assign fire          = local_valid_o || bus_grant_i;
  assign last          = fire && left_q == 16'd1;
  assign is_local      = source_q == pq_pkg::FromLocal || source_q == pq_pkg::FromLocalWrite;
  assign needs_row     = source_q < pq_pkg::FromRecords;
  assign striped       = source_q == pq_pkg::FromBroadcast || bank_q[BankBits];

  // The bits of index_q that stay in a row
  assign index_mask = is_local ? IndexBits'(Memory.Columns * BanksPerEngine - 1)
                    : striped  ? '1 : IndexBits'(Memory.Columns - 1);
  assign index_next = (index_q + 1'b1) & index_mask;

  assign inner_last  = all_q ? 16'(RecordBeats - 1) : 16'(RecordsBeats - 1);
  assign inner_wraps = source_q != pq_pkg::FromRecords || inner_q == inner_last;
  assign turn_wraps  = turn_q == EngineBits'(Engines - 1);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      active_q <= 1'b0;
      last_o   <= 1'b0;
    end else begin
      active_q <= take || (active_q && !last);
      last_o   <= last;
    end
  end

  always_ff @(posedge clk_i) begin
    if (take) begin
      source_q <= phase_source_i;
      all_q    <= phase_all_i;
      row_q    <= phase_row_i;
      index_q  <= phase_first_i;
      left_q   <= phase_beats_i;
      bank_q   <= phase_bank_i;
      pace_q   <= phase_pace_i;
      beat_q   <= '0;
      inner_q  <= '0;
      turn_q   <= '0;
      pause_q  <= '0;
    end else if (fire) begin
      index_q <= index_next;
      row_q   <= row_q + RowBits'(index_next == '0);
      left_q  <= left_q - 16'd1;
      pause_q <= pace_q;
      inner_q <= inner_wraps ? '0 : inner_q + 16'd1;
      if (inner_wraps) turn_q <= turn_wraps ? '0 : turn_q + 1'b1;
      if (source_q != pq_pkg::FromCentroids || all_q || turn_wraps) beat_q <= beat_q + 16'd1;
    end else if (pause_q > PaceBits'(1)) begin
      pause_q <= pause_q - 1'b1;
    end
  end

  // ---- Refresh ----------------------------------------------------------------------------------

  localparam int unsigned IntervalBits = $clog2(Memory.nREFI + 2);

  logic [IntervalBits-1:0] interval_q, interval_next;
  logic [OwedBits-1:0]     owed_q;
  logic                    due, owed, spared, refresh, urgent_q;

  assign interval_next = interval_q + IntervalBits'(2);
  assign due           = interval_next >= IntervalBits'(Memory.nREFI);
  // A broadcast keeps the other rank from the bus: refreshes wait for its end, up to a limit.
  assign spared        = active_q && source_q == pq_pkg::FromBroadcast;
  assign owed          = spared ? owed_q > OwedBits'(Memory.Postponed / 2) : owed_q != '0;
  assign refresh       = row_grant_i && row_o.kind == pq_pkg::RowRef;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      interval_q <= '0;
      owed_q     <= '0;
      urgent_q   <= 1'b0;
    end else begin
      interval_q <= due ? interval_next - IntervalBits'(Memory.nREFI) : interval_next;
      owed_q     <= owed_q + OwedBits'(due) - OwedBits'(refresh);
      urgent_q   <= owed_q > OwedBits'(Memory.Postponed / 2);
    end
  end

  // ---- Row --------------------------------------------------------------------------------------

  logic                open_q, at_row;
  logic [RowBits-1:0]  open_row_q;
  logic [WaitBits-1:0] activate_wait, column_wait, activate_delay;
  logic [2:0]          precharge_ready;   // of a column in slot 0, in slot 1, of the activate
  logic                activate, precharge, fire_slot;

  assign at_row    = open_q && open_row_q == row_q;
  assign activate  = row_grant_i && row_o.kind == pq_pkg::RowActAll;
  assign precharge = row_grant_i && row_o.kind == pq_pkg::RowPreAll;
  assign fire_slot = local_valid_o ? Slot[0] : bus_slot_i;

  // A row that waits for leave to read makes way for a refresh. Others do when it is urgent: the
  // other rank may keep a phase from the bus for longer than refreshes may be postponed.
  always_comb begin
    row_o.row = 16'(row_q);
    if (open_q) begin
      row_o.kind  = pq_pkg::RowPreAll;
      row_o.slot  = PrechargeSlot[0];
      row_valid_o = !(active_q && needs_row && at_row && !urgent_q && (go_i || !owed))
                 && (&precharge_ready);
    end else begin
      row_o.kind  = owed ? pq_pkg::RowRef : pq_pkg::RowActAll;
      row_o.slot  = ActivateSlot[0];
      row_valid_o = (owed || (active_q && needs_row)) && activate_wait <= WaitBits'(ActivateSlot);
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) open_q <= 1'b0;
    else         open_q <= activate || (open_q && !precharge);
  end

  always_ff @(posedge clk_i) begin
    if (activate) open_row_q <= row_q;
  end

  always_comb begin
    unique case (row_o.kind)
      pq_pkg::RowActAll: activate_delay = WaitBits'(ActivateSlot + Memory.nRC);
      pq_pkg::RowPreAll: activate_delay = WaitBits'(PrechargeSlot + Memory.nRP);
      default:           activate_delay = WaitBits'(ActivateSlot + Memory.nRFC);
    endcase
  end

  pq_wait #(.Width(WaitBits)) u_activate_wait (
    .clk_i, .rst_ni, .set_i(row_grant_i), .delay_i(activate_delay), .wait_o(activate_wait));
  pq_wait #(.Width(WaitBits)) u_column_wait (
    .clk_i, .rst_ni, .set_i(activate), .delay_i(WaitBits'(ActivateSlot + Memory.nRCD)),
    .wait_o(column_wait));

  // One for each, so that what is granted last, the slot, does not decide about a delay.
  for (genvar i = 0; i < 3; i++) begin : gen_precharge
    logic                set;
    logic [WaitBits-1:0] delay, left;

    if (i < 2) begin : gen_column
      assign set   = fire && needs_row && fire_slot == i[0];
      assign delay = source_q == pq_pkg::FromWrite || source_q == pq_pkg::FromLocalWrite
          ? WaitBits'(i + WriteGap) : WaitBits'(i + Memory.nRTPL);
    end else begin : gen_activate
      assign set   = activate;
      assign delay = WaitBits'(ActivateSlot + Memory.nRAS);
    end
    assign precharge_ready[i] = left <= WaitBits'(PrechargeSlot);

    pq_wait #(.Width(WaitBits)) u_wait (
      .clk_i, .rst_ni, .set_i(set), .delay_i(delay), .wait_o(left));
  end

  // ---- Columns ----------------------------------------------------------------------------------

  logic                ready, odd;
  logic [WaitBits-1:0] port_wait;
  logic [1:0]          bank_ready, power_ready, power_late;   // of even and odd banks

  assign odd           = BanksPerEngine == 2 && index_q[0];
  assign ready         = active_q && go_i && pause_q <= PaceBits'(1)
                      && (!needs_row || (at_row && !urgent_q));
  assign local_valid_o = ready && is_local && column_wait <= WaitBits'(Slot)
                      && port_wait <= WaitBits'(Slot) && bank_ready[odd] && power_ready[odd];
  assign local_write_o = source_q == pq_pkg::FromLocalWrite;
  assign local_odd_o   = odd;

  for (genvar s = 0; s < 2; s++) begin : gen_slot
    assign bus_valid_o[s] = ready && !is_local
                         && (!needs_row || (column_wait <= WaitBits'(s) && (&power_late)));
  end

  pq_wait #(.Width(WaitBits)) u_port_wait (
    .clk_i, .rst_ni, .set_i(local_valid_o), .delay_i(WaitBits'(Slot + PortGap)),
    .wait_o(port_wait));

  for (genvar b = 0; b < 2; b++) begin : gen_bank
    if (b < BanksPerEngine) begin : gen_used
      logic                local_access;
      logic [WaitBits-1:0] bank_wait;

      assign local_access  = local_valid_o && odd == b[0];
      assign bank_ready[b] = bank_wait <= WaitBits'(Slot);

      pq_wait #(.Width(WaitBits)) u_bank_wait (
        .clk_i, .rst_ni, .set_i(local_access), .delay_i(WaitBits'(Slot + BankGap)),
        .wait_o(bank_wait));

      if (PowerLimited) begin : gen_limited
        logic bus_access_q, counted_q, late, spare, spare_q;

        // Striped beats come to a bank once in Banks beats: they count when the last bank has had
        // its own, a cycle later. The first bank may have its next one by then, or in the cycle
        // after, in which `late` means nothing: it needs room for both, whatever the slots are.
        always_ff @(posedge clk_i or negedge rst_ni) begin
          if (!rst_ni) begin
            bus_access_q <= 1'b0;
            counted_q    <= 1'b0;
            spare_q      <= 1'b0;
          end else begin
            bus_access_q <= bus_grant_i && needs_row
                         && (!striped || (&index_q[BankBits-1:0]) || left_q == 16'd1);
            counted_q    <= bus_access_q;
            spare_q      <= spare;
          end
        end

        pq_power_window #(
          .Columns (Memory.LimitedColumns),
          .Window  (Memory.LimitedWindow)
        ) u_power_window (
          .clk_i, .rst_ni, .access_i(local_access || bus_access_q),
          .allowed_o(power_ready[b]), .allowed_late_o(late), .spare_o(spare));

        assign power_late[b] = late && ((spare && spare_q) || !(bus_access_q || counted_q));
      end else begin : gen_unlimited
        assign power_ready[b] = 1'b1;
        assign power_late[b]  = 1'b1;
      end
    end else begin : gen_unused
      assign bank_ready[b]  = 1'b1;
      assign power_ready[b] = 1'b1;
      assign power_late[b]  = 1'b1;
    end
  end

  // ---- Addresses --------------------------------------------------------------------------------

  assign source_o     = source_q;
  assign all_o        = all_q;
  assign column_row_o = row_q;
  assign column_o     = is_local ? ColumnBits'(index_q / IndexBits'(BanksPerEngine))
                      : striped  ? index_q[IndexBits-1:BankBits] : index_q[ColumnBits-1:0];
  assign bus_bank_o   = striped
      ? BankBits'(32'(index_q) % Memory.BankGroups * Memory.BanksPerGroup
                  + 32'(index_q) % Banks / Memory.BankGroups)
      : bank_q[BankBits-1:0];
  assign bus_engine_o = source_q == pq_pkg::FromRecords
      ? turn_q
      : EngineBits'(32'(turn_q) % Memory.BankGroups * (Engines / Memory.BankGroups)
                    + 32'(turn_q) / Memory.BankGroups);
  assign bus_beat_o   = beat_q;

  `AQ_ASSERT(a_refresh_in_time, owed_q <= OwedBits'(Memory.Postponed), clk_i, !rst_ni)
  `AQ_ASSERT(a_open_row_is_read, !(fire && needs_row) || at_row, clk_i, !rst_ni)

endmodule

`default_nettype wire
