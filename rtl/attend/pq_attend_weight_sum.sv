// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "pq_assert.svh"

// pq_attend_weight_sum: bounds the weight sum of a window while its scores come, chooses the
// exponent of its weights by it, then adds the weights.
//
//   maximum_i --> [ rise ] --> [ delay ] ----\
//   weights_i --> [ + , reg ] -----> [ sum >> rise, + , reg ] --> sum_o
//                                                    \--> [ 33/32 of it: how much too wide ] -+
//                                              coarse_o <-- [ reg, by start_weights_i ] <-----/
//
// SCORE       Each score gives a weight under the maximum so far. The bound is shifted when the
//             maximum rises, and each weight counts one more than it is: so rounding, saturation
//             and shifts only make it larger than the sum of the exact weights, less one
// ACCUMULATE  Weights are taken 2^coarse_o times smaller, the least power for which 33/32 of the
//             bound is below 2^BucketWidth. Rounding adds at most 1/2 to each of TileDepth weights:
//             so their sum, and with it every bucket, is below 2^BucketWidth
//
// With buckets as wide as the largest weight sum, coarse_o is 0, and there is no bound.
// formal/ proves the two assertions and what they rest on; docs/attend.md has the whole argument.
//
// Formats     weight: u0.WeightWidth; sum: the same fraction; maximum: signed integer
// Latency     valid_i to its weights_i: 4 cycles; to sum_o: 6 cycles; use_i to sum_o: 2 cycles;
//             start_weights_i to coarse_o: 1 cycle
// Throughput  Slots weights per cycle
// Golden      aqpim::golden::WeightBound   sw/golden/weight_bound.h
module pq_attend_weight_sum #(
  parameter  int unsigned WeightWidth  = 14,
  parameter  int unsigned TileDepth    = 1024,
  parameter  int unsigned BucketWidth  = 16,
  parameter  int unsigned Slots        = 1,
  parameter  int unsigned MaximumWidth = 9,
  localparam int unsigned SumWidth     = WeightWidth + $clog2(TileDepth) + 1,
  localparam bit          Bounded      = BucketWidth < SumWidth - 1
) (
  input  wire logic                         clk_i,
  input  wire logic                         rst_ni,
  input  wire logic                         start_tile_i,      // forget the last window
  input  wire logic                         start_weights_i,   // the scores are complete
  input  wire logic [Slots-1:0]             valid_i,           // scores that maximum_i knows
  input  wire logic [MaximumWidth-1:0]      maximum_i,         // signed, with these scores
  input  wire logic [Slots-1:0]             use_i,             // weights that are used for good
  input  wire logic [Slots*WeightWidth-1:0] weights_i,
  output logic      [3:0]                   coarse_o,
  output logic      [SumWidth-1:0]          sum_o
);

  localparam int unsigned AddWidth = WeightWidth + 2;
  localparam int unsigned Delay    = 4;                // of exponentials

  if (Slots != 1 && Slots != 2) begin : gen_bad_slots
    $error("pq_attend_weight_sum: Slots must be 1 or 2");
  end
  if (BucketWidth < $clog2(TileDepth) + 6) begin : gen_bad_bucket_width
    $error("pq_attend_weight_sum: BucketWidth must be at least 6 + log2 TileDepth");
  end

  logic [Slots-1:0]    bounded, counted;   // scores whose weights have come; weights that count
  logic [AddWidth-1:0] add, add_q;
  logic                add_valid_q;
  logic [SumWidth-1:0] kept;

  always_comb begin
    add = '0;
    for (int unsigned s = 0; s < Slots; s++) begin
      if (counted[s]) add = add + AddWidth'(weights_i[s*WeightWidth +: WeightWidth]);
      if (bounded[s]) add = add + 1'b1;
    end
  end

  assign counted = bounded | use_i;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) add_valid_q <= 1'b0;
    else add_valid_q <= |counted && !start_tile_i && !start_weights_i;
  end

  always_ff @(posedge clk_i) begin
    add_q <= add;
    if (start_tile_i || start_weights_i) sum_o <= '0;
    else if (add_valid_q) sum_o <= kept + SumWidth'(add_q);
  end

  if (Bounded) begin : gen_bound
    logic [Delay*Slots-1:0]  valid_q;      // the newest score lowest
    logic [MaximumWidth-1:0] before_q, rise;
    logic [5*Delay-1:0]      shift_q;
    logic [4:0]              shift;
    logic [SumWidth-1:0]     margin;
    logic [3:0]              coarse;

    assign bounded = valid_q[(Delay-1)*Slots +: Slots];

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) valid_q <= '0;
      else if (start_tile_i) valid_q <= '0;
      else valid_q <= (Delay*Slots)'({valid_q, valid_i});
    end

    // 31 is as good as any larger shift.
    assign rise = maximum_i - before_q;

    always_ff @(posedge clk_i) begin
      if (|valid_i) before_q <= maximum_i;
      shift_q <= (5*Delay)'({shift_q, |rise[MaximumWidth-1:5] ? 5'd31 : rise[4:0]});
      shift   <= |bounded ? shift_q[5*(Delay-1) +: 5] : 5'd0;
    end

    assign kept   = sum_o >> shift;
    assign margin = sum_o + (sum_o >> 5);

    always_comb begin
      coarse = '0;
      for (int unsigned b = BucketWidth; b < SumWidth; b++) begin
        if (margin[b]) coarse = 4'(b - BucketWidth + 1);
      end
    end

    always_ff @(posedge clk_i) begin
      if (start_tile_i) coarse_o <= '0;
      else if (start_weights_i) coarse_o <= coarse;
    end

    // {bound + 1} * 2^rise covers what {bound before + 1} and the new weights cover.
    localparam int unsigned HalfTile  = TileDepth / 2;
    localparam int unsigned WideWidth = SumWidth + 33;
    `AQ_ASSERT_WHEN(a_rounds_up, add_valid_q && !start_tile_i && !start_weights_i,
                    (WideWidth'(kept) + WideWidth'(add_q) + 1'b1) << shift
                    >= WideWidth'(sum_o) + 1'b1 + (WideWidth'(add_q) << shift), clk_i, !rst_ni)
    `AQ_ASSERT_WHEN(a_coarse_enough, start_weights_i && 32'(sum_o) <= TileDepth << WeightWidth,
                    WideWidth'(sum_o) + 1'b1 + (WideWidth'(HalfTile) << coarse)
                    < WideWidth'(1) << (BucketWidth + 32'(coarse)), clk_i, !rst_ni)
  end else begin : gen_exact
    logic unused;
    assign unused   = ^{valid_i, maximum_i};
    assign bounded  = '0;
    assign kept     = sum_o;
    assign coarse_o = '0;
  end

  `AQ_ASSERT(a_no_overflow, !add_valid_q || 32'(kept) + 32'(add_q) <= TileDepth << WeightWidth,
             clk_i, !rst_ni)
  `AQ_ASSERT(a_one_use, !(|bounded && |use_i), clk_i, !rst_ni)

endmodule

`default_nettype wire
