// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// pq_query: converts the query on entry and holds it, with one shift per sub-space. Raw tokens of
// the stream (LOAD, CLUSTER) take the same way.
//
//   data_i, stream_data_i
//         \--> [ reg ] --> [ pq_float_to_fixed x WordBits/16 ] --> [ query registers ] --> query_o
//         \--> [ shift registers ] --(fraction = table fraction + shift)--^         \--> shift_o
//
// Element d of sub-space m becomes round(x * 2^(table_fraction + shift[m])): every sub-space has
// its own power-of-two step, and shifting its dot products right by shift[m] gives them one
// common fraction.
//
// Shapes      in: WordBits/16 elements, or WordBits/8 shifts per write, index as in the register
//             map; out: Multipliers elements of centroid word query_word_i, Groups shifts of
//             centroid word shift_word_i
// Formats     in: binary16/bfloat16; element out: signed QueryWidth, fraction table_fraction +
//             shift[m]
// Latency     write: 4 cycles; query read: combinational; shift read: 1 cycle
// Throughput  1 write and 1 read per cycle
// Golden      aqpim::golden::Engine::write()   sw/golden/engine.h
module pq_query #(
  parameter  int unsigned HeadDim       = 128,
  parameter  int unsigned SubDim        = 4,
  parameter  int unsigned WordBits      = 256,
  parameter  int unsigned QueryWidth    = 12,
  parameter  bit          Quantize      = 1'b1,
  localparam int unsigned Subspaces     = HeadDim / SubDim,
  localparam int unsigned Multipliers   = WordBits / 8,
  localparam int unsigned Groups        = Multipliers / SubDim,
  localparam int unsigned CentroidWords = HeadDim / Multipliers,
  localparam int unsigned CWordWidth    = CentroidWords > 1 ? $clog2(CentroidWords) : 1
) (
  input  wire logic                              clk_i,
  input  wire logic                              rst_ni,
  input  wire logic                              query_write_i,     // data_i holds query elements
  input  wire logic                              shift_write_i,     // data_i holds shifts in bytes
  input  wire logic                              clear_flags_i,     // drop events on their way
  input  wire logic [7:0]                        index_i,           // of elements or of shifts
  input  wire logic [WordBits-1:0]               data_i,
  input  wire logic                              stream_write_i,    // elements from the stream,
  input  wire logic [1:0]                        stream_index_i,    // never beside query_write_i
  input  wire logic [WordBits-1:0]               stream_data_i,
  input  wire logic                              bfloat16_i,        // sampled one cycle later
  input  wire logic [3:0]                        table_fraction_i,
  input  wire logic [CWordWidth-1:0]             query_word_i,
  output logic      [Multipliers*QueryWidth-1:0] query_o,
  input  wire logic [CWordWidth-1:0]             shift_word_i,
  output logic      [Groups*4-1:0]               shift_o,
  output logic                                   nonfinite_o,       // pulse: a NaN or infinity
  output logic                                   saturated_o        // pulse: an element did not fit
);

  localparam int unsigned Elements   = WordBits / 16;           // query elements per write
  localparam int unsigned QueryWords = HeadDim / Elements;      // writes per query
  localparam int unsigned ShiftBytes = WordBits / 8;            // shifts per write

  logic unused_quantize;
  assign unused_quantize = Quantize ? 1'b0 : ^{stream_write_i, stream_index_i, stream_data_i};

  // Shifts. Writes beyond the last sub-space have no register.
  logic [Subspaces*4-1:0] shift_q;

  for (genvar m = 0; m < Subspaces; m++) begin : gen_shift
    always_ff @(posedge clk_i) begin
      if (shift_write_i && index_i == 8'(m / ShiftBytes)) begin
        shift_q[m*4 +: 4] <= data_i[(m % ShiftBytes)*8 +: 4];
      end
    end
  end

  // Stage 1: the word as written. Stages 2 and 3: pq_float_to_fixed. Stage 4: query registers.
  logic                write;
  logic [2:0]          write_q, report_q;      // stages 1 to 3: a write; one that reports
  logic [7:0]          index_q, index_q2, index_q3;
  logic [WordBits-1:0] data_q;

  assign write = query_write_i || (Quantize && stream_write_i);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      write_q  <= '0;
      report_q <= '0;
    end else begin
      write_q  <= {write_q[1:0], write};
      report_q <= {report_q[1:0] & {2{!clear_flags_i}}, write};
    end
  end

  always_ff @(posedge clk_i) begin
    if (write) begin
      index_q <= Quantize && stream_write_i ? 8'(stream_index_i) : index_i;
      data_q  <= Quantize && stream_write_i ? stream_data_i : data_i;
    end
    index_q2 <= index_q;
    index_q3 <= index_q2;
  end

  logic [Elements*QueryWidth-1:0] value;
  logic [Elements-1:0]            nonfinite, saturated;

  for (genvar e = 0; e < Elements; e++) begin : gen_element
    // The shift of this element's sub-space in write index_q.
    logic [3:0] shift;
    logic [4:0] fraction;
    always_comb begin
      shift    = '0;
      fraction = '0;
      if (write_q[0]) begin
        for (int unsigned n = 0; n < QueryWords; n++) begin
          if (index_q == 8'(n)) shift = shift | shift_q[((n * Elements + e) / SubDim)*4 +: 4];
        end
        fraction = {1'b0, table_fraction_i} + {1'b0, shift};
      end
    end

    pq_float_to_fixed #(
      .Width (QueryWidth)
    ) u_convert (
      .clk_i,
      .valid_i     (write_q[0]),
      .float_i     (data_q[e*16 +: 16]),
      .bfloat16_i,
      .fraction_i  (fraction),
      .value_o     (value[e*QueryWidth +: QueryWidth]),
      .nonfinite_o (nonfinite[e]),
      .saturated_o (saturated[e])
    );
  end

  assign nonfinite_o = report_q[2] && !clear_flags_i && |nonfinite;
  assign saturated_o = report_q[2] && !clear_flags_i && |saturated;

  // Query registers.
  logic [HeadDim*QueryWidth-1:0] query_q;

  for (genvar n = 0; n < QueryWords; n++) begin : gen_query
    always_ff @(posedge clk_i) begin
      if (write_q[2] && index_q3 == 8'(n)) begin
        query_q[n*Elements*QueryWidth +: Elements*QueryWidth] <= value;
      end
    end
  end

  logic [Groups*4-1:0] shift;

  always_ff @(posedge clk_i) shift_o <= shift;

  always_comb begin
    query_o = '0;
    shift   = '0;
    for (int unsigned w = 0; w < CentroidWords; w++) begin
      if (query_word_i == CWordWidth'(w)) begin
        query_o = query_o | query_q[w*Multipliers*QueryWidth +: Multipliers*QueryWidth];
      end
      if (shift_word_i == CWordWidth'(w)) shift = shift | shift_q[w*Groups*4 +: Groups*4];
    end
  end

endmodule

`default_nettype wire
