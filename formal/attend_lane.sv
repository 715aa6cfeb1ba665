// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// attend_lane: every read of pq_attend_lane is what was written since, whatever the hazards.
//
// Given: an addition only in the cycle after a look-up, TURN apart from both, no table write to the
// address of a read, no bucket above BucketWidth bits. Followed is one code, which is any.
//   1. a look-up gives the entry of the code, if its tables were written last
//   2. a combine read gives the sum of the weights that were added since, 0 if there is none
module attend_lane #(
  localparam int unsigned Width = 6
) (
  input wire logic             clk_i,
  input wire logic             lookup_i,
  input wire logic [3:0]       code_i,
  input wire logic             add_i,
  input wire logic             table_write_i,
  input wire logic [3:0]       table_address_i,
  input wire logic [Width-1:0] addend_i,
  input wire logic             combine_i,
  input wire logic [3:0]       combine_address_i
);

  logic             rst_n = 1'b0, looked_q = 1'b0, read_q = 1'b0, added_q = 1'b0;
  logic [3:0]       code_q;
  logic [Width-1:0] entry, bucket;
  logic             bucket_q = 1'b0, known_q = 1'b0;    // there are weights; an entry
  logic [Width-1:0] value_q;                            // of the bucket, or the entry

  pq_attend_lane #(.EntryWidth (Width), .BucketWidth (Width), .Centroids (16)) u_dut (
    .clk_i, .rst_ni (rst_n), .lookup_i, .code_i, .add_i, .table_write_i, .table_address_i,
    .addend_i, .combine_i, .combine_address_i, .gate_i (add_i || read_q), .entry_o (entry),
    .bucket_o (bucket));

  (* hierconn *) wire [3:0]     \u_dut.u_memory.address ;
  (* hierconn *) wire [Width:0] \u_dut.u_memory.word_q ;
  (* hierconn *) wire [Width:0] \u_dut.data ;
  (* hierconn *) wire [3:0]     \u_dut.address_q ;
  (* hierconn *) wire           \u_dut.forward_q ;
  (* hierconn *) wire [Width-1:0] \u_dut.sum_q ;
  (* hierconn *) wire [Width-1:0] \u_dut.sum ;

  logic             here, wrote, added;
  logic [Width-1:0] sum;
  assign here  = code_q == \u_dut.u_memory.address ;
  assign wrote = table_write_i && table_address_i == \u_dut.u_memory.address ;
  assign added = add_i && here;
  assign sum   = (bucket_q ? value_q : '0) + addend_i;

  always_comb begin
    assume (rst_n || !(lookup_i || add_i || table_write_i || combine_i));
    assume (!add_i || looked_q);
    assume (!((table_write_i || combine_i) && (lookup_i || add_i)));
    // The passes of TURN come a cycle after the last addition.
    assume (!((table_write_i || combine_i) && looked_q));
    assume (!(table_write_i && combine_i && table_address_i == combine_address_i));
    assume (!add_i || \u_dut.sum >= addend_i);
  end

  always_ff @(posedge clk_i) begin
    rst_n    <= 1'b1;
    looked_q <= lookup_i;
    read_q   <= combine_i && combine_address_i == \u_dut.u_memory.address ;
    added_q  <= add_i;
    code_q   <= code_i;
    if (wrote) begin
      known_q  <= 1'b1;
      bucket_q <= 1'b0;
      value_q  <= addend_i;
    end else if (added && known_q) begin
      bucket_q <= 1'b1;
      value_q  <= sum;
    end

    if (!rst_n) assert (!looked_q && !read_q && !known_q && !bucket_q);
    assert (known_q || !bucket_q);
    if (rst_n && known_q) begin
      assert (\u_dut.u_memory.word_q == {bucket_q, value_q});
      if (looked_q) begin
        assert (\u_dut.address_q == code_q);
        if (here && \u_dut.forward_q ) assert (bucket_q && \u_dut.sum_q == value_q);
        if (here && !\u_dut.forward_q ) assert (\u_dut.data == {bucket_q, value_q});
        rule_1: assert (!here || bucket_q || entry == value_q);
      end
      rule_2: assert (!read_q || bucket == (bucket_q ? value_q : '0));
      cover (read_q && bucket == 6'd3 && bucket_q);
    end
  end

endmodule

`default_nettype wire
