// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "pq_assert.svh"

// pq_cluster_control: the schedule of CLUSTER, words in and token loops.
//
//   words   | weights | group 0 | group 1 |      | group 2 |       | group 3 | ...
//   loops                   | 0 1 2 ... K-1 weigh | 0 1 2 ... K-1 weigh | ...
//                                                     group 0's sums <--'
//
// A group is TokenSlots tokens, two words; each WordBits/8 tokens, or what is left of them, have a
// word of weights before them. Two groups fit the query registers: while one meets all centroids,
// the next one comes in. A loop is a distance to each centroid, then one cycle in which the same
// multipliers weigh the tokens: every multiplier is busy in all Centroids + 1 cycles. The sums are
// brought up to date during the next loop, one slot after the other, two cycles each (read, add and
// write), so that equal codes do not meet.
//
// Formats     weight: u8
// Latency     second word of a group to loop_o: 3 cycles; weigh_o to capture_o: 5 cycles; slot n's
//             read_o: 1 + 2n cycles after capture_o, store_o one later
// Throughput  TokenSlots tokens in Centroids + 1 cycles, if the words come in time
// Golden      aqpim::golden::Engine::cluster()   sw/golden/engine.h
module pq_cluster_control #(
  parameter  int unsigned WordBits   = 256,
  parameter  int unsigned CodeBits   = 8,
  parameter  int unsigned TokenSlots = 2,
  localparam int unsigned Weights    = WordBits / 8,           // in a word
  localparam int unsigned Groups     = Weights / TokenSlots,   // of a word of weights
  localparam int unsigned GroupWidth = $clog2(Groups)
) (
  input  wire logic                    clk_i,
  input  wire logic                    rst_ni,
  input  wire logic                    start_i,          // a CLUSTER command starts
  input  wire logic                    take_i,           // CLUSTER takes a word
  input  wire logic [WordBits-1:0]     weights_i,        // the last word of weights
  output logic                         ready_o,          // a word may come
  output logic                         weights_next_o,   // that word holds weights
  output logic      [1:0]              index_o,          // place of other words, {buffer, half}
  output logic                         active_o,         // groups are waiting or in a loop
  output logic                         loop_o,           // a cycle of a loop
  output logic                         weigh_o,          // with loop_o: the loop's last cycle
  output logic      [CodeBits-1:0]     code_o,           // with loop_o: the centroid
  output logic                         buffer_o,         // with loop_o: where the tokens are
  output logic      [TokenSlots*8-1:0] weight_o,         // one cycle after weigh_o, until the next
  output logic                         capture_o,        // all codes and weighted tokens are there
  output logic      [TokenSlots-1:0]   read_o,           // read the sums of this slot's code
  output logic      [TokenSlots-1:0]   store_o           // store these sums
);

  localparam int unsigned CaptureCycles = 5;
  localparam int unsigned TailCycles    = CaptureCycles + 2 * TokenSlots;

  // Words in
  logic                   weights_next_q, half_q, fill_q, arriving_q;
  logic [GroupWidth-1:0]  group_q;
  logic [1:0]             occupied_q;
  logic                   group_taken;
  // Loops
  logic                   loop_q, weigh_q, use_q, begin_loop;
  logic [1:0]             waiting_q;       // groups in the registers that no loop has begun
  logic [CodeBits-1:0]    code_q;
  logic [TailCycles-1:0]  tail_q;          // cycles since weigh_o
  logic [2*TokenSlots*8-1:0] weights_q;    // of both buffers

  assign ready_o        = weights_next_q || !occupied_q[fill_q];
  assign weights_next_o = weights_next_q;
  assign index_o        = {fill_q, half_q};
  assign group_taken    = take_i && !weights_next_q && half_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      weights_next_q <= 1'b1;
      half_q         <= 1'b0;
      fill_q         <= 1'b0;
      group_q        <= '0;
      arriving_q     <= 1'b0;
      occupied_q     <= '0;
    end else begin
      arriving_q <= group_taken;
      if (start_i) begin
        weights_next_q <= 1'b1;
        half_q         <= 1'b0;
        fill_q         <= 1'b0;
        group_q        <= '0;
      end else if (take_i && weights_next_q) begin
        weights_next_q <= 1'b0;
      end else if (take_i) begin
        half_q <= !half_q;
        if (half_q) begin
          fill_q         <= !fill_q;
          group_q        <= group_q + 1'b1;
          weights_next_q <= &group_q;
        end
      end
      if (group_taken) occupied_q[fill_q] <= 1'b1;
      if (weigh_q) occupied_q[use_q] <= 1'b0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (group_taken) begin
      weights_q[32'(fill_q)*TokenSlots*8 +: TokenSlots*8] <=
          weights_i[32'(group_q)*TokenSlots*8 +: TokenSlots*8];
    end
  end

  assign begin_loop = waiting_q != '0 && (!loop_q || weigh_q);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      loop_q    <= 1'b0;
      weigh_q   <= 1'b0;
      use_q     <= 1'b0;
      waiting_q <= '0;
      code_q    <= '0;
      tail_q    <= '0;
    end else begin
      waiting_q <= waiting_q + 2'(arriving_q) - 2'(begin_loop);
      tail_q    <= {tail_q[TailCycles-2:0], weigh_q};
      weigh_q   <= loop_q && !weigh_q && &code_q;
      if (start_i) use_q <= 1'b0;
      else if (weigh_q) use_q <= !use_q;
      if (begin_loop) loop_q <= 1'b1;
      else if (weigh_q) loop_q <= 1'b0;
      if (loop_q && !weigh_q) code_q <= code_q + 1'b1;
    end
  end

  always_ff @(posedge clk_i) begin
    if (weigh_q) weight_o <= weights_q[32'(use_q)*TokenSlots*8 +: TokenSlots*8];
  end

  assign active_o  = |occupied_q || loop_q;
  assign loop_o    = loop_q;
  assign weigh_o   = weigh_q;
  assign code_o    = code_q;
  assign buffer_o  = use_q;
  assign capture_o = tail_q[CaptureCycles-1];

  for (genvar n = 0; n < TokenSlots; n++) begin : gen_slot
    assign read_o[n]  = tail_q[CaptureCycles+2*n];
    assign store_o[n] = tail_q[CaptureCycles+2*n+1];
  end

  `AQ_ASSERT(a_buffer_free, !(group_taken && occupied_q[fill_q]), clk_i, !rst_ni)
  `AQ_ASSERT(a_buffer_full, !(loop_q && !occupied_q[use_q]), clk_i, !rst_ni)
  `AQ_ASSERT(a_waiting, waiting_q <= 2'd2 && !(arriving_q && waiting_q == 2'd2), clk_i, !rst_ni)
  `AQ_ASSERT(a_quiet_start, !(start_i && (active_o || |tail_q)), clk_i, !rst_ni)

endmodule

`default_nettype wire
