# SPDX-License-Identifier: Apache-2.0
# Compiles what Verilator (--cc --Mdir FOLDER --prefix PREFIX) has written:
#   make -C FOLDER -f .../sim/verilated.mk PREFIX=... ROOT=... [SOURCES='MAIN.cpp ...'] [VARIABLE=...] TARGET
# with the target PREFIX__ALL.a, an archive of the model, or PREFIX, a program of SOURCES, model and run-time library.
# ROOT is what `verilator --getenv VERILATOR_ROOT` says.
#
# In place of Verilator's own verilated.mk, in which compiler and flags are those of the machine that Verilator was built
# on: in the packages of PyPI, paths that no other machine has, and empty flags.
CXX          := g++
OBJCACHE     :=# ccache, if there is one
OPTIMIZATION := -O2
CXX_FLAGS    :=

include $(PREFIX)_classes.mk

flags := -w -std=gnu++20 -faligned-new -fcf-protection=none -I. -I$(ROOT)/include -I$(ROOT)/include/vltstd -DVERILATOR=1 -DVM_SC=0 \
  $(foreach name,COVERAGE TIMING TRACE TRACE_FST TRACE_SAIF TRACE_VCD,-DVM_$(name)=$(or $(VM_$(name)),0)) $(CXX_FLAGS)
compile = $(OBJCACHE) $(CXX) $(flags) $(1) -MMD -c -o $@ $<

# A header, for models that are compiled with OPTIMIZATION and include it first.
%.h.gch: %.h
	$(call compile,$(OPTIMIZATION) -x c++-header)


fast    := $(VM_CLASSES_FAST) $(VM_SUPPORT_FAST)
slow    := $(VM_CLASSES_SLOW) $(VM_SUPPORT_SLOW)
library := $(VM_GLOBAL_FAST) $(VM_GLOBAL_SLOW)
others  := $(notdir $(SOURCES:.cpp=))
# Verilator says what is large enough to be compiled in pieces.
ifneq ($(VM_PARALLEL_BUILDS),1)
whole := $(PREFIX)__ALL
endif
objects = $(addsuffix .o,$(1))

$(PREFIX)__ALL.a: $(call objects,$(or $(whole),$(fast) $(slow)))
	@rm -f $@
	ar -rcs $@ $^

$(PREFIX): $(call objects,$(others)) $(PREFIX)__ALL.a $(call objects,$(library))
	$(CXX) -o $@ $^ -pthread

$(PREFIX)__ALL.cpp: $(addsuffix .cpp,$(fast) $(slow))
	printf '#include "%s"\n' $^ > $@

vpath %.cpp $(ROOT)/include $(dir $(SOURCES))
$(call objects,$(whole) $(fast) $(others)): %.o: %.cpp
	$(call compile,$(OPTIMIZATION))
# What runs once.
$(call objects,$(slow)): %.o: %.cpp
	$(call compile,-O0)
$(call objects,$(library)): %.o: %.cpp
	$(call compile,-O2)
