// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// pq_score_sum: adds the table entries of a token, Lanes per word, over TokenWords words.
//
//   entries_i --> [ sums of 4, reg ] --> [ sums of 4, reg ] ... --> [ + partial, reg ] --> sum_o
//
// Shapes      in: Lanes entries per word     out: 1 sum per token
// Formats     entry: signed EntryWidth; sum: signed EntryWidth + log2(Lanes * TokenWords), exact
// Latency     ceil(log2(Lanes) / 2) + 1 cycles from the token's last word
// Throughput  1 word per cycle
// Golden      aqpim::golden::score_sum()   sw/golden/score_sum.h
module pq_score_sum #(
  parameter  int unsigned Lanes      = 32,
  parameter  int unsigned TokenWords = 1,
  parameter  int unsigned EntryWidth = 16,
  localparam int unsigned SumWidth   = EntryWidth + $clog2(Lanes * TokenWords)
) (
  input  wire logic                        clk_i,
  input  wire logic                        rst_ni,
  input  wire logic                        valid_i,
  input  wire logic                        first_i,      // first word of a token
  input  wire logic                        last_i,       // last word of a token
  input  wire logic [Lanes*EntryWidth-1:0] entries_i,
  output logic                             valid_o,
  output logic      [SumWidth-1:0]         sum_o         // signed
);

  localparam int unsigned Stages = Lanes < 2 ? 1 : ($clog2(Lanes) + 1) / 2;

  if (Lanes < 2 || (1 << $clog2(Lanes)) != Lanes) begin : gen_bad_lanes
    $error("pq_score_sum: Lanes must be a power of two, at least 2");
  end

  logic [Stages-1:0] valid_q, first_q, last_q;

  // Stage s adds ceil(Lanes / 4^s) terms by fours, sign-extended to the final width from the
  // start; synthesis drops the copies of the sign. Without a word nothing switches.
  for (genvar s = 0; s < Stages; s++) begin : gen_stage
    localparam int unsigned In  = (Lanes + 4**s - 1) / 4**s;
    localparam int unsigned Out = (In + 3) / 4;
    logic valid;

    if (s == 0) begin : gen_first
      assign valid = valid_i;
    end else begin : gen_next
      assign valid = valid_q[s-1];
    end

    for (genvar i = 0; i < In; i++) begin : gen_term
      logic [SumWidth-1:0] term;
      if (s == 0) begin : gen_first
        assign term = SumWidth'($signed(entries_i[i*EntryWidth +: EntryWidth]));
      end else begin : gen_next
        assign term = gen_stage[s-1].gen_sum[i].sum_q;
      end
    end

    for (genvar i = 0; i < Out; i++) begin : gen_sum
      logic [SumWidth-1:0] sum_q;
      if (4 * i + 3 < In) begin : gen_four
        always_ff @(posedge clk_i) begin
          if (valid) begin
            sum_q <= (gen_term[4*i].term + gen_term[4*i+1].term)
                   + (gen_term[4*i+2].term + gen_term[4*i+3].term);
          end
        end
      end else if (4 * i + 1 < In) begin : gen_two
        always_ff @(posedge clk_i) begin
          if (valid) sum_q <= gen_term[4*i].term + gen_term[4*i+1].term;
        end
      end
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      valid_q <= '0;
      valid_o <= 1'b0;
    end else begin
      valid_q <= Stages'({valid_q, valid_i});
      valid_o <= valid_q[Stages-1] && last_q[Stages-1];
    end
  end

  always_ff @(posedge clk_i) begin
    first_q <= Stages'({first_q, first_i});
    last_q  <= Stages'({last_q, last_i});
    if (valid_q[Stages-1]) begin
      sum_o <= (first_q[Stages-1] ? '0 : sum_o) + gen_stage[Stages-1].gen_sum[0].sum_q;
    end
  end

endmodule

`default_nettype wire
