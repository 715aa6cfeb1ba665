// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "pq_assert.svh"

// pq_attend_scores: the scores of a window, four to a memory word.
//
//   scores_i --> [ pack ] --> [ TileDepth/4 words of 4 scores ] --> [ select ] --> scores_o
//
// Scores are written as they come, the last, incomplete word by flush_i. They are read from the
// first one on. A word is written or read in every 4 / Slots-th cycle only, and never both.
//
// Shapes      up to TileDepth scores, Slots at a time
// Formats     score: ScoreWidth, as it is
// Latency     flush_i: written 1 cycle later; read_i to scores_o: 1 cycle, held until the next read
// Throughput  Slots scores per cycle, in or out
// Golden      a plain array
module pq_attend_scores #(
  parameter int unsigned ScoreWidth = 16,
  parameter int unsigned TileDepth  = 1024,
  parameter int unsigned Slots      = 1
) (
  input  wire logic                        clk_i,
  input  wire logic                        rst_ni,
  input  wire logic                        start_tile_i,   // the next score is the first one
  input  wire logic                        write_i,
  input  wire logic [Slots*ScoreWidth-1:0] scores_i,
  input  wire logic                        flush_i,        // the scores are complete
  input  wire logic                        start_read_i,   // the next read is the first one
  input  wire logic                        read_i,
  output logic      [Slots*ScoreWidth-1:0] scores_o
);

  localparam int unsigned PerWord       = 4;
  localparam int unsigned Steps         = PerWord / Slots;         // of a word
  localparam int unsigned StepWidth     = $clog2(Steps);
  localparam int unsigned PartWidth     = Slots * ScoreWidth;      // of a step
  localparam int unsigned PositionWidth = $clog2(TileDepth / Slots);

  if (Slots != 1 && Slots != 2) begin : gen_bad_slots
    $error("pq_attend_scores: Slots must be 1 or 2");
  end
  if (TileDepth < 16 || (1 << $clog2(TileDepth)) != TileDepth) begin : gen_bad_tile_depth
    $error("pq_attend_scores: TileDepth must be a power of two, at least 16");
  end

  logic [PositionWidth-1:0]       write_q, read_q;   // next step
  logic [StepWidth-1:0]           shown_q;           // step that scores_o shows
  logic [(Steps-1)*PartWidth-1:0] pack_q;
  logic                           write, read;
  logic [Steps*PartWidth-1:0]     word;

  assign write = (write_i && &write_q[StepWidth-1:0]) || (flush_i && |write_q[StepWidth-1:0]);
  assign read  = read_i && !(|read_q[StepWidth-1:0]);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      write_q <= '0;
      read_q  <= '0;
    end else begin
      if (start_tile_i) write_q <= '0;
      else if (write_i) write_q <= write_q + 1'b1;
      if (start_read_i) read_q <= '0;
      else if (read_i)  read_q <= read_q + 1'b1;
    end
  end

  for (genvar i = 0; i < Steps - 1; i++) begin : gen_pack
    always_ff @(posedge clk_i) begin
      if (write_i && write_q[StepWidth-1:0] == StepWidth'(i)) begin
        pack_q[i*PartWidth +: PartWidth] <= scores_i;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (read_i) shown_q <= read_q[StepWidth-1:0];
  end

  pq_memory #(
    .Depth      (TileDepth / PerWord),
    .Width      (PerWord * ScoreWidth),
    .SinglePort (1'b1)
  ) u_memory (
    .clk_i,
    .write_i         (write),
    .write_address_i (write_q[PositionWidth-1:StepWidth]),
    .write_data_i    ({scores_i, pack_q}),
    .read_i          (read),
    .read_address_i  (read_q[PositionWidth-1:StepWidth]),
    .read_data_o     (word)
  );

  always_comb begin
    scores_o = '0;
    for (int unsigned i = 0; i < Steps; i++) begin
      if (shown_q == StepWidth'(i)) scores_o = scores_o | word[i*PartWidth +: PartWidth];
    end
  end

  `AQ_ASSERT(a_single_port, !((write_i || flush_i) && read_i), clk_i, !rst_ni)

endmodule

`default_nettype wire
