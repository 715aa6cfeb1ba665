// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "pq_assert.svh"

// pq_reducer: partial sums of a slice, of any number of parts, become its next centroids.
//
//   word_i -+-> [ + ] <-> [ sums     ] -\
//           +-> [ + ] <-> [ weights  ] --+-> [ dividends, divisors ] -> pq_divider
//           \-----------> [ old ones ] -/                                   |
//                                            centroid_o <- [ word  ] <- pq_centroid_format
//                                            elements_o <- [ slice ] <-/
//
// A centroid is a dividend for each channel of the slice, sum / weight. One without weight divides
// its old value by 1. While a centroid is divided, the parts of the next one are added.
//
// Words       for each centroid, for each part: a record of RecordWords words, as UNLOAD gives it:
//             sums (s32), RecordWords / 2 words; weights (u32), SliceWords words, the last ones
//             filled up; old centroids (s16), SliceWords words. Lowest channel or sub-space lowest.
//             The first word of a centroid takes last_part_i, the number of parts minus 1, and
//             values_i
// Shapes      out: SliceWords words centroid_o and one elements_o for each centroid, in order.
//             Each lasts one cycle: the listener takes it
// Formats     sums: signed, 20 + log2(ScoreDepth) bits, PartsWidth more when added; weights:
//             8 + log2(ScoreDepth) bits, PartsWidth more; centroids: signed, 12 bits;
//             centroid_o: binary16 of centroid * 2^-8; elements_o: int8 or E3M4. All are exact but
//             the quotient and the stored element, which are rounded to nearest, ties to even
// Latency     last word of a centroid to word w of centroid_o: 18 + (w + 1) * WordBits / 16 cycles,
//             to elements_o: 18 + SliceChannels; more by what the divider is behind
// Throughput  a centroid in max(parts * RecordWords, SliceChannels) cycles; word_ready_o is low
//             only while a centroid that has all its parts waits for the divider
// Golden      aqpim::golden::reduce()   sw/golden/reducer.h
module pq_reducer #(
  parameter  int unsigned WordBits      = 256,   // bits of a word
  parameter  int unsigned CodeBits      = 8,     // bits of a code
  parameter  int unsigned SubDim        = 4,     // channels of a sub-space
  parameter  int unsigned ScoreDepth    = 2048,  // tokens of a part, at most
  parameter  int unsigned PartsWidth    = 8,     // of last_part_i
  localparam int unsigned SliceChannels = WordBits / CodeBits / 2
) (
  input  wire logic                       clk_i,
  input  wire logic                       rst_ni,
  input  wire logic                       word_valid_i,
  output logic                            word_ready_o,
  input  wire logic [WordBits-1:0]        word_i,
  input  wire logic [PartsWidth-1:0]      last_part_i,       // parts of this centroid minus 1
  input  wire logic                       values_i,          // elements: 0 of keys, 1 of values
  output logic                            centroid_valid_o,
  output logic      [WordBits-1:0]        centroid_o,        // a word of the next LOAD
  output logic                            elements_valid_o,
  output logic      [SliceChannels*8-1:0] elements_o         // of the stored codebook
);

  localparam int unsigned SliceSubspaces = SliceChannels / SubDim;
  localparam int unsigned RecordWords    = pq_pkg::record_words(CodeBits);
  localparam int unsigned SliceWords     = pq_pkg::slice_words(CodeBits);

  if (WordBits != 64 && WordBits != 128 && WordBits != 256) begin : gen_bad_word_bits
    $error("pq_reducer: WordBits must be 64, 128 or 256");
  end
  if (CodeBits != 4 && CodeBits != 8) begin : gen_bad_code_bits
    $error("pq_reducer: CodeBits must be 4 or 8");
  end
  if (SubDim != 2 && SubDim != 4 && SubDim != 8) begin : gen_bad_sub_dim
    $error("pq_reducer: SubDim must be 2, 4 or 8");
  end
  if (SubDim > SliceChannels) begin : gen_bad_slice
    $error("pq_reducer: SubDim must be at most WordBits / CodeBits / 2, the channels of a slice");
  end
  if (ScoreDepth < 16 || ScoreDepth > 4096 || (1 << $clog2(ScoreDepth)) != ScoreDepth)
      begin : gen_bad_score_depth
    $error("pq_reducer: ScoreDepth must be a power of two from 16 to 4096");
  end
  if (PartsWidth < 1 || PartsWidth > 8) begin : gen_bad_parts_width
    $error("pq_reducer: PartsWidth must be 1 to 8");
  end

  localparam int unsigned CentroidWidth   = 12;
  localparam int unsigned PartWeightWidth = 8 + $clog2(ScoreDepth);
  localparam int unsigned PartSumWidth    = CentroidWidth + PartWeightWidth;
  localparam int unsigned WeightWidth     = PartWeightWidth + PartsWidth;
  localparam int unsigned SumWidth        = PartSumWidth + PartsWidth;

  // Numbers of a word, and those of its weights that are not filling.
  localparam int unsigned WordSums    = WordBits / 32;
  localparam int unsigned WordOlds    = WordBits / 16;
  localparam int unsigned WordWeights = SliceSubspaces < WordSums ? SliceSubspaces : WordSums;

  localparam int unsigned WordIndexWidth = $clog2(RecordWords);
  localparam int unsigned ChannelWidth   = $clog2(SliceChannels);
  localparam logic [WordIndexWidth-1:0] FirstWeightWord = WordIndexWidth'(RecordWords / 2);
  localparam logic [WordIndexWidth-1:0] LastWeightWord  =
      WordIndexWidth'(RecordWords / 2 + SliceSubspaces / WordWeights - 1);
  localparam logic [WordIndexWidth-1:0] FirstOldWord    = WordIndexWidth'(RecordWords - SliceWords);

  // ---- Order of the words -----------------------------------------------------------------------

  logic                      take, sum_word, weight_word, old_word, record_done, centroid_done;
  logic                      added_q;             // a centroid has all its parts
  logic                      divide;              // it moves on to the divider
  logic                      values_q;
  logic [WordIndexWidth-1:0] word_index_q;
  logic [PartsWidth-1:0]     part_q, last_part_q;
  logic                      first_part;

  assign word_ready_o  = !added_q || divide;
  assign take          = word_valid_i && word_ready_o;
  assign sum_word      = take && word_index_q < FirstWeightWord;
  assign weight_word   = take && word_index_q >= FirstWeightWord && word_index_q <= LastWeightWord;
  assign old_word      = take && word_index_q >= FirstOldWord;
  assign record_done   = take && (&word_index_q);
  assign first_part    = part_q == '0;
  assign centroid_done = record_done && part_q == last_part_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      word_index_q <= '0;
      part_q       <= '0;
      added_q      <= 1'b0;
    end else begin
      if (take) word_index_q <= word_index_q + 1'b1;
      if (centroid_done)    part_q <= '0;
      else if (record_done) part_q <= part_q + 1'b1;
      added_q <= centroid_done || (added_q && !divide);
    end
  end

  always_ff @(posedge clk_i) begin
    if (take && first_part && word_index_q == '0) begin
      last_part_q <= last_part_i;
      values_q    <= values_i;
    end
  end

  // ---- Adding -----------------------------------------------------------------------------------

  // The words of a record go round: the lowest leaves, and comes back on top with its part added.
  logic [SliceChannels*SumWidth-1:0]      sums_q;
  logic [SliceSubspaces*WeightWidth-1:0]  weights_q;
  logic [SliceChannels*CentroidWidth-1:0] olds_q;
  logic [WordSums*SumWidth-1:0]           sums;
  logic [WordWeights*WeightWidth-1:0]     weights;
  logic [WordOlds*CentroidWidth-1:0]      olds;

  for (genvar i = 0; i < WordSums; i++) begin : gen_sum
    assign sums[i*SumWidth +: SumWidth] = (first_part ? '0 : sums_q[i*SumWidth +: SumWidth])
                                        + SumWidth'($signed(word_i[i*32 +: PartSumWidth]));
  end
  for (genvar i = 0; i < WordWeights; i++) begin : gen_weight
    assign weights[i*WeightWidth +: WeightWidth] =
        (first_part ? '0 : weights_q[i*WeightWidth +: WeightWidth])
        + WeightWidth'(word_i[i*32 +: PartWeightWidth]);
  end
  for (genvar i = 0; i < WordOlds; i++) begin : gen_old
    assign olds[i*CentroidWidth +: CentroidWidth] = word_i[i*16 +: CentroidWidth];
  end

  always_ff @(posedge clk_i) begin
    if (sum_word)    sums_q    <= (SliceChannels*SumWidth)'({sums, sums_q} >> WordSums*SumWidth);
    if (weight_word) weights_q <= (SliceSubspaces*WeightWidth)'({weights, weights_q}
                                                                >> WordWeights*WeightWidth);
    if (old_word)    olds_q    <= (SliceChannels*CentroidWidth)'({olds, olds_q}
                                                                 >> WordOlds*CentroidWidth);
  end

  // ---- Dividing ---------------------------------------------------------------------------------

  logic                                  dividing_q, last_channel, dividing_values_q;
  logic [ChannelWidth-1:0]               channel_q;
  logic [SliceSubspaces-1:0]             empty;
  logic [SliceChannels*SumWidth-1:0]     dividends, dividends_q;
  logic [SliceSubspaces*WeightWidth-1:0] divisors, divisors_q;

  assign last_channel = &channel_q;
  assign divide       = added_q && (!dividing_q || last_channel);

  for (genvar s = 0; s < SliceSubspaces; s++) begin : gen_divisor
    assign empty[s] = weights_q[s*WeightWidth +: WeightWidth] == '0;
    assign divisors[s*WeightWidth +: WeightWidth] =
        weights_q[s*WeightWidth +: WeightWidth] | WeightWidth'(empty[s]);
  end
  for (genvar i = 0; i < SliceChannels; i++) begin : gen_dividend
    assign dividends[i*SumWidth +: SumWidth] =
        empty[i/SubDim] ? SumWidth'($signed(olds_q[i*CentroidWidth +: CentroidWidth]))
                        : sums_q[i*SumWidth +: SumWidth];
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      dividing_q <= 1'b0;
      channel_q  <= '0;
    end else begin
      dividing_q <= divide || (dividing_q && !last_channel);
      if (dividing_q) channel_q <= channel_q + 1'b1;
    end
  end

  // The lowest channel is divided. Dividends move on in any case: it needs no logic to hold them.
  always_ff @(posedge clk_i) begin
    if (divide) begin
      dividends_q       <= dividends;
      divisors_q        <= divisors;
      dividing_values_q <= values_q;
    end else begin
      dividends_q[(SliceChannels-1)*SumWidth-1:0] <= dividends_q[SliceChannels*SumWidth-1:SumWidth];
      if (&channel_q[$clog2(SubDim)-1:0]) divisors_q <= divisors_q >> WeightWidth;
    end
  end

  logic                     quotient_valid, quotient_values;
  logic [CentroidWidth-1:0] quotient;

  pq_divider #(
    .DivisorWidth  (WeightWidth),
    .QuotientWidth (CentroidWidth)
  ) u_divider (
    .clk_i,
    .rst_ni,
    .valid_i    (dividing_q),
    .dividend_i (dividends_q[SumWidth-1:0]),
    .divisor_i  (divisors_q[WeightWidth-1:0]),
    .tag_i      (dividing_values_q),
    .valid_o    (quotient_valid),
    .quotient_o (quotient),
    .tag_o      (quotient_values)
  );

  // ---- Sending ----------------------------------------------------------------------------------

  logic                    formatted;
  logic [15:0]             half;
  logic [7:0]              element;
  logic [ChannelWidth-1:0] place_q;

  pq_centroid_format u_format (
    .clk_i,
    .rst_ni,
    .valid_i   (quotient_valid),
    .value_i   (quotient),
    .values_i  (quotient_values),
    .valid_o   (formatted),
    .half_o    (half),
    .element_o (element)
  );

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      place_q          <= '0;
      centroid_valid_o <= 1'b0;
      elements_valid_o <= 1'b0;
    end else begin
      if (formatted) place_q <= place_q + 1'b1;
      centroid_valid_o <= formatted && (&place_q[$clog2(WordOlds)-1:0]);
      elements_valid_o <= formatted && (&place_q);
    end
  end

  always_ff @(posedge clk_i) begin
    if (formatted) begin
      centroid_o <= {half, centroid_o[WordBits-1:16]};
      elements_o <= {element, elements_o[SliceChannels*8-1:8]};
    end
  end

  // ---- What UNLOAD promises ---------------------------------------------------------------------

  logic [WordSums-1:0]    sum_fits;
  logic [WordWeights-1:0] weight_fits;
  logic [WordOlds-1:0]    old_fits;

  for (genvar i = 0; i < WordSums; i++) begin : gen_sum_fits
    assign sum_fits[i] =
        $signed(word_i[i*32 +: 32]) == 32'($signed(word_i[i*32 +: PartSumWidth]));
  end
  for (genvar i = 0; i < WordWeights; i++) begin : gen_weight_fits
    assign weight_fits[i] = word_i[i*32 +: 32] == 32'(word_i[i*32 +: PartWeightWidth]);
  end
  for (genvar i = 0; i < WordOlds; i++) begin : gen_old_fits
    assign old_fits[i] =
        $signed(word_i[i*16 +: 16]) == 16'($signed(word_i[i*16 +: CentroidWidth]));
  end

  `AQ_ASSERT(a_sum_fits, !sum_word || (&sum_fits), clk_i, !rst_ni)
  `AQ_ASSERT(a_weight_fits, !weight_word || (&weight_fits), clk_i, !rst_ni)
  `AQ_ASSERT(a_old_fits, !old_word || (&old_fits), clk_i, !rst_ni)
  `AQ_ASSERT(a_one_waits, !(centroid_done && added_q), clk_i, !rst_ni)

endmodule

`default_nettype wire
