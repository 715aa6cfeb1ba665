// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "pq_assert.svh"

// pq_bus_data: the way of the data bus's data, of what pq_bus_arbiter has granted.
//
//   payload or buffer --> [ WriteCycles ] --> bus_wdata_o --> [ 2 ] --> bus_data_o to the engines
//   bus_rdata_i or engine_data_i --> [ reg ] --> host (data_*), reducer (record_*), bus_data_o
//
// Latency     From the cycle n of a command on the pins, one after won_i: read data are taken in
//             n + ReadCycles, and go on in the next cycle; payload_take_o in n, payload_i in n + 1,
//             bus_wdata_o in n + WriteCycles, at the engines in n + WriteCycles + 2
// Throughput  1 beat per cycle
// Golden      aqpim::golden::Channel   sw/golden/channel.h
module pq_bus_data #(
  parameter  int unsigned     BanksPerEngine = 1,
  parameter  int unsigned     WordsPerBeat   = 1,
  parameter  int unsigned     BufferBits     = 8,
  parameter  pq_pkg::memory_t Memory         = pq_pkg::DefaultMemory,
  localparam int unsigned     R              = Memory.Ranks,
  localparam int unsigned     Engines        = Memory.BankGroups * Memory.BanksPerGroup
                                             / BanksPerEngine
) (
  input  wire logic                        clk_i,
  input  wire logic                        rst_ni,
  // What is granted
  input  wire logic                        won_i,
  input  wire logic                        rank_i,
  input  wire pq_pkg::bus_request_t        request_i,
  // Columns of all banks of each rank
  input  wire logic [R-1:0]                local_valid_i,
  input  wire logic [R-1:0]                local_write_i,
  input  wire logic [R-1:0]                local_odd_i,
  // DRAM pins
  input  wire logic [pq_pkg::BeatBits-1:0] bus_rdata_i,
  output logic      [pq_pkg::BeatBits-1:0] bus_wdata_o,
  // Host and reducer
  output logic                             payload_take_o,
  output pq_pkg::host_beat_t               payload_beat_o,
  input  wire logic [pq_pkg::BeatBits-1:0] payload_i,
  output logic                             buffer_read_o,   // data in the next cycle
  output logic      [BufferBits-1:0]       buffer_address_o,
  input  wire logic [pq_pkg::BeatBits-1:0] buffer_i,
  output logic                             data_valid_o,
  output pq_pkg::host_beat_t               data_beat_o,
  output logic                             record_valid_o,
  output logic      [pq_pkg::BeatBits-1:0] data_o,          // with data_valid_o or record_valid_o
  // Engines: of a rank, or of engine rank * Engines + e
  output logic      [R-1:0]                bank_take_o,
  output logic      [R-1:0]                bank_odd_o,
  output logic      [R*Engines-1:0]        bus_valid_o,
  output pq_pkg::engine_write_t            bus_beat_o,
  output logic      [pq_pkg::BeatBits-1:0] bus_data_o,
  output logic      [R*Engines-1:0]        read_valid_o,
  output pq_pkg::engine_read_t             read_beat_o,     // ReadResult or ReadRecord
  input  wire logic [pq_pkg::BeatBits-1:0] engine_data_i
);

  localparam int unsigned EngineBits       = $clog2(Engines);
  localparam int unsigned ReadCycles       = pq_pkg::read_cycles(Memory.nCL, Memory.nBL);
  localparam int unsigned WriteCycles      = Memory.nCWL / 2;
  localparam int unsigned EngineReadCycles = 6 + WordsPerBeat;
  localparam int unsigned EngineWrite      = WriteCycles + 2;

  if (Memory.nCWL < 6 || Memory.nCWL + 10 > Memory.nCL) begin : gen_bad_latency
    $error("pq_bus: nCWL must be at least 6, and at least 10 less than nCL");
  end
  if (ReadCycles < EngineReadCycles + 1) begin : gen_bad_engine_latency
    $error("pq_bus: nCL + nBL + 2 must be at least 14 + 2 * WordsPerBeat, for engines to answer");
  end

  logic writes, writes_engine, reads_engine;

  assign writes_engine = request_i.kind == pq_pkg::ColEngineWr
                      || request_i.kind == pq_pkg::ColEngineWrAll;
  assign writes        = request_i.kind == pq_pkg::ColWr || writes_engine;
  assign reads_engine  = request_i.kind == pq_pkg::ColEngineRd;

  // ---- Read data --------------------------------------------------------------------------------

  // Engines are asked so early that their answer has its place on the bus.
  localparam int unsigned AskCycle = ReadCycles - EngineReadCycles - 1;

  // What is known of a read from its command to its data. Bit k: of the command that was on the
  // pins k cycles ago.
  logic [ReadCycles:0] read_q, from_engine_q, to_engines_q, to_reducer_q;

  for (genvar r = 0; r < R; r++) begin : gen_bank_take
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
    else         read_q <= {read_q[ReadCycles-1:0], won_i && !writes};
  end
  always_ff @(posedge clk_i) begin
    from_engine_q <= {from_engine_q[ReadCycles-1:0], reads_engine};
    to_engines_q  <= {to_engines_q[ReadCycles-1:0], request_i.kind == pq_pkg::ColBroadcast};
    to_reducer_q  <= {to_reducer_q[ReadCycles-1:0], reads_engine && request_i.record};
  end

  logic                  asked_rank, arrived_rank;
  logic [EngineBits-1:0] engine, asked_engine;
  logic [5:0]            asked_index;
  logic [7:0]            asked_tag;
  logic [15:0]           asked_beat;
  pq_pkg::host_beat_t    arrived;

  assign engine = EngineBits'(request_i.engine);

  pq_delay #(
    .Cycles (AskCycle + 1),
    .Width  (1 + EngineBits + 6 + 8 + 16)
  ) u_ask_delay (
    .clk_i,
    .data_i ({rank_i, engine, request_i.index, request_i.tag, request_i.beat}),
    .data_o ({asked_rank, asked_engine, asked_index, asked_tag, asked_beat})
  );

  pq_delay #(
    .Cycles (ReadCycles - AskCycle),
    .Width  (1 + 8 + 16)
  ) u_arrive_delay (
    .clk_i,
    .data_i ({asked_rank, asked_tag, asked_beat}),
    .data_o ({arrived_rank, arrived})
  );

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

  logic [pq_pkg::BeatBits-1:0] data_q;
  logic                        data_broadcast_q, data_rank_q;

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
    read_beat_o.kind  <= to_reducer_q[AskCycle] ? pq_pkg::ReadRecord : pq_pkg::ReadResult;
    read_beat_o.index <= asked_index;
    data_beat_o       <= arrived;
    data_rank_q       <= arrived_rank;
    if (read_q[ReadCycles]) data_q <= from_engine_q[ReadCycles] ? engine_data_i : bus_rdata_i;
  end
  assign data_o = data_q;

  // ---- Write data -------------------------------------------------------------------------------

  logic [EngineWrite-1:0] engine_write_q;   // bit k: as above
  logic [pq_pkg::BeatBits-1:0] write_data, engine_data;
  logic                   buffered_q;
  logic                   written_rank, written_all;
  logic [EngineBits-1:0]  written_engine;
  pq_pkg::engine_write_t  written;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      engine_write_q <= '0;
      payload_take_o <= 1'b0;
      buffer_read_o  <= 1'b0;
    end else begin
      engine_write_q <= {engine_write_q[EngineWrite-2:0], won_i && writes_engine};
      payload_take_o <= won_i && writes && !request_i.buffered;
      buffer_read_o  <= won_i && writes && request_i.buffered;
    end
  end
  always_ff @(posedge clk_i) begin
    payload_beat_o   <= {request_i.tag, request_i.beat};
    buffer_address_o <= BufferBits'(request_i.beat);
    buffered_q       <= buffer_read_o;
  end

  pq_delay #(
    .Cycles (EngineWrite),
    .Width  (2 + EngineBits + 3 + 5)
  ) u_write_delay (
    .clk_i,
    .data_i ({rank_i, request_i.kind == pq_pkg::ColEngineWrAll, engine, request_i.to,
              request_i.index[4:0]}),
    .data_o ({written_rank, written_all, written_engine, written})
  );

  assign write_data = buffered_q ? buffer_i : payload_i;

  pq_delay #(
    .Cycles (WriteCycles - 1),
    .Width  (pq_pkg::BeatBits)
  ) u_bus_delay (
    .clk_i,
    .data_i (write_data),
    .data_o (bus_wdata_o)
  );

  pq_delay #(
    .Cycles (EngineWrite - 1 - WriteCycles),
    .Width  (pq_pkg::BeatBits)
  ) u_engine_delay (
    .clk_i,
    .data_i (bus_wdata_o),
    .data_o (engine_data)
  );

  // ---- To the engines ---------------------------------------------------------------------------

  // Beats of a broadcast and beats of the host never meet here: they keep nBL on the bus.
  for (genvar g = 0; g < R * Engines; g++) begin : gen_bus
    localparam int unsigned Rank = g / Engines;
    logic here;
    assign here = engine_write_q[EngineWrite-1] && written_rank == Rank[0]
               && (written_all || written_engine == EngineBits'(g % Engines));
    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) bus_valid_o[g] <= 1'b0;
      else         bus_valid_o[g] <= here || (data_broadcast_q && data_rank_q == Rank[0]);
    end
  end

  always_ff @(posedge clk_i) begin
    bus_beat_o.kind  <= data_broadcast_q ? pq_pkg::BusStream : written.kind;
    bus_beat_o.index <= written.index;
    bus_data_o       <= data_broadcast_q ? data_q : engine_data;
  end

  `AQ_ASSERT(a_one_beat, !(data_broadcast_q && engine_write_q[EngineWrite-1]), clk_i, !rst_ni)

endmodule

`default_nettype wire
