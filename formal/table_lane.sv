// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// table_lane: every read of pq_table_lane is what was written since, whatever the hazards.
//
// Given: the phases of pq_control (a table write, a look-up, an addition, a combine read or a store
// at a time, a store not to the address that is read), no bucket above BucketWidth bits. Followed
// is one address, which is any.
//   1. a look-up of SCORE gives the entry of the address, if it was written last
//   2. a combine read gives the sum of the weights that were added since the last table write or
//      combine read, without the mark if there is none
//   3. a read of clustering gives the word that was stored last
module table_lane #(
  localparam int unsigned Width = 6,
  localparam int unsigned Word  = Width + 1
) (
  input wire logic             clk_i,
  input wire logic             table_write_i,
  input wire logic [3:0]       table_address_i,
  input wire logic [Width-1:0] table_entry_i,
  input wire logic             lookup_i,
  input wire logic             accumulate_i,
  input wire logic [3:0]       lookup_address_i,
  input wire logic [Width-1:0] weight_i,
  input wire logic             combine_i,
  input wire logic [3:0]       combine_address_i,
  input wire logic             store_i,
  input wire logic [3:0]       store_address_i,
  input wire logic [Word-1:0]  store_data_i
);

  logic             rst_n = 1'b0, scored_q = 1'b0, adding_q = 1'b0, combined_q = 1'b0;
  logic             known_q = 1'b0, cleared_q = 1'b0;
  logic [3:0]       address_q;
  logic [Word-1:0]  word, word_q;              // at the address
  logic [Width-1:0] entry, sum;
  logic             here;

  pq_table_lane #(.LaneDepth (16), .EntryWidth (Width), .WeightWidth (Width), .BucketWidth (Width))
  u_dut (
    .clk_i, .rst_ni (rst_n), .table_write_i, .table_address_i, .table_entry_i, .lookup_i,
    .accumulate_i, .lookup_address_i, .weight_i, .combine_i, .combine_address_i, .store_i,
    .store_address_i, .store_data_i, .word_o (word), .entry_o (entry));

  (* hierconn *) wire [3:0]       \u_dut.u_memory.address ;
  (* hierconn *) wire [Word-1:0]  \u_dut.u_memory.word_q ;
  (* hierconn *) wire             \u_dut.forward_q ;
  (* hierconn *) wire             \u_dut.add_q ;
  (* hierconn *) wire             \u_dut.clear_q ;
  (* hierconn *) wire [3:0]       \u_dut.address_q ;
  (* hierconn *) wire [Width-1:0] \u_dut.sum_q ;
  (* hierconn *) wire [Width-1:0] \u_dut.sum ;

  assign here = address_q == \u_dut.u_memory.address ;
  assign sum  = (word_q[Width] ? word_q[Width-1:0] : '0) + weight_i;

  always_comb begin
    assume (rst_n || !(table_write_i || lookup_i || combine_i || store_i));
    assume (!accumulate_i || lookup_i);
    assume (32'(table_write_i) + 32'(lookup_i) + 32'(combine_i) <= 1);
    // A phase begins when the one before has drained.
    assume (!(table_write_i || store_i) || !(adding_q || combined_q));
    assume (!combine_i || !adding_q);
    assume (!lookup_i || !(combined_q || (adding_q && !accumulate_i)));
    assume (!(store_i && (table_write_i || combine_i || accumulate_i)));
    assume (!(store_i && lookup_i && store_address_i == lookup_address_i));
    // COMBINE reads an address once: not in the cycle in which it is cleared.
    assume (!(combine_i && combined_q && combine_address_i == address_q));
    assume (!adding_q || \u_dut.sum >= weight_i);
  end

  always_ff @(posedge clk_i) begin
    rst_n      <= 1'b1;
    scored_q   <= lookup_i;
    adding_q   <= lookup_i && accumulate_i;
    combined_q <= combine_i;
    if (lookup_i || combine_i) address_q <= lookup_i ? lookup_address_i : combine_address_i;
    if (table_write_i && table_address_i == \u_dut.u_memory.address ) begin
      known_q <= 1'b1;
      word_q  <= {1'b0, table_entry_i};
    end else if (store_i && store_address_i == \u_dut.u_memory.address ) begin
      known_q <= 1'b1;
      word_q  <= store_data_i;
    end else if (known_q && adding_q && here) begin
      word_q <= {1'b1, sum};
    end else if (known_q && combined_q && here) begin
      word_q <= '0;
    end

    if (!rst_n) assert (!scored_q && !adding_q && !combined_q && !known_q);
    assert (!adding_q || scored_q);
    assert (!(combined_q && scored_q));
    if (rst_n) begin
      assert (\u_dut.add_q == adding_q && \u_dut.clear_q == combined_q);
      if (scored_q || combined_q) assert (\u_dut.address_q == address_q);
      assert (!adding_q || !\u_dut.forward_q || !here || !known_q
              || (word_q[Width] && \u_dut.sum_q == word_q[Width-1:0]));
      if (scored_q && !adding_q || combined_q) assert (!\u_dut.forward_q );
    end
    if (rst_n && known_q) begin
      assert (\u_dut.u_memory.word_q == word_q);
      if (adding_q && here && !\u_dut.forward_q ) assert (word == word_q);
      rule_1: assert (!(scored_q && !adding_q && here) || entry == word_q[Width-1:0]);
      rule_2: assert (!(combined_q && here) || word == word_q);
      rule_3: assert (!(scored_q && !adding_q && here) || word == word_q);
      cover (combined_q && here && word == {1'b1, 6'd3});
    end
  end

endmodule

`default_nettype wire
