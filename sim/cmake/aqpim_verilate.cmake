# SPDX-License-Identifier: Apache-2.0
# aqpim_verilate(<name> TOP <module> [PARAMS Key=Value ...] [SOURCE <file>] [OPTIMIZATION <flag>] [CXX_FLAGS ...] [WAVES])
#
# WAVES: it can be traced, which takes half as long again to compile, or twice as long.
# Verilates rtl/**/<module>.sv (or SOURCE) with these parameters; class and header are V<name>, blanks of the
# language ('-', '.') in the name replaced by '_'. Defines the target verilated_<name>, to be linked against.
# Modules are found by their file's name, after the package.

set(VERILATOR verilator CACHE STRING "Command of Verilator: a name, or a path from the root of the repository")
separate_arguments(AQPIM_VERILATOR UNIX_COMMAND "${VERILATOR}")
list(POP_FRONT AQPIM_VERILATOR program)
if(program MATCHES "/")
  get_filename_component(program "${program}" ABSOLUTE BASE_DIR ${PROJECT_SOURCE_DIR})
endif()
list(PREPEND AQPIM_VERILATOR "${program}")
execute_process(COMMAND ${AQPIM_VERILATOR} --getenv VERILATOR_ROOT
  OUTPUT_VARIABLE VERILATOR_ROOT RESULT_VARIABLE status ERROR_VARIABLE error OUTPUT_STRIP_TRAILING_WHITESPACE)
if(NOT status EQUAL 0 OR NOT EXISTS "${VERILATOR_ROOT}/include/verilated.h")
  message(FATAL_ERROR "VERILATOR=${VERILATOR}: this command does not say where its verilated.h is: ${status} ${error}")
endif()
# Changes if Verilator does; all models depend on it.
execute_process(COMMAND ${AQPIM_VERILATOR} -V OUTPUT_VARIABLE text)
file(SHA256 ${VERILATOR_ROOT}/include/verilated.h digest)
set(AQPIM_VERILATOR_VERSION ${PROJECT_BINARY_DIR}/generated/verilator.txt)
file(GENERATE OUTPUT ${AQPIM_VERILATOR_VERSION} CONTENT "${digest}\n${text}")

file(GLOB_RECURSE AQPIM_RTL CONFIGURE_DEPENDS
  ${PROJECT_SOURCE_DIR}/rtl/*.sv ${PROJECT_SOURCE_DIR}/rtl/*.svh)
list(SORT AQPIM_RTL)
set(AQPIM_RTL_PACKAGE ${PROJECT_SOURCE_DIR}/rtl/common/pq_pkg.sv)
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
# Newer versions have another writer of FST, and do not bring LZ4 along.
if(EXISTS ${VERILATOR_ROOT}/include/fstcpp)
  find_library(LZ4 lz4 REQUIRED)
  target_link_libraries(verilator_runtime PUBLIC ${LZ4})
endif()

set(AQPIM_VERILATOR_FLAGS
  -O3 -fno-const-bit-op-tree --assert -DPQ_ASSERTIONS --x-assign unique --x-initial unique -Wall
  # The reset in an assertion counts as a synchronous use of an asynchronous signal. `make lint` reads
  # the properties without clock and reset, and leaves the warning on.
  -Wno-SYNCASYNCNET)

# All models are verilated, none is compiled.
add_custom_target(models_verilated)

function(aqpim_verilate name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "WAVES" "TOP;SOURCE;OPTIMIZATION" "PARAMS;CXX_FLAGS")
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
  set(waves)
  if(arg_WAVES)
    set(waves --trace-fst)
  endif()
  if(NOT arg_OPTIMIZATION)
    set(arg_OPTIMIZATION ${AQPIM_MODEL_OPTIMIZATION})
  endif()
  list(JOIN arg_CXX_FLAGS " " cxx_flags)
  # Sources that include the header wait for the first step only.
  add_custom_command(
    OUTPUT ${folder}/${prefix}.h
    # Nothing of another version of Verilator or of the RTL.
    COMMAND ${CMAKE_COMMAND} -E rm -rf ${folder}
    COMMAND ${AQPIM_VERILATOR} --cc ${AQPIM_VERILATOR_FLAGS} ${waves}
      --prefix ${prefix} --Mdir ${folder} --top-module ${arg_TOP} ${arg_PARAMS}
      ${AQPIM_RTL_INCLUDES} ${AQPIM_RTL_PACKAGE} ${source} > ${folder}.log
    DEPENDS ${AQPIM_RTL} ${source} ${AQPIM_VERILATOR_VERSION}
    COMMENT "Verilating ${name}"
    VERBATIM)
  add_custom_command(
    OUTPUT ${folder}/${prefix}__ALL.a
    # It must not see the job server of an outer make.
    COMMAND ${CMAKE_COMMAND} -E env --unset=MAKEFLAGS --unset=MFLAGS
      make -s -j 2 -C ${folder} -f ${PROJECT_SOURCE_DIR}/sim/verilated.mk PREFIX=${prefix} ROOT=${VERILATOR_ROOT}
      CXX=${CMAKE_CXX_COMPILER} OBJCACHE=${CCACHE} OPTIMIZATION=${arg_OPTIMIZATION} CXX_FLAGS=${cxx_flags} ${prefix}__ALL.a
    DEPENDS ${folder}/${prefix}.h ${PROJECT_SOURCE_DIR}/sim/verilated.mk
    COMMENT "Compiling the model ${name}"
    VERBATIM)
  add_custom_target(verilate_${name} DEPENDS ${folder}/${prefix}.h)
  add_custom_target(compile_${name} DEPENDS ${folder}/${prefix}__ALL.a)
  add_dependencies(verilated_${name} verilate_${name})
  add_dependencies(models_verilated verilate_${name})
endfunction()
