#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Elaboration of the engine, of the reducer, of a bank's engine and of the sequencer refuses each
# illegal parameter with a sentence that names it, and accepts the ends of what is legal. Parameters
# that are not given have the defaults of the module (pq8).
set -u
passed=0
failed=0

elaborate() {
  ${VERILATOR:-verilator} --lint-only -Wall --top-module "$module" -Irtl/common -Irtl/engine -Irtl/channel \
    $(printf -- '-G%s ' "$@") "$module.sv" 2>&1
}

# refuses SENTENCE KEY=VALUE...; the sentence is of $speaker, if that is not the module
refuses() {
  sentence=$1
  shift
  if text=$(elaborate "$@"); then
    echo "$module accepted: $*"
    failed=$((failed + 1))
  elif ! echo "$text" | grep -q "${speaker:-$module}: $sentence"; then
    echo "$module refused without \"$sentence\": $*"
    echo "$text" | head -n 5
    failed=$((failed + 1))
  else
    passed=$((passed + 1))
  fi
}

accepts() {
  if text=$(elaborate "$@"); then
    passed=$((passed + 1))
  else
    echo "$module refused: $*"
    echo "$text" | head -n 5
    failed=$((failed + 1))
  fi
}

module=pq_engine
refuses 'HeadDim must be' HeadDim=96
refuses 'HeadDim must be' HeadDim=512
refuses 'SubDim must be' SubDim=3
refuses 'SubDim must be' SubDim=16
refuses 'CodeBits must be' CodeBits=6
refuses 'WordBits must be' WordBits=32
refuses 'WordBits must be' WordBits=512
refuses 'HeadDim / SubDim codes of CodeBits must fill' SubDim=8
refuses 'QueryWidth must be' QueryWidth=7
refuses 'QueryWidth must be' QueryWidth=13
refuses 'EntryWidth must be' EntryWidth=11
refuses 'EntryWidth must be' EntryWidth=17
refuses 'ScoreWidth must be' ScoreWidth=11
refuses 'ScoreWidth must be' ScoreWidth=17
refuses 'ScoreFraction must be' ScoreFraction=3
refuses 'ScoreFraction must be' ScoreFraction=9
refuses 'ScoreDepth must be' ScoreDepth=1000
refuses 'ScoreDepth must be' ScoreDepth=8
refuses 'ScoreDepth must be' ScoreDepth=8192
refuses 'BiasDepth must be' BiasDepth=16
refuses 'BiasDepth must be' BiasDepth=2048
refuses 'WeightWidth must be' WeightWidth=7
refuses 'WeightWidth must be' WeightWidth=15
refuses 'Quantize must be' Quantize=2
refuses 'Quantize needs' QueryWidth=11
refuses 'Quantize needs' HeadDim=64 SubDim=1 WordBits=64
refuses 'Quantize needs' HeadDim=64 SubDim=8 WordBits=64

accepts HeadDim=128
accepts EntryWidth=12 ScoreWidth=12 ScoreFraction=4 ScoreDepth=16 BiasDepth=32 WeightWidth=8
accepts ScoreDepth=4096 BiasDepth=1024
accepts HeadDim=256 SubDim=8
accepts HeadDim=256 SubDim=4
accepts HeadDim=64 SubDim=4 WordBits=64
accepts HeadDim=256 SubDim=8 CodeBits=4 WordBits=64
accepts Quantize=0 QueryWidth=8 EntryWidth=12 ScoreWidth=12 ScoreFraction=4 ScoreDepth=16 BiasDepth=32 WeightWidth=8
accepts Quantize=0 HeadDim=64 SubDim=8 WordBits=64
accepts Quantize=0 HeadDim=64 SubDim=1 WordBits=64
accepts Quantize=0 HeadDim=256 SubDim=1 CodeBits=4
accepts Quantize=0 HeadDim=256 SubDim=4

module=pq_reducer
refuses 'WordBits must be' WordBits=32
refuses 'WordBits must be' WordBits=512
refuses 'CodeBits must be' CodeBits=6
refuses 'SubDim must be 2' SubDim=1
refuses 'SubDim must be 2' SubDim=3
refuses 'SubDim must be 2' SubDim=16
refuses 'SubDim must be at most' WordBits=64 SubDim=8
refuses 'ScoreDepth must be' ScoreDepth=1000
refuses 'ScoreDepth must be' ScoreDepth=8
refuses 'ScoreDepth must be' ScoreDepth=8192
refuses 'PartsWidth must be' PartsWidth=0
refuses 'PartsWidth must be' PartsWidth=9

accepts SubDim=4
accepts WordBits=64 SubDim=4 ScoreDepth=16 PartsWidth=1
accepts WordBits=64 CodeBits=4 SubDim=8
accepts WordBits=128 CodeBits=4 SubDim=2 ScoreDepth=4096

# The rules of config::obstacle_of() in sw/config/channel.cpp.
module=pq_bank_engine
refuses 'WordBits must be 128 or 256' HeadDim=64 WordBits=64
refuses 'HeadDim / SubDim codes of CodeBits must fill one or more beats' HeadDim=64 WordBits=128
refuses 'BiasDepth must be at most 512' BiasDepth=1024
refuses 'Quantize must be 1' Quantize=0
refuses 'BanksPerEngine must be' BanksPerEngine=0
refuses 'BanksPerEngine must be' BanksPerEngine=4
refuses 'BanksPerEngine must be' BanksPerEngine=2 WordBits=128

accepts BanksPerEngine=2
accepts WordBits=128 BiasDepth=512
accepts SubDim=2 CodeBits=4 WordBits=128

module=pq_sequencer
speaker=pq_channel
refuses 'HeadDim / SubDim codes of CodeBits must fill one or two beats' HeadDim=256 SubDim=2
refuses 'HeadDim / SubDim codes of CodeBits must fill one or two beats' HeadDim=64 WordBits=128
refuses 'BiasDepth must be at most 512' BiasDepth=1024
refuses 'BanksPerEngine must be' BanksPerEngine=2 WordBits=128
speaker=pq_bus
refuses 'Ranks must be 1 or 2' Ranks=3

accepts HeadDim=256 SubDim=4
accepts WordBits=128 BiasDepth=512 Ranks=1
accepts BanksPerEngine=2

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
