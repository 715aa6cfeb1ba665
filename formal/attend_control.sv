// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// attend_control: pq_attend_control keeps order, whatever commands and beats come.
//
//   1. an operation starts only when no other one runs, one at a time
//   2. a SCORE starts only after a TURN, an ACCUMULATE only after a SCORE, with nothing between
//   3. a refused command raises error_o a cycle later; nothing starts without a command
//   4. a SCORE takes at most TileDepth tokens, its ACCUMULATE as many beats as it
//   5. no beat is taken when no operation runs
//   6. the tokens of a query's windows are at most 16,384
module attend_control #(
  parameter  int unsigned TileDepth   = 16,
  localparam int unsigned TokensWidth = $clog2(TileDepth + 1)
) (
  input wire logic                   clk_i,
  input wire logic                   cmd_valid_i,
  input wire logic [1:0]             cmd_operation_i,
  input wire logic                   cmd_first_i,
  input wire logic [TokensWidth-1:0] cmd_tokens_i,
  input wire logic                   tokens_write_i,
  input wire logic [15:0]            tokens_i,
  input wire logic                   beat_i
);

  logic rst_n = 1'b0, ready, turn_start, score_start, weights_start, turn, score, accumulate, take;
  logic second, fill, flush, locked, readable, error, started;
  logic [6:0]  step;
  logic [13:0] token;

  pq_attend_control #(.HeadDim (128), .TileDepth (TileDepth)) u_dut (
    .clk_i, .rst_ni (rst_n), .cmd_valid_i, .cmd_operation_i, .cmd_first_i, .cmd_tokens_i,
    .ready_o (ready), .tokens_write_i, .tokens_i, .beat_i, .start_turn_o (turn_start),
    .start_score_o (score_start), .start_weights_o (weights_start), .turn_o (turn),
    .score_o (score), .accumulate_o (accumulate), .take_o (take), .second_o (second),
    .step_o (step), .fill_o (fill), .flush_o (flush), .token_o (token), .locked_o (locked),
    .readable_o (readable), .error_o (error));

  localparam int unsigned BeatsWidth = 8;
  (* hierconn *) wire                   \u_dut.active_q ;
  (* hierconn *) wire [1:0]             \u_dut.holds_q ;
  (* hierconn *) wire [1:0]             \u_dut.operation_q ;
  (* hierconn *) wire [3:0]             \u_dut.wait_q ;
  (* hierconn *) wire [BeatsWidth-1:0]  \u_dut.left_q ;
  (* hierconn *) wire [TokensWidth-1:0] \u_dut.count_q ;
  (* hierconn *) wire [14:0]            \u_dut.done_q ;
  (* hierconn *) wire [14:0]            \u_dut.tokens_q ;
  (* hierconn *) wire [14:0]            \u_dut.rest_q ;

  // The last operation that was started: 0 none, 1 TURN, 2 SCORE, 3 ACCUMULATE.
  logic [1:0]            last_q = '0;
  logic                  refused_q = 1'b0;
  logic [BeatsWidth-1:0] taken_q = '0, scored_q = '0;    // beats of this operation; of SCORE

  assign started = turn_start || score_start || weights_start;

  always_comb assume (rst_n || !(cmd_valid_i || tokens_write_i || beat_i));

  always_ff @(posedge clk_i) begin
    rst_n     <= 1'b1;
    refused_q <= cmd_valid_i && !started;
    if (started) begin
      last_q  <= turn_start ? 2'd1 : score_start ? 2'd2 : 2'd3;
      taken_q <= '0;
    end else if (take) begin
      taken_q <= taken_q + 1'b1;
    end
    if (weights_start) scored_q <= taken_q;

    if (!rst_n) assert (last_q == '0 && taken_q == '0);
    if (rst_n) begin
      assert (\u_dut.holds_q == last_q);
      assert (\u_dut.operation_q != 2'd3);
      if (last_q != '0) assert (\u_dut.operation_q == last_q - 2'd1);
      if (last_q == '0) assert (!\u_dut.active_q && \u_dut.wait_q == '0);
      if (last_q >= 2'd2) begin
        assert (32'(\u_dut.count_q ) <= TileDepth);
        assert (32'(\u_dut.count_q ) + 32'(\u_dut.done_q )
                <= (last_q == 2'd3 ? 32'(\u_dut.done_q ) + TileDepth : 32'd16384));
      end
      assert (32'(\u_dut.tokens_q ) <= 16384);
      assert (32'(\u_dut.rest_q ) + 32'(\u_dut.done_q ) <= 16384 || last_q == 2'd3);
      if (last_q == 2'd3) assert (scored_q == 8'(\u_dut.count_q ));
      if (last_q != '0 && \u_dut.active_q ) begin
        assert (32'(taken_q) + 32'(\u_dut.left_q )
                == (last_q == 2'd1 ? 32'd128 : 32'(\u_dut.count_q )));
      end
      if (last_q != '0 && !\u_dut.active_q ) begin
        assert (32'(taken_q) == (last_q == 2'd1 ? 32'd128 : 32'(\u_dut.count_q )));
      end
      rule_1: assert (32'(turn_start) + 32'(score_start) + 32'(weights_start)
                      <= 32'(!\u_dut.active_q && \u_dut.wait_q == '0));
      rule_2: assert ((!score_start || last_q == 2'd1) && (!weights_start || last_q == 2'd2));
      rule_3: assert ((!refused_q || error) && (!started || cmd_valid_i));
      rule_4: assert (32'(taken_q) <= (last_q == 2'd1 ? 32'd128 : TileDepth)
                      && (last_q != 2'd3 || taken_q <= scored_q));
      rule_5: assert (!take || (\u_dut.active_q && last_q != '0));
      rule_6: assert (32'(\u_dut.done_q ) <= 16384);
      cover (refused_q);
    end
  end

endmodule

`default_nettype wire
