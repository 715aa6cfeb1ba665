// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// weight_sum: the assertions of pq_attend_weight_sum hold, however scores and weights come.
//
// Given
//   - at most TileDepth scores after start_tile_i, and weights after start_weights_i
//   - start_weights_i when the weights of all scores have come
//   - a maximum that does not fall in a tile
// it proves (of 5, followed is one score, which is any)
//   1. bound + 1, as it was, and what is added, shifted with the maximum, are covered by the new
//      bound + 1 (a_rounds_up)
//   2. bound + 1 + TileDepth / 2 * 2^coarse < 2^(BucketWidth + coarse) (a_coarse_enough)
//   3. bound and sum do not overflow (a_no_overflow)
//   4. each weight of a score counts at least one more than it is
//   5. that shift is what the maximum has risen by since the tile's score before, 31 at most
module weight_sum #(
  parameter  int unsigned Slots       = 1,
  localparam int unsigned TileDepth   = 1024,
  localparam int unsigned WeightWidth = 14,
  localparam int unsigned SumWidth    = 25
) (
  input wire logic                         clk_i,
  input wire logic                         rst_ni,
  input wire logic                         start_tile_i,
  input wire logic                         start_weights_i,
  input wire logic [Slots-1:0]             valid_i,
  input wire logic [8:0]                   maximum_i,
  input wire logic [Slots-1:0]             use_i,
  input wire logic [Slots*WeightWidth-1:0] weights_i,
  input wire logic                         follow_i    // the score that comes
);

  localparam int unsigned ToAdd = 5;     // valid_i to the addition of its weight

  logic [3:0]          coarse;
  logic [SumWidth-1:0] sum;

  pq_attend_weight_sum #(.TileDepth (TileDepth), .Slots (Slots)) u_dut (
    .clk_i (clk_i), .rst_ni (rst_ni), .start_tile_i (start_tile_i),
    .start_weights_i (start_weights_i), .valid_i (valid_i), .maximum_i (maximum_i),
    .use_i (use_i), .weights_i (weights_i), .coarse_o (coarse), .sum_o (sum));

  (* hierconn *) wire [WeightWidth+1:0] \u_dut.add_q ;
  (* hierconn *) wire [8:0]             \u_dut.gen_bound.before_q ;
  (* hierconn *) wire [4:0]             \u_dut.gen_bound.shift ;

  // Scores and weights on their way, and those that are in the sum.
  logic                   reset_q = 1'b1, scoring_q = 1'b0, weighing_q = 1'b0;
  logic [ToAdd*Slots-1:0] scores_q = '0;
  logic [Slots-1:0]       used_q = '0, adding;
  logic [10:0]            added_q = '0, now;
  logic [SumWidth-1:0]    least, least_q = '0, least_q2 = '0;   // of the weights that come
  logic                   known_q = 1'b0;               // the tile has a score, and a maximum
  logic [8:0]             top_q, rise_q;                // the maximum; by the followed score
  logic [2:0]             age_q = '0;                   // of it; 0: no score is followed

  assign adding = scores_q[(ToAdd-1)*Slots +: Slots] | used_q;
  always_comb begin
    now = added_q;
    least = '0;
    for (int unsigned s = 0; s < Slots; s++) begin
      now = now + 11'(adding[s]);
      if (scores_q[(ToAdd-2)*Slots+s]) begin
        least = least + SumWidth'(weights_i[s*WeightWidth +: WeightWidth]) + 1'b1;
      end
    end
  end

  always_comb begin
    assume (rst_ni == !reset_q);
    if (!scoring_q) assume (valid_i == '0 && !start_weights_i);
    if (!weighing_q) assume (use_i == '0);
    if (start_tile_i || start_weights_i) begin
      assume (valid_i == '0 && use_i == '0 && scores_q == '0 && used_q == '0);
    end
    assume (!(start_tile_i && start_weights_i));
    assume (32'(now) <= TileDepth);
    assume (!(|valid_i && known_q) || $signed(maximum_i) >= $signed(top_q));
  end

  always_ff @(posedge clk_i) begin
    reset_q    <= 1'b0;
    scores_q   <= (ToAdd*Slots)'({scores_q, valid_i});
    used_q     <= use_i;
    scoring_q  <= !reset_q && (start_tile_i || (scoring_q && !start_weights_i));
    weighing_q <= !reset_q && (start_weights_i || (weighing_q && !start_tile_i));
    added_q    <= start_tile_i || start_weights_i ? '0 : now;
    least_q    <= least;
    least_q2   <= least_q;
    known_q    <= !start_tile_i && (known_q || (|valid_i));
    if (|valid_i) top_q <= maximum_i;
    if (age_q == '0) begin
      age_q  <= 3'(follow_i && (|valid_i) && known_q);
      rise_q <= maximum_i - top_q;
    end else begin
      age_q <= 32'(age_q) == ToAdd ? '0 : age_q + 1'b1;
    end
    assert (!(scoring_q && weighing_q));
    assert (!known_q || \u_dut.gen_bound.before_q == top_q);
    rule_5: assert (32'(age_q) != ToAdd
                    || \u_dut.gen_bound.shift == (rise_q > 9'd31 ? 5'd31 : rise_q[4:0]));
    if (scoring_q) rule_4: assert (sum >= least_q2 && SumWidth'(\u_dut.add_q ) >= least_q);
    cover (weighing_q && sum > 25'd9000);
    if (scoring_q || weighing_q) assert (32'(sum) <= 32'(added_q) << WeightWidth);
  end

  logic unused;
  assign unused = ^coarse;

endmodule

`default_nettype wire
