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

# Reading Verilator's headers takes longer than compiling most of its sources, so that they are compiled in two pieces:
# what runs every cycle, and what runs once or while waves are written, which is not optimized.
classes := $(VM_CLASSES_FAST) $(VM_SUPPORT_FAST)
slow    := $(VM_CLASSES_SLOW) $(VM_SUPPORT_SLOW) $(foreach class,$(classes),$(if $(findstring __Trace__,$(class)),$(class)))
fast    := $(filter-out $(slow),$(classes))
library := $(VM_GLOBAL_FAST) $(VM_GLOBAL_SLOW)
others  := $(notdir $(SOURCES:.cpp=))
ifeq ($(OPTIMIZATION),-O0)
fast    += $(slow)
slow    :=
endif
objects = $(addsuffix .o,$(1))

$(PREFIX)__ALL.a: $(PREFIX)__fast.o $(if $(slow),$(PREFIX)__slow.o)
	@rm -f $@
	ar -rcs $@ $^

$(PREFIX): $(call objects,$(others)) $(PREFIX)__ALL.a $(call objects,$(library))
	$(CXX) -o $@ $^ -pthread

$(PREFIX)__fast.cpp: $(addsuffix .cpp,$(fast))
	printf '#include "%s"\n' $^ > $@
$(PREFIX)__slow.cpp: $(addsuffix .cpp,$(slow))
	printf '#include "%s"\n' $^ > $@

vpath %.cpp $(ROOT)/include $(dir $(SOURCES))
$(call objects,$(PREFIX)__fast $(others)): %.o: %.cpp
	$(call compile,$(OPTIMIZATION))
$(PREFIX)__slow.o: %.o: %.cpp
	$(call compile,-O0)
$(call objects,$(library)): %.o: %.cpp
	$(call compile,-O2)
