# SPDX-License-Identifier: Apache-2.0
# aqpim_verilate(<name> TOP <module> [PARAMS Key=Value ...] [SOURCE <file>] [FLAGS ...] [WAVES])
#
# WAVES: it can be traced, which takes half as long again to compile, or twice as long.
# Verilates rtl/**/<module>.sv (or SOURCE) with these parameters; class and header are V<name>, blanks of the
# language ('-', '.') in the name replaced by '_'. Defines the target verilated_<name>, to be linked against.
# Modules are found by their file's name.

find_program(VERILATOR verilator REQUIRED)
execute_process(COMMAND ${VERILATOR} -V OUTPUT_VARIABLE verilator_text)
if(NOT verilator_text MATCHES "VERILATOR_ROOT *= ([^\n]+)")
  message(FATAL_ERROR "${VERILATOR} -V does not name VERILATOR_ROOT")
endif()
string(STRIP "${CMAKE_MATCH_1}" VERILATOR_ROOT)

file(GLOB_RECURSE AQPIM_RTL CONFIGURE_DEPENDS
  ${PROJECT_SOURCE_DIR}/rtl/*.sv ${PROJECT_SOURCE_DIR}/rtl/*.svh)
list(SORT AQPIM_RTL)
set(AQPIM_RTL_INCLUDES)
foreach(file IN LISTS AQPIM_RTL)
  get_filename_component(folder ${file} DIRECTORY)
  list(APPEND AQPIM_RTL_INCLUDES -I${folder})
endforeach()
list(REMOVE_DUPLICATES AQPIM_RTL_INCLUDES)

# Verilator's run-time library, once for all models, as fast as they are.
add_library(verilator_runtime STATIC EXCLUDE_FROM_ALL
  ${VERILATOR_ROOT}/include/verilated.cpp
  ${VERILATOR_ROOT}/include/verilated_threads.cpp
  ${VERILATOR_ROOT}/include/verilated_fst_c.cpp)
target_include_directories(verilator_runtime SYSTEM PUBLIC
  ${VERILATOR_ROOT}/include ${VERILATOR_ROOT}/include/vltstd)
target_compile_definitions(verilator_runtime PUBLIC VM_TRACE=1 VM_TRACE_FST=1 VM_COVERAGE=0 VM_SC=0)
target_compile_options(verilator_runtime PRIVATE -w -faligned-new)
target_link_libraries(verilator_runtime PUBLIC ZLIB::ZLIB Threads::Threads)

set(AQPIM_VERILATOR_FLAGS
  -O3 -fno-const-bit-op-tree --assert -DPQ_ASSERTIONS --x-assign unique --x-initial unique -Wall
  # The reset in an assertion counts as a synchronous use of an asynchronous signal. `make lint` reads
  # the properties without clock and reset, and leaves the warning on.
  -Wno-SYNCASYNCNET
  -MAKEFLAGS "-s OPT_FAST='${AQPIM_MODEL_OPTIMIZATION}'")

function(aqpim_verilate name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "WAVES" "TOP;SOURCE" "PARAMS;FLAGS")
  set(source ${arg_SOURCE})
  if(NOT source)
    set(source ${AQPIM_RTL})
    list(FILTER source INCLUDE REGEX "/${arg_TOP}\\.sv$")
    if(NOT source)
      message(STATUS "rtl has no ${arg_TOP}.sv: no model ${name}")
      return()
    endif()
  endif()

  string(MAKE_C_IDENTIFIER V${name} prefix)
  add_library(verilated_${name} INTERFACE)
  set(folder ${AQPIM_MODELS_FROM}/verilated/${name})
  target_include_directories(verilated_${name} SYSTEM INTERFACE ${folder})
  target_link_libraries(verilated_${name} INTERFACE ${folder}/${prefix}__ALL.a verilator_runtime)
  if(NOT AQPIM_MODELS_FROM STREQUAL PROJECT_BINARY_DIR)
    return()
  endif()
  list(TRANSFORM arg_PARAMS PREPEND -G)
  if(arg_WAVES)
    list(APPEND arg_FLAGS --trace-fst)
  endif()
  add_custom_command(
    OUTPUT ${folder}/${prefix}__ALL.a ${folder}/${prefix}.h
    # Verilator's make must not see the job server of an outer make.
    COMMAND ${CMAKE_COMMAND} -E env --unset=MAKEFLAGS --unset=MFLAGS OBJCACHE=${CCACHE}
      ${VERILATOR} --cc --build --build-jobs 2 ${AQPIM_VERILATOR_FLAGS} ${arg_FLAGS}
      --prefix ${prefix} --Mdir ${folder} --top-module ${arg_TOP} ${arg_PARAMS}
      ${AQPIM_RTL_INCLUDES} ${source} > ${folder}.log
    # Verilator leaves files alone that would not change.
    COMMAND ${CMAKE_COMMAND} -E touch ${folder}/${prefix}__ALL.a ${folder}/${prefix}.h
    DEPENDS ${AQPIM_RTL} ${source}
    COMMENT "Verilating ${name}"
    VERBATIM)
  add_custom_target(verilate_${name} DEPENDS ${folder}/${prefix}__ALL.a ${folder}/${prefix}.h)
  add_dependencies(verilate_${name} configurations_checked)
  add_dependencies(verilated_${name} verilate_${name})
endfunction()
