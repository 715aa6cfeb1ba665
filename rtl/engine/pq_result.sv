// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// pq_result: answers reads of outputs, status and codes, and sends out the records of UNLOAD.
//
//   outputs_i --> [ of the lanes, reg ] --\
//   status_i, codes_i ---------------------+--> [ reg ] --> result_o
//   record_i ------------------------------/
//
// Words       outputs are 40 bits wide, sign-extended. 0 ... 32 * HeadDim / WordBits - 1: the low
//             32 bits of WordBits/32 outputs each; then 8 * HeadDim / WordBits words: the high 8
//             bits of WordBits/8 outputs each; then the status; then the TokenWords words of codes
// Latency     read_i to valid_o: 4 cycles, of which outputs_i belongs to select_o of the cycle
//             before; record_valid_i to valid_o: 1 cycle; read_i to refused_o: 1 cycle;
//             read_i to selecting_o: 1 cycle, if it is answered; read_i to codes_read_o: 3 cycles,
//             if it is answered by codes
// Throughput  1 word per cycle; records and reads never together
// Golden      aqpim::golden::Engine::read()   sw/golden/engine.h
module pq_result #(
  parameter  int unsigned HeadDim       = 128,
  parameter  int unsigned WordBits      = 256,
  parameter  int unsigned OutputWidth   = 37,
  parameter  int unsigned TokenWords    = 1,
  localparam int unsigned Multipliers   = WordBits / 8,
  localparam int unsigned CentroidWords = HeadDim / Multipliers,
  localparam int unsigned CWordWidth    = CentroidWords > 1 ? $clog2(CentroidWords) : 1
) (
  input  wire logic                               clk_i,
  input  wire logic                               rst_ni,
  input  wire logic                               read_i,
  input  wire logic [8:0]                         index_i,           // of the word
  input  wire logic                               outputs_valid_i,   // outputs and status can be
  input  wire logic                               codes_valid_i,     // read; codes can be read
  output logic                                    selecting_o,       // outputs_i will be used
  output logic      [CWordWidth-1:0]              select_o,          // centroid word of outputs_i
  input  wire logic [Multipliers*OutputWidth-1:0] outputs_i,         // signed, each
  input  wire logic [63:0]                        status_i,
  output logic                                    codes_read_o,      // codes_i is used
  input  wire logic [TokenWords*WordBits-1:0]     codes_i,
  input  wire logic                               record_valid_i,
  input  wire logic [WordBits-1:0]                record_i,
  output logic                                    valid_o,
  output logic      [WordBits-1:0]                result_o,
  output logic                                    refused_o          // pulse: no such word now
);

  localparam int unsigned LowSets     = Multipliers * 32 / WordBits;  // of a centroid word
  localparam int unsigned LowWords    = CentroidWords * LowSets;
  localparam int unsigned OutputWords = LowWords + CentroidWords;

  logic                      legal, is_code, high_q, high_q2;
  logic [2:0]                read_q, status_q, code_q;
  logic [8:0]                index_q, index_q2, index_q3;
  logic [WordBits-1:0]       chosen, chosen_q, code_word;

  if (OutputWidth > 40) begin : gen_bad_output_width
    $error("pq_result: OutputWidth must be at most 40");
  end

  assign is_code = {1'b0, index_i} > 10'(OutputWords);

  always_comb begin
    legal = 1'b0;
    if (read_i) begin
      legal = is_code ? codes_valid_i && {1'b0, index_i} <= 10'(OutputWords + TokenWords)
                      : outputs_valid_i;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      read_q    <= '0;
      valid_o   <= 1'b0;
      refused_o <= 1'b0;
    end else begin
      read_q    <= {read_q[1:0], legal};
      valid_o   <= read_q[2] || record_valid_i;
      refused_o <= read_i && !legal;
    end
  end

  always_ff @(posedge clk_i) begin
    index_q  <= index_i;
    index_q2 <= index_q;
    index_q3 <= index_q2;
    high_q2  <= high_q;
    status_q <= {status_q[1:0], index_i == 9'(OutputWords)};
    code_q   <= {code_q[1:0], is_code};
  end

  // LowWords is a multiple of the centroid words, so the index of a high word ends in its own.
  assign high_q   = index_q >= 9'(LowWords);
  assign selecting_o = read_q[0];
  assign select_o = high_q ? CWordWidth'(index_q) : CWordWidth'(32'(index_q) / LowSets);

  assign codes_read_o = read_q[2] && code_q[2];

  always_comb begin
    code_word = '0;
    for (int unsigned j = 0; j < TokenWords; j++) begin
      if (codes_read_o && 32'(index_q3) == OutputWords + 1 + j) begin
        code_word = code_word | codes_i[j*WordBits +: WordBits];
      end
    end
  end

  // The high bits of all outputs, or the low ones of a set.
  function automatic logic [WordBits-1:0] choose(
      input logic [Multipliers*OutputWidth-1:0] outputs, input logic is_high,
      input logic [8:0] index);
    logic [39:0]               value;
    logic [Multipliers*32-1:0] lows;
    logic [WordBits-1:0]       low, high;
    for (int unsigned i = 0; i < Multipliers; i++) begin
      value            = 40'($signed(outputs[i*OutputWidth +: OutputWidth]));
      lows[i*32 +: 32] = value[31:0];
      high[i*8 +: 8]   = value[39:32];
    end
    low = '0;
    for (int unsigned s = 0; s < LowSets; s++) begin
      if (32'(index) % LowSets == s) low = low | lows[s*WordBits +: WordBits];
    end
    choose = is_high ? high : low;
  endfunction

  always_comb begin
    chosen = '0;
    if (read_q[1]) chosen = choose(outputs_i, high_q2, index_q2);
  end

  always_ff @(posedge clk_i) begin
    if (read_q[1]) chosen_q <= chosen;
    if (read_q[2] || record_valid_i) begin
      result_o <= record_valid_i ? record_i
                : code_q[2]      ? code_word
                : status_q[2]    ? WordBits'(status_i) : chosen_q;
    end
  end

endmodule

`default_nettype wire
