// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// pq_centroid_group: the multipliers of one sub-space. Makes table entries from int8 centroids,
// weighted centroids from E3M4 ones, and, with Quantize, squared distances and weighted tokens.
//
//   query_i ----\                                   /-> [ sum, reg ] -+-> [ round, reg ] -> entry_o
//   element_i --\                                  /                  \-> distance_o
//   bucket_i ----+-> [ operand reg ] -> pq_multiplier -
//   centroid_i -/                         x SubDim   \
//   weight_i ---/                                  \-> [ sign, shift, reg ] -> weighted_o
//
// Table       entry = round_saturate(sum over the sub-space of query * element, shift_i)
// Combine     weighted = bucket * e3m4(element); an element s eee mmmm stands for
//             (-1)^s * (e ? 16 + m : m) * 2^(max(e, 1) - 1): a 5-bit mantissa, and a shift
// Distance    distance = sum over the sub-space of (query - centroid)^2; the query is a vector here
// Weigh       weighted = query * weight
//
// Shapes      SubDim elements in; 1 entry or distance, or SubDim weighted elements out
// Formats     query: signed QueryWidth; element: int8 (table) or E3M4 (combine); bucket: unsigned
//             BucketWidth; entry: signed EntryWidth; weighted: signed BucketWidth + 12, exact;
//             centroid: s12; weight: u8; distance: unsigned 24 + log2 SubDim, exact
// Latency     table: 5 cycles; combine, distance, weigh: 4 cycles (shift_i is sampled 4 cycles
//             after element_i)
// Throughput  1 sub-space of a centroid or token per cycle, in any order of operations
// Golden      aqpim::golden::table_entry(), aqpim::golden::weighted_element(),
//             aqpim::golden::squared_distance()   sw/golden/centroid_group.h
module pq_centroid_group #(
  parameter  int unsigned SubDim      = 4,
  parameter  int unsigned QueryWidth  = 12,
  parameter  int unsigned EntryWidth  = 16,
  parameter  int unsigned BucketWidth = 25,
  parameter  bit          Quantize    = 1'b1,
  localparam int unsigned OutputWidth   = BucketWidth + 12,
  localparam int unsigned DistanceWidth = 24 + $clog2(SubDim)
) (
  input  wire logic                          clk_i,
  input  wire logic                          valid_i,       // otherwise nothing switches
  input  wire logic                          combine_i,     // combine,
  input  wire logic                          distance_i,    // distance,
  input  wire logic                          weigh_i,       // or weigh; otherwise table
  input  wire logic [SubDim*QueryWidth-1:0]  query_i,
  input  wire logic [SubDim*8-1:0]           element_i,
  input  wire logic [BucketWidth-1:0]        bucket_i,
  input  wire logic [3:0]                    shift_i,
  input  wire logic [SubDim*12-1:0]          centroid_i,    // signed, each
  input  wire logic [7:0]                    weight_i,
  output logic      [DistanceWidth-1:0]      distance_o,
  output logic      [EntryWidth-1:0]         entry_o,       // signed
  output logic                               saturated_o,   // belongs to entry_o
  output logic      [SubDim*OutputWidth-1:0] weighted_o     // signed, each
);

  localparam int unsigned DotWidth   = QueryWidth + 8 + $clog2(SubDim);
  localparam int unsigned TotalWidth = Quantize && DistanceWidth > DotWidth ? DistanceWidth
                                                                            : DotWidth;
  localparam int unsigned DigitWidth = Quantize ? 8 : 6;

  logic unused_quantize;
  assign unused_quantize = Quantize ? 1'b0 : ^{centroid_i, weight_i, distance_i, weigh_i};

  if (BucketWidth > 26) begin : gen_bad_bucket
    $error("pq_centroid_group: BucketWidth must be at most 26, two operands of 13 bits");
  end

  logic               valid_q, valid_q2, valid_q3, valid_q4;   // of stage 2 to 5
  logic               combine_q, combine_q2, combine_q3;
  logic               weigh_q, weigh_q2, weigh_q3;
  logic [SubDim*4-1:0] scale_q, scale_q2, scale_q3;            // sign, power of two of each
  logic [25:0]        bucket;
  logic [TotalWidth-1:0] total_q;
  logic [EntryWidth-1:0] entry;
  logic               saturated;

  assign bucket = 26'(bucket_i);

  // What all groups have alike has an always_ff of its own: simulation keeps it once for all.
  always_ff @(posedge clk_i) valid_q    <= valid_i;
  always_ff @(posedge clk_i) valid_q2   <= valid_q;
  always_ff @(posedge clk_i) valid_q3   <= valid_q2;
  always_ff @(posedge clk_i) valid_q4   <= valid_q3;
  always_ff @(posedge clk_i) combine_q  <= combine_i;
  always_ff @(posedge clk_i) combine_q2 <= combine_q;
  always_ff @(posedge clk_i) combine_q3 <= combine_q2;
  always_ff @(posedge clk_i) weigh_q    <= Quantize && weigh_i;
  always_ff @(posedge clk_i) weigh_q2   <= weigh_q;
  always_ff @(posedge clk_i) weigh_q3   <= weigh_q2;

  always_ff @(posedge clk_i) {scale_q3, scale_q2} <= {scale_q2, scale_q};

  // A function, so that simulation evaluates it only when there is a distance.
  function automatic logic [12:0] difference(
      input logic [QueryWidth-1:0] vector, input logic [11:0] centroid);
    difference = 13'($signed(vector)) - 13'($signed(centroid));
  endfunction

  for (genvar i = 0; i < SubDim; i++) begin : gen_multiplier
    logic [QueryWidth-1:0] query;
    logic [7:0]            element;
    logic [11:0]           centroid;
    logic [13:0]           low_q, high_q;
    logic [4:0]            digit0_q;
    logic [DigitWidth-1:0] digit1_q;
    logic [3:0]            scale;                         // of the product
    logic [31:0]           product;
    logic [TotalWidth-1:0] total;                         // of the products up to this one

    assign query    = query_i[i*QueryWidth +: QueryWidth];
    assign element  = element_i[i*8 +: 8];
    assign centroid = centroid_i[i*12 +: 12];

    always_ff @(posedge clk_i) begin
      if (valid_i && combine_i) begin
        low_q    <= {1'b0, bucket[12:0]};
        high_q   <= {1'b0, bucket[25:13]};
        digit0_q <= {|element[6:4], element[3:0]};
        digit1_q <= DigitWidth'({|element[6:4], element[3:0]});
        scale_q[i*4 +: 4] <= {element[7], |element[6:4] ? element[6:4] - 3'd1 : 3'd0};
      end else if (Quantize && valid_i && distance_i) begin
        low_q  <= 14'($signed(difference(query, centroid)));
        high_q <= 14'($signed(difference(query, centroid)));
        {digit1_q, digit0_q} <= (DigitWidth + 5)'($signed(difference(query, centroid)));
      end else if (Quantize && valid_i && weigh_i) begin
        low_q    <= 14'($signed(query));
        high_q   <= 14'($signed(query));
        digit0_q <= weight_i[4:0];
        digit1_q <= DigitWidth'(weight_i[7:5]);
        scale_q[i*4 +: 4] <= '0;
      end else if (valid_i) begin
        low_q    <= 14'($signed(query));
        high_q   <= 14'($signed(query));
        digit0_q <= element[4:0];
        digit1_q <= DigitWidth'($signed(element[7:5]));
      end
    end

    pq_multiplier #(
      .DigitWidth (DigitWidth)
    ) u_multiplier (
      .clk_i,
      .valid_i   (valid_q),
      .combine_i (combine_q),
      .low_i     (low_q),
      .high_i    (high_q),
      .digit0_i  (digit0_q),
      .digit1_i  (digit1_q),
      .product_o (product)
    );

    if (i == 0) begin : gen_first
      assign total = product[TotalWidth-1:0];
    end else begin : gen_next
      assign total = gen_multiplier[i-1].total + product[TotalWidth-1:0];
    end

    assign scale = scale_q3[i*4 +: 4];

    logic unused_product;
    assign unused_product = ^product;

    // Combine: apply sign and power of two. Weigh: the product itself.
    always_ff @(posedge clk_i) begin
      if (valid_q3 && (combine_q3 || weigh_q3)) begin
        weighted_o[i*OutputWidth +: OutputWidth] <=
            (scale[3] ? -(OutputWidth'($signed(product))) : OutputWidth'($signed(product)))
            << scale[2:0];
      end
    end
  end

  // Distance: the sum of the products. Table: all sub-spaces are brought to the common fraction.
  assign distance_o = DistanceWidth'(total_q);

  pq_round_saturate #(
    .InWidth    (DotWidth),
    .ShiftWidth (4),
    .OutWidth   (EntryWidth)
  ) u_round (
    .valid_i     (valid_q4),
    .value_i     (total_q[DotWidth-1:0]),
    .shift_i,
    .result_o    (entry),
    .saturated_o (saturated)
  );

  always_ff @(posedge clk_i) begin
    if (valid_q3 && !combine_q3 && !weigh_q3) total_q <= gen_multiplier[SubDim-1].total;
    if (valid_q4) begin
      entry_o     <= entry;
      saturated_o <= saturated;
    end
  end

endmodule

`default_nettype wire
