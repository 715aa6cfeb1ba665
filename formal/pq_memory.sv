// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// pq_memory of the proofs: the word at one address, which is any; the others hold what they like.
//
//   write_* --> [ the word at `address` ] --> [ read register ] --> read_data_o
//
// What is proved of the word at `address` is proved of all. Ports and latency are those of
// rtl/common/pq_memory.sv; a read beside a write of the same address gives anything.
module pq_memory #(
  parameter  int unsigned Depth        = 256,
  parameter  int unsigned Width        = 26,
  parameter  bit          SinglePort   = 1'b0,
  localparam int unsigned AddressWidth = $clog2(Depth)
) (
  input  wire logic                    clk_i,
  input  wire logic                    write_i,
  input  wire logic [AddressWidth-1:0] write_address_i,
  input  wire logic [Width-1:0]        write_data_i,
  input  wire logic                    read_i,
  input  wire logic [AddressWidth-1:0] read_address_i,
  output logic      [Width-1:0]        read_data_o
);

  (* anyconst *) logic [AddressWidth-1:0] address;
  (* anyseq *)   logic [Width-1:0]        another;
  logic [Width-1:0]                       word_q;
  logic                                   collision;

  assign collision = write_i && (SinglePort || write_address_i == read_address_i);

  always_ff @(posedge clk_i) begin
    if (write_i && write_address_i == address) word_q <= write_data_i;
    if (read_i) read_data_o <= read_address_i == address && !collision ? word_q : another;
  end

endmodule

`default_nettype wire
