// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "pq_assert.svh"

// pq_centroid_buffer: records of a pass in, its centroids in a buffer for the next LOAD.
//
//   record beats --> [ words ] --> pq_reducer --centroids--> [ beat ] --> buffer --> next LOAD
//                                            \--elements---> [ beat ] --> host (last pass)
//
// A pass has the records of all engines of a rank: their sum (joint), or one codebook for each
// engine, one after the other. The buffer then holds the centroids in the order of LOAD, engine by
// engine.
//
// Shapes      buffer: K * SliceWords words for each codebook
// Latency     beat to its first word: 0 cycles; done_o: when the last centroid is in the buffer
// Throughput  a beat in WordsPerBeat cycles, a centroid as in pq_reducer: the sender keeps its pace
// Golden      aqpim::golden::reduce()   sw/golden/reducer.h
module pq_centroid_buffer #(
  parameter  int unsigned Engines    = 16,
  parameter  int unsigned SubDim     = 4,
  parameter  int unsigned CodeBits   = 8,
  parameter  int unsigned WordBits   = 256,
  parameter  int unsigned ScoreDepth = 2048,
  localparam int unsigned BufferBits = pq_pkg::buffer_bits(Engines, CodeBits, WordBits)
) (
  input  wire logic                        clk_i,
  input  wire logic                        rst_ni,
  input  wire logic                        start_i,  // pulse: a pass begins
  input  wire pq_pkg::reducer_pass_t       pass_i,   // does not change until done_o
  input  wire logic                        record_valid_i,
  input  wire logic [pq_pkg::BeatBits-1:0] record_i,
  output logic                             done_o,   // until the next start_i
  input  wire logic                        buffer_read_i,
  input  wire logic [BufferBits-1:0]       buffer_address_i,
  output logic      [pq_pkg::BeatBits-1:0] buffer_o,
  output logic                             elements_valid_o,
  output logic      [15:0]                 elements_beat_o,
  output logic      [pq_pkg::BeatBits-1:0] elements_o
);

  localparam int unsigned WordsPerBeat  = pq_pkg::words_per_beat(WordBits);
  localparam int unsigned Centroids     = 1 << CodeBits;
  localparam int unsigned SliceChannels = WordBits / CodeBits / 2;
  localparam int unsigned ElementBits   = 8 * SliceChannels;
  localparam int unsigned PerBeat       = pq_pkg::BeatBits / ElementBits;   // centroids' elements
  localparam int unsigned CountBits     = $clog2(Engines * Centroids + 1);

  // ---- Records as words -------------------------------------------------------------------------

  logic                word_valid, word_ready;
  logic [WordBits-1:0] word;

  if (WordsPerBeat == 1) begin : gen_whole
    assign word_valid = record_valid_i;
    assign word       = record_i;
  end else begin : gen_split
    localparam int unsigned RestBits = pq_pkg::BeatBits - WordBits;
    logic [WordsPerBeat-2:0] rest_valid_q;
    logic [RestBits-1:0]     rest_q;

    assign word_valid = record_valid_i || rest_valid_q[0];
    assign word       = record_valid_i ? record_i[WordBits-1:0] : rest_q[WordBits-1:0];

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni)             rest_valid_q <= '0;
      else if (record_valid_i) rest_valid_q <= '1;
      else                     rest_valid_q <= (WordsPerBeat - 1)'({1'b0, rest_valid_q} >> 1);
    end
    always_ff @(posedge clk_i) begin
      rest_q <= record_valid_i ? record_i[pq_pkg::BeatBits-1:WordBits]
                               : RestBits'({{WordBits{1'b0}}, rest_q} >> WordBits);
    end

    `AQ_ASSERT(a_pace, !(record_valid_i && rest_valid_q[0]), clk_i, !rst_ni)
  end

  logic                   centroid_valid, elements_valid;
  logic [WordBits-1:0]    centroid;
  logic [ElementBits-1:0] elements;

  pq_reducer #(
    .WordBits   (WordBits),
    .CodeBits   (CodeBits),
    .SubDim     (SubDim),
    .ScoreDepth (ScoreDepth)
  ) u_reducer (
    .clk_i,
    .rst_ni,
    .word_valid_i     (word_valid),
    .word_ready_o     (word_ready),
    .word_i           (word),
    .last_part_i      (pass_i.joint ? 8'(Engines - 1) : 8'd0),
    .values_i         (pass_i.values),
    .centroid_valid_o (centroid_valid),
    .centroid_o       (centroid),
    .elements_valid_o (elements_valid),
    .elements_o       (elements)
  );

  // ---- Centroids to the buffer ------------------------------------------------------------------

  logic [WordsPerBeat-1:0]     place_q;   // one-hot: the word of the beat that comes next
  logic                        beat_valid_q;
  logic [pq_pkg::BeatBits-1:0] beat_q;
  logic [BufferBits-1:0]       address_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      place_q      <= WordsPerBeat'(1);
      beat_valid_q <= 1'b0;
    end else begin
      if (centroid_valid) begin
        place_q <= WordsPerBeat'({place_q, place_q} >> (WordsPerBeat - 1));
      end
      beat_valid_q <= centroid_valid && place_q[WordsPerBeat-1];
    end
  end
  always_ff @(posedge clk_i) begin
    if (centroid_valid) beat_q <= (pq_pkg::BeatBits)'({centroid, beat_q} >> WordBits);
    if (start_i)           address_q <= '0;
    else if (beat_valid_q) address_q <= address_q + 1'b1;
  end

  // As wide as fast macros are. It is read when all centroids are there: one port does.
  localparam int unsigned ColumnWidth = 64;

  for (genvar i = 0; i < pq_pkg::BeatBits / ColumnWidth; i++) begin : gen_buffer
    pq_memory #(
      .Depth      (1 << BufferBits),
      .Width      (ColumnWidth),
      .SinglePort (1'b1)
    ) u_buffer (
      .clk_i,
      .write_i         (beat_valid_q),
      .write_address_i (address_q),
      .write_data_i    (beat_q[i*ColumnWidth +: ColumnWidth]),
      .read_i          (buffer_read_i),
      .read_address_i  (buffer_address_i),
      .read_data_o     (buffer_o[i*ColumnWidth +: ColumnWidth])
    );
  end

  // ---- Elements to the host ---------------------------------------------------------------------

  logic [CountBits-1:0] left_q;          // centroids that have not come
  logic [PerBeat-1:0]   element_place_q;
  logic [15:0]          elements_beat_q;

  assign done_o = left_q == '0 && !beat_valid_q && !elements_valid_o;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      left_q           <= '0;
      element_place_q  <= PerBeat'(1);
      elements_valid_o <= 1'b0;
    end else begin
      if (start_i) left_q <= pass_i.joint ? CountBits'(Centroids) : CountBits'(Engines * Centroids);
      else if (elements_valid) left_q <= left_q - 1'b1;
      if (elements_valid) begin
        element_place_q <= PerBeat'({element_place_q, element_place_q} >> (PerBeat - 1));
      end
      elements_valid_o <= elements_valid && element_place_q[PerBeat-1] && pass_i.last;
    end
  end
  always_ff @(posedge clk_i) begin
    if (elements_valid) elements_o <= (pq_pkg::BeatBits)'({elements, elements_o} >> ElementBits);
    elements_beat_o <= elements_beat_q;
    if (start_i) elements_beat_q <= '0;
    else if (elements_valid && element_place_q[PerBeat-1]) begin
      elements_beat_q <= elements_beat_q + 1'b1;
    end
  end

  `AQ_ASSERT(a_reducer_ready, !word_valid || word_ready, clk_i, !rst_ni)
  `AQ_ASSERT(a_no_collision, !(beat_valid_q && buffer_read_i), clk_i, !rst_ni)

endmodule

`default_nettype wire
