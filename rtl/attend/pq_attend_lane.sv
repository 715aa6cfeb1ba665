// SPDX-License-Identifier: Apache-2.0
`default_nettype none
`include "pq_assert.svh"

// pq_attend_lane: the memory of one sub-space, as look-up table (SCORE), then as weight buckets
// (ACCUMULATE); TURN reads each bucket and puts an entry of the next window in its place.
//
//   addend_i --> [ + ] --{is_bucket, value}--> [ pq_memory, 16 words ] --> entry_o
//                  ^                                                  \--> bucket_o
//                  \----- the bucket as it was, or the one just written ---/
//
// A word is {is_bucket, value}. A word without the mark counts as an empty bucket: so buckets start
// at zero without a cycle spent on clearing them. Entries take the way of the sums, with nothing to
// add to: there is no multiplexer in front of the memory. Two tokens in a row with the same code:
// the second one takes the sum from the adder's register and skips its read, so the memory never
// sees a collision.
//
// Formats     entry: signed EntryWidth; weight, bucket: unsigned BucketWidth
// Latency     lookup: 1 cycle to entry_o, and to add_i with the weight on addend_i, if there is
//             one; combine: 1 cycle to bucket_o, with gate_i
// Throughput  1 lookup with its addition, or 1 combine read and 1 table write per cycle
// Golden      aqpim::golden::TableLane   sw/golden/table_lane.h
module pq_attend_lane #(
  parameter  int unsigned EntryWidth   = 16,
  parameter  int unsigned BucketWidth  = 16,
  parameter  int unsigned Centroids    = 16,
  localparam int unsigned AddressWidth = $clog2(Centroids),
  localparam int unsigned ValueWidth   = BucketWidth > EntryWidth ? BucketWidth : EntryWidth
) (
  input  wire logic                    clk_i,
  input  wire logic                    rst_ni,
  input  wire logic                    lookup_i,           // SCORE or ACCUMULATE: look up a code
  input  wire logic [AddressWidth-1:0] code_i,
  input  wire logic                    add_i,              // add to the bucket of the last lookup
  input  wire logic                    table_write_i,      // TURN: store an entry
  input  wire logic [AddressWidth-1:0] table_address_i,
  input  wire logic [ValueWidth-1:0]   addend_i,           // the weight, or the entry
  input  wire logic                    combine_i,          // TURN: read a bucket
  input  wire logic [AddressWidth-1:0] combine_address_i,
  input  wire logic                    gate_i,             // the cycle after combine_i, or add_i
  output logic      [EntryWidth-1:0]   entry_o,            // signed, one cycle after lookup_i
  output logic      [BucketWidth-1:0]  bucket_o            // zero without gate_i
);

  logic [AddressWidth-1:0] address_q, read_address, write_address;
  logic                    forward_q, same, read, write;
  logic [ValueWidth-1:0]   sum, sum_q;
  logic [ValueWidth:0]     data;

  assign same = add_i && code_i == address_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) forward_q <= 1'b0;
    else forward_q <= same;
  end

  always_ff @(posedge clk_i) begin
    address_q <= code_i;
    sum_q     <= sum;
  end

  assign entry_o  = data[EntryWidth-1:0];
  assign bucket_o = gate_i && data[ValueWidth] ? data[BucketWidth-1:0] : '0;

  // Ands and ors: an entry, and a bucket that is new, have nothing to be added to.
  assign sum = ((sum_q & {ValueWidth{add_i && forward_q}})
                | (ValueWidth'(bucket_o) & {ValueWidth{add_i && !forward_q}})) + addend_i;

  assign read          = combine_i || (lookup_i && !same);
  assign read_address  = combine_i ? combine_address_i : code_i;
  assign write         = table_write_i || add_i;
  assign write_address = add_i ? address_q : table_address_i;

  pq_memory #(
    .Depth (Centroids),
    .Width (1 + ValueWidth)
  ) u_memory (
    .clk_i,
    .write_i         (write),
    .write_address_i (write_address),
    .write_data_i    ({add_i, sum}),
    .read_i          (read),
    .read_address_i  (read_address),
    .read_data_o     (data)
  );

  `AQ_ASSERT(a_one_writer, !(table_write_i && add_i), clk_i, !rst_ni)
  `AQ_ASSERT(a_one_reader, !(combine_i && lookup_i), clk_i, !rst_ni)
  `AQ_ASSERT_WHEN(a_no_collision, write, !(read && read_address == write_address), clk_i, !rst_ni)
  `AQ_ASSERT_WHEN(a_no_overflow, add_i,
                  sum >= addend_i && !(|(sum >> BucketWidth)), clk_i, !rst_ni)

endmodule

`default_nettype wire
