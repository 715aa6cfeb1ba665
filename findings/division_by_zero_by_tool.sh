#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Guess    Division by zero is X in simulation; whatever a two-state simulator makes of X, the netlist makes the same.
# Reality  Icarus: X. Verilator: 0. Yosys' netlist: the quotient is all ones and the remainder is the dividend. RTL and netlist differ without an X
#          on either side.
# Matters  A netlist played beside the RTL on random inputs reports a fault that is none, or, where both sides are Verilator models of RTL, hides
#          a real one. Divisors need an assertion, and inputs that keep it.
# Seen     Icarus 11.0, Verilator 5.006, Yosys 0.23 (Debian 12)
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for tool in iverilog verilator yosys; do
  command -v $tool >/dev/null || { echo "needs $tool (Debian package $tool)"; exit 2; }
done
cd "$work"
cat >dut.sv <<'SV'
module dut (input wire logic [3:0] a, input wire logic [3:0] b,
            output logic [3:0] quotient, output logic [3:0] remainder);
  assign quotient = a / b;
  assign remainder = a % b;
endmodule
SV
cat >tb.sv <<'SV'
module tb;
  logic [3:0] a, b, quotient, remainder;
  dut dut (.a(a), .b(b), .quotient(quotient), .remainder(remainder));
  initial begin
    a = 5; b = 0;
    #1 $display("%b %b", quotient, remainder);
    $finish;
  end
endmodule
SV
iverilog -V 2>/dev/null | sed -n 1p
verilator --version
yosys -V
yosys -q -p 'read_verilog -sv dut.sv; synth -top dut; write_verilog -noattr netlist.v'
iverilog -g2012 -o rtl tb.sv dut.sv
iverilog -g2012 -o gates tb.sv netlist.v
verilator --binary -Wno-fatal -Wno-lint --timing --top-module tb tb.sv dut.sv >log 2>&1 || { cat log; exit 1; }
icarus=$(./rtl | grep -v finish) verilated=$(obj_dir/Vtb | grep '^[01x]* ') netlist=$(./gates | grep -v finish)
echo "5 / 0, 5 % 0"
echo "Icarus, RTL      $icarus"
echo "Verilator, RTL   $verilated"
echo "Icarus, netlist  $netlist"
[ "$icarus" = "xxxx xxxx" ] && [ "$verilated" = "0000 0000" ] && [ "$netlist" = "1111 0101" ]
