// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// pq_bus_arbiter: what has the data bus, and the slots of column commands.
//
//   columns of all banks (local_*) -----------------> slot = rank ----+
//   request of each rank --> pq_bus_ask --> [ whose turn ] ---------- +--> [ reg ] --> col_* pins
//                 [ waits: read, write, bank group ]   \--> won_o, request_o --> pq_bus_data
//
// A clock cycle has two slots, memory cycles 2n and 2n + 1, each with one column command. Columns
// of all banks of rank r keep to slot r and go first; one column of the data bus takes a slot that
// is left. Transfers go before streams. Of two streams the one of the rank that leads goes first,
// and the other one fills its gaps; the lead changes when its rank's streams have not had the bus
// for LeadCycles. So one rank gets through with its codebooks while the other looks up codes,
// instead of both waiting for each other.
// A rank that asks in vain for FairCycles for a write, or for a read behind writes, gets its beat:
// the other one is held off until then. Each read puts off the next write by the turnaround, so
// that without this the reads of one rank could keep the writes of the other from the bus for ever.
// A stream of writes that got its beat like that leads from then on: otherwise each of its beats
// would cost a turnaround. Reads behind reads wait for the end of a stream that leads: beats in
// between would help neither rank. FairCycles are as many as a codebook of 256 centroids has beats:
// registers of the next query come between codebooks without a turnaround of their own, as long as
// there are such gaps.
//
// Latency     request to grant: as in pq_bus. Grant to pins: 1 cycle
// Throughput  1 beat on the data bus per cycle
// Golden      tb/memory/timing_checker.h judges the timing
module pq_bus_arbiter #(
  parameter  int unsigned     BanksPerEngine = 1,
  parameter  pq_pkg::memory_t Memory         = pq_pkg::DefaultMemory,
  localparam int unsigned     R              = Memory.Ranks,
  localparam int unsigned     Banks          = Memory.BankGroups * Memory.BanksPerGroup,
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
  // What is granted
  output logic                                     won_o,
  output logic                                     rank_o,
  output pq_pkg::bus_request_t                     request_o,
  // DRAM pins: element s of each is slot s
  output logic      [1:0]                          col_valid_o,
  output logic      [5:0]                          col_kind_o,
  output logic      [1:0]                          col_rank_o,
  output logic      [3:0]                          col_set_o,
  output logic      [2*BankBits-1:0]               col_bank_o,
  output logic      [2*RowBits-1:0]                col_row_o,
  output logic      [2*ColumnBits-1:0]             col_column_o
);

  localparam int unsigned GroupBits  = $clog2(Memory.BankGroups);
  localparam int unsigned BeatGap    = pq_pkg::larger(Memory.nBL, Memory.nCCDS);
  localparam int unsigned TurnGap    = Memory.nCL + Memory.nBL + Memory.nRTW - Memory.nCWL;
  localparam int unsigned WaitBits   = 6;
  localparam int unsigned FairCycles = 1024;
  localparam int unsigned FairBits   = $clog2(FairCycles);

  if (R != 1 && R != 2) begin : gen_bad_ranks
    $error("pq_bus: Ranks must be 1 or 2");
  end
  if (TurnGap + 1 >= (1 << WaitBits) || Memory.nCCDL + 1 >= (1 << WaitBits)) begin : gen_bad_gap
    $error("pq_bus: nCL + nBL + nRTW - nCWL and nCCDL must be less than 63");
  end

  // ---- Requests ---------------------------------------------------------------------------------

  // Of rank 0, and of the last rank
  pq_pkg::bus_address_t first_address, last_address, address;
  pq_pkg::bus_request_t first, last;

  assign first_address = address_i[pq_pkg::BusAddressBits-1:0];
  assign last_address  = address_i[R*pq_pkg::BusAddressBits-1 -: pq_pkg::BusAddressBits];
  assign first         = request_i[pq_pkg::BusRequestBits-1:0];
  assign last          = request_i[R*pq_pkg::BusRequestBits-1 -: pq_pkg::BusRequestBits];

  logic unused_addresses;   // wider than this memory needs
  assign unused_addresses = ^{first_address, last_address, address};

  logic [R-1:0]         wins, slots, writes, held_off;
  logic [1:0]           slot_free, read_allowed, write_allowed, group_allowed;
  logic [WaitBits-1:0]  read_wait, write_wait, group_wait;
  logic [GroupBits:0]   last_q;   // rank and bank group of the last access of one bank or engine
  logic [GroupBits-1:0] winner_group;
  logic                 winner_writes, to_one;

  for (genvar r = 0; r < R; r++) begin : gen_ask
    logic [BankBits-1:0] bank;

    assign bank = BankBits'(r == 0 ? first_address.bank : last_address.bank);

    pq_bus_ask #(
      .Rank   (r[0]),
      .Memory (Memory)
    ) u_ask (
      .valid_i         (request_valid_i[2*r +: 2] | {2{urgent_i[r]}}),
      .kind_i          (r == 0 ? first.kind : last.kind),
      .group_i         (GroupBits'(bank / BankBits'(Memory.BanksPerGroup))),
      .held_off_i      (held_off[r]),
      .slot_free_i     (slot_free),
      .read_allowed_i  (read_allowed),
      .write_allowed_i (write_allowed),
      .group_allowed_i (group_allowed),
      .last_i          (last_q),
      .wins_o          (wins[r]),
      .slot_o          (slots[r]),
      .writes_o        (writes[r])
    );

    assign grant_o[r] = won_o && rank_o == r[0];
  end

  // ---- Whose turn -------------------------------------------------------------------------------

  if (R == 2) begin : gen_owner
    localparam int unsigned LeadCycles = 256;

    logic                          lead_q, follows;
    logic [$clog2(LeadCycles)-1:0] idle_q;
    logic [1:0]                    both, urgent, starved;

    for (genvar r = 0; r < 2; r++) begin : gen_fair
      logic [FairBits-1:0] waited_q;
      logic                asks;

      assign asks        = urgent_i[r] || request_valid_i[2*r +: 2] != '0;
      assign starved[r]  = &waited_q;
      assign held_off[r] = starved[1-r] && !(r == 0 && starved[r]);

      always_ff @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) begin
          waited_q <= '0;
        end else if (!asks || grant_o[r]) begin
          waited_q <= '0;
        end else if (!starved[r] && writes != '0) begin
          waited_q <= waited_q + 1'b1;
        end
      end
    end

    assign both   = wins;
    assign urgent = both & urgent_i;
    assign rank_o  = both == 2'b11 && urgent[0] == urgent[1] ? lead_q
                  : both == 2'b11 ? urgent[1] : both[1];

    // A stream of the rank that does not lead has the bus
    assign follows = won_o && rank_o != lead_q && !urgent[rank_o];

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        lead_q <= 1'b0;
        idle_q <= '0;
      end else if ((grant_o[lead_q] && !urgent_i[lead_q])
                   || (follows && ((&idle_q) || (starved[rank_o] && writes[rank_o])))) begin
        lead_q <= rank_o;
        idle_q <= '0;
      end else if (!(&idle_q)) begin
        idle_q <= idle_q + 1'b1;
      end
    end
  end else begin : gen_one
    logic unused_others;
    assign unused_others = ^writes;
    assign rank_o        = 1'b0;
    assign held_off      = '0;
  end

  // The winner's request
  assign won_o         = |wins;
  assign slot_o        = R == 2 && rank_o ? slots[R-1] : slots[0];
  assign winner_writes = R == 2 && rank_o ? writes[R-1] : writes[0];
  assign address       = R == 2 && rank_o ? last_address : first_address;
  assign request_o     = R == 2 && rank_o ? last : first;
  assign to_one        = request_o.kind != pq_pkg::ColEngineWrAll;
  assign winner_group  = GroupBits'(BankBits'(address.bank) / BankBits'(Memory.BanksPerGroup));

  // ---- Time on the bus --------------------------------------------------------------------------

  for (genvar s = 0; s < 2; s++) begin : gen_allowed
    if (s < R) begin : gen_rank
      assign slot_free[s] = !local_valid_i[s];
    end else begin : gen_none
      assign slot_free[s] = 1'b1;
    end
    assign read_allowed[s]  = read_wait <= WaitBits'(s);
    assign write_allowed[s] = write_wait <= WaitBits'(s);
    assign group_allowed[s] = group_wait <= WaitBits'(s);
  end

  pq_wait #(
    .Width (WaitBits)
  ) u_read_wait (
    .clk_i,
    .rst_ni,
    .set_i   (won_o),
    .delay_i (WaitBits'(slot_o) + WaitBits'(BeatGap)),
    .wait_o  (read_wait)
  );

  pq_wait #(
    .Width (WaitBits)
  ) u_write_wait (
    .clk_i,
    .rst_ni,
    .set_i   (won_o),
    .delay_i (WaitBits'(slot_o) + (winner_writes ? WaitBits'(BeatGap) : WaitBits'(TurnGap))),
    .wait_o  (write_wait)
  );

  pq_wait #(
    .Width (WaitBits)
  ) u_group_wait (
    .clk_i,
    .rst_ni,
    .set_i   (won_o && to_one),
    .delay_i (WaitBits'(slot_o) + WaitBits'(Memory.nCCDL)),
    .wait_o  (group_wait)
  );

  always_ff @(posedge clk_i) begin
    if (won_o && to_one) last_q <= {rank_o, winner_group};
  end

  // ---- Column pins ------------------------------------------------------------------------------

  for (genvar s = 0; s < 2; s++) begin : gen_column_pins
    localparam int unsigned L = s < R ? s : 0;   // whose columns of all banks go here

    logic local_here;

    assign local_here = s < R && local_valid_i[L];

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) col_valid_o[s] <= 1'b0;
      else         col_valid_o[s] <= local_here || (won_o && slot_o == s[0]);
    end
    always_ff @(posedge clk_i) begin
      if (local_here) begin
        col_kind_o[3*s +: 3]               <= local_write_i[L] ? pq_pkg::ColWrAll
                                                               : pq_pkg::ColRdAll;
        col_rank_o[s]                      <= L[0];
        col_set_o[2*s +: 2]                <= BanksPerEngine == 1 ? pq_pkg::SetAll
                                            : local_odd_i[L] ? pq_pkg::SetOdd : pq_pkg::SetEven;
        col_bank_o[BankBits*s +: BankBits] <= '0;
        col_row_o[RowBits*s +: RowBits]    <= RowBits'(L == 0 ? first_address.row
                                                              : last_address.row);
        col_column_o[ColumnBits*s +: ColumnBits] <=
            ColumnBits'(L == 0 ? first_address.column : last_address.column);
      end else begin
        col_kind_o[3*s +: 3]               <= request_o.kind;
        col_rank_o[s]                      <= rank_o;
        col_set_o[2*s +: 2]                <= pq_pkg::SetAll;
        col_bank_o[BankBits*s +: BankBits] <= BankBits'(address.bank);
        col_row_o[RowBits*s +: RowBits]    <= RowBits'(address.row);
        col_column_o[ColumnBits*s +: ColumnBits] <= ColumnBits'(address.column);
      end
    end
  end

endmodule

`default_nettype wire
