// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "pq_assert.svh"

// pq_table_lane: one lane's table memory, as look-up tables (SCORE), weight buckets (ACCUMULATE) or
// work space of clustering (pq_slice), which reads and writes whole words.
//
//                          table entry --\
//                  zero, store_data_i ---+--> write port [ pq_memory ] read port --> entry_o
//   weight_i --> [ + ] --> new bucket --/        LaneDepth words                 \--> word_o
//                  ^--------- old bucket, or the one just written ---------------/
//
// A word is {is_bucket, ..., value}. TABLE writes every word with is_bucket = 0, and a word without
// the mark counts as an empty bucket: so buckets start at zero without a cycle spent on clearing
// them. COMBINE reads every bucket once and clears it behind itself for the next codebook window.
// Two tokens in a row with the same code: the second takes the sum from the adder's register and
// skips its read, so the memory never sees a collision.
//
// Formats     entry: signed EntryWidth; weight: unsigned WeightWidth; bucket: unsigned
//             BucketWidth
// Latency     lookup: 1 cycle to entry_o; a lookup with accumulate_i adds weight_i of the next
//             cycle; combine: 1 cycle to word_o
// Throughput  1 table write, store, lookup, bucket addition or combine read per cycle, any
//             addresses
// Golden      aqpim::golden::TableLane   sw/golden/table_lane.h
module pq_table_lane #(
  parameter  int unsigned LaneDepth    = 256,
  parameter  int unsigned EntryWidth   = 16,
  parameter  int unsigned WeightWidth  = 14,
  parameter  int unsigned BucketWidth  = 25,
  parameter  int unsigned StoreWidth   = 1,      // least width of a word, for store_data_i
  localparam int unsigned AddressWidth = $clog2(LaneDepth),
  localparam int unsigned ValueWidth   = BucketWidth > EntryWidth ? BucketWidth : EntryWidth,
  localparam int unsigned Width        = StoreWidth > 1 + ValueWidth ? StoreWidth : 1 + ValueWidth
) (
  input  wire logic                    clk_i,
  input  wire logic                    rst_ni,
  input  wire logic                    table_write_i,      // TABLE: store an entry
  input  wire logic [AddressWidth-1:0] table_address_i,
  input  wire logic [EntryWidth-1:0]   table_entry_i,
  input  wire logic                    lookup_i,           // SCORE or ACCUMULATE: look up a code
  input  wire logic                    accumulate_i,       // with lookup_i: add to the bucket
  input  wire logic [AddressWidth-1:0] lookup_address_i,
  input  wire logic [WeightWidth-1:0]  weight_i,           // one cycle after its lookup
  input  wire logic                    combine_i,          // COMBINE: read a bucket and clear it
  input  wire logic [AddressWidth-1:0] combine_address_i,
  input  wire logic                    store_i,            // write a whole word
  input  wire logic [AddressWidth-1:0] store_address_i,
  input  wire logic [Width-1:0]        store_data_i,
  output logic      [Width-1:0]        word_o,             // one cycle after any read
  output logic      [EntryWidth-1:0]   entry_o             // signed, one cycle after lookup_i
);

  logic                    add_q, forward_q, clear_q;
  logic [AddressWidth-1:0] address_q;
  logic [BucketWidth-1:0]  sum, sum_q;
  logic                    again, read, write;     // again: a lookup that repeats the last
  logic [AddressWidth-1:0] read_address, write_address;
  logic [Width-1:0]        read_data, write_data;

  assign read_address = lookup_i ? lookup_address_i : combine_address_i;
  assign read         = (combine_i || lookup_i) && !again;

  // Only ACCUMULATE compares addresses, in simulation, too.
  always_comb begin
    again = 1'b0;
    if (accumulate_i) again = lookup_i && add_q && lookup_address_i == address_q;
  end

  // What all lanes have alike has an always_ff of its own: simulation keeps it once for all.
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) add_q <= 1'b0;
    else add_q <= lookup_i && accumulate_i;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) clear_q <= 1'b0;
    else clear_q <= combine_i;
  end

  always_ff @(posedge clk_i) begin
    if (combine_i || lookup_i) address_q <= read_address;
    forward_q <= again;
    if (add_q) sum_q <= sum;
  end

  assign word_o   = read_data;
  assign entry_o  = read_data[EntryWidth-1:0];

  // A word without the mark is an empty bucket. A word that is cleared has no sum.
  always_comb begin
    sum = '0;
    if (add_q) begin
      sum = (forward_q ? sum_q : read_data[Width-1] ? read_data[BucketWidth-1:0] : '0)
          + BucketWidth'(weight_i);
    end
  end

  assign write         = table_write_i || store_i || add_q || clear_q;
  assign write_address = table_write_i ? table_address_i : store_i ? store_address_i : address_q;
  assign write_data    = table_write_i ? Width'(table_entry_i) : store_i ? store_data_i
                       : {add_q, (Width - 1)'(sum)};

  pq_memory #(
    .Depth (LaneDepth),
    .Width (Width)
  ) u_memory (
    .clk_i,
    .write_i         (write),
    .write_address_i (write_address),
    .write_data_i    (write_data),
    .read_i          (read),
    .read_address_i  (read_address),
    .read_data_o     (read_data)
  );

  `AQ_ASSERT_WHEN(a_one_writer, write,
                  !(table_write_i && (store_i || add_q || clear_q))
                  && !(store_i && (add_q || clear_q)) && !(add_q && clear_q), clk_i, !rst_ni)
  `AQ_ASSERT_WHEN(a_no_collision, write, !(read && read_address == write_address), clk_i, !rst_ni)
  `AQ_ASSERT_WHEN(a_no_overflow, add_q, sum >= BucketWidth'(weight_i), clk_i, !rst_ni)
  `AQ_ASSERT_WHEN(a_one_reader, combine_i, !lookup_i, clk_i, !rst_ni)

endmodule

`default_nettype wire
