#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Guess    nlohmann::json::parse takes the same time with a callback that keeps everything as without one, plus the calls: parsing is linear.
# Reality  With any callback, the end of each object makes the parser look for a discarded one among all members of the object around it. A header of
#          N tensors, each an object, costs N² steps: sixteen times the tensors take some hundred times the time; plain parse() and
#          sax_parse() stay linear.
# Matters  The documented way to refuse equal keys is such a callback, and safetensors headers are one object of many: with 40,000 tensors a reader
#          that checks takes half a minute for a header of 4 MB. A json_sax handler can check the same in one linear pass.
# Seen     nlohmann-json3-dev 3.11.2-2 (Debian 12), g++ 12
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get -q download nlohmann-json3-dev=3.11.2-2
dpkg -x nlohmann-json3-dev_*.deb .
cat >parse.cpp <<'CPP'
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>

double seconds(int tensors, bool with_callback) {
  std::string text = "{";
  for (int i = 0; i < tensors; ++i) {
    text += (i == 0 ? "\"" : ",\"") + std::to_string(i) + R"(":{"dtype":"U8","shape":[1],"data_offsets":[0,1]})";
  }
  text += "}";
  const auto keep = [](int, nlohmann::json::parse_event_t, nlohmann::json&) { return true; };
  const std::clock_t start = std::clock();
  const auto root = with_callback ? nlohmann::json::parse(text, keep) : nlohmann::json::parse(text);
  const double time = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  std::printf("%6zu tensors, %s: %.3f s\n", root.size(), with_callback ? "with a callback" : "plain", time);
  return time;
}

int main() {
  const double plain = seconds(16000, false) / seconds(1000, false);
  const double called = seconds(16000, true) / seconds(1000, true);
  std::printf("sixteen times the tensors: %.0f times the time, with a callback %.0f times\n", plain, called);
  return called > 3 * plain ? 0 : 1;
}
CPP
g++ -std=c++17 -O2 -Iusr/include parse.cpp -o parse
./parse
