// SPDX-License-Identifier: Apache-2.0
`default_nettype none

// pq_memory: the one memory of the engine, and the single place where a foundry macro goes.
//
//   write_* --> [ Depth x Width ] --> [ read register ] --> read_data_o
//
// Shapes      Depth words of Width bits; one write port, one read port. SinglePort = 1 promises
//             never to read and write in one cycle, so that a single-port macro serves. (With
//             SinglePort, any read beside a write is a collision.)
// Latency     1 cycle from read_i to read_data_o, which then holds until the next read
// Throughput  1 read and 1 write per cycle (SinglePort: 1 access per cycle)
// Collision   Reading the address that is written in the same cycle is forbidden: macros disagree
//             about the result. Simulation returns the complement of the old word. The
//             module with the memory asserts that it never happens; that takes a reset, which a
//             memory does not have.
// Golden      a plain array
module pq_memory #(
  parameter  int unsigned Depth        = 256,
  parameter  int unsigned Width        = 26,
  parameter  bit          SinglePort   = 1'b0,
  localparam int unsigned AddressWidth = $clog2(Depth)
) (
  input  wire logic                    clk_i,
  input  wire logic                    write_i,          // write enable
  input  wire logic [AddressWidth-1:0] write_address_i,
  input  wire logic [Width-1:0]        write_data_i,
  input  wire logic                    read_i,           // read enable
  input  wire logic [AddressWidth-1:0] read_address_i,
  output logic      [Width-1:0]        read_data_o
);

  if (Depth < 2 || (1 << $clog2(Depth)) != Depth) begin : gen_bad_depth
    $error("pq_memory: Depth must be a power of two, at least 2");
  end

  logic [Width-1:0] memory [Depth];

`ifdef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (write_i) memory[write_address_i] <= write_data_i;
    if (read_i) read_data_o <= memory[read_address_i];
  end
`else
  // Written after it was read, by a blocking assignment: nobody else uses it, and simulation keeps
  // no copy of the word until the end of the cycle.
  // verilator lint_off BLKSEQ
  always @(posedge clk_i) begin
    if (read_i) begin
      read_data_o <= memory[read_address_i];
      if (write_i) begin
        if (SinglePort || write_address_i == read_address_i) begin
          read_data_o <= ~memory[read_address_i];
        end
      end
    end
    if (write_i) memory[write_address_i] = write_data_i;
  end
  // verilator lint_on BLKSEQ
`endif

endmodule

`default_nettype wire
